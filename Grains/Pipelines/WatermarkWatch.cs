using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>Remembers since when each partition's watermark has stood where it is. Time is passed in.</summary>
internal sealed class WatermarkWatch
{
    private readonly Dictionary<string, (long? Watermark, DateTimeOffset At)> _seen = new(StringComparer.Ordinal);

    /// <summary>Takes a look at all partitions; those that are gone are forgotten.</summary>
    public void Observe(DateTimeOffset now, IReadOnlyList<PartitionStatus> partitions)
    {
        foreach (var gone in _seen.Keys.Except(partitions.Select(p => p.Partition), StringComparer.Ordinal).ToList()) _seen.Remove(gone);
        foreach (var partition in partitions)
        {
            if (!_seen.TryGetValue(partition.Partition, out var seen) || seen.Watermark != partition.Watermark)
                _seen[partition.Partition] = (partition.Watermark, now);
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => _seen.Clear();

    /// <summary>A partition with what is known of its watermark; one that moved since the last look moved just now.</summary>
    public PartitionStatus Of(PartitionStatus partition) => _seen.TryGetValue(partition.Partition, out var seen) && seen.Watermark == partition.Watermark
        ? partition with { WatermarkSince = seen.At }
        : partition;
}
