using System.Diagnostics.Metrics;

namespace KafkaOracleOrleans.Storage;

/// <summary>The room's counters, under the meter <c>KafkaOracleOrleans.Storage</c>.</summary>
public static class StorageMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "KafkaOracleOrleans.Storage";

    private static readonly Meter Meter = new(MeterName);

    internal static Counter<long> Conflicts { get; } =
        Meter.CreateCounter<long>("kor.db.conflicts", "{transaction}",
            "Transactions repeated after a deadlock or lock conflict.");

    internal static Counter<long> UnknownCommits { get; } =
        Meter.CreateCounter<long>("kor.db.commits.unknown", "{transaction}",
            "COMMITs without an answer, resolved by the progress row.");

    internal static Counter<long> SinkRows { get; } =
        Meter.CreateCounter<long>("kor.sink.rows", "{row}", "Rows committed to sinks.");

    internal static Counter<long> SinkQuarantined { get; } =
        Meter.CreateCounter<long>("kor.sink.quarantined", "{row}", "Rows a sink refused for ever.");

    internal static Counter<long> SinkReduced { get; } =
        Meter.CreateCounter<long>("kor.sink.reduced", "{row}",
            "Rows superseded by a newer row of the same key in the same write.");

    internal static Histogram<double> CheckpointSeconds { get; } =
        Meter.CreateHistogram<double>("kor.state.checkpoint.duration", "s", "Time of a checkpoint's transaction.");

    internal static Counter<long> CellsWritten { get; } =
        Meter.CreateCounter<long>("kor.state.cells.written", "{cell}", "Cells written by checkpoints.");
}
