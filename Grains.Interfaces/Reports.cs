namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A pipeline's status and what it comes to.</summary>
public sealed record PipelineReport(Verdict Verdict, PipelineStatus Status);

/// <summary>The definition in force.</summary>
/// <param name="File">The file's name, without its folder.</param>
public sealed record PipelineConfig(string Name, int Version, int Generation, DefinitionOrigin Origin, string File, string Text);

/// <summary>How a pipeline is put together: its source, steps and sinks, and what flows from which to which.</summary>
public sealed record FlowReport(IReadOnlyList<FlowNode> Nodes, IReadOnlyList<FlowEdge> Edges);

/// <summary>A part of a pipeline.</summary>
/// <param name="Id">The step's or sink's id; empty for the source.</param>
/// <param name="Kind"><c>source</c>, <c>sink</c>, or the step's type.</param>
/// <param name="Text">What it does.</param>
public sealed record FlowNode(string Id, string Kind, string Text);

/// <summary>What flows between two parts.</summary>
/// <param name="From">The id of where it comes from; empty for the source.</param>
/// <param name="To">The id of what reads it.</param>
/// <param name="Output"><c>main</c>, <c>late</c>, <c>duplicates</c>, <c>quarantined</c> or <c>routed</c>.</param>
public sealed record FlowEdge(string From, string To, string Output);

/// <summary>Windows of a step.</summary>
/// <param name="Open">Open windows or running totals, the ones that end first in front.</param>
/// <param name="Closed">The windows closed last, newest first.</param>
/// <param name="Watermark">The smallest watermark of the step's shards, ms since the Unix epoch; null when there is none.</param>
public sealed record StepWindows(string Step, long? Watermark, IReadOnlyList<WindowRow> Open, IReadOnlyList<WindowRow> Closed)
{
    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);

    /// <summary>How long after its end a window still takes records, ms; null for running totals.</summary>
    public long? AllowedLateness { get; init; }

    /// <summary>How many open windows match.</summary>
    public long OpenTotal { get; init; }

    /// <summary>How many of the windows that closed lately match; shards keep the last ones only.</summary>
    public long ClosedTotal { get; init; }

    /// <summary>False: there are more than were looked at, and the totals are at least this.</summary>
    public bool Complete { get; init; } = true;

    /// <summary>Leads to the next page of open windows (parameter <c>after</c>); null: there is none.</summary>
    public string? Next { get; init; }

    /// <summary>The partition that open windows wait for; null when none holds them back: all are idle, or the pipeline does not run.</summary>
    public WatermarkHold? WaitsFor { get; init; }
}

/// <summary>Watermarks, ms since the Unix epoch; null where there is none yet.</summary>
public sealed record PipelineWatermarks(IReadOnlyList<PartitionWatermark> Partitions, IReadOnlyList<StepWatermark> Steps);

/// <summary>A partition's watermark.</summary>
/// <param name="Idle">At its end and silent: it holds no window back.</param>
public sealed record PartitionWatermark(string Partition, long? Watermark, bool Idle)
{
    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);
}

/// <summary>A window step's watermark: that of its slowest and of its fastest shard.</summary>
public sealed record StepWatermark(string Step, long? Min, long? Max)
{
    /// <summary>The smallest as a time.</summary>
    public DateTimeOffset? MinAt => Times.Of(Min);

    /// <summary>The largest as a time.</summary>
    public DateTimeOffset? MaxAt => Times.Of(Max);
}

/// <summary>A quality rule and how often it failed.</summary>
/// <param name="Severity"><c>error</c> or <c>warn</c>.</param>
/// <param name="Action">What happens to a record that fails: quarantine, drop, tag, route or count.</param>
/// <param name="Failed">Records that failed since the checkpoints began.</param>
/// <param name="Ratio">Failed by consumed records, 0 to 1; null when none was consumed.</param>
public sealed record RuleReport(string Step, string Rule, string Condition, string Severity, string Action, long Failed, double? Ratio);

/// <summary>Where a partition stands.</summary>
/// <param name="Partition"><c>topic/partition</c>.</param>
/// <param name="Checkpoint">The next offset to read after a restart; null: it has no checkpoint yet.</param>
/// <param name="Begin">The first offset there is.</param>
/// <param name="End">The offset the next record will get.</param>
/// <param name="Lag">Records between the checkpoint and the end; null without a checkpoint.</param>
public sealed record PartitionOffsets(string Partition, long? Checkpoint, long? Begin, long? End, long? Lag);

/// <summary>Where to set positions. Exactly one of the three.</summary>
/// <param name="To"><c>earliest</c> or <c>latest</c>.</param>
/// <param name="Timestamp">To the first record of this time or after it.</param>
/// <param name="Offsets">Per <c>topic/partition</c> the next offset to read; others keep theirs.</param>
public sealed record OffsetsChange(string? To, DateTimeOffset? Timestamp, IReadOnlyDictionary<string, long>? Offsets);

/// <summary>The silos as the cluster's membership knows them.</summary>
/// <param name="Active">How many can work.</param>
public sealed record ClusterReport(string ClusterId, string ServiceId, int Active, IReadOnlyList<SiloReport> Silos);

/// <summary>A silo.</summary>
/// <param name="Address">Its address, with its generation.</param>
/// <param name="Status">Joining, Active, ShuttingDown, Dead and the like.</param>
/// <param name="Partitions">Source partitions at work on it; null for a silo that is not active.</param>
public sealed record SiloReport(
    string Address, string Name, string Host, string Status, DateTimeOffset Started, DateTimeOffset? Alive, int? Partitions);

/// <summary>What answers here.</summary>
/// <param name="Version">The product's version, and after '+' the commit it was built from.</param>
/// <param name="Librdkafka">The version of librdkafka that the server has loaded, and the file it comes from.</param>
public sealed record VersionReport(string Product, string Version, string Runtime, string Orleans, string Os, string Api, string? Librdkafka = null);

/// <summary>Records of a topic.</summary>
public sealed record TopicRecords(string Topic, string Connection, int Partitions, IReadOnlyList<TopicRecord> Records)
{
    /// <summary>How many records were looked at.</summary>
    public int Looked { get; init; }
}

/// <summary>A topic.</summary>
/// <param name="Connection">The host's Kafka connection.</param>
/// <param name="Records">Ends less beginnings of its partitions; null when they could not be had.</param>
public sealed record TopicSummary(string Topic, string Connection, int Partitions, long? Records);

/// <summary>A record.</summary>
/// <param name="Timestamp">The Kafka timestamp; null: none.</param>
/// <param name="Encoding">How key and value are written: <c>utf8</c>, or <c>base64</c> when they are no text.</param>
public sealed record TopicRecord(int Partition, long Offset, DateTimeOffset? Timestamp, string? Key, string? Value, string Encoding);
