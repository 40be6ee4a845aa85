using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage;

/// <summary>The room's counters, under the meter <c>KafkaOracleOrleans.Storage</c>.</summary>
public static class StorageMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "KafkaOracleOrleans.Storage";

    private static readonly Meter Meter = new(MeterName);
    private static readonly ConcurrentDictionary<Database, byte> Watched = new();

    internal static ObservableGauge<int> CircuitStates { get; } = Meter.CreateObservableGauge(
        "kor.db.circuit", Circuits, "{state}", "A connection's circuit breaker: 0 closed, 1 half-open, 2 open.");

    internal static void Watch(Database database) => Watched.TryAdd(database, 0);

    internal static void Unwatch(Database database) => Watched.TryRemove(database, out _);

    private static IEnumerable<Measurement<int>> Circuits() => Watched.Keys.Select(d => new Measurement<int>(
        d.Circuit.State switch { "closed" => 0, "half-open" => 1, _ => 2 },
        new KeyValuePair<string, object?>("connection", d.Name)));

    internal static Counter<long> Conflicts { get; } =
        Meter.CreateCounter<long>("kor.db.conflicts", "{transaction}",
            "Transactions repeated after a deadlock or lock conflict.");

    internal static Counter<long> UnknownCommits { get; } =
        Meter.CreateCounter<long>("kor.db.commits.unknown", "{transaction}",
            "COMMITs without an answer, resolved by the progress row.");

    internal static Counter<long> FailedCloses { get; } =
        Meter.CreateCounter<long>("kor.db.closes.failed", "{connection}",
            "Connections whose driver failed at giving them back, after their outcome was known.");

    internal static Counter<long> SinkRows { get; } =
        Meter.CreateCounter<long>("kor.sink.rows", "{row}", "Rows inserted, updated or deleted by sinks, as the database counts them.");

    internal static Counter<long> SinkAlready { get; } =
        Meter.CreateCounter<long>("kor.sink.already", "{row}",
            "Rows the database left alone: appended ones that were there already, updates below the stored revision, deletions of nothing.");

    internal static Counter<long> SinkDiffering { get; } =
        Meter.CreateCounter<long>("kor.sink.differing", "{row}",
            "Those of the appended rows left alone under whose declared key the table holds other values: two rows of one key, or two pipelines whose keys do not tell their rows apart.");

    internal static Counter<long> SinkQuarantined { get; } =
        Meter.CreateCounter<long>("kor.sink.quarantined", "{row}", "Rows a sink refused for ever.");

    internal static Counter<long> QuarantineExpired { get; } =
        Meter.CreateCounter<long>("kor.quarantine.expired", "{record}", "Quarantined records dropped because of keepFor.");

    internal static Counter<long> QuarantineDropped { get; } =
        Meter.CreateCounter<long>("kor.quarantine.dropped", "{record}", "Refused records that were not kept, because Kor:Quarantine:MaxRecords lie there, or MaxPerMinute came in a minute, and WhenFull is Drop.");

    internal static Counter<long> SinkReduced { get; } =
        Meter.CreateCounter<long>("kor.sink.reduced", "{row}",
            "Rows superseded by a newer row of the same key in the same write.");

    internal static Histogram<double> OperationSeconds { get; } =
        Meter.CreateHistogram<double>("db.client.operation.duration", "s",
            "As OpenTelemetry's conventions have it: time of a query or transaction.");

    internal static Histogram<double> CheckpointSeconds { get; } =
        Meter.CreateHistogram<double>("kor.state.checkpoint.duration", "s", "Time of a checkpoint's transaction.");

    internal static Counter<long> CellsWritten { get; } =
        Meter.CreateCounter<long>("kor.state.cells.written", "{cell}", "Cells written by checkpoints.");
}
