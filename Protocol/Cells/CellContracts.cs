using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>What a cell answers its owner.</summary>
internal enum CellAnswer
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>The caller's epoch is over: somebody else owns the cell now.</summary>
    Fenced,

    /// <summary>
    /// The cell does not hold what the call builds on: its silo died, or it was collected. The owner hands the state over again if all
    /// of it is durable, and starts over from its checkpoint if not.
    /// </summary>
    Lost,
}

/// <summary>
/// What every call of an owner to a cell carries. Numbers ascend by one within an epoch; number 1 always comes with the durable
/// state in <paramref name="Restore"/> (empty when there is none). <paramref name="Version"/> is the owner's version of the pipeline, by which
/// a cell that is restored goes.
/// </summary>
internal readonly record struct CellCall(long Epoch, long Number, IReadOnlyList<StoredCell>? Restore, int Version);

/// <summary>A stored part of a cell on its way to the cell.</summary>
internal sealed record StoredCell(long Part, byte[] Payload)
{
    public static StoredCell From(CellState state) => new(state.Id.Part, state.Payload);
}

/// <summary>A changed part of a cell; a null payload deletes it.</summary>
internal sealed record ChangedPart(long Part, byte[]? Payload, long? DueAt);

/// <summary>What an owner's cells in memory take, and may take. Disposing gives the share back.</summary>
internal interface ICellAccount : IDisposable
{
    /// <summary>What they take, bytes, about.</summary>
    long Bytes { get; }

    /// <summary>What they may take, bytes.</summary>
    /// <param name="grouped">They hold many keys each.</param>
    long Allowance(bool grouped);

    /// <summary>They take so much more.</summary>
    void Add(long bytes);
}
