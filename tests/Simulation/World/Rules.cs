namespace KafkaOracleOrleans.Simulation.World;

/// <summary>
/// Rules of the protocol that a run breaks on purpose, to see that a run can fail. All of them are in the simulation's ports and in its stand-in for the
/// partition; none is in the product.
/// </summary>
internal enum Planted
{
    /// <summary>Nothing is broken.</summary>
    None,

    /// <summary>The store does not check the epoch of a write.</summary>
    NoEpochInTheWrite,

    /// <summary>A decision is told before it is durable.</summary>
    ToldBeforeDurable,

    /// <summary>A checkpoint does not wait for the sinks.</summary>
    CheckpointWithoutSinks,

    /// <summary>A gap is taken for what comes next.</summary>
    GapIgnored,

    /// <summary>A redelivery is worked off again, as if it came next.</summary>
    RedeliveryWorkedOff,

    /// <summary>The lane's progress is committed in a transaction of its own, before the rows.</summary>
    ProgressInAnotherTransaction,

    /// <summary>A partition says that it is owned before its beginning is over, and nobody starts its loop.</summary>
    FlagBeforeTheLoop,

    /// <summary>News is missed between the look at a condition and the wait for it.</summary>
    LostLatch,

    /// <summary>A partition's watermark is mixed with another's.</summary>
    WatermarksMixed,

    /// <summary>Rows are confirmed before they are committed.</summary>
    ConfirmedBeforeCommitted,

    /// <summary>A new owner goes by the epoch of the one before.</summary>
    EpochNotRaised,

    /// <summary>A checkpoint's header and its cells are written in two transactions.</summary>
    CheckpointInTwoTransactions,

    /// <summary>A checkpoint writes what the partition has come to when its gate opens, instead of what it was when it began.</summary>
    LateSnapshot,

    /// <summary>A commit whose outcome is unknown is taken for done.</summary>
    UnknownTakenForDone,

    /// <summary>The commit of a sink does not check the lane's epoch.</summary>
    LaneNotFenced,

    /// <summary>A call that failed is not repeated.</summary>
    LostCallNotRepeated,
}
