namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A column as the database describes it.</summary>
/// <param name="Name">The name as the database keeps it.</param>
/// <param name="Type">The type's name in the database's words, without length, in lower case.</param>
/// <param name="Length">The most characters or bytes a text or binary value may have; null when unbounded.</param>
/// <param name="LengthInBytes">True when <paramref name="Length"/> counts bytes.</param>
/// <param name="Precision">Total digits of a number; null when unbounded.</param>
/// <param name="Scale">Digits after the point of a number; null when unbounded.</param>
/// <param name="Nullable">NULL is allowed.</param>
/// <param name="HasDefault">The database fills it when it is not given.</param>
internal sealed record ColumnInfo(
    string Name, string Type, int? Length, bool LengthInBytes, int? Precision, int? Scale, bool Nullable,
        bool HasDefault)
{
    /// <summary>The most bytes of a column whose <see cref="Length"/> counts characters; null when that is no limit.</summary>
    public int? MaxBytes { get; init; }
}

/// <summary>A table as the database describes it.</summary>
/// <param name="Columns">The columns in order.</param>
/// <param name="UniqueKeys">The column sets of primary key, unique constraints and full unique indexes.</param>
internal sealed record TableInfo(IReadOnlyList<ColumnInfo> Columns, IReadOnlyList<IReadOnlySet<string>> UniqueKeys)
{
    public ColumnInfo? Find(string name) =>
        Columns.FirstOrDefault(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
