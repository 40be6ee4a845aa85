using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>Rows for a lane of a sink.</summary>
internal sealed record WriterCall
{
    /// <summary>The lane's progress once these rows are written: the next position of the partition, or an outbox sequence.</summary>
    public required long Progress { get; init; }

    public required RowBlock Rows { get; init; }

    /// <summary>Per row its place in the lane's order (offset, or outbox sequence): rows below the lane's progress were written before.</summary>
    public required long[] Order { get; init; }

    /// <summary>Rows that delete; null: none.</summary>
    public bool[]? Deletes { get; init; }

    /// <summary>The raw records behind the rows, for quarantine; row i is raw record i. Null for window rows.</summary>
    public RawBatch? Raw { get; init; }

    /// <summary>The pipeline's version.</summary>
    public required int Version { get; init; }

    /// <summary>Ids of quarantined records behind the rows: they leave the sink's quarantine in the transaction that writes the rows.</summary>
    public IReadOnlyList<string>? Released { get; init; }

    /// <summary>The owner that sends, for lanes whose owner must be the newest; null: any may write.</summary>
    public string? Owner { get; init; }

    /// <summary>The owner's epoch.</summary>
    public Epoch Epoch { get; init; }
}

/// <summary>What a writer answers.</summary>
internal enum WriterAnswer
{
    /// <summary>Committed.</summary>
    Ok,

    /// <summary>Not now: ask again.</summary>
    Busy,

    /// <summary>The sink's configuration cannot work; the reason says what to do. Ask again after the wait: it may have been mended.</summary>
    Failed,

    /// <summary>A newer owner writes here.</summary>
    Fenced,
}

/// <summary>The answer of a writer.</summary>
/// <param name="Answer">What became of the call.</param>
/// <param name="Confirmed">The lane's progress as far as the writer knows; -1: nothing.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Quarantined">Rows of the call that were refused for ever.</param>
/// <param name="RetryAfter">How long to wait before the call is repeated; null leaves it to the caller.</param>
internal sealed record WriterReply(WriterAnswer Answer, long Confirmed, string? Reason, int Quarantined, TimeSpan? RetryAfter = null);

/// <summary>A writer as its owner sees it: every call may be lost, on its way there or back, and is repeated until it is answered.</summary>
internal interface IWriter
{
    /// <summary>Writes rows; answers when they are committed, or when that cannot be had for now.</summary>
    Task<WriterReply> WriteAsync(WriterCall call);

    /// <summary>Refuses from now on what an owner with an older epoch sends, and answers with the lane's progress.</summary>
    Task<WriterReply> FenceAsync(string owner, Epoch epoch, int version);
}

/// <summary>A sink as a version of the pipeline has it; the plan's identity tells versions apart that changed nothing for the sink.</summary>
internal sealed record WriterPlan(SinkPlan Sink, int Version);

/// <summary>What a writer asks of the pipeline.</summary>
internal interface IWriterPorts
{
    /// <summary>The sink in this version or a later one. Throws a fault of kind Changed when it has none.</summary>
    Task<WriterPlan> PlanAsync(int atLeast, CancellationToken cancellation);
}

/// <summary>Which writer it is.</summary>
/// <param name="Sink">The sink's id.</param>
/// <param name="Lane">The source partition or the shard.</param>
/// <param name="Deadline">How long one call may take. Below the caller's response timeout, so that it hears of a slow database instead.</param>
/// <param name="LongestRepair">The longest wait between two checks of a sink that is wrong at the database.</param>
internal sealed record WriterIdentity(string Sink, string Lane, TimeSpan Deadline, TimeSpan LongestRepair);

/// <summary>Where a writer tells what happens. None of it may throw.</summary>
internal interface IWriterEvents
{
    /// <summary>The condition changed.</summary>
    void Became(Condition condition, string? reason);

    /// <summary>The lane was opened.</summary>
    void Opened(Epoch epoch, long progress);

    /// <summary>Rows are about to be written; what it returns is disposed when they are, or are not.</summary>
    IDisposable? Writing(WriterPlan plan, int rows);

    /// <summary>A call's rows are written.</summary>
    void Wrote(WriterCall call, TimeSpan took);

    /// <summary>A call was refused.</summary>
    void Refused(string code, bool retries);

    /// <summary>A defect, here or below.</summary>
    void FailedUnexpectedly(Exception e);

    /// <summary>What the lane has written could not be found out.</summary>
    void Uncounted(string reason);

    /// <summary>Another activation has taken the lane over.</summary>
    void Superseded();
}
