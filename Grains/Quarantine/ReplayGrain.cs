using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Streams.Kafka;
using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Quarantine;

/// <summary>Hands a replay to the partition that owns the records.</summary>
[GrainType("kor.replay")]
[StatelessWorker]
internal sealed class ReplayGrain : Grain, IReplayGrain
{
    public async Task<ReplayAnswer> ReplayAsync(string topic, int partition, string? sink, Immutable<string[]> ids)
    {
        var name = this.GetPrimaryKeyString();
        var source = Runtime.Names.Source(topic, partition);
        if (!(await GrainFactory.GetGrain<IPipelineGrain>(name).GetSourcesAsync()).Contains(source))
            return new ReplayAnswer(false, $"Pipeline '{name}' does not read partition {source} (any more).");
        var grain = GrainFactory.GetGrain<IPartitionGrain>(new KafkaStreamId(name, topic, partition).ToString());
        var reply = await grain.ReplayAsync(new ReplayCall(sink, ids.Value));
        return new ReplayAnswer(reply.Done, reply.Refusal);
    }
}
