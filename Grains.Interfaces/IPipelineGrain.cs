using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>One pipeline: its definition, whether it should run, and how it is doing. The key is the pipeline's name.</summary>
[Alias("kor.IPipelineGrain")]
[GrainInterfaceType("kor.pipeline")]
public interface IPipelineGrain : IGrainWithStringKey
{
    /// <summary>
    /// Takes over a definition. An identical one changes nothing. A faulty one, or one whose state is incompatible with
    /// what is stored, is refused with the reasons and disturbs nothing.
    /// </summary>
    [Alias("Apply")]
    Task<ApplyOutcome> ApplyAsync(PipelineText definition);

    /// <summary>
    /// Stops the pipeline and forgets the definition; state and tables stay. Does nothing when the definition came another way, so that a file
    /// that was refused takes nobody else's pipeline along when it goes.
    /// </summary>
    [Alias("Remove")]
    Task RemoveAsync(DefinitionOrigin origin = DefinitionOrigin.Folder);

    /// <summary>Runs the pipeline from its checkpoint.</summary>
    [Alias("Start")]
    Task StartAsync();

    /// <summary>Stops reading, keeps everything in memory; <see cref="StartAsync"/> goes on.</summary>
    [Alias("Pause")]
    Task PauseAsync();

    /// <summary>Checkpoints and stops.</summary>
    [Alias("Stop")]
    Task StopAsync();

    /// <summary>Shows, or with <see cref="ResetRequest.Execute"/> does, a reset of positions and state. Only when stopped.</summary>
    [Alias("Reset")]
    Task<ResetOutcome> ResetAsync(ResetRequest request);

    /// <summary>
    /// Frees what a removed pipeline left in the state store: positions, cells, windows on their way. Refused, with the reason, while it has a definition. Should
    /// one of this name come again, it begins anew.
    /// </summary>
    [Alias("Purge")]
    Task<string?> PurgeAsync();

    /// <summary>How the pipeline is doing, with all its parts.</summary>
    [Alias("Status")]
    [AlwaysInterleave]
    Task<PipelineStatus> GetStatusAsync();

    /// <summary>The definition in force, or null.</summary>
    [Alias("Definition")]
    [AlwaysInterleave]
    Task<PipelineText?> GetDefinitionAsync();

    /// <summary>The source partitions known, by name (<c>topic/partition</c>).</summary>
    [Alias("Sources")]
    [AlwaysInterleave]
    Task<IReadOnlyList<string>> GetSourcesAsync();

    /// <summary>A partition reports for duty: a new one becomes known to the window steps before its first record counts.</summary>
    [Alias("Register")]
    [AlwaysInterleave]
    Task RegisterSourceAsync(string source);

    /// <summary>
    /// Where a source partition without a checkpoint begins: an offset, or null for its beginning. Throws while
    /// that is not known.
    /// </summary>
    [Alias("StartOf")]
    [AlwaysInterleave]
    Task<long?> GetStartAsync(string source);

    /// <summary>What happened lately, newest first.</summary>
    [Alias("Events")]
    [AlwaysInterleave]
    Task<IReadOnlyList<PipelineEvent>> GetEventsAsync();

    /// <summary>A part tells of something that happened to it; with <paramref name="restart"/> it starts over.</summary>
    [Alias("Tell")]
    [AlwaysInterleave]
    [OneWay]
    Task TellAsync(string kind, string text, bool restart);

    /// <summary>A silo tells why it cannot open the pipeline's source, again and again for as long as that is so; null: it can again.</summary>
    [Alias("TellSource")]
    [AlwaysInterleave]
    [OneWay]
    Task TellSourceAsync(string silo, string? problem);

    /// <summary>
    /// Starts parts of a running pipeline over from their checkpoints: all of them, the failed and waiting ones, or one partition
    /// (<c>topic/partition</c>).
    /// </summary>
    [Alias("Restart")]
    Task<RestartOutcome> RestartAsync(bool onlyFailed, string? partition);

    /// <summary>Numbers of the last 15 minutes between two times (null: all that is kept, until now), in stretches of so many s (5 to 900, a multiple of 5).</summary>
    [Alias("Metrics")]
    [AlwaysInterleave]
    Task<PipelineMetrics> GetMetricsAsync(DateTimeOffset? from, DateTimeOffset? to, int stepSeconds);

    /// <summary>
    /// Shows records to an observer for as long as the call is repeated within <see cref="TapRequest.Lease"/>. Returns why it cannot be, or null.
    /// </summary>
    [Alias("Tap")]
    [AlwaysInterleave]
    Task<string?> TapAsync(TapRequest request, ITapObserver observer);

    /// <summary>
    /// One step towards the end of a run: makes window state durable and looks whether every window that is due, and every changed total, is written. With
    /// <paramref name="closeWindows"/> time goes on at once to where the open windows close; only on a pipeline that is paused, for records that come later for
    /// them are late. To be repeated until it is settled.
    /// </summary>
    [Alias("Settle")]
    Task<SettleOutcome> SettleAsync(bool closeWindows);
}

/// <summary>Whether all that a pipeline's windows owe their sinks is written.</summary>
/// <param name="Settled">It is.</param>
/// <param name="Open">Windows that are open, at most 1,000 of each shard.</param>
/// <param name="Waits">What it waits for; null when it is settled.</param>
[GenerateSerializer, Immutable, Alias("kor.SettleOutcome")]
public sealed record SettleOutcome([property: Id(0)] bool Settled, [property: Id(1)] int Open, [property: Id(2)] string? Waits);

/// <summary>All pipelines of the cluster. The key is 0.</summary>
[Alias("kor.IPipelineCatalogGrain")]
[GrainInterfaceType("kor.catalog")]
public interface IPipelineCatalogGrain : IGrainWithIntegerKey
{
    /// <summary>The pipelines with their versions and desired states.</summary>
    [Alias("List")]
    Task<IReadOnlyList<CatalogEntry>> ListAsync();

    /// <summary>The files that silos refuse at the moment, one entry per file.</summary>
    [Alias("Refusals")]
    Task<IReadOnlyList<DefinitionRefusal>> ListRefusalsAsync();

    /// <summary>A silo tells which files of its folder it refuses; it says so again every few seconds, and what it no longer says is forgotten.</summary>
    [Alias("ReportRefusals")]
    Task ReportRefusalsAsync(string silo, IReadOnlyList<DefinitionRefusal> refusals);

    /// <summary>Takes over an entry; called by the pipeline itself.</summary>
    [Alias("Put")]
    Task PutAsync(CatalogEntry entry);

    /// <summary>Drops an entry; called by the pipeline itself.</summary>
    [Alias("Drop")]
    Task DropAsync(string name);

    /// <summary>
    /// A pipeline says which tables it writes, before its definition is in force. Returns why it must not write those of others; then nothing is
    /// noted, unless <paramref name="inForce"/> says that it writes them anyway. <paramref name="replaces"/> is a pipeline that ends with that.
    /// </summary>
    [Alias("ClaimTables")]
    Task<IReadOnlyList<TableRefusal>> ClaimTablesAsync(string name, IReadOnlyList<TableClaim> tables, bool inForce, string? replaces);

    /// <summary>What <see cref="ClaimTablesAsync"/> would answer; notes nothing.</summary>
    [Alias("CheckTables")]
    Task<IReadOnlyList<TableRefusal>> CheckTablesAsync(string name, IReadOnlyList<TableClaim> tables);

    /// <summary>
    /// A silo says which pipelines the files in its folder define, every few seconds; null only asks. Returns what the silos said in the last 15 s, kept in
    /// memory. A pipeline that came from a file is over when no silo has its file any more.
    /// </summary>
    [Alias("Claim")]
    Task<IReadOnlyList<FolderClaim>> ClaimAsync(FolderClaim? claim);
}

/// <summary>Answers questions about the live state of keys. The key is the pipeline's name; answers on any silo.</summary>
[Alias("kor.IPipelineQueryGrain")]
[GrainInterfaceType("kor.query")]
public interface IPipelineQueryGrain : IGrainWithStringKey
{
    /// <summary>
    /// The live windows or running totals of a key of a window or aggregate step. The key is written as its values separated by commas.
    /// Null when the pipeline or the step does not exist.
    /// </summary>
    [Alias("Key")]
    Task<KeyState?> GetKeyAsync(string step, string key);

    /// <summary>The windows closed last, newest first, over all shards of a step; at most <paramref name="limit"/> (1 to 1000).</summary>
    [Alias("Closed")]
    Task<IReadOnlyList<WindowRow>> GetClosedAsync(string step, int limit);

    /// <summary>
    /// Open windows (or running totals) over all shards of a step, the ones that end first in front; at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("Open")]
    Task<IReadOnlyList<WindowRow>> GetOpenAsync(string step, int limit);

    /// <summary>Windows of a step by key and time, a page of them, and how many there are.</summary>
    [Alias("Windows")]
    Task<WindowPage> FindAsync(WindowQuery query);
}

/// <summary>A pipeline as text.</summary>
[GenerateSerializer, Immutable, Alias("kor.PipelineText")]
public sealed record PipelineText(
    [property: Id(0)] string Name,
    [property: Id(1)] string Text,
    [property: Id(2)] string FileName,
    [property: Id(3)] int Version)
{
    /// <summary>How often the pipeline was reset: sinks and revisions start a new count with each.</summary>
    [Id(4)] public int Generation { get; init; }

    /// <summary>How the definition came.</summary>
    [Id(5)] public DefinitionOrigin Origin { get; init; }

    /// <summary>What a pipeline that is new should do; one that is there goes on as it did.</summary>
    [Id(6)] public DesiredState Initial { get; init; } = DesiredState.Running;

    /// <summary>True while nothing may run by this definition: the pipeline is stopped, or another definition is about to take its place.</summary>
    [Id(7)] public bool Halted { get; init; }

    /// <summary>Windows that begin before this event time, ms, lack records since a reset and are not written; null: all are complete.</summary>
    [Id(8)] public long? WindowsFrom { get; init; }

    /// <summary>The pipeline that ends when this one is in force, as its file has another name now: what it writes is free for this one. Null: none.</summary>
    [Id(9)] public string? Replaces { get; init; }
}

/// <summary>How a definition came. Each way leaves the pipelines of the other alone.</summary>
public enum DefinitionOrigin
{
    /// <summary>From a file in the watched folder: the file decides, and its end is the pipeline's.</summary>
    Folder,

    /// <summary>Over the HTTP API: kept with the pipeline's state.</summary>
    Api,
}

/// <summary>What became of a definition.</summary>
[GenerateSerializer, Immutable, Alias("kor.ApplyOutcome")]
public sealed record ApplyOutcome(
    [property: Id(0)] bool Accepted,
    [property: Id(1)] int Version,
    [property: Id(2)] IReadOnlyList<string> Diagnostics)
{
    /// <summary>It is kept and takes effect once the tables fit; the diagnostics say what they lack.</summary>
    [Id(3)] public bool Held { get; init; }
}

/// <summary>A pipeline in the catalog.</summary>
[GenerateSerializer, Immutable, Alias("kor.CatalogEntry")]
public sealed record CatalogEntry(
    [property: Id(0)] string Name,
    [property: Id(1)] int Version,
    [property: Id(2)] DesiredState Desired)
{
    /// <summary>The one word about the pipeline, a few seconds old.</summary>
    [Id(3)] public PipelineCondition Condition { get; init; }

    /// <summary>Why it is in that condition, as of when it came into it; null when all is well.</summary>
    [Id(4)] public string? Reason { get; init; }
}

/// <summary>The pipelines that the files in a silo's folder define.</summary>
/// <param name="Silo">The silo's address.</param>
/// <param name="Pipelines">The names, also those of files that were refused and whose earlier text is in force.</param>
[GenerateSerializer, Immutable, Alias("kor.FolderClaim")]
public sealed record FolderClaim([property: Id(0)] string Silo, [property: Id(1)] IReadOnlyList<string> Pipelines);

/// <summary>A table that a sink of a pipeline writes.</summary>
/// <param name="Sink">The sink.</param>
/// <param name="Connection">The connection's name.</param>
/// <param name="Table">The table, as written in the pipeline.</param>
/// <param name="KeysDeclared">The author says by which keys the rows differ.</param>
/// <param name="ByPlace">Rows are appended and known by topic, partition and offset of their record.</param>
/// <param name="Topics">The topics and patterns of the pipeline's source.</param>
[GenerateSerializer, Immutable, Alias("kor.TableClaim")]
public sealed record TableClaim(
    [property: Id(0)] string Sink,
    [property: Id(1)] string Connection,
    [property: Id(2)] string Table,
    [property: Id(3)] bool KeysDeclared,
    [property: Id(4)] bool ByPlace,
    [property: Id(5)] IReadOnlyList<string> Topics);

/// <summary>Why a sink must not write a table that another pipeline writes.</summary>
/// <param name="Sink">The sink that is refused.</param>
/// <param name="Message">The error with its code, naming the other pipeline, the rule and what to do.</param>
[GenerateSerializer, Immutable, Alias("kor.TableRefusal")]
public sealed record TableRefusal([property: Id(0)] string Sink, [property: Id(1)] string Message);

/// <summary>A pipeline file that was refused.</summary>
/// <param name="Name">The name the file gives its pipeline, or the file's own when that cannot be read.</param>
/// <param name="File">The file's name, without its folder.</param>
/// <param name="Diagnostics">Why: every error with its place.</param>
/// <param name="Since">When it was first seen.</param>
[GenerateSerializer, Immutable, Alias("kor.DefinitionRefusal")]
public sealed record DefinitionRefusal(
    [property: Id(0)] string Name, [property: Id(1)] string File, [property: Id(2)] IReadOnlyList<string> Diagnostics, [property: Id(3)] DateTimeOffset Since);

/// <summary>What a pipeline should do.</summary>
public enum DesiredState
{
    Stopped,
    Running,
    Paused,
}

/// <summary>What a part of a pipeline is doing; the worst of its parts is the pipeline's.</summary>
public enum PartState
{
    Stopped,
    Paused,
    Running,
    Starting,

    /// <summary>Waits for something outside (database, broker) and goes on by itself; the reason says for what. Shown as WAITING.</summary>
    [System.Text.Json.Serialization.JsonStringEnumMemberName("Waiting")]
    Blocked,

    /// <summary>Cannot go on without an operator; the reason says what to do.</summary>
    Failed,
}

/// <summary>Where to set a pipeline back to.</summary>
[GenerateSerializer, Immutable, Alias("kor.ResetRequest")]
public sealed record ResetRequest(
    [property: Id(0)] ResetTarget Target,
    [property: Id(1)] long TimestampMs,
    [property: Id(2)] IReadOnlyDictionary<string, long>? Offsets,
    [property: Id(3)] bool Execute)
{
    /// <summary>Also where running totals would be counted from the middle and written over right ones.</summary>
    [Id(4)] public bool Force { get; init; }

    /// <summary>For a preview: only the positions are wanted, and no record is read for what else a reset would mean.</summary>
    [Id(5)] public bool PositionsOnly { get; init; }
}

/// <summary>Targets of a reset.</summary>
public enum ResetTarget
{
    Earliest,
    Latest,
    Timestamp,
    Offsets,
}

/// <summary>What a reset would do, or did.</summary>
[GenerateSerializer, Immutable, Alias("kor.ResetOutcome")]
public sealed record ResetOutcome(
    [property: Id(0)] bool Executed,
    [property: Id(1)] string? Refusal,
    [property: Id(2)] IReadOnlyList<ResetLine> Lines)
{
    /// <summary>What else it means: windows that are withheld, totals that would be wrong, ids that are forgotten.</summary>
    [Id(3)] public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>One partition of a reset.</summary>
[GenerateSerializer, Immutable, Alias("kor.ResetLine")]
public sealed record ResetLine(
    [property: Id(0)] string Partition, [property: Id(1)] long? Current, [property: Id(2)] long? Target);

/// <summary>Something that happened to a pipeline.</summary>
[GenerateSerializer, Immutable, Alias("kor.PipelineEvent")]
public sealed record PipelineEvent(
    [property: Id(0)] DateTimeOffset At, [property: Id(1)] string Kind, [property: Id(2)] string Text);
