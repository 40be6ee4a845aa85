using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>A partition's last checkpoint.</summary>
/// <param name="Position">Everything below this offset is durable everywhere.</param>
/// <param name="Counts">What became of the records below it.</param>
public sealed record DurablePartition(long Position, RecordCounts Counts);

/// <summary>The last checkpoints of a window step's shards.</summary>
/// <param name="Watermark">The smallest watermark of them, ms; <see cref="long.MinValue"/>: one has none yet.</param>
/// <param name="LateByIdle">Rows that were late because their partition was taken for idle.</param>
/// <param name="HasReplays">Records were played again from quarantine.</param>
public sealed record DurableStep(long Watermark, long LateByIdle, bool HasReplays);

/// <summary>How far a pipeline has come by its checkpoints alone. Reads the state store; no owner is asked or disturbed.</summary>
public static class DurableProgress
{
    /// <summary>A partition's checkpoint; null: there is none.</summary>
    public static async Task<DurablePartition?> OfPartitionAsync(IStateStore store, string pipeline, string topic, int partition, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);
        var lease = await store.PeekAsync(Names.PartitionOwner(pipeline, topic, partition), cancellation);
        if (lease?.Header is not { } header) return null;
        var state = PartitionHeader.Decode(header);
        return new DurablePartition(state.Position, state.Counts);
    }

    /// <summary>The checkpoints of a window step's shards.</summary>
    public static async Task<DurableStep> OfStepAsync(IStateStore store, string pipeline, WindowPlan step, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(step);
        var (watermark, late, replays) = (long.MaxValue, 0L, false);
        for (var shard = 0; shard < step.Shards; shard++)
        {
            var lease = await store.PeekAsync(Names.ShardOwner(pipeline, step.Id, shard), cancellation);
            var header = ShardHeader.Decode(lease?.Header);
            watermark = Math.Min(watermark, header.Watermark.Current);
            late += header.LateByIdleTotal;
            replays |= header.Sources.Keys.Any(Names.IsReplay);
        }

        return new DurableStep(watermark, late, replays);
    }

    /// <summary>The lanes by which a sink is written.</summary>
    public static IReadOnlyList<string> LanesOf(PipelineRuntime runtime, SinkPlan sink, IEnumerable<string> partitions)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        ArgumentNullException.ThrowIfNull(sink);
        if (!sink.FromWindow) return [.. partitions.Select(p => Names.PartitionLane(runtime, p))];
        var step = runtime.Step<WindowPlan>(sink.From.Step);
        return [.. Enumerable.Range(0, step.Shards).Select(s => Names.ShardLane(runtime, step.Id, s))];
    }
}
