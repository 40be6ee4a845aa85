using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>What a pipeline asks about the logs of its topics; the host implements it with a Kafka client.</summary>
public interface IKafkaLogs
{
    /// <summary>All partitions (<c>topic/partition</c>) of the source's topics and patterns that exist now.</summary>
    Task<IReadOnlyList<string>> ListPartitionsAsync(SourcePlan source, CancellationToken cancellation);

    /// <summary>The partitions (<c>topic/partition</c>) of some topics and patterns that exist now; topics that do not are no fault.</summary>
    Task<IReadOnlyList<string>> FindPartitionsAsync(SourcePlan source, IReadOnlyList<string> topics, CancellationToken cancellation);

    /// <summary>The offsets a reset target means, per partition.</summary>
    Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation);
}
