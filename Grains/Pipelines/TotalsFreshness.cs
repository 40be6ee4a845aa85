using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// How far what a shard gave its sinks is durable. Running totals are handed out with every checkpoint: once the partitions' checkpoints are at the ends of
/// their logs and nothing waits for a sink, all is in the table, also before the partitions are taken for idle.
/// </summary>
internal static class TotalsFreshness
{
    public static IReadOnlyDictionary<string, SinkFreshness> Of(bool totals, ShardStatus shard, IReadOnlyList<PartitionStatus> partitions)
    {
        if (!totals || shard.OutboxEntries != 0 || shard.Buffered.Values.Any(b => b != 0)) return shard.Fresh;
        if (partitions.Any(p => p.End is null || p.Checkpoint != p.End)) return shard.Fresh;
        return shard.Fresh.ToDictionary(f => f.Key, f => f.Value with { Seconds = f.Value.Seconds is null ? null : 0 }, StringComparer.Ordinal);
    }
}
