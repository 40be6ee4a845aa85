using System.Text.Json.Serialization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>How a pipeline is doing.</summary>
[GenerateSerializer, Immutable, Alias("kor.PipelineStatus")]
public sealed record PipelineStatus
{
    [Id(0)] public required string Name { get; init; }
    [Id(1)] public required int Version { get; init; }
    [Id(2)] public required DesiredState Desired { get; init; }

    /// <summary>The worst state of all parts; what the whole comes to is <see cref="Condition"/>.</summary>
    [Id(3)] public required PartState State { get; init; }

    /// <summary>Why the state is not Running; null when it is.</summary>
    [Id(4)] public string? Reason { get; init; }

    /// <summary>Counts over all partitions.</summary>
    [Id(5)] public required RecordCounts Counts { get; init; }

    /// <summary>Refused records and rows: those that steps refused, which <see cref="Counts"/> has, and those that sinks did.</summary>
    public long Refused => Counts.Quarantined + Sinks.Sum(s => s.Quarantined);

    /// <summary>Records consumed per second, over the last few seconds.</summary>
    [Id(6)] public required double RecordsPerSecond { get; init; }

    /// <summary>Records between the positions and the ends of the partitions; null when unknown.</summary>
    [Id(7)] public long? Lag { get; init; }

    /// <summary>The smallest watermark of the window steps' shards, ms since the epoch; null when there is none yet.</summary>
    [Id(8)] public long? Watermark { get; init; }

    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);

    [Id(9)] public required IReadOnlyList<PartitionStatus> Partitions { get; init; }
    [Id(10)] public required IReadOnlyList<ShardStatus> Shards { get; init; }
    [Id(11)] public required IReadOnlyList<SinkStatus> Sinks { get; init; }

    /// <summary>Failed records per quality rule, as <c>step.rule</c>.</summary>
    [Id(12)] public required IReadOnlyDictionary<string, long> Rules { get; init; }

    /// <summary>The one word about the pipeline, from its desired state and all its parts.</summary>
    [Id(13)] public PipelineCondition Condition { get; init; }

    /// <summary>What the lag means.</summary>
    [Id(14)] public LagVerdict Verdict { get; init; }

    /// <summary>The age of the oldest record not worked off, s; 0 at the end, null when unknown.</summary>
    [Id(15)] public double? LagSeconds { get; init; }

    /// <summary>How often parts have started over by themselves; kept across restarts of silos.</summary>
    [Id(16)] public long Restarts { get; init; }

    /// <summary>
    /// What is not as it should be, the worst first: each with its reason, what to do, and since when. Empty when all is well.
    /// </summary>
    [Id(17)] public IReadOnlyList<HealthIssue> Health { get; init; } = [];

    /// <summary>Records that come into the topics per second; null when unknown.</summary>
    [Id(18)] public double? InputPerSecond { get; init; }

    /// <summary>Time of working a batch off, the slowest partition's moving average, ms; null before the first.</summary>
    [Id(19)] public double? BatchMs { get; init; }

    /// <summary>
    /// What is allowed and should be looked at, each with its code: pipelines that read each other's refused records (KOR2062). Told by the server's API, which
    /// knows all pipelines; empty when a grain is asked.
    /// </summary>
    [Id(20)] public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Since when the condition has been what it is, as the pipeline's grain has seen it; null when nothing is known.</summary>
    [Id(21)] public DateTimeOffset? ConditionSince { get; init; }

    /// <summary>The steps with windows, which wait for the watermark; not those with running totals.</summary>
    [Id(22)] public IReadOnlyList<string> WindowSteps { get; init; } = [];

    /// <summary>What each step does and how much of the partitions' time it takes; empty when nothing runs.</summary>
    [Id(23)] public IReadOnlyList<StepStatus> Steps { get; init; } = [];
}

/// <summary>Something of a pipeline that is not as it should be.</summary>
/// <param name="Kind">
/// <c>source</c> (cannot be opened or read), <c>partition</c>, <c>shard</c>, <c>sink</c>, <c>definition</c> (a file that was refused), <c>quarantine</c> (most
/// records go there) or <c>lag</c>.
/// </param>
/// <param name="Severity">What it makes of the pipeline: Failed (needs an operator) or Blocked (waits, or should be looked at).</param>
/// <param name="Text">What is wrong, where, and what to do.</param>
/// <param name="Since">When it was first seen.</param>
[GenerateSerializer, Immutable, Alias("kor.HealthIssue")]
public sealed record HealthIssue(
    [property: Id(0)] string Kind, [property: Id(1)] PartState Severity, [property: Id(2)] string Text, [property: Id(3)] DateTimeOffset Since);

/// <summary>What became of records. <c>Consumed = Absorbed + Duplicate + Late + Filtered + Quarantined</c>, always.</summary>
[GenerateSerializer, Immutable, Alias("kor.RecordCounts")]
public sealed record RecordCounts(
    [property: Id(0)] long Consumed,
    [property: Id(1)] long Absorbed,
    [property: Id(2)] long Duplicate,
    [property: Id(3)] long Late,
    [property: Id(4)] long Filtered,
    [property: Id(5)] long Quarantined)
{
    /// <summary>No records.</summary>
    public static RecordCounts Zero { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>True when every consumed record is in exactly one class.</summary>
    public bool AddsUp => Consumed == Absorbed + Duplicate + Late + Filtered + Quarantined;

    /// <summary>The sums.</summary>
    public static RecordCounts operator +(RecordCounts a, RecordCounts b) => Add(a, b);

    /// <summary>The sums.</summary>
    public static RecordCounts Add(RecordCounts a, RecordCounts b) => new(
        a.Consumed + b.Consumed,
        a.Absorbed + b.Absorbed,
        a.Duplicate + b.Duplicate,
        a.Late + b.Late,
        a.Filtered + b.Filtered,
        a.Quarantined + b.Quarantined);
}

/// <summary>How a partition is doing.</summary>
[GenerateSerializer, Immutable, Alias("kor.PartitionStatus")]
public sealed record PartitionStatus
{
    /// <summary><c>topic/partition</c>.</summary>
    [Id(0)] public required string Partition { get; init; }
    [Id(1)] public required PartState State { get; init; }
    [Id(2)] public string? Reason { get; init; }

    /// <summary>The next offset to read.</summary>
    [Id(3)] public required long? Position { get; init; }

    /// <summary>The position of the last durable checkpoint.</summary>
    [Id(4)] public required long? Checkpoint { get; init; }

    /// <summary>The end of the log as last seen.</summary>
    [Id(5)] public long? End { get; init; }

    /// <summary>ms since the Unix epoch.</summary>
    [Id(6)] public long? Watermark { get; init; }

    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);

    [Id(7)] public required RecordCounts Counts { get; init; }
    [Id(8)] public required long Epoch { get; init; }
    [Id(9)] public required double RecordsPerSecond { get; init; }
    [Id(10)] public bool Idle { get; init; }
    [Id(11)] public required IReadOnlyDictionary<string, long> Rules { get; init; }
    [Id(12)] public string? Silo { get; init; }

    /// <summary>How often it has started over since it last worked a batch off; 0 when all is well.</summary>
    [Id(13)] public int Restarts { get; init; }

    /// <summary>The age of the last record worked off while there are more, s; 0 at the end, null when unknown.</summary>
    [Id(14)] public double? LagSeconds { get; init; }

    /// <summary>Rows per sink that are not written yet.</summary>
    [Id(15)] public IReadOnlyDictionary<string, int> Buffered { get; init; } = new Dictionary<string, int>();

    /// <summary>For how long no silo has read it, s; null: one reads it.</summary>
    [Id(16)] public double? UnreadSeconds { get; init; }

    /// <summary>Per sink, how far what this partition gave it is durable.</summary>
    [Id(17)] public IReadOnlyDictionary<string, SinkFreshness> Fresh { get; init; } = new Dictionary<string, SinkFreshness>();

    /// <summary>Records that come into the partition per second, over the last ten seconds; null when unknown.</summary>
    [Id(18)] public double? InputPerSecond { get; init; }

    /// <summary>Time of working a batch off, a moving average, ms; null before the first.</summary>
    [Id(19)] public double? BatchMs { get; init; }

    /// <summary>Since when the watermark has stood where it is, as the pipeline's grain has seen it; null when it was not looked at yet.</summary>
    [Id(20)] public DateTimeOffset? WatermarkSince { get; init; }

    /// <summary>What each step does with this partition's records; told of the pipeline as a whole.</summary>
    [Id(21), JsonIgnore] public IReadOnlyList<StepStatus> Steps { get; init; } = [];
}

/// <summary>How far a sink is behind what its source holds.</summary>
/// <param name="Newest">The Kafka time, ms since the Unix epoch, of the newest record whose rows, as far as it has any, are durable in the sink.</param>
/// <param name="Seconds">
/// Now minus that; 0 when nothing is unread and nothing waits for the sink, so that a silent source ages nothing; null when nothing is known yet.
/// </param>
[GenerateSerializer, Immutable, Alias("kor.SinkFreshness")]
public sealed record SinkFreshness([property: Id(0)] long? Newest, [property: Id(1)] double? Seconds)
{
    /// <summary>The newest record's Kafka time.</summary>
    public DateTimeOffset? NewestAt => Times.Of(Newest);
}

/// <summary>How a shard is doing.</summary>
[GenerateSerializer, Immutable, Alias("kor.ShardStatus")]
public sealed record ShardStatus
{
    [Id(0)] public required string Step { get; init; }
    [Id(1)] public required int Shard { get; init; }
    [Id(2)] public required PartState State { get; init; }
    [Id(3)] public string? Reason { get; init; }
    [Id(4)] public required long Epoch { get; init; }

    /// <summary>ms since the Unix epoch.</summary>
    [Id(5)] public long? Watermark { get; init; }

    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);

    /// <summary>The cells of a window step; of a dedup step with <c>scope: global</c>, the ids that are remembered.</summary>
    [Id(6)] public required int Cells { get; init; }
    [Id(7)] public required int OutboxEntries { get; init; }
    [Id(8)] public required long Late { get; init; }
    [Id(9)] public required long ClosedWindows { get; init; }

    /// <summary>Duration of the last checkpoint, ms.</summary>
    [Id(10)] public required double LastCheckpointMs { get; init; }
    [Id(11)] public string? Silo { get; init; }

    /// <summary>Window rows per sink that are not written yet.</summary>
    [Id(12)] public IReadOnlyDictionary<string, int> Buffered { get; init; } = new Dictionary<string, int>();

    /// <summary>The late records whose windows were closed because their partition was taken for idle; part of <see cref="Late"/>.</summary>
    [Id(13)] public long LateByIdle { get; init; }

    /// <summary>Records that came too late for some of their hopping windows and count in the others; not part of <see cref="Late"/>.</summary>
    [Id(14)] public long PartlyLate { get; init; }

    /// <summary>Per sink, how far what this shard gave it is durable.</summary>
    [Id(15)] public IReadOnlyDictionary<string, SinkFreshness> Fresh { get; init; } = new Dictionary<string, SinkFreshness>();

    /// <summary>Rows of windows that were not written since a reset had left out some of their records; counted from this owner's beginning.</summary>
    [Id(16)] public long Withheld { get; init; }
}

/// <summary>How a sink lane is doing.</summary>
[GenerateSerializer, Immutable, Alias("kor.SinkStatus")]
public sealed record SinkStatus
{
    [Id(0)] public required string Sink { get; init; }
    [Id(1)] public required string Lane { get; init; }
    [Id(2)] public required PartState State { get; init; }
    [Id(3)] public string? Reason { get; init; }

    /// <summary>
    /// Rows inserted, updated or deleted since the lane was first opened, as the database counts them. Kept with the lane's progress, so that it
    /// survives silos; a reset begins new lanes, which count from 0.
    /// </summary>
    [Id(4)] public required long Written { get; init; }
    [Id(5)] public required long Quarantined { get; init; }

    /// <summary>
    /// Rows the database left alone, counted as <see cref="Written"/> is: appended ones that were there already, updates below the stored revision, deletions of
    /// nothing.
    /// </summary>
    [Id(20)] public long Already { get; init; }

    /// <summary>Rows that are not written yet; they are with the partition or shard that feeds the lane.</summary>
    [Id(6)] public required int Buffered { get; init; }

    /// <summary>When a lane that failed or waits is tried next, ms since the Unix epoch; null when it runs or its owner decides.</summary>
    [Id(7)] public long? NextTry { get; init; }

    /// <summary>The next try as a time.</summary>
    public DateTimeOffset? NextTryAt => Times.Of(NextTry);

    /// <summary>The Kafka time of the newest record whose rows, as far as it has any, are durable in the sink; null when nothing is known yet.</summary>
    [Id(8)] public DateTimeOffset? NewestRecord { get; init; }

    /// <summary>Now minus that, s; 0 when nothing is unread and nothing waits for the sink; null when nothing is known yet.</summary>
    [Id(9)] public double? FreshnessSeconds { get; init; }

    /// <summary>How long a write took lately, ms: half took less; null when there was none.</summary>
    [Id(10)] public double? WriteP50Ms { get; init; }

    /// <summary>As <see cref="WriteP50Ms"/>: 99 of 100 took less.</summary>
    [Id(11)] public double? WriteP99Ms { get; init; }
}

/// <summary>The live state of a key.</summary>
[GenerateSerializer, Immutable, Alias("kor.KeyState")]
public sealed record KeyState
{
    [Id(0)] public required string Pipeline { get; init; }
    [Id(1)] public required string Step { get; init; }
    [Id(2)] public required string Key { get; init; }
    [Id(3)] public required int Shard { get; init; }

    /// <summary>Open windows (or the running totals) with their current aggregates.</summary>
    [Id(4)] public required IReadOnlyList<WindowRow> Windows { get; init; }

    /// <summary>Windows of the key that closed lately, newest first.</summary>
    [Id(5)] public required IReadOnlyList<WindowRow> Closed { get; init; }

    /// <summary>Per source partition, the position the answer reflects.</summary>
    [Id(6)] public required IReadOnlyDictionary<string, long> Positions { get; init; }

    /// <summary>Per source partition, the position that is durable in the shard.</summary>
    [Id(7)] public required IReadOnlyDictionary<string, long> DurablePositions { get; init; }

    /// <summary>The shard's watermark, ms since the Unix epoch.</summary>
    [Id(8)] public long? Watermark { get; init; }

    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);
}

/// <summary>A window's values, as text in the types' canonical form.</summary>
[GenerateSerializer, Immutable, Alias("kor.WindowRow")]
public sealed record WindowRow
{
    [Id(0)] public required string Key { get; init; }

    /// <summary>ms since the Unix epoch; null for running totals.</summary>
    [Id(1)] public long? Start { get; init; }
    [Id(2)] public long? End { get; init; }

    /// <summary>The start as a time; null for running totals.</summary>
    public DateTimeOffset? StartAt => Times.Of(Start);

    /// <summary>The end as a time; null for running totals.</summary>
    public DateTimeOffset? EndAt => Times.Of(End);

    /// <summary>How often the window has fired since the last reset: 1, 2, 3; 0 while it never did.</summary>
    [Id(3)] public required long Revision { get; init; }
    [Id(4)] public required IReadOnlyList<KeyValuePair<string, string?>> Values { get; init; }

    /// <summary>How often the pipeline had been reset when the window closed. A sink's column has both: generation * 1,000,000,000 + revision.</summary>
    [Id(5)] public int Generation { get; init; }

    /// <summary>The event time, ms, from which on no more records count: the end and the allowed lateness. Null for running totals, and where nobody filled it in.</summary>
    [Id(6)] public long? Final { get; init; }

    /// <summary>That as a time.</summary>
    public DateTimeOffset? FinalAt => Times.Of(Final);
}
