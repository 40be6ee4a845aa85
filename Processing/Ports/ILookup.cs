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
    IReadOnlyList<FieldType> ValueTypes);

/// <summary>The answer to a batch of keys: row i of <see cref="Values"/> belongs to key i when <see cref="Found"/>[i].</summary>
public sealed record LookupResult(RowBlock Values, bool[] Found);

/// <summary>Reads reference rows, batched and without a cache (the step has that). Unavailability throws, it is never a miss.</summary>
public interface ILookupSource
{
    /// <summary>Looks up distinct keys. Throws <see cref="StoreUnavailableException"/> or <see cref="SinkConfigurationException"/>.</summary>
    Task<LookupResult> LookupAsync(LookupSpec spec, RowBlock keys, CancellationToken cancellation);

    /// <summary>Reads the whole table (preload), keys first, then values; stops with an error above <paramref name="maxRows"/>.</summary>
    Task<RowBlock> ReadAllAsync(LookupSpec spec, IReadOnlyList<FieldType> keyTypes, int maxRows, CancellationToken cancellation);
}
