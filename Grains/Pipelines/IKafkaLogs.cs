using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>What a pipeline asks about the logs of its topics; the host implements it with a Kafka client. Throws <see cref="KafkaSourceException"/>.</summary>
public interface IKafkaLogs
{
    /// <summary>All partitions (<c>topic/partition</c>) of the source's topics and patterns that exist now.</summary>
    Task<IReadOnlyList<string>> ListPartitionsAsync(SourcePlan source, CancellationToken cancellation);

    /// <summary>The partitions (<c>topic/partition</c>) of some topics and patterns that exist now; topics that do not are no fault.</summary>
    Task<IReadOnlyList<string>> FindPartitionsAsync(SourcePlan source, IReadOnlyList<string> topics, CancellationToken cancellation);

    /// <summary>The offsets a reset target means, per partition.</summary>
    Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation);

    /// <summary>
    /// Up to where each partition (<c>topic/partition</c>) can be read now: where only committed records are read, the beginning of the oldest transaction that is
    /// open, else the end of the log.
    /// </summary>
    Task<IReadOnlyDictionary<string, long>> FindReadableAsync(SourcePlan source, IReadOnlyList<string> partitions, CancellationToken cancellation);

    /// <summary>The last records before an offset of each partition (<c>topic/partition</c>), at most so many of each; none where there are none.</summary>
    Task<IReadOnlyList<RawBatch>> ReadBeforeAsync(
        SourcePlan source, IReadOnlyDictionary<string, long> offsets, int count, CancellationToken cancellation);
}

/// <summary>A source that cannot be asked or read for now.</summary>
[GenerateSerializer, Alias("kor.KafkaSource")]
public sealed class KafkaSourceException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong with what, and what to do.</param>
    /// <param name="needsOperator">It does not mend itself: a topic that is not there, a setting or credentials that are refused.</param>
    public KafkaSourceException(string message, bool needsOperator) : base(message) => NeedsOperator = needsOperator;

    /// <summary>It does not mend itself.</summary>
    [Id(0)] public bool NeedsOperator { get; private set; }
}
