namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>How a pipeline is doing, in one word derived from what it should do and from all its parts. Never Running above a failed part.</summary>
public enum PipelineCondition
{
    /// <summary>Asked to run; some part is not there yet.</summary>
    Starting,

    /// <summary>Asked to run, and every part does.</summary>
    Running,

    /// <summary>Runs, but a part failed, waits for something outside, or does not get on.</summary>
    Degraded,

    /// <summary>A part met an error and starts over from its checkpoint by itself.</summary>
    Restarting,

    /// <summary>Asked to pause, and does.</summary>
    Paused,

    /// <summary>Asked to stop; parts are still making durable what they have.</summary>
    Stopping,

    /// <summary>Asked to stop, and has.</summary>
    Stopped,

    /// <summary>Cannot go on without an operator; the reason says what to do.</summary>
    Failed,
}

/// <summary>What the lag means, from how positions and ends moved over the last half minute.</summary>
public enum LagVerdict
{
    /// <summary>Nobody can tell yet.</summary>
    Unknown,

    /// <summary>At the end, or coming nearer to it.</summary>
    Ok,

    /// <summary>Reading, and falling behind.</summary>
    Warn,

    /// <summary>Records are there and the position does not move.</summary>
    Stall,

    /// <summary>Nobody reads.</summary>
    Stop,
}
