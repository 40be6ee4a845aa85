using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>A lane of a sink: rows handed in and not yet sent, those of the write under way, and how far it is behind, s; below 0: unknown.</summary>
internal readonly record struct LaneGauge(string Sink, int Waiting, int InFlight, double BehindSeconds);

/// <summary>A stateful step: its cells, how many panes are open in them, and the memory they take, as far as they were called since their owner began.</summary>
internal readonly record struct StateGauge(string Step, int Cells, long Panes, long Bytes);

/// <summary>What a partition shows in gauges; written by its activation twice a second, whether it has a term or not, read by scrapes.</summary>
internal sealed class PartitionGauges(string pipeline, string topic, int partition)
{
    public string Pipeline { get; } = pipeline;
    public string Topic { get; } = topic;
    public int Partition { get; } = partition;

    /// <summary>The consumer group; empty before the first term.</summary>
    public string Group { get; set; } = "";

    public PartState State { get; set; } = PartState.Starting;

    /// <summary>Records between the position and the end; below 0: unknown.</summary>
    public long Lag { get; set; } = -1;

    /// <summary>s; below 0: unknown.</summary>
    public double LagSeconds { get; set; } = -1;
    public double RecordsPerSecond { get; set; }
    public int QueuedRecords { get; set; }

    /// <summary>When the last checkpoint was durable, ms since the epoch; 0: none yet.</summary>
    public long CheckpointAt { get; set; }

    public IReadOnlyList<LaneGauge> Lanes { get; set; } = [];

    /// <summary>The dedup steps.</summary>
    public IReadOnlyList<StateGauge> States { get; set; } = [];
}

/// <summary>What a dedup shard shows in gauges.</summary>
internal sealed class StateGauges(string pipeline, string step)
{
    public string Pipeline { get; } = pipeline;
    public StateGauge State { get; set; } = new(step, 0, 0, 0);
}

/// <summary>What a shard shows in gauges.</summary>
internal sealed class ShardGauges(string pipeline, string step)
{
    public string Pipeline { get; } = pipeline;
    public string Step { get; } = step;
    public StateGauge State { get; set; } = new(step, 0, 0, 0);
    public IReadOnlyList<LaneGauge> Lanes { get; set; } = [];

    /// <summary>ms since the epoch; <see cref="long.MinValue"/>: none yet.</summary>
    public long Watermark { get; set; } = long.MinValue;
    public int Outbox { get; set; }
}

/// <summary>
/// Gauges of the parts that live on this silo. A shard registers when it begins to reign and is gone when it ends, so that a scrape never shows what another
/// silo owns; a partition is there for as long as its activation, since its lag matters most while it cannot work.
/// </summary>
internal static class PartMetrics
{
    private static readonly ConcurrentDictionary<PartitionGauges, byte> Partitions = new();
    private static readonly ConcurrentDictionary<ShardGauges, byte> Shards = new();
    private static readonly ConcurrentDictionary<StateGauges, byte> DedupShards = new();
    private static readonly ConcurrentDictionary<string, PipelineCondition> Pipelines = new(StringComparer.Ordinal);

    public static void Add(PartitionGauges gauges)
    {
        EngineMetrics.Begin();
        Partitions[gauges] = 0;
    }

    public static void Remove(PartitionGauges? gauges)
    {
        if (gauges is not null) Partitions.TryRemove(gauges, out _);
    }

    public static void Add(ShardGauges gauges) => Shards[gauges] = 0;

    public static void Remove(ShardGauges? gauges)
    {
        if (gauges is not null) Shards.TryRemove(gauges, out _);
    }

    public static void Add(StateGauges gauges) => DedupShards[gauges] = 0;

    public static void Remove(StateGauges? gauges)
    {
        if (gauges is not null) DedupShards.TryRemove(gauges, out _);
    }

    public static void Set(string pipeline, PipelineCondition condition)
    {
        EngineMetrics.Begin();
        Pipelines[pipeline] = condition;
    }

    public static void RemovePipeline(string pipeline) => Pipelines.TryRemove(pipeline, out _);

    public static IReadOnlyCollection<string> PipelinesHere => [.. Pipelines.Keys];

    public static void Create(Meter meter, Meter compat)
    {
        meter.CreateObservableGauge(
            "kor.pipeline.state", PipelineStates, null, "1 for the state the pipeline is in, 0 for the others; on the silo of the pipeline's grain.");
        meter.CreateObservableGauge(
            EngineMetrics.LagName, () => PerPartition(p => p.Lag), "{record}", "Records between what was worked off and the end of the log.");
        meter.CreateObservableGauge(
            EngineMetrics.LagTimeName, () => PerPartition(p => p.LagSeconds), "s", "Age of the last record worked off while there are more; 0 at the end.");
        meter.CreateObservableGauge(
            "kor.pipeline.lag", () => PerPipeline(p => p.Lag, p => p.Lag >= 0), "{record}",
            "Records between what was worked off and the ends of this silo's partitions; those whose end is not known do not count.");
        meter.CreateObservableGauge(
            "kor.pipeline.partitions", PartitionStates, "{partition}", "This silo's partitions by what they are doing: running, starting, blocked, failed.");
        meter.CreateObservableGauge(
            "kor.sink.freshness", Freshness, "s",
            "How far the sink is behind its source: age of the newest record whose rows are durable in it, or time since it last had everything; 0 when "
            + "nothing is unread and nothing waits. The lane that is furthest behind.");
        meter.CreateObservableGauge(
            "kafka_oracle.processing.rate", () => PerPipeline(p => p.RecordsPerSecond), null, "Records per second over this silo's partitions, over the last few seconds.");
        meter.CreateObservableGauge(
            "kor.pipeline.queue", () => PerPipeline(p => p.QueuedRecords), "{record}", "Records read and not yet worked off.");
        meter.CreateObservableGauge("kor.checkpoint.age", CheckpointAges, "s", "Time since the last checkpoint of the partition that is furthest behind; 0 while all that was read is durable.");
        meter.CreateObservableGauge("kor.watermark.delay", WatermarkDelays, "s", "Now minus the smallest watermark of a window step's shards here.");
        CreateStepGauges(meter);
        meter.CreateObservableGauge(
            "kor.window.outbox", () => PerWindow(s => s.Outbox), "{entry}", "Closed windows' entries that are durable and not yet confirmed by the sink.");
        compat.CreateObservableGauge("kafka_consumergroup_lag", ConsumerGroupLag, null, "As kafka_exporter has it.");
    }

    private static void CreateStepGauges(Meter meter)
    {
        meter.CreateObservableGauge(
            "kor.state.keys", () => PerState(s => s.Cells), "{key}", "Cells (keys, or groups of keys) of a dedup step's partitions or a window step's shards here; with scope: global, ids.");
        meter.CreateObservableGauge(
            "kor.state.size", () => PerState(s => s.Bytes), "By", "Memory of those cells, about, as of their last checkpoint; of cells not called since their owner began: 0.");
        meter.CreateObservableGauge(
            "kor.window.open", () => PerWindow(s => s.State.Panes), "{window}",
            "Open windows of a window step's shards here (hopping windows: the panes they share), those within their lateness included; of cells in "
            + "memory.");
        meter.CreateObservableGauge(
            "kor.step.queue", Queues, "{record}", "Records waiting: in front of the steps ('source'), or in front of a sink and not yet sent.");
        meter.CreateObservableGauge("kor.sink.inflight", () => PerSink(l => l.InFlight), "{row}", "Rows of the writes under way.");
    }

    private static IEnumerable<Measurement<long>> Queues() => Partitions.Keys
        .GroupBy(p => p.Pipeline, StringComparer.Ordinal)
        .Select(g => new Measurement<long>(g.Sum(p => (long)p.QueuedRecords), Step((g.Key, "source"))))
        .Concat(Lanes().GroupBy(l => (l.Pipeline, l.Lane.Sink)).Select(g => new Measurement<long>(g.Sum(l => (long)l.Lane.Waiting), Step(g.Key))));

    private static IEnumerable<Measurement<long>> PerSink(Func<LaneGauge, long> value) => Lanes()
        .GroupBy(l => (l.Pipeline, l.Lane.Sink))
        .Select(g => new Measurement<long>(g.Sum(l => value(l.Lane)), new("pipeline", g.Key.Pipeline), new("sink", g.Key.Sink)));

    private static IEnumerable<(string Pipeline, LaneGauge Lane)> Lanes() => Partitions.Keys
        .SelectMany(p => p.Lanes.Select(l => (p.Pipeline, l)))
        .Concat(Shards.Keys.SelectMany(s => s.Lanes.Select(l => (s.Pipeline, l))));

    private static IEnumerable<Measurement<long>> PerState(Func<StateGauge, long> value) => Partitions.Keys
        .SelectMany(p => p.States.Select(s => (p.Pipeline, State: s)))
        .Concat(Shards.Keys.Select(s => (s.Pipeline, s.State)))
        .Concat(DedupShards.Keys.Select(s => (s.Pipeline, s.State)))
        .GroupBy(s => (s.Pipeline, s.State.Step))
        .Select(g => new Measurement<long>(g.Sum(s => value(s.State)), Step(g.Key)));

    private static IEnumerable<Measurement<int>> PipelineStates()
    {
        foreach (var (pipeline, condition) in Pipelines)
        {
            foreach (var state in Enum.GetValues<PipelineCondition>())
                yield return new(state == condition ? 1 : 0, new("pipeline", pipeline), new("state", Text(state)));
        }
    }

    private static string Text(PipelineCondition state) => state switch
    {
        PipelineCondition.Starting => "starting",
        PipelineCondition.Running => "running",
        PipelineCondition.Degraded => "degraded",
        PipelineCondition.Restarting => "restarting",
        PipelineCondition.Paused => "paused",
        PipelineCondition.Stopping => "stopping",
        PipelineCondition.Stopped => "stopped",
        _ => "failed",
    };

    private static IEnumerable<Measurement<double>> PerPartition(Func<PartitionGauges, double> value)
    {
        foreach (var p in Partitions.Keys)
        {
            if (value(p) is var measured and >= 0)
                yield return new(measured, new("pipeline", p.Pipeline), new("topic", p.Topic), new("partition", p.Partition));
        }
    }

    private static IEnumerable<Measurement<long>> ConsumerGroupLag()
    {
        foreach (var p in Partitions.Keys)
        {
            if (p.Lag >= 0 && p.Group.Length != 0) yield return new(p.Lag, new("consumergroup", p.Group), new("topic", p.Topic), new("partition", p.Partition));
        }
    }

    private static IEnumerable<Measurement<int>> PartitionStates() => Partitions.Keys
        .Where(p => p.State is not (PartState.Stopped or PartState.Paused))
        .GroupBy(p => p.Pipeline, StringComparer.Ordinal)
        .SelectMany(g => Shown.Select(state => new Measurement<int>(
            g.Count(p => p.State == state.State), new("pipeline", g.Key), new("state", state.Text))));

    private static readonly (PartState State, string Text)[] Shown =
        [(PartState.Running, "running"), (PartState.Starting, "starting"), (PartState.Blocked, "blocked"), (PartState.Failed, "failed")];

    private static IEnumerable<Measurement<double>> Freshness() => Lanes()
        .Where(l => l.Lane.BehindSeconds >= 0)
        .GroupBy(l => (l.Pipeline, l.Lane.Sink))
        .Select(g => new Measurement<double>(g.Max(l => l.Lane.BehindSeconds), new("pipeline", g.Key.Pipeline), new("sink", g.Key.Sink)));

    private static IEnumerable<Measurement<double>> PerPipeline(Func<PartitionGauges, double> value) => PerPipeline(value, _ => true);

    private static IEnumerable<Measurement<double>> PerPipeline(Func<PartitionGauges, double> value, Func<PartitionGauges, bool> counts) => Partitions.Keys
        .Where(counts)
        .GroupBy(p => p.Pipeline, StringComparer.Ordinal)
        .Select(g => new Measurement<double>(g.Sum(value), new KeyValuePair<string, object?>("pipeline", g.Key)));

    private static IEnumerable<Measurement<double>> CheckpointAges()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        return Partitions.Keys.Where(p => p.CheckpointAt > 0)
            .GroupBy(p => p.Pipeline, StringComparer.Ordinal)
            .Select(g => new Measurement<double>(
                Math.Max(0, now - g.Min(p => p.CheckpointAt)) / 1000.0, new KeyValuePair<string, object?>("pipeline", g.Key)));
    }

    private static IEnumerable<Measurement<double>> WatermarkDelays()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        return Shards.Keys.Where(s => s.Watermark != long.MinValue)
            .GroupBy(s => (s.Pipeline, s.Step))
            .Select(g => new Measurement<double>((now - g.Min(s => s.Watermark)) / 1000.0, Step(g.Key)));
    }

    private static IEnumerable<Measurement<long>> PerWindow(Func<ShardGauges, long> value) =>
        Shards.Keys.GroupBy(s => (s.Pipeline, s.Step)).Select(g => new Measurement<long>(g.Sum(value), Step(g.Key)));

    private static KeyValuePair<string, object?>[] Step((string Pipeline, string Step) step) =>
        [new("pipeline", step.Pipeline), new("step", step.Step)];
}
