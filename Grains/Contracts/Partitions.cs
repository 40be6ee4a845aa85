using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Contracts;

/// <summary>Consumes the stream of a partition. The key is the stream's: <c>pipeline/topic/partition</c>.</summary>
[Alias("kor.IPartitionGrain")]
[GrainInterfaceType("kor.partition")]
internal interface IPartitionGrain : IGrainWithStringKey
{
    /// <summary>The next offset to read, or null when nothing is known yet.</summary>
    [Alias("Position")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<long?> GetPositionAsync();

    /// <summary>Whether the checkpoint says of which topic the position is.</summary>
    [Alias("KnowsTopic")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<bool> KnowsTopicAsync();

    /// <summary>Sees to it that the partition is owned and its clockwork runs.</summary>
    [Alias("Wake")]
    Task WakeAsync();

    /// <summary>Before its silo stops: takes in nothing more and makes durable what it has, for at most 10 s.</summary>
    [Alias("HandOver")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task HandOverAsync();

    /// <summary>Checkpoints what it can and gives the partition up.</summary>
    [Alias("Stop")]
    Task StopAsync();

    [Alias("Status")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<PartitionStatus> GetStatusAsync();

    /// <summary>Where the log ends, for a partition that no silo reads for now: its lag grows all the same.</summary>
    [Alias("TellEnd")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task TellEndAsync(long end);

    /// <summary>Shows records of an output to an observer until the tap has not been renewed for <see cref="TapRequest.Lease"/>.</summary>
    [Alias("Tap")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<bool> TapAsync(TapRequest request, ITapObserver observer);

    /// <summary>
    /// Plays quarantined records of this partition again. Answers when it is done or after 20 s; the same call again waits on, and one that comes
    /// after the end changes nothing.
    /// </summary>
    [Alias("Replay")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<ReplayReply> ReplayAsync(ReplayCall call);
}

/// <summary>Quarantined records to play again.</summary>
/// <param name="Sink">The sink that refused them; null: a step did.</param>
/// <param name="Ids">Their ids.</param>
[GenerateSerializer, Immutable, Alias("kor.ReplayCall")]
internal sealed record ReplayCall([property: Id(0)] string? Sink, [property: Id(1)] IReadOnlyList<string> Ids);

/// <summary>The answer of a partition.</summary>
/// <param name="Done">True when it is over and durable; false: ask again.</param>
/// <param name="Refusal">Why it cannot be done at all; null when it can.</param>
[GenerateSerializer, Immutable, Alias("kor.ReplayReply")]
internal sealed record ReplayReply([property: Id(0)] bool Done, [property: Id(1)] string? Refusal);

/// <summary>One writer of a sink. The key is <c>pipeline/sink/lane</c>; the lane is the source partition or the shard.</summary>
[Alias("kor.ISinkGrain")]
[GrainInterfaceType("kor.sink")]
internal interface ISinkGrain : IGrainWithStringKey
{
    /// <summary>
    /// Writes rows and returns when they are committed, or when that cannot be had for now. The caller keeps the rows and repeats the
    /// call until it is confirmed; what the lane has committed already is skipped.
    /// </summary>
    [Alias("Write")]
    Task<SinkReply> WriteAsync(SinkCall call);

    /// <summary>
    /// Refuses from now on what an owner with an older epoch sends, and answers with the lane's progress, as <see cref="WriteAsync"/> does.
    /// </summary>
    [Alias("Fence")]
    Task<SinkReply> FenceAsync(string owner, long epoch, int version);

    /// <summary>Gives the lane up.</summary>
    [Alias("Stop")]
    Task StopAsync();

    [Alias("Status")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<SinkStatus> GetStatusAsync();
}

/// <summary>Rows for a sink lane.</summary>
[GenerateSerializer, Immutable, Alias("kor.SinkCall")]
internal sealed record SinkCall
{
    /// <summary>The lane's progress once these rows are written: the next position of the partition, or an outbox sequence.</summary>
    [Id(0)] public required long Progress { get; init; }

    /// <summary>The rows.</summary>
    [Id(1)] public required RowBlock Rows { get; init; }

    /// <summary>
    /// Per row its place in the lane's order (offset, or outbox sequence): rows at or below the lane's progress were written before.
    /// </summary>
    [Id(2)] public required long[] Order { get; init; }

    /// <summary>Rows that delete; null: none.</summary>
    [Id(3)] public bool[]? Deletes { get; init; }

    /// <summary>The raw records behind the rows, for quarantine; row i is raw record i. Null for window rows.</summary>
    [Id(4)] public RawBatch? Raw { get; init; }

    /// <summary>The pipeline's version, for quarantine.</summary>
    [Id(5)] public required int Version { get; init; }

    /// <summary>Ids of quarantined records behind the rows: they leave the sink's quarantine in the transaction that writes the rows.</summary>
    [Id(6)] public IReadOnlyList<string>? Released { get; init; }

    /// <summary>The owner that sends, for lanes whose owner must be the newest; null: any may write.</summary>
    [Id(7)] public string? Owner { get; init; }

    /// <summary>The owner's epoch.</summary>
    [Id(8)] public long Epoch { get; init; }
}

/// <summary>What a sink lane answers.</summary>
internal enum SinkAnswer
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

/// <summary>The answer of a sink lane.</summary>
[GenerateSerializer, Immutable, Alias("kor.SinkReply")]
internal sealed record SinkReply(
    [property: Id(0)] SinkAnswer Answer,
    [property: Id(1)] long Confirmed,
    [property: Id(2)] string? Reason,
    [property: Id(3)] int Quarantined)
{
    /// <summary>How long to wait before the call is repeated, as the connection's retry settings have it; null leaves it to the caller.</summary>
    [Id(4)] public TimeSpan? RetryAfter { get; init; }
}
