using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The one word about a pipeline, from everything that is known of it.</summary>
internal static class Conditions
{
    /// <summary>
    /// What a pipeline is, given what it should be, whether it is being stopped, what keeps it from running as a whole (Running: nothing), its parts, and
    /// whether anything else is wrong with it: nothing is Running that has an issue.
    /// </summary>
    public static PipelineCondition Derive(
        DesiredState desired,
        bool halting,
        PartState whole,
        IReadOnlyList<PartitionStatus> partitions,
        IReadOnlyList<ShardStatus> shards,
        IReadOnlyList<SinkStatus> sinks,
        bool isUnwell)
    {
        if (desired == DesiredState.Stopped) return halting ? PipelineCondition.Stopping : PipelineCondition.Stopped;
        // All partitions write to every sink and every shard: one of these failed stops all. Of partitions, the others go on.
        if (shards.Any(s => s.State == PartState.Failed) || sinks.Any(s => s.State == PartState.Failed)) return PipelineCondition.Failed;
        var failed = partitions.Count(p => p.State == PartState.Failed);
        if (failed != 0) return failed == partitions.Count ? PipelineCondition.Failed : PipelineCondition.Degraded;
        // A source that some silo cannot open stops what that silo should read; the others go on.
        if (whole == PartState.Failed)
            return partitions.Any(p => p is { State: PartState.Running, UnreadSeconds: null }) ? PipelineCondition.Degraded : PipelineCondition.Failed;
        if (desired == DesiredState.Paused) return PipelineCondition.Paused;
        if (partitions.Any(p => p.State == PartState.Blocked && p.Restarts > 0)) return PipelineCondition.Restarting;
        var waits = partitions.Any(p => p.State == PartState.Blocked) || shards.Any(s => s.State == PartState.Blocked)
            || sinks.Any(s => s.State == PartState.Blocked);
        if (waits || whole == PartState.Blocked) return PipelineCondition.Degraded;
        if (partitions.Count == 0 || partitions.Any(p => p.State != PartState.Running) || shards.Any(s => s.State != PartState.Running))
            return PipelineCondition.Starting;
        return isUnwell ? PipelineCondition.Degraded : PipelineCondition.Running;
    }
}

/// <summary>
/// Judges lag without thresholds: over a sliding span of time it looks whether positions move and whether the distance to the end grows. Time is passed in.
/// </summary>
internal sealed class LagWatch
{
    /// <summary>The span looked at, ms.</summary>
    public const long Span = 30_000;

    private readonly Dictionary<string, Queue<Sample>> _samples = new(StringComparer.Ordinal);

    private readonly record struct Sample(long At, long? Position, long? End)
    {
        public long? Lag => Position is null || End is null ? null : Math.Max(0, End.Value - Position.Value);
    }

    /// <summary>Takes a look at all partitions; those that are gone are forgotten.</summary>
    public void Observe(long now, IReadOnlyList<PartitionStatus> partitions)
    {
        foreach (var gone in _samples.Keys.Except(partitions.Select(p => p.Partition), StringComparer.Ordinal).ToList()) _samples.Remove(gone);
        foreach (var partition in partitions)
        {
            if (!_samples.TryGetValue(partition.Partition, out var samples)) _samples[partition.Partition] = samples = new Queue<Sample>();
            var reads = partition.State is PartState.Running or PartState.Blocked or PartState.Starting;
            samples.Enqueue(new Sample(now, reads ? partition.Position : null, partition.End));
            // One sample from before the span stays: it is where the span begins.
            while (samples.Count > 2 && samples.ElementAt(1).At <= now - Span) samples.Dequeue();
        }
    }

    /// <summary>Forgets everything: positions jumped for a reason.</summary>
    public void Clear() => _samples.Clear();

    /// <summary>The worst over all partitions.</summary>
    public LagVerdict Verdict => _samples.Count == 0 ? LagVerdict.Unknown : _samples.Values.Max(Judge);

    /// <summary>The verdict about one partition.</summary>
    public LagVerdict Of(string partition) => _samples.TryGetValue(partition, out var samples) ? Judge(samples) : LagVerdict.Unknown;

    /// <summary>Why a partition does not get on. One that runs and has something to say waits for somebody else: a producer's open transaction.</summary>
    public string StalledText(IReadOnlyList<PartitionStatus> partitions)
    {
        const string Stalled = "Records wait in a partition and its position has not moved for half a minute.";
        var stalled = partitions.Where(p => Of(p.Partition) is LagVerdict.Stall or LagVerdict.Stop).MinBy(p => p.Reason is not null);
        return stalled is { State: PartState.Running, Reason: { } reason } ? $"Partition {stalled.Partition}: {reason}" : Stalled;
    }

    private static LagVerdict Judge(Queue<Sample> samples)
    {
        var first = samples.Peek();
        var last = samples.Last();
        var whole = last.At - first.At >= Span;
        if (last.Lag == 0) return LagVerdict.Ok;
        if (whole && samples.All(s => s.Position is null)) return LagVerdict.Stop;
        if (last.Lag is not { } lag || first.Lag is not { } before) return LagVerdict.Unknown;
        if (last.Position != first.Position) return whole && lag > before && Grows(samples) ? LagVerdict.Warn : LagVerdict.Ok;
        return whole ? LagVerdict.Stall : LagVerdict.Unknown;
    }

    /// <summary>A lag that only ever grew: one poll that came late is no trend.</summary>
    private static bool Grows(Queue<Sample> samples)
    {
        var middle = samples.ElementAt(samples.Count / 2);
        return middle.Lag is { } lag && lag >= samples.Peek().Lag && samples.Last().Lag >= lag;
    }
}
