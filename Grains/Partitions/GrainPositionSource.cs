using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>Tells the Kafka provider where a partition goes on: the partition's grain knows.</summary>
public sealed class GrainPositionSource(IGrainFactory grains) : IKafkaPositionSource
{
    /// <inheritdoc/>
    public async ValueTask<long?> GetPositionAsync(
        string source, string topic, int partition, CancellationToken cancellationToken) =>
        await grains.GetGrain<IPartitionGrain>(new KafkaStreamId(source, topic, partition).ToString())
            .GetPositionAsync()
            .WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> KnowsTopicAsync(
        string source, string topic, int partition, CancellationToken cancellationToken) =>
        await grains.GetGrain<IPartitionGrain>(new KafkaStreamId(source, topic, partition).ToString())
            .KnowsTopicAsync()
            .WaitAsync(cancellationToken);
}
