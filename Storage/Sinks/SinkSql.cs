namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>
/// The texts around a sink's rows: its lanes and its quarantine; binds are in the order in which they appear.
/// </summary>
internal sealed record SinkSql
{
    /// <summary>Lane: raises the lane's epoch, and makes the lane where <see cref="AddLane"/> is null.</summary>
    public required string RaiseLane { get; init; }

    /// <summary>Lane: makes a lane that was not there to be raised; null where raising makes it.</summary>
    public string? AddLane { get; init; }

    /// <summary>
    /// Lane: <see cref="LaneColumns"/>. Null when <see cref="RaiseLane"/> returns them itself.
    /// </summary>
    public required string? ReadRaised { get; init; }

    /// <summary>Lane: <see cref="LaneColumns"/>.</summary>
    public required string ReadLane { get; init; }

    /// <summary>Progress, lane, epoch, writes: changes one row, or none when the lane is not as expected.</summary>
    public required string AdvanceLane { get; init; }

    /// <summary>Written, already, added to quarantine, lane: adds to the lane's counts.</summary>
    public required string CountRows { get; init; }

    /// <summary>Rows of <see cref="QuarantineColumns"/>; those that exist are left alone.</summary>
    public required string AddQuarantine { get; init; }

    /// <summary>What is read of a lane.</summary>
    public const string LaneColumns = "epoch, writes, progress, quarantined, written, already";

    /// <summary>The columns of kor_quarantine in the order of binds and reads.</summary>
    public static string[] QuarantineColumns { get; } =
    [
        "id", "pipeline", "pipeline_version", "place", "code", "reason", "topic", "topic_partition", "topic_offset",
        "record_time", "added_at", "headers", "record_key", "record_value",
    ];
}
