using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// A pipeline file as written: what <see cref="PipelineReader"/> makes of YAML or JSON, before references, types and
/// expressions are checked. Every value knows where it stands in the file; spans of time are in milliseconds, sizes in
/// bytes.
/// </summary>
public sealed record PipelineDefinition
{
    public required Located<string> Name { get; init; }
    public Located<string>? Description { get; init; }
    public required SourceDefinition Source { get; init; }
    public required IReadOnlyList<StepDefinition> Steps { get; init; }
    public required IReadOnlyList<SinkDefinition> Sinks { get; init; }
    public QuarantineDefinition? Quarantine { get; init; }

    /// <summary>The mapping the definition was read from.</summary>
    public required TextNode Node { get; init; }
}

/// <summary>The section <c>source</c>.</summary>
public sealed record SourceDefinition
{
    public required KafkaDefinition Kafka { get; init; }
    public required Located<SourceFormatKind> Format { get; init; }

    /// <summary>Avro: the registry in the host's configuration.</summary>
    public Located<string>? Registry { get; init; }

    /// <summary>Avro: the schema the pipeline reads by.</summary>
    public Located<string>? Schema { get; init; }

    /// <summary>True: records of schemas the registry does not have are refused.</summary>
    public Located<bool>? UnknownSchema { get; init; }
    public CsvDefinition? Csv { get; init; }
    public DebeziumDefinition? Debezium { get; init; }
    public required IReadOnlyList<Named<FieldDefinition>> Fields { get; init; }
    public EventTimeDefinition? EventTime { get; init; }
    public TombstonePolicy Tombstones { get; init; }
    public int MaxValueBytes { get; init; } = SourceFormatSpec.DefaultMaxValueBytes;
    public int MaxDepth { get; init; } = SourceFormatSpec.DefaultMaxDepth;
    public required TextNode Node { get; init; }
}

/// <summary>The section <c>source.kafka</c>.</summary>
public sealed record KafkaDefinition(
    Located<string> Connection,
    IReadOnlyList<Located<string>> Topics,
    Located<StartPlan>? Start,
    Located<string>? Group,
    bool ReadCommitted,
    TextNode Node);

/// <summary>The section <c>source.csv</c>.</summary>
public sealed record CsvDefinition(
    Located<string>? Delimiter, Located<string>? Quote, IReadOnlyList<Located<string>>? Columns, bool Ragged, bool SkipHeader = false);

/// <summary>The section <c>source.debezium</c>.</summary>
public sealed record DebeziumDefinition(Located<DebeziumDeletes>? Deletes, Located<string>? DeletedField, TextNode Node);

/// <summary>Which part of a record a field comes from; the header's name where it is a header.</summary>
public readonly record struct FieldSource(FieldOrigin Origin, string? Header);

/// <summary>A field of the source.</summary>
public sealed record FieldDefinition(
    Located<FieldType> Type,
    FieldOrigin From,
    IReadOnlyList<Located<string>>? Path,
    Located<string>? Default,
    bool Required,
    Located<string>? Pattern)
{
    /// <summary>What <c>from</c> says; null: the value.</summary>
    public Located<FieldSource>? Source { get; init; }

    /// <summary>The zone of clock times.</summary>
    public Located<string>? Zone { get; init; }

    /// <summary>Strings take numbers and booleans.</summary>
    public Located<bool>? Lenient { get; init; }

    /// <summary>Decimals in base64.</summary>
    public Located<bool>? Base64 { get; init; }
}

/// <summary>The section <c>source.eventTime</c>; without a field it is the Kafka timestamp.</summary>
public sealed record EventTimeDefinition(
    Located<string>? Field, Located<long>? MaxOutOfOrder, Located<long>? IdleAfter, Located<long>? MaxAhead,
    TextNode Node);

/// <summary>What all steps have.</summary>
public abstract record StepDefinition(StepHead Head)
{
    /// <summary>The step's id.</summary>
    public Located<string> Id => Head.Id;
}

/// <summary>The keys every step has.</summary>
/// <param name="Id">The step's id.</param>
/// <param name="From">What it reads; null: the step before it, or the source.</param>
/// <param name="Node">The step's mapping.</param>
public sealed record StepHead(Located<string> Id, Located<string>? From, TextNode Node);

/// <summary>
/// A step whose type is missing or unknown, which was noted; it stays so that others can refer to it.
/// </summary>
public sealed record BrokenStepDefinition(StepHead Head) : StepDefinition(Head);

/// <summary><c>type: map</c>.</summary>
public sealed record MapStepDefinition(
    StepHead Head,
    IReadOnlyList<Named<Located<string>>> Set,
    IReadOnlyList<Named<Located<string>>> Rename,
    IReadOnlyList<Located<string>> Drop) : StepDefinition(Head);

/// <summary><c>type: filter</c>.</summary>
public sealed record FilterStepDefinition(StepHead Head, Located<string> Where) : StepDefinition(Head);

/// <summary><c>type: quality</c>.</summary>
public sealed record QualityStepDefinition(
    StepHead Head,
    IReadOnlyList<Named<QualityRuleDefinition>> Rules,
    QualityActionDefinition? OnFail,
    StopIfDefinition? StopIf) : StepDefinition(Head);

/// <summary>A rule of a quality step.</summary>
public sealed record QualityRuleDefinition(
    Located<string> Check, Located<bool>? Warn, QualityActionDefinition? OnFail);

/// <summary>What happens to rows that fail.</summary>
public sealed record QualityActionDefinition(QualityAction Action, Located<string>? RouteTo, TextNode Node,
    bool Faulty = false);

/// <summary>When a quality step stops the pipeline.</summary>
public sealed record StopIfDefinition(Located<double> FailedRatio, Located<long> Over, Located<long>? MinRecords);

/// <summary><c>type: dedup</c>.</summary>
public sealed record DedupStepDefinition(
    StepHead Head, IReadOnlyList<Located<string>> Key, Located<long> Within, Located<bool>? Scope, Located<GrainPer>? GrainPer,
    Located<long>? Shards)
        : StepDefinition(Head)
{
    /// <summary>True: <c>scope: global</c>.</summary>
    public bool Global => Scope is { Faulty: false, Value: true };

    /// <summary>True when the cell of an id is that of its message key; null: the step does not say, and it is the id's.</summary>
    public Located<bool>? ByMessageKey { get; init; }

    /// <summary>
    /// The number of shards of <c>scope: global</c> when a step does not say: every one of them costs a transaction per batch.
    /// </summary>
    public const int DefaultShards = 4;
}

/// <summary><c>type: lookup</c>.</summary>
public sealed record LookupStepDefinition(
    StepHead Head,
    Located<string> Connection,
    Located<string> Table,
    IReadOnlyList<Named<Located<string>>> On,
    IReadOnlyList<Named<LookupColumnDefinition>> Add,
    CacheDefinition Cache,
    OnMissing OnMissing,
    bool Preload) : StepDefinition(Head)
{
    /// <summary>What becomes of several rows; null: the step does not say.</summary>
    public Located<OnMultiple>? OnMultiple { get; init; }

    /// <summary>Added fields, each perhaps with <c>asc</c> or <c>desc</c>.</summary>
    public IReadOnlyList<Located<string>> OrderBy { get; init; } = [];

    public AsOfDefinition? AsOf { get; init; }
}

/// <summary>A lookup's <c>asOf</c>: columns with times.</summary>
public sealed record AsOfDefinition(Located<string> From, Located<string>? To);

/// <summary>A column a lookup adds.</summary>
public sealed record LookupColumnDefinition(Located<string> Column, Located<FieldType>? Type);

/// <summary>A lookup's cache.</summary>
public sealed record CacheDefinition(long For, long MissesFor, int Rows)
{
    /// <summary>5 minutes, misses 1 minute, 100,000 rows.</summary>
    public static CacheDefinition Default { get; } = new(300_000, 60_000, 100_000);
}

/// <summary><c>type: window</c>, and <c>type: aggregate</c> with <see cref="RunningTotals"/>.</summary>
public sealed record WindowStepDefinition(
    StepHead Head,
    WindowDefinition Window,
    Located<long>? AllowedLateness,
    IReadOnlyList<Located<string>> GroupBy,
    IReadOnlyList<Named<Located<string>>> Aggregates,
    Located<long>? Shards,
    GrainPer GrainPer) : StepDefinition(Head)
{
    /// <summary>The number of shards when a step does not say: enough for a few silos.</summary>
    public const int DefaultShards = 8;
}

/// <summary>The key <c>window</c>: exactly one of the kinds, with what belongs to it.</summary>
public sealed record WindowDefinition(
    Located<long>? Tumbling,
    Located<long>? Hopping,
    Located<long>? Every,
    Located<long>? Offset,
    Located<long>? Session,
    Located<long>? MaxLength,
    Located<CalendarUnit>? Calendar,
    Located<string>? Zone,
    TextNode Node,
    bool Faulty = false)
{
    /// <summary>Running totals: no window.</summary>
    public bool IsRunning { get; init; }
}

/// <summary><c>type: explode</c>.</summary>
public sealed record ExplodeStepDefinition(
    StepHead Head,
    Located<string> Field,
    IReadOnlyList<Located<string>> Path,
    IReadOnlyList<Named<FieldDefinition>> Fields,
    Located<string>? Item,
    Located<FieldType>? ItemType,
    Located<string>? Key,
    Located<string>? Position,
    Located<bool>? Lines,
    bool KeepEmpty,
    int MaxItems) : StepDefinition(Head)
{
    /// <summary>The number of items of a record when a step does not say.</summary>
    public const int DefaultMaxItems = 1_000;
}

/// <summary><c>type: custom</c>.</summary>
public sealed record CustomStepDefinition(
    StepHead Head,
    Located<string> Name,
    IReadOnlyList<Named<Located<string>>> Options,
    IReadOnlyList<Named<Located<FieldType>>> Add) : StepDefinition(Head);

/// <summary>How a sink writes, as pipelines say it.</summary>
public enum SinkVerb
{
    Append,
    Upsert,
    Update,
}

/// <summary>A sink.</summary>
public sealed record SinkDefinition
{
    public required Located<string> Id { get; init; }
    public Located<string>? From { get; init; }
    public required Located<string> Connection { get; init; }
    public required Located<string> Table { get; init; }
    public Located<SinkVerb>? Mode { get; init; }

    /// <summary>Types of columns, as the database names them, where the table or a column of it is made.</summary>
    public IReadOnlyList<Named<Located<string>>> Types { get; init; } = [];

    /// <summary>Columns of indexes that are made with the table.</summary>
    public IReadOnlyList<IReadOnlyList<Located<string>>> Indexes { get; init; } = [];

    /// <summary>True: a missing value leaves what the table has.</summary>
    public Located<bool>? KeepMissing { get; init; }
    public IReadOnlyList<Located<string>>? Keys { get; init; }
    public Located<string>? Revision { get; init; }

    /// <summary>Table columns by the fields they hold; null: one column per field.</summary>
    public IReadOnlyList<Named<Located<string>>>? Columns { get; init; }

    public bool Metadata { get; init; }
    public bool Create { get; init; }
    public bool Evolve { get; init; }
    public Located<bool>? DeleteOnTombstone { get; init; }
    public bool StopOnReject { get; init; }
    public FlushPlan Flush { get; init; } = DefaultFlush;
    public required TextNode Node { get; init; }

    /// <summary>5,000 rows, 4 MiB or 1 second, whichever comes first.</summary>
    public static FlushPlan DefaultFlush { get; } = new(5_000, 4 * 1024 * 1024, 1_000);
}

/// <summary>The section <c>quarantine</c>.</summary>
public sealed record QuarantineDefinition(
    Located<string>? Connection, Located<string>? Table, Located<long>? KeepFor, QuarantineTopicDefinition? Kafka,
    TextNode Node);

/// <summary>The section <c>quarantine.kafka</c>.</summary>
public sealed record QuarantineTopicDefinition(Located<string> Connection, Located<string> Topic);
