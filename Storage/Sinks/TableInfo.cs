namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A unique constraint that is DEFERRABLE.</summary>
/// <param name="Name">The constraint.</param>
/// <param name="IsPrimary">True for the primary key.</param>
/// <param name="Columns">Its columns, as the database keeps their names.</param>
internal sealed record DeferrableKey(string Name, bool IsPrimary, IReadOnlySet<string> Columns);

/// <summary>A primary key, unique constraint or full unique index.</summary>
/// <param name="Name">The constraint or index; empty where it has no name to drop it by.</param>
/// <param name="IsConstraint">False for an index without a constraint.</param>
/// <param name="Columns">Its columns, as the database keeps their names.</param>
internal sealed record TableKey(string Name, bool IsConstraint, IReadOnlySet<string> Columns);

/// <summary>A column as the database describes it.</summary>
/// <param name="Name">The name as the database keeps it.</param>
/// <param name="Type">The type's name in the database's words, without length, in lower case.</param>
/// <param name="Length">The most characters or bytes a text or binary value may have; null when unbounded.</param>
/// <param name="LengthInBytes">True when <paramref name="Length"/> counts bytes.</param>
/// <param name="Precision">Total digits of a number; null when unbounded.</param>
/// <param name="Scale">Digits after the point of a number, or after the second of a time; null when unbounded.</param>
/// <param name="Nullable">NULL is allowed.</param>
/// <param name="HasDefault">The database fills it when it is not given.</param>
internal sealed record ColumnInfo(
    string Name, string Type, int? Length, bool LengthInBytes, int? Precision, int? Scale, bool Nullable,
        bool HasDefault)
{
    /// <summary>The most bytes of a column whose <see cref="Length"/> counts characters; null when that is no limit.</summary>
    public int? MaxBytes { get; init; }

    /// <summary>The least and the largest integer of a binary integer column; null for other types.</summary>
    public (long Least, long Most)? Range { get; init; }

    /// <summary>The type as SQL names it, without length or digits, e.g. <c>public.mood</c>; null where it is not told.</summary>
    public string? TypeText { get; init; }

    /// <summary>What values of the type are made from; plain for types that take bound values as they are.</summary>
    public ColumnShape Shape { get; init; }

    /// <summary>Whether the database makes the values itself.</summary>
    public ColumnGeneration Generation { get; init; }
}

/// <summary>What values of a column's type are made from.</summary>
internal enum ColumnShape
{
    /// <summary>Bound values are taken as they are.</summary>
    Plain,

    /// <summary>Texts are converted to the type in the statement: uuid, enum types, network addresses.</summary>
    FromText,

    /// <summary>A one-dimensional array.</summary>
    Array,
}

/// <summary>Whether a database makes a column's values itself and takes no others.</summary>
internal enum ColumnGeneration
{
    /// <summary>It takes values.</summary>
    None,

    /// <summary>An identity that refuses values (GENERATED ALWAYS AS IDENTITY).</summary>
    Identity,

    /// <summary>Computed from other columns.</summary>
    Expression,
}

/// <summary>What a relation is, where that matters for writing.</summary>
internal enum RelationKind
{
    /// <summary>A table, partitioned or not.</summary>
    Table,

    /// <summary>A view.</summary>
    View,

    /// <summary>Something rows cannot be upserted into: a materialized view, a foreign table.</summary>
    Other,
}

/// <summary>A table as the database describes it.</summary>
/// <param name="Columns">The columns in order.</param>
/// <param name="UniqueKeys">The primary key, unique constraints and full unique indexes.</param>
internal sealed record TableInfo(IReadOnlyList<ColumnInfo> Columns, IReadOnlyList<TableKey> UniqueKeys)
{
    /// <summary>What it is.</summary>
    public RelationKind Kind { get; init; }

    /// <summary>Unique constraints that are checked late: a statement that meets a key again cannot use them.</summary>
    public IReadOnlyList<DeferrableKey> Deferrable { get; init; } = [];

    /// <summary>The table behind the synonym it was asked for by; null when it was asked for by its own name.</summary>
    public TableName? Behind { get; init; }

    public ColumnInfo? Find(string name) =>
        Columns.FirstOrDefault(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
