namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>A record's part in a window.</summary>
/// <param name="Key">The group key's canonical bytes.</param>
/// <param name="Start">Start of the window, ms; 0 for sessions and totals.</param>
/// <param name="End">End of the window, ms; 0 for sessions and totals.</param>
/// <param name="Time">Event time, ms.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="Source">The number of its partition.</param>
/// <param name="IsAhead">The record lies beyond what the pipeline had made durable: it may count or not.</param>
/// <param name="Values">The aggregates' inputs.</param>
public sealed record WindowEntry(byte[] Key, long Start, long End, long Time, long Offset, int Source, bool IsAhead, byte[] Values)
{
    /// <summary>Why it is not known whether the record counts; null: it does.</summary>
    public string? Doubt { get; init; }
}

/// <summary>A row a record gives a sink.</summary>
/// <param name="Key">The values of the key columns.</param>
/// <param name="Source">The number of its partition.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="Place">Its place among the sink's rows of the partition.</param>
/// <param name="IsAhead">As in <see cref="WindowEntry"/>.</param>
/// <param name="Deletes">The row of its key is deleted.</param>
/// <param name="Values">All columns.</param>
public sealed record RowEntry(byte[] Key, int Source, long Offset, long Place, bool IsAhead, bool Deletes, byte[] Values)
{
    /// <summary>As in <see cref="WindowEntry"/>.</summary>
    public string? Doubt { get; init; }
}

/// <summary>What a table must hold under a key.</summary>
/// <param name="Key">The values of the key columns, without the revision of window rows.</param>
/// <param name="Values">All columns; null: no row.</param>
public sealed record ExpectedRow(byte[] Key, byte[]? Values)
{
    /// <summary>Why nothing can be said of it; null: it must be so.</summary>
    public string? Doubt { get; init; }

    /// <summary>It is not due yet, or may be changing just now.</summary>
    public bool IsOpen { get; init; }
}

/// <summary>A row of a table.</summary>
/// <param name="Key">As in <see cref="ExpectedRow"/>.</param>
/// <param name="Values">All columns.</param>
/// <param name="Revision">The revision of a window row; 0 for others.</param>
public sealed record FoundRow(byte[] Key, byte[] Values, long Revision);

/// <summary>What there is of a key on either side.</summary>
public sealed record KeyedPair(ExpectedRow? Expected, IReadOnlyList<FoundRow> Found);

/// <summary>How a partition was left when its scan was interrupted.</summary>
/// <param name="Source">The number of the partition.</param>
/// <param name="Position">The next offset to read.</param>
/// <param name="State">The scan's state.</param>
public sealed record ScanState(int Source, long Position, byte[] State);

/// <summary>
/// Where a proof keeps what does not fit into memory. Entries come in any order and are handed out sorted. Not thread-safe. Throws
/// <see cref="ProofRefusedException"/> when it has no room.
/// </summary>
public interface IProofFile
{
    /// <summary>Adds a record's part in a window of a step.</summary>
    void Add(string step, WindowEntry entry);

    /// <summary>Adds a row for a sink.</summary>
    void Add(string sink, RowEntry entry);

    /// <summary>Notes that it is not known whether a record gets past a step.</summary>
    void Doubt(int source, long offset, string reason);

    /// <summary>Notes an id that is looked for across partitions.</summary>
    void AddId(string step, UInt128 id, int source, long offset);

    /// <summary>Puts the records of all ids in doubt that came more than once.</summary>
    void DoubtSharedIds(string reason);

    /// <summary>Takes claims out of memory.</summary>
    void KeepClaims(string step, int source, IEnumerable<IdClaim> claims);

    /// <summary>The claims of an id that were taken out of memory.</summary>
    IReadOnlyList<IdClaim> FindClaims(string step, int source, UInt128 id, ulong route);

    /// <summary>The parts of a step's windows by key, start, time, offset and partition.</summary>
    IEnumerable<WindowEntry> Windows(string step);

    /// <summary>The rows of a sink by key, partition, offset and place.</summary>
    IEnumerable<RowEntry> Rows(string sink);

    /// <summary>Adds what a table must hold.</summary>
    void Expect(string sink, ExpectedRow row);

    /// <summary>Adds what a table holds.</summary>
    void Found(string sink, FoundRow row);

    /// <summary>Both sides by key.</summary>
    IEnumerable<KeyedPair> Pairs(string sink);
}

/// <summary>A proof cannot be made; says why.</summary>
public sealed class ProofRefusedException(string message) : Exception(message);
