using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Contracts;

/// <summary>Owns a shard of a window step. The key is <c>pipeline/step/shard</c>.</summary>
[Alias("kor.IAggregatorGrain")]
[GrainInterfaceType("kor.aggregator")]
internal interface IAggregatorGrain : IGrainWithStringKey
{
    /// <summary>Takes a sub-batch of one source partition. Chained: see <see cref="ApplyAnswer"/>.</summary>
    [Alias("Apply")]
    Task<ApplyReply> ApplyAsync(SubBatch batch);

    /// <summary>
    /// A partition is silent and was at the end of its log when it looked, or no longer so. <paramref name="position"/> is what it has sent,
    /// <paramref name="durable"/> what it would replay from, and <paramref name="ticket"/> what this call returned the last time, before it looked;
    /// 0: it had not called yet; <paramref name="claimed"/> is its watermark with a claim it has not taken up. The watermark passes the partition only as far as it had come by then. A negative number is the
    /// ticket's, and says that records of others wait for the next call.
    /// </summary>
    [Alias("ConfirmIdle")]
    Task<long> ConfirmIdleAsync(string source, long position, long durable, bool idle, long ticket, long claimed);

    /// <summary>What the shard has taken in and made durable of a source partition.</summary>
    [Alias("Position")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<ShardPosition> GetPositionAsync(string source);

    /// <summary>
    /// Refuses, from now on and after any restart, what an owner of the partition with an older epoch sends. Returns what the shard has
    /// taken in of the partition; -1: nothing.
    /// </summary>
    [Alias("Fence")]
    Task<long> FenceAsync(string source, long epoch);

    /// <summary>Makes source partitions known, so that the watermark waits for them.</summary>
    [Alias("AddSources")]
    Task AddSourcesAsync(IReadOnlyList<string> sources);

    /// <summary>Starts a checkpoint now if there is anything to save; returns when it is durable, or cannot be had for now.</summary>
    [Alias("Checkpoint")]
    Task CheckpointAsync();

    /// <summary>Wakes the shard, so that windows close without traffic.</summary>
    [Alias("Wake")]
    Task WakeAsync();

    /// <summary>Checkpoints and gives up the shard.</summary>
    [Alias("Stop")]
    Task StopAsync();

    [Alias("Status")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<ShardStatus> GetStatusAsync();

    [Alias("Query")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<KeyState> QueryAsync(byte[] key, string text);

    [Alias("Closed")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<IReadOnlyList<WindowRow>> GetClosedAsync(int limit);

    /// <summary>Some of the open windows (or running totals), the ones that end first in front.</summary>
    [Alias("Open")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<IReadOnlyList<WindowRow>> GetOpenAsync(int limit);
}

/// <summary>Where a shard stands with a source partition.</summary>
/// <param name="Applied">What it has taken in; null while nobody reigns over the shard.</param>
/// <param name="Durable">What of it is durable; -1: nothing.</param>
[GenerateSerializer, Immutable, Alias("kor.ShardPosition")]
internal readonly record struct ShardPosition([property: Id(0)] long? Applied, [property: Id(1)] long Durable);

/// <summary>The rows of one batch of one source partition that belong to a shard; sent even when there are none.</summary>
[GenerateSerializer, Immutable, Alias("kor.SubBatch")]
internal sealed record SubBatch
{
    /// <summary><c>topic/partition</c>.</summary>
    [Id(0)] public required string Source { get; init; }

    /// <summary>The partition's number, as a tie-break of equal event times and offsets.</summary>
    [Id(1)] public required int Partition { get; init; }

    /// <summary>The epoch of the partition's owner; an older one is refused.</summary>
    [Id(2)] public required long Epoch { get; init; }
    [Id(3)] public required long From { get; init; }
    [Id(4)] public required long To { get; init; }

    /// <summary>The partition's watermark after this batch, ms.</summary>
    [Id(5)] public required long Watermark { get; init; }

    /// <summary>The partition's durable position: what is below it is never replayed.</summary>
    [Id(6)] public required long DurablePosition { get; init; }
    [Id(7)] public KeyedRows? Rows { get; init; }

    /// <summary>The Kafka time, ms, of the newest record of the partition so far; 0: it has none.</summary>
    [Id(9)] public long NewestAt { get; init; }

    /// <summary>The first row at or above a position: rows below it were applied before.</summary>
    public int FirstRowAt(long position)
    {
        if (Rows is null || position <= From) return 0;
        var index = Rows.Offsets.AsSpan(0, Rows.Count).BinarySearch(position);
        if (index < 0) return ~index;
        // Rows that were made of one record have its offset, and are applied together.
        while (index > 0 && Rows.Offsets[index - 1] == position) index--;
        return index;
    }
}

/// <summary>What a shard answers a sub-batch.</summary>
internal enum ApplyAnswer
{
    /// <summary>Applied, or had been.</summary>
    Ok,

    /// <summary>There is a gap before the sub-batch, or the shard started over: replay from <see cref="ApplyReply.Applied"/>.</summary>
    Rewind,

    /// <summary>The shard waits for its database or sink: ask again with the same sub-batch.</summary>
    Busy,

    /// <summary>The sender's epoch is over.</summary>
    Fenced,
}

/// <summary>The answer to a sub-batch.</summary>
[GenerateSerializer, Immutable, Alias("kor.ApplyReply")]
internal sealed record ApplyReply
{
    [Id(0)] public required ApplyAnswer Answer { get; init; }

    /// <summary>The shard's position of the source.</summary>
    [Id(1)] public required long Applied { get; init; }

    /// <summary>What of it is durable.</summary>
    [Id(2)] public required long Durable { get; init; }

    /// <summary>All late rows in the sub-batch's span, those found at an earlier delivery included.</summary>
    [Id(3)] public IReadOnlyList<LateRecord> Late { get; init; } = [];

    /// <summary>Why the shard is busy.</summary>
    [Id(4)] public string? Reason { get; init; }
}
