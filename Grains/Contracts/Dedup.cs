using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Contracts;

/// <summary>
/// Owns a shard of the ids of a dedup step that looks across partitions. The key is <c>pipeline/step/shard</c>. What it answers is durable.
/// </summary>
[Alias("kor.IDedupShardGrain")]
[GrainInterfaceType("kor.dedupshard")]
internal interface IDedupShardGrain : IGrainWithStringKey
{
    /// <summary>Says which rows' ids were seen before. The same rows asked about again get the same answer.</summary>
    [Alias("Claim")]
    Task<SharedClaimReply> ClaimAsync(SharedClaimCall call);

    /// <summary>A partition is at its end and silent, or no longer so: ids are not kept on its account.</summary>
    [Alias("Idle")]
    Task SetIdleAsync(string source, bool idle);

    /// <summary>Makes source partitions known, so that nothing is forgotten before they have come as far.</summary>
    [Alias("AddSources")]
    Task AddSourcesAsync(IReadOnlyList<string> sources);

    /// <summary>Sees to it that the shard is owned.</summary>
    [Alias("Wake")]
    Task WakeAsync();

    /// <summary>Gives the shard up; all it has answered is durable.</summary>
    [Alias("Stop")]
    Task StopAsync();

    [Alias("Status")]
    Task<ShardStatus> GetStatusAsync();
}

/// <summary>The rows of one batch whose ids belong to a shard; sent even when there are none, for the watermark.</summary>
[GenerateSerializer, Immutable, Alias("kor.SharedClaimCall")]
internal sealed record SharedClaimCall
{
    /// <summary><c>topic/partition</c>.</summary>
    [Id(0)] public required string Source { get; init; }

    /// <summary>The epoch of the partition's owner; an older one is refused.</summary>
    [Id(1)] public required long Epoch { get; init; }

    /// <summary>The rows are played again from quarantine: which link of the chain of replays this is; null: they come from the log.</summary>
    [Id(2)] public long? Link { get; init; }

    /// <summary>The position after the batch.</summary>
    [Id(3)] public required long To { get; init; }

    /// <summary>What lies below this position (of a replay: link) is never asked again.</summary>
    [Id(4)] public required long DurablePosition { get; init; }

    /// <summary>The partition's watermark after this batch, ms.</summary>
    [Id(5)] public required long Watermark { get; init; }

    /// <summary>128-bit hashes of the ids, a row each.</summary>
    [Id(6)] public required UInt128[] Ids { get; init; }

    /// <summary>32-bit hashes of the records' values.</summary>
    [Id(7)] public required uint[] Bodies { get; init; }

    /// <summary>Event times, ms.</summary>
    [Id(8)] public required long[] EventTimes { get; init; }

    /// <summary>Offsets, ascending.</summary>
    [Id(9)] public required long[] Offsets { get; init; }
}

/// <summary>The answer to claims.</summary>
/// <param name="Answer"><see cref="ApplyAnswer.Busy"/>: ask again with the same rows. Never <see cref="ApplyAnswer.Rewind"/>.</param>
/// <param name="Duplicates">The numbers of the rows whose ids were seen before.</param>
/// <param name="DifferentBodies">How many of those decided now differ in their value from the record that holds the id.</param>
/// <param name="Reason">Why the shard is busy.</param>
/// <param name="TooOld">How many of those decided now were too far behind to be remembered.</param>
[GenerateSerializer, Immutable, Alias("kor.SharedClaimReply")]
internal sealed record SharedClaimReply(
    [property: Id(0)] ApplyAnswer Answer,
    [property: Id(1)] int[] Duplicates,
    [property: Id(2)] int DifferentBodies,
    [property: Id(3)] string? Reason,
    [property: Id(4)] int TooOld = 0);
