using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>What a lookup step asks: rows of a table by equality on key columns.</summary>
/// <param name="Connection">The connection's name in the host's configuration.</param>
/// <param name="Table">The table, as written in the pipeline.</param>
/// <param name="KeyColumns">The table's key columns, in the order of the key fields.</param>
/// <param name="ValueColumns">The table's columns to return, in order.</param>
/// <param name="ValueTypes">The types the values are returned as.</param>
public sealed record LookupSpec(
    string Connection,
    string Table,
    IReadOnlyList<string> KeyColumns,
    IReadOnlyList<string> ValueColumns,
    IReadOnlyList<FieldType> ValueTypes)
{
    /// <summary>The most rows a key may have where several are wanted.</summary>
    public const int MaxRowsPerKey = 1000;

    /// <summary>The step wants all rows of a key and chooses itself; else several are a fault.</summary>
    public bool Several { get; init; }
}

/// <summary>Why a key has no answer: the records that have it are refused, and no others.</summary>
/// <param name="Key">The key's row among those asked for, or the row of a table that was read whole.</param>
/// <param name="Code">KOR4051 several rows, KOR4052 a value that does not fit, KOR4053 a key the database does not take.</param>
/// <param name="Reason">What was found and what to do, as a sentence.</param>
public sealed record LookupFault(int Key, string Code, string Reason)
{
    /// <summary>Several rows for one key.</summary>
    public static LookupFault Several(int key, string table, IReadOnlyList<string> columns) => new(
        key, "KOR4051",
        $"The table {table} has several rows for the record's key; which one counts would be chance. "
        + $"Make ({string.Join(", ", columns)}) unique, look up in a view that is, or say onMultiple: first or all; then replay.");

    /// <summary>More rows for one key than anybody wants.</summary>
    public static LookupFault TooMany(int key, string table) => new(
        key, "KOR4051",
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The table {table} has more than {LookupSpec.MaxRowsPerKey} rows for the record's key, the most that are read. ")
        + "Look up by more columns, or in a view that leaves out what is not needed, then replay.");
}

/// <summary>The answer to a batch of keys: row i of <see cref="Values"/> belongs to key i when <see cref="Found"/>[i].</summary>
public sealed record LookupResult(RowBlock Values, bool[] Found)
{
    /// <summary>Where <see cref="LookupSpec.Several"/>: per key its rows in <see cref="Values"/>, in any order; empty when there are none. Null: row i is key i's.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Rows { get; init; }

    /// <summary>Keys without an answer; <see cref="Found"/> is false for them.</summary>
    public IReadOnlyList<LookupFault> Faults { get; init; } = [];
}

/// <summary>A whole table: keys first, then values. Keys may be there several times.</summary>
public sealed record LookupTableRows(RowBlock Rows)
{
    /// <summary>Rows whose values cannot be read as their types; their keys can.</summary>
    public IReadOnlyList<LookupFault> Faults { get; init; } = [];

    /// <summary>
    /// True when the database holds keys equal that are written differently (uuid, citext): a key that is not among the rows is asked for before it counts as
    /// missing.
    /// </summary>
    public bool AskForOthers { get; init; }
}

/// <summary>
/// Reads reference rows, batched and without a cache (the step has that). Unavailability throws, it is never a miss; a key or a row
/// that cannot be is a fault of its own and never stops the others.
/// </summary>
public interface ILookupSource
{
    /// <summary>Looks up distinct keys. Throws <see cref="StoreUnavailableException"/> or <see cref="SinkConfigurationException"/>.</summary>
    Task<LookupResult> LookupAsync(LookupSpec spec, RowBlock keys, CancellationToken cancellation);

    /// <summary>Reads the whole table (preload), keys first, then values; stops with an error above <paramref name="maxRows"/>.</summary>
    Task<LookupTableRows> ReadAllAsync(LookupSpec spec, IReadOnlyList<FieldType> keyTypes, int maxRows, CancellationToken cancellation);
}
