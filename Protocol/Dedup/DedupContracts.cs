using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Dedup;

/// <summary>Which dedup shard it is.</summary>
/// <param name="Owner">Its name in the state store.</param>
/// <param name="Step">The step's id.</param>
internal sealed record DedupIdentity(string Owner, string Step);

/// <summary>What a dedup shard asks of the pipeline at the beginning of a term. Throws a fault of kind Changed when the pipeline is stopped or gone.</summary>
internal interface IDedupPorts
{
    /// <summary>For how long (event time) an id is held, ms.</summary>
    Task<long> WithinAsync(CancellationToken stopping);

    /// <summary>The source partitions there are.</summary>
    Task<IReadOnlyList<string>> SourcesAsync(CancellationToken stopping);
}

/// <summary>Rows of one batch whose ids belong to a shard.</summary>
/// <param name="Epoch">Of the partition's owner; an older one is refused.</param>
/// <param name="Span">Who asks, and where the rows lie.</param>
/// <param name="Rows">The rows.</param>
internal sealed record DedupClaim(Epoch Epoch, DedupSpan Span, DedupRows Rows);

/// <summary>What a shard answers.</summary>
internal enum DedupAnswer
{
    /// <summary>Decided, and durable.</summary>
    Ok,

    /// <summary>Ask again with the same rows.</summary>
    Busy,

    /// <summary>The sender's epoch is over.</summary>
    Fenced,
}

/// <summary>The answer to a claim.</summary>
/// <param name="Answer">What became of it.</param>
/// <param name="Duplicates">The numbers of the rows whose ids were seen before.</param>
/// <param name="Counts">What was decided now.</param>
/// <param name="Reason">Why the shard is busy.</param>
internal sealed record DedupReply(DedupAnswer Answer, int[] Duplicates, DedupCounts Counts, string? Reason)
{
    /// <summary>The sender's epoch is over.</summary>
    public static readonly DedupReply Fenced = new(DedupAnswer.Fenced, [], default, null);

    /// <summary>Not now.</summary>
    public static DedupReply Busy(string reason) => new(DedupAnswer.Busy, [], default, reason);
}
