namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>
/// A cell's durable identity under its owner. <paramref name="Cell"/> has at most 200 characters; <paramref name="Part"/> lets a
/// cell spread its state over rows, so that only the changed parts are written (0 when it does not).
/// </summary>
public readonly record struct CellId(string Step, string Cell, long Part);

/// <summary>A cell's state as stored. <paramref name="DueAt"/> is the event time (ms) at which it next has something to do, if any.</summary>
public sealed record CellState(CellId Id, byte[] Payload, long? DueAt);

/// <summary>A row of the outbox: a block of closed-window rows on its way to a sink.</summary>
/// <param name="Sequence">Ascending within the owner; never used twice.</param>
/// <param name="Sink">The sink's id in the pipeline.</param>
/// <param name="Payload">The rows, in the block format.</param>
public sealed record OutboxEntry(long Sequence, string Sink, byte[] Payload);

/// <summary>What an owner finds when its reign begins.</summary>
/// <param name="Epoch">The number of the new reign; higher than any before.</param>
/// <param name="Header">The owner's own checkpointed state (positions, watermarks, counters), or null at the first start.</param>
public sealed record OwnerLease(string Owner, long Epoch, byte[]? Header);

/// <summary>One checkpoint: everything in it becomes durable in one transaction, or nothing does.</summary>
public sealed class CheckpointWrite
{
    /// <summary>The owner, e.g. <c>orders/partition/orders/3</c> or <c>orders/shard/revenue_5m/7</c>; at most 400 characters.</summary>
    public required string Owner { get; init; }

    /// <summary>The epoch under which the owner acts.</summary>
    public required long Epoch { get; init; }

    /// <summary>The owner's state.</summary>
    public required byte[] Header { get; init; }

    /// <summary>Cells to write (insert or replace).</summary>
    public IReadOnlyList<CellState> Upserts { get; init; } = [];

    /// <summary>Cells to delete; absent ones are no error.</summary>
    public IReadOnlyList<CellId> Deletes { get; init; } = [];

    /// <summary>Outbox entries to add.</summary>
    public IReadOnlyList<OutboxEntry> OutboxAdds { get; init; } = [];

    /// <summary>Outbox entries with these sequences are confirmed by their sink and dropped.</summary>
    public IReadOnlyList<long> OutboxDrops { get; init; } = [];
}

/// <summary>The store holds a higher epoch for the owner: somebody else reigns, and the caller must stop.</summary>
public sealed class EpochFencedException(string owner, long epoch)
    : Exception($"Owner '{owner}' is no longer reigned by epoch {epoch}: a newer owner has taken over.")
{
    /// <summary>The owner.</summary>
    public string Owner { get; } = owner;

    /// <summary>The epoch that was refused.</summary>
    public long Epoch { get; } = epoch;
}

/// <summary>The store cannot be reached or refused for a reason that time may heal. The outcome of a write is unknown.</summary>
public sealed class StoreUnavailableException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Durable state of partitions and shards. Every call may throw <see cref="StoreUnavailableException"/>; after a failed
/// <see cref="CommitAsync"/> the caller repeats the very same write (it is idempotent within an epoch) or starts over from
/// <see cref="AcquireAsync"/>.
/// </summary>
public interface IStateStore
{
    /// <summary>Raises the owner's epoch by compare-and-set, durably, and returns its checkpoint.</summary>
    Task<OwnerLease> AcquireAsync(string owner, CancellationToken cancellation);

    /// <summary>Reads cells; those that do not exist are missing from the result. With a part of -1, all parts of the cell.</summary>
    Task<IReadOnlyList<CellState>> ReadCellsAsync(
        string owner, IReadOnlyCollection<CellId> cells, CancellationToken cancellation);

    /// <summary>All cell ids of an owner with their due times, without payloads.</summary>
    Task<IReadOnlyList<(CellId Id, long? DueAt)>> ListCellsAsync(string owner, CancellationToken cancellation);

    /// <summary>
    /// Hands over all cell ids of an owner with their due times, one by one: there may be millions. When the store has to begin again, those handed over before
    /// come again.
    /// </summary>
    Task ListCellsAsync(string owner, Action<CellId, long?> take, CancellationToken cancellation);

    /// <summary>The outbox of an owner in sequence order.</summary>
    Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(string owner, CancellationToken cancellation);

    /// <summary>Commits a checkpoint. Throws <see cref="EpochFencedException"/> when the epoch is not the current one.</summary>
    Task CommitAsync(CheckpointWrite checkpoint, CancellationToken cancellation);

    /// <summary>Header and epoch without taking over: for queries and start positions. Null when the owner never existed.</summary>
    Task<OwnerLease?> PeekAsync(string owner, CancellationToken cancellation);

    /// <summary>
    /// Deletes header, cells and outbox of every owner whose name starts with a prefix (<c>kor reset</c>), keeping and raising epochs,
    /// so that whoever still acts is fenced. One owner after the other, each in a transaction: a reset that breaks off has to be asked for again.
    /// </summary>
    Task ResetAsync(string ownerPrefix, CancellationToken cancellation);
}
