using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Whether a pipeline is where a run that stops by itself is to stop: a decision over a status.</summary>
internal static class EndOfRun
{
    /// <summary>What is still missing; null when everything below the ends is durable and every partition that holds windows back has been given its time.</summary>
    /// <param name="status">The pipeline as it is.</param>
    /// <param name="ends">Per partition (<c>topic/partition</c>) that had records at the start, the offset up to which they are to be durable.</param>
    public static string? Missing(PipelineStatus status, IReadOnlyDictionary<string, long> ends)
    {
        var partitions = status.Partitions.ToDictionary(p => p.Partition, StringComparer.Ordinal);
        foreach (var (name, end) in ends)
        {
            if (!partitions.TryGetValue(name, out var partition)) return $"partition {name} is not known yet";
            // A checkpoint says that all shards and sinks have what is below it.
            if (!(partition.Checkpoint >= end)) return Text($"partition {name} is durable up to {partition.Checkpoint?.ToString(CultureInfo.InvariantCulture) ?? "nothing"}, of {end}");
        }

        // A partition with nothing new counts as idle after idleAfter and then holds no window back, as in a run without an end. One that gets more records than there
        // were, or in which a transaction is open, goes on holding them, and is not waited for.
        return status.WindowSteps.Count != 0 && status.Partitions.FirstOrDefault(p => !p.Idle && IsQuiet(p, ends)) is { } waits
            ? $"partition {waits.Partition} has to be silent for its idleAfter before it holds no window back"
            : null;
    }

    /// <summary>How far the windows' time is to come, ms, once nothing is missing; null: nowhere, there are no windows or no times.</summary>
    public static long? TimeOf(PipelineStatus status)
    {
        if (status.WindowSteps.Count == 0) return null;
        var active = status.Partitions.Where(p => !p.Idle).ToList();
        return active.Count == 0 ? status.Partitions.Max(p => p.Watermark) : active.Any(p => p.Watermark is null) ? null : active.Min(p => p.Watermark);
    }

    /// <summary>The shard that has not heard yet how far time has come; null: all have.</summary>
    public static string? MissingTime(PipelineStatus status, long? time) =>
        time is not null && status.Shards.FirstOrDefault(s => status.WindowSteps.Contains(s.Step) && !(s.Watermark >= time)) is { } behind
            ? Text($"shard {behind.Step}/{behind.Shard} is about to hear how far time has come")
            : null;

    private static bool IsQuiet(PartitionStatus partition, IReadOnlyDictionary<string, long> ends) =>
        partition.Position is not { } position
        || (ends.TryGetValue(partition.Partition, out var end) && position <= end && !(partition.End > position));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
