using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>
/// Instruments of the engine. Recorded once per batch, call or checkpoint, never per record; labels are names from pipelines and codes from fixed lists, never
/// keys or texts. docs/metrics.md lists them.
/// </summary>
public static class EngineMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "KafkaOracleOrleans";

    /// <summary>The meter with what kafka_exporter would show.</summary>
    public const string CompatMeterName = "KafkaOracleOrleans.KafkaExporter";

    internal const string LagName = "kor.source.lag";
    internal const string LagTimeName = "kor.source.lag.time";

    internal static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Records = Meter.CreateCounter<long>(
        "kafka_oracle.records.processed", "{record}", "Records by what became of them.");

    private static readonly Counter<long> Replays = Meter.CreateCounter<long>(
        "kor.quarantine.replayed", "{record}", "Records played again from quarantine, by what became of them.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "kafka_oracle.batch.duration", "s", "Time from taking a batch up to having handed all of it on.");

    private static readonly Counter<long> Restarts = Meter.CreateCounter<long>(
        "kor.pipeline.restarts", "{restart}", "Parts that started over from their checkpoint, by the kind of error.");

    private static readonly Histogram<double> Latency = Meter.CreateHistogram<double>(
        "kor.pipeline.latency", "s", "Time from the Kafka timestamp of a write's oldest record to its commit in the sink.");

    private static readonly Histogram<double> ProcessDuration = Meter.CreateHistogram<double>(
        "messaging.process.duration", "s", "As OpenTelemetry's conventions have it: time of working a batch off.");

    private static readonly Counter<long> SourceRecords = Meter.CreateCounter<long>("kor.source.records", "{record}", "Records worked off.");
    private static readonly Counter<long> SourceBytes = Meter.CreateCounter<long>("kor.source.bytes", "By", "Bytes worked off.");

    private static readonly Histogram<double> StepDuration = Meter.CreateHistogram<double>(
        "kor.step.duration", "s", "Time a batch waited for a dedup, lookup or window step, or for room at a sink.");

    private static readonly Counter<double> StepTime = Meter.CreateCounter<double>(
        "kor.step.time", "s", "Time partitions spent per step: busy with it, or blocked by it. 'rows' are all row steps together.");

    private static readonly Counter<long> Duplicates = Meter.CreateCounter<long>("kor.dedup.duplicates", "{record}", "Records a dedup step had seen before.");
    private static readonly Counter<long> Conflicts = Meter.CreateCounter<long>(
        "kor.dedup.conflicts", "{record}", "Duplicates whose value differs from that of the record that holds the id.");

    private static readonly Counter<long> TooOld = Meter.CreateCounter<long>(
        "kor.dedup.too_old", "{record}", "Records so far behind the watermark that their ids are not remembered: copies of them pass.");

    private static readonly Counter<long> CutAggregates = Meter.CreateCounter<long>(
        "kor.window.cut", "{aggregate}", "Results of collect that end with a mark because the values of their window have more than 1 MiB.");

    private static readonly Counter<long> PartlyLateRecords = Meter.CreateCounter<long>(
        "kor.window.partly_late", "{record}", "Records that came too late for some of their hopping windows and count in the others.");

    private static readonly Counter<long> CellByViolations = Meter.CreateCounter<long>(
        "kor.dedup.cell_by_violations", "{record}",
        "Records whose id came with another message key before, found by sampling one id in 16, where the step says cellBy: message_key: copies of such ids pass.");

    private static readonly Histogram<double> LookupDuration = Meter.CreateHistogram<double>(
        "kor.lookup.duration", "s", "Time of a lookup step's request to its database.");

    private static readonly Counter<long> Quarantined = Meter.CreateCounter<long>(
        "kor.quarantine.records", "{record}", "Records the engine refused, by the place and the code.");

    private static readonly Counter<long> Emitted = Meter.CreateCounter<long>("kor.window.emitted", "{window}", "Windows that fired: the first time, or again.");
    private static readonly Histogram<double> SinkDuration = Meter.CreateHistogram<double>("kor.sink.batch.duration", "s", "Time of a write to a sink.");
    private static readonly Histogram<int> SinkSize = Meter.CreateHistogram<int>("kor.sink.batch.size", "{row}", "Rows of a write to a sink.");
    private static readonly Counter<long> SinkErrors = Meter.CreateCounter<long>(
        "kor.sink.errors", "{error}", "Writes to a sink that did not succeed, by the database's code and by whether repeating them may help.");

    private static readonly Histogram<double> CheckpointDuration = Meter.CreateHistogram<double>(
        "kor.checkpoint.duration", "s", "Time from taking a snapshot to its being durable, waits for shards and sinks included.");

    private static readonly Counter<long> CheckpointFailures = Meter.CreateCounter<long>("kor.checkpoint.failures", "{checkpoint}", "Checkpoints given up.");

    static EngineMetrics() => PartMetrics.Create(Meter, new Meter(CompatMeterName));

    /// <summary>
    /// Makes the instruments. Called when a part shows its gauges: a partition that fails before its first batch measures nothing else, and is the one that
    /// has to be seen.
    /// </summary>
    internal static void Begin()
    {
        // Running it at all runs the constructor above.
    }

    /// <summary>The instruments with a series per partition.</summary>
    public static IReadOnlyList<string> PerPartitionInstruments { get; } = [LagName, LagTimeName];

    /// <summary>The pipelines whose grain is on this silo and has judged them.</summary>
    public static IReadOnlyCollection<string> PipelinesHere => PartMetrics.PipelinesHere;

    internal static void Replayed(string pipeline, long passed, long refused)
    {
        var name = new KeyValuePair<string, object?>("pipeline", pipeline);
        Replays.Add(passed, name, new KeyValuePair<string, object?>("outcome", "passed"));
        Replays.Add(refused, name, new KeyValuePair<string, object?>("outcome", "quarantined"));
    }

    internal static void Batch(string pipeline, string topic, in BatchCounts counts, long bytes, TimeSpan duration)
    {
        var name = Pipeline(pipeline);
        var of = new KeyValuePair<string, object?>("topic", topic);
        Duration.Record(duration.TotalSeconds, name);
        ProcessDuration.Record(
            duration.TotalSeconds, new("messaging.system", "kafka"), new("messaging.operation.name", "process"), new("messaging.destination.name", topic));
        SourceRecords.Add(counts.Consumed, name, of);
        SourceBytes.Add(bytes, name, of);
        Add(name, "absorbed", counts.Absorbed);
        Add(name, "duplicate", counts.Duplicate);
        Add(name, "late", counts.Late);
        Add(name, "filtered", counts.Filtered);
        Add(name, "quarantined", counts.Quarantined);
    }

    internal static void Restarted(string pipeline, string reason) =>
        Restarts.Add(1, Pipeline(pipeline), new KeyValuePair<string, object?>("reason", reason));

    internal static void Waited(string pipeline, string step, TimeSpan time, bool blocked)
    {
        StepDuration.Record(time.TotalSeconds, Pipeline(pipeline), Step(step));
        Spent(pipeline, step, time, blocked);
    }

    internal static void Spent(string pipeline, string step, TimeSpan time, bool blocked) => StepTime.Add(
        time.TotalSeconds, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("state", blocked ? "blocked" : "busy"));

    internal static void DuplicatesFound(string pipeline, string step, int count, int conflicts, int tooOld)
    {
        if (count != 0) Duplicates.Add(count, Pipeline(pipeline), Step(step));
        if (conflicts != 0) Conflicts.Add(conflicts, Pipeline(pipeline), Step(step));
        if (tooOld != 0) TooOld.Add(tooOld, Pipeline(pipeline), Step(step));
    }

    internal static void Cut(string pipeline, string step, long aggregates) => CutAggregates.Add(aggregates, Pipeline(pipeline), Step(step));

    internal static void PartlyLate(string pipeline, string step, int count) => PartlyLateRecords.Add(count, Pipeline(pipeline), Step(step));

    internal static void KeysDiffered(string pipeline, string step, int records) =>
        CellByViolations.Add(records, Pipeline(pipeline), Step(step));

    internal static void LookedUp(string pipeline, string step, TimeSpan duration, bool failed)
    {
        if (failed) StepMetrics.LookedUp(pipeline, step, "error", 1);
        LookupDuration.Record(duration.TotalSeconds, Pipeline(pipeline), Step(step));
    }

    internal static void Refused(string pipeline, IReadOnlyList<QuarantineRecord> records)
    {
        foreach (var group in records.GroupBy(r => (r.Place, r.Code, r.Topic)))
        {
            var count = group.Count();
            Quarantined.Add(count, Pipeline(pipeline), Step(group.Key.Place), new KeyValuePair<string, object?>("reason", group.Key.Code));
            StepMetrics.Refused(pipeline, group.Key.Place, group.Key.Code, group.Key.Topic, count);
        }
    }

    internal static void WindowsFired(string pipeline, string step, long final, long updates)
    {
        StepMetrics.Stepped(pipeline, step, "out", final + updates);
        if (final != 0) Emitted.Add(final, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("kind", "final"));
        if (updates != 0) Emitted.Add(updates, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("kind", "update"));
    }

    internal static void SinkWritten(string pipeline, string sink, int rows, TimeSpan duration)
    {
        SinkDuration.Record(duration.TotalSeconds, Pipeline(pipeline), Sink(sink));
        SinkSize.Record(rows, Pipeline(pipeline), Sink(sink));
    }

    internal static void SinkFailed(string pipeline, string sink, string code, bool retryable) => SinkErrors.Add(
        1, Pipeline(pipeline), Sink(sink), new KeyValuePair<string, object?>("code", StepMetrics.Bounded(code)),
        new KeyValuePair<string, object?>("retryable", retryable ? "true" : "false"));

    /// <summary>Kafka takes any number for a record's time: what comes from the future has taken no time.</summary>
    internal static void Committed(string pipeline, string sink, double seconds) =>
        Latency.Record(Math.Max(0, seconds), Pipeline(pipeline), Sink(sink));

    internal static void Checkpointed(string pipeline, string part, TimeSpan duration) =>
        CheckpointDuration.Record(duration.TotalSeconds, Pipeline(pipeline), new KeyValuePair<string, object?>("part", part));

    internal static void CheckpointFailed(string pipeline, string part) =>
        CheckpointFailures.Add(1, Pipeline(pipeline), new KeyValuePair<string, object?>("part", part));

    private static void Add(KeyValuePair<string, object?> pipeline, string outcome, long count)
    {
        if (count != 0) Records.Add(count, pipeline, new KeyValuePair<string, object?>("outcome", outcome));
    }

    private static KeyValuePair<string, object?> Pipeline(string name) => new("pipeline", name);

    private static KeyValuePair<string, object?> Step(string id) => new("step", id);

    private static KeyValuePair<string, object?> Sink(string id) => new("sink", id);
}
