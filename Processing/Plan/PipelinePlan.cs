using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>A pipeline, checked and compiled: what the engine runs. Immutable and shared by all partitions.</summary>
public sealed record PipelinePlan
{
    /// <summary>The pipeline's name.</summary>
    public required string Name { get; init; }

    /// <summary>Where records come from.</summary>
    public required SourcePlan Source { get; init; }

    /// <summary>The steps in an order in which every step comes after its input.</summary>
    public required IReadOnlyList<StepPlan> Steps { get; init; }

    /// <summary>The sinks.</summary>
    public required IReadOnlyList<SinkPlan> Sinks { get; init; }

    /// <summary>
    /// Fingerprint of everything that durable state depends on (dedup keys, windows, group keys, aggregates, shards,
    /// topics), per step id: two plans with different values for a step cannot share its state.
    /// </summary>
    public required IReadOnlyDictionary<string, string> StateFingerprints { get; init; }

    /// <summary>What two versions must have in common to be the same text: a hash of the definition.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>What the pipeline is for; empty when it is not said.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where refused records go; null: the state store's database.</summary>
    public QuarantinePlan? Quarantine { get; init; }
}

/// <summary>Where refused records go: a table, a Kafka topic, or both.</summary>
/// <param name="Connection">The database connection of the table; null: the state store's, or no table when there is a topic.</param>
/// <param name="Table">The table, or null for kor_quarantine.</param>
/// <param name="KeepFor">For how long the table keeps them, ms; 0: as long as the host says.</param>
public sealed record QuarantinePlan(string? Connection, string? Table, long KeepFor)
{
    /// <summary>The topic that gets them; null: none.</summary>
    public QuarantineTopicPlan? Topic { get; init; }

    /// <summary>True when refused records are kept in a table; only then can they be listed and replayed.</summary>
    public bool HasTable => Connection is not null || Topic is null;
}

/// <summary>A topic for refused records.</summary>
/// <param name="Connection">The Kafka connection's name in the host's configuration.</param>
/// <param name="Topic">The topic.</param>
public sealed record QuarantineTopicPlan(string Connection, string Topic);

/// <summary>The source of a pipeline.</summary>
public sealed record SourcePlan
{
    public required string Connection { get; init; }

    /// <summary>Topic names, or patterns that begin with '^'.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The consumer group for offset commits; default <c>kor-NAME</c>.</summary>
    public required string GroupId { get; init; }

    /// <summary><c>earliest</c>, <c>latest</c> or a timestamp; applies only when no checkpoint exists.</summary>
    public required StartPlan Start { get; init; }

    /// <summary>Read only committed transactions (default) or everything.</summary>
    public bool ReadCommitted { get; init; } = true;

    /// <summary>The decoded fields.</summary>
    public required Schema Schema { get; init; }

    /// <summary>Makes a decoder; one per partition.</summary>
    public required Func<IRecordDecoder> CreateDecoder { get; init; }

    /// <summary>How records are decoded: what <see cref="CreateDecoder"/> was made from.</summary>
    public SourceFormatSpec? Format { get; init; }

    /// <summary>The place of the event-time field in <see cref="Schema"/>, or -1 for the Kafka timestamp.</summary>
    public required int EventTimeField { get; init; }

    /// <summary>How far behind the largest event time seen a record may come and still be in time, ms.</summary>
    public required long MaxOutOfOrder { get; init; }

    /// <summary>After how long a silent partition no longer holds the watermark back, ms.</summary>
    public required long IdleAfter { get; init; }

    /// <summary>
    /// How far ahead of processing time an event time may be, ms; a record beyond it is quarantined and does not move
    /// the watermark. 0: no limit.
    /// </summary>
    public required long MaxAhead { get; init; }
}

/// <summary>Where reading starts when there is no checkpoint.</summary>
public sealed record StartPlan(StartKind Kind, long TimestampMs = 0);

/// <summary>Kinds of start.</summary>
public enum StartKind
{
    Earliest,
    Latest,
    Timestamp,
}

/// <summary>What a step or sink reads.</summary>
/// <param name="Step">A step's id; empty: the source.</param>
/// <param name="Output">Which of its outputs.</param>
public readonly record struct InputRef(string Step, StepOutput Output = StepOutput.Main)
{
    /// <summary>
    /// As <see cref="Step"/>, with <see cref="StepOutput.Quarantined"/>: the refused rows of the source and of every
    /// step.
    /// </summary>
    public const string AnyStep = "*";
}

/// <summary>Outputs of a step.</summary>
public enum StepOutput
{
    /// <summary>What went through.</summary>
    Main,

    /// <summary>
    /// Window steps: rows that came too late, with <c>window_start</c>, <c>window_end</c>, <c>late_by_ms</c>, <c>late_reason</c>.
    /// </summary>
    Late,

    /// <summary>Dedup steps: rows seen before.</summary>
    Duplicates,

    /// <summary>
    /// Refused rows of a step, of the source, or of all (<see cref="InputRef.AnyStep"/>), in the fields of
    /// <see cref="SideOutputs.Quarantined"/>.
    /// </summary>
    Quarantined,

    /// <summary>Quality steps: rows a rule routed to a named sink (the name is <see cref="SinkPlan.Id"/>).</summary>
    Routed,
}

/// <summary>What all steps have.</summary>
public abstract record StepPlan
{
    /// <summary>The step's id in the pipeline.</summary>
    public required string Id { get; init; }

    /// <summary>What it reads.</summary>
    public required InputRef Input { get; init; }

    /// <summary>The fields it reads.</summary>
    public required Schema InputSchema { get; init; }

    /// <summary>The fields of its main output.</summary>
    public required Schema Schema { get; init; }
}

/// <summary>
/// Sets, drops and renames fields. Output column i is input column <c>Source[i]</c>, or, when that is -1, expression i.
/// </summary>
public sealed record MapPlan : StepPlan
{
    /// <summary>Per output field the input column it is taken over from, or -1.</summary>
    public required IReadOnlyList<int> Source { get; init; }

    /// <summary>
    /// The expressions in evaluation order: (output field, expression). An expression sees the input fields followed by
    /// those set before it: it is compiled against <see cref="ScratchSchema"/>. The output is -1 when only later
    /// expressions read it.
    /// </summary>
    public required IReadOnlyList<(int Output, int Scratch, CompiledExpression Expression)> Set { get; init; }

    /// <summary>
    /// The input fields followed by one field per set expression. A field that was set again has <c>@n</c> after its
    /// earlier names.
    /// </summary>
    public required Schema ScratchSchema { get; init; }
}

/// <summary>Keeps rows for which a condition is true.</summary>
public sealed record FilterPlan : StepPlan
{
    public required CompiledExpression Where { get; init; }
}

/// <summary>What happens to a row that fails a rule.</summary>
public enum QualityAction
{
    Quarantine,
    Drop,
    Tag,
    Route,

    /// <summary>Only counted: what a rule of severity warn does when it does not tag.</summary>
    Count,
}

/// <summary>
/// A named rule. A row passes when the condition is true; NULL fails. A tag field holds whether the row passed.
/// </summary>
public sealed record QualityRulePlan(string Name, CompiledExpression Condition, bool Warn, QualityAction Action,
    string? RouteTo);

/// <summary>Stops the pipeline when too many rows fail.</summary>
/// <param name="FailedRatio">Failed rows by all rows, 0 to 1.</param>
/// <param name="Over">The event-time span looked at, ms.</param>
/// <param name="MinRecords">Below so many rows in the span nothing is concluded.</param>
public sealed record StopIfPlan(double FailedRatio, long Over, long MinRecords);

/// <summary>
/// Checks rows against rules; with tag rules the output has a boolean <c>quality_RULE</c> field per such rule.
/// </summary>
public sealed record QualityPlan : StepPlan
{
    public required IReadOnlyList<QualityRulePlan> Rules { get; init; }
    public StopIfPlan? StopIf { get; init; }
}

/// <summary>How state is spread over grains.</summary>
/// <param name="Groups">0: one grain per key. Otherwise so many cells per owner, each with many keys.</param>
public readonly record struct GrainPer(int Groups);

/// <summary>Lets the first row of an id through.</summary>
public sealed record DedupPlan : StepPlan
{
    /// <summary>The id's fields, as places in the input schema.</summary>
    public required IReadOnlyList<int> Key { get; init; }

    /// <summary>For how long (event time, ms) an id is remembered.</summary>
    public required long Within { get; init; }

    /// <summary>True: the same id is looked for across partitions.</summary>
    public bool Global { get; init; }

    /// <summary>Across partitions: into how many owners the ids are cut.</summary>
    public int Shards { get; init; }

    /// <summary>In one partition: how ids are spread over cells.</summary>
    public DedupCells Cells { get; init; }
}

/// <summary>What a lookup does with rows that find nothing.</summary>
public enum OnMissing
{
    Keep,
    Drop,
    Quarantine,
}

/// <summary>What a lookup does where a key has several rows.</summary>
public enum OnMultiple
{
    /// <summary>The record is refused: which row counts would be chance.</summary>
    Quarantine,

    /// <summary>The first in the step's order.</summary>
    First,

    /// <summary>A row of the output for each.</summary>
    All,
}

/// <summary>The columns that say when a row of a lookup is valid, as places among the read values.</summary>
/// <param name="From">From when on; NULL: since ever.</param>
/// <param name="To">Before when; NULL: still. -1: no such column, until the next row of the key begins.</param>
public sealed record AsOfColumns(int From, int To);

/// <summary>Adds fields from a table.</summary>
public sealed record LookupPlan : StepPlan
{
    public required LookupSpec Lookup { get; init; }

    /// <summary>The key fields, as places in the input schema, in the order of the spec's key columns.</summary>
    public required IReadOnlyList<int> Key { get; init; }

    /// <summary>How long a found row is served from the cache, ms.</summary>
    public required long CacheFor { get; init; }

    /// <summary>How long a miss is served from the cache, ms.</summary>
    public required long CacheMissFor { get; init; }

    /// <summary>The largest number of cached keys.</summary>
    public required int CacheRows { get; init; }

    public required OnMissing OnMissing { get; init; }
    public bool Preload { get; init; }

    /// <summary>The first so many of the read values are fields of the output; those behind say when a row is valid.</summary>
    public required int Added { get; init; }

    public OnMultiple OnMultiple { get; init; }

    /// <summary>By which read values the rows of a key are ordered.</summary>
    public IReadOnlyList<(int Value, bool Descending)> Order { get; init; } = [];

    /// <summary>Only rows that are valid at the record's event time count; null: all do.</summary>
    public AsOfColumns? AsOf { get; init; }
}

/// <summary>
/// Aggregates per key and window, or running totals per key. The output is window rows; see
/// <see cref="WindowStepSpec"/>.
/// </summary>
public sealed record WindowPlan : StepPlan
{
    public required WindowStepSpec Window { get; init; }

    /// <summary>The groupBy fields, as places in the input schema.</summary>
    public required IReadOnlyList<int> Key { get; init; }

    /// <summary>
    /// The aggregates' inputs, compiled against the input schema, in the order of
    /// <see cref="WindowStepSpec.InputTypes"/>.
    /// </summary>
    public required IReadOnlyList<CompiledExpression> Inputs { get; init; }

    /// <summary>The number of shards, fixed for the life of the state.</summary>
    public required int Shards { get; init; }

    public required GrainPer GrainPer { get; init; }
}

/// <summary>
/// Makes a row of each item of a field. Output column i is input column <c>Source[i]</c>; or, when that is -1, item field <c>ItemField[i]</c>; or, when that is
/// -1 too, the key or the position.
/// </summary>
public sealed record ExplodePlan : StepPlan
{
    /// <summary>The exploded field's place in the input schema: JSON, or a string of lines.</summary>
    public required int Field { get; init; }

    /// <summary>The names that lead from the field's value to the array or object.</summary>
    public required IReadOnlyList<string> Path { get; init; }

    /// <summary>The items are the entries of an object.</summary>
    public required bool IsMap { get; init; }

    /// <summary>The field is a string of which each line is an item.</summary>
    public required bool Lines { get; init; }

    /// <summary>How items become fields: those without a path are the whole item.</summary>
    public required SourceFormatSpec Items { get; init; }

    /// <summary>Per output field the input column it repeats, or -1.</summary>
    public required IReadOnlyList<int> Source { get; init; }

    /// <summary>Per output field the item's field, or -1.</summary>
    public required IReadOnlyList<int> ItemField { get; init; }

    /// <summary>The output field of an entry's key, or -1.</summary>
    public required int KeyField { get; init; }

    /// <summary>The output field of the item's place, or -1.</summary>
    public required int PositionField { get; init; }

    /// <summary>A record without items gives one row with NULL in place of an item.</summary>
    public required bool KeepEmpty { get; init; }

    /// <summary>A record with more items is refused.</summary>
    public required int MaxItems { get; init; }
}

/// <summary>A C# transform registered in the host by name.</summary>
public sealed record CustomPlan : StepPlan
{
    public required string Name { get; init; }

    /// <summary>
    /// The options the pipeline gives it. Its output schema is the input schema followed by the fields the pipeline
    /// declares.
    /// </summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>A sink: where rows leave.</summary>
public sealed record SinkPlan
{
    public required string Id { get; init; }
    public required InputRef From { get; init; }

    /// <summary>The fields of the rows that reach it, without metadata.</summary>
    public required Schema InputSchema { get; init; }

    /// <summary>The table side.</summary>
    public required SinkSpec Spec { get; init; }

    /// <summary>
    /// Per table column: the input field, or a negative number for a metadata column (see
    /// <see cref="MetadataColumn"/>, as -1 - value).
    /// </summary>
    public required IReadOnlyList<int> Source { get; init; }

    /// <summary>
    /// True when the rows come from a window step (they go through the shard's outbox), false for record rows.
    /// </summary>
    public required bool FromWindow { get; init; }

    /// <summary>The keys are the author's, not those that rows of records or windows have by themselves.</summary>
    public bool KeysDeclared { get; init; }

    /// <summary>A row the database refuses for ever stops the pipeline instead of going to quarantine.</summary>
    public bool StopOnReject { get; init; }

    /// <summary>Tombstones delete the row of their key.</summary>
    public bool DeleteOnTombstone { get; init; }

    public required FlushPlan Flush { get; init; }
}

/// <summary>
/// Columns <c>metadata: true</c> adds, and those that identify rows; see <see cref="MetadataColumns"/>.
/// </summary>
public enum MetadataColumn
{
    Topic,
    Partition,
    Offset,
    Timestamp,
    ProcessedAt,
    PipelineVersion,

    /// <summary>Behind an explode step: the row's place among the items of its record, from 1; 0: a record without items that was kept.</summary>
    Position,
}

/// <summary>When a sink writes: at so many rows or bytes, or after so long.</summary>
public sealed record FlushPlan(int Rows, long Bytes, long IntervalMs);
