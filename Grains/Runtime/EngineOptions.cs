using System.ComponentModel.DataAnnotations;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>How the engine runs on this silo.</summary>
public sealed class EngineOptions
{
    /// <summary>Time between checkpoints of a partition or shard with changes. 100 ms to 10 min. Default: 10 s.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Batches a partition holds while it works, three times as many where a step has a grain per key or dedup looks across partitions; more are left to the provider. 1 to 64. Default: 4.
    /// </summary>
    [Range(1, 64)]
    public int QueuedBatches { get; set; } = 4;

    /// <summary>
    /// Bytes a sink delivery of a partition or shard may hold, as far as <see cref="TotalSinkBufferBytes"/> allows; above it the owner waits. 1 MiB to 1 GiB.
    /// Default: 32 MiB.
    /// </summary>
    [Range(1 << 20, 1 << 30)]
    public int SinkBufferBytes { get; set; } = 32 << 20;

    /// <summary>
    /// Bytes the sink deliveries of all partitions of this silo may hold together: each gets an equal share, at least 1 MiB. 16 MiB to 64 GiB. Default:
    /// 128 MiB.
    /// </summary>
    public long TotalSinkBufferBytes { get; set; } = 128L << 20;

    /// <summary>First wait after something outside failed; doubles up to <see cref="MaxRetryDelay"/>, with jitter. Default: 100 ms.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between two tries. Default: 10 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest wait between two checks of a sink that failed because its table, columns, privileges or login are wrong. 1 s to 1 h. Default: 1 min.
    /// </summary>
    public TimeSpan MaxRepairDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Memory that the cells of this silo (open windows per key, ids per message key) may take together, bytes, about; above it those that were not called
    /// for longest are let go and read again when they are called. 0: a quarter of <see cref="MemoryLimitBytes"/>; else 1 MiB to 1 TiB. Default: 0.
    /// </summary>
    public long CellBytes { get; set; }

    /// <summary>
    /// Heap this silo may use, bytes: from 80 % of it on reading waits, until it is below 70 %. 0: what the runtime says, which is 75 % of a container's
    /// memory; else 64 MiB to 16 TiB. Default: 0.
    /// </summary>
    public long MemoryLimitBytes { get; set; }

    /// <summary>The waits of <see cref="RetryDelay"/> and <see cref="MaxRetryDelay"/>.</summary>
    internal RetryPace RetryPace => new(RetryDelay, MaxRetryDelay);

    /// <summary>What one of so many deliveries may hold.</summary>
    internal long SinkShare(int deliveries) => Math.Clamp(TotalSinkBufferBytes / Math.Max(1, deliveries), 1 << 20, SinkBufferBytes);

    // Below Orleans' response timeout (30 s), so that an owner hears of a slow database instead of timing out. Tests shorten it.
    internal TimeSpan WriteDeadline { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How many of the windows closed last a shard keeps for queries. 0 to 100,000. Default: 1,000.</summary>
    [Range(0, 100_000)]
    public int RecentWindows { get; set; } = 1000;

    /// <summary>
    /// How often a part that fails by itself starts over without getting a batch further, before it stays failed. What something outside causes is repeated
    /// without limit. 0 to 10,000. Default: 20.
    /// </summary>
    [Range(0, 10_000)]
    public int MaxRestarts { get; set; } = 20;

    /// <summary>
    /// How long the cluster has to be the same before a partition moves to the silo that reads it, and a shard to the silo it is due to. A move costs a
    /// checkpoint and some reads of state. 1 s to 1 h. Default: 30 s.
    /// </summary>
    public TimeSpan MoveAfter { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Time limits that belong together.</summary>
internal static class Deadlines
{
    /// <summary>
    /// How long a part that is stopped tries to make durable what it has. Partitions stop before shards, and whoever asks for it waits
    /// for a response 30 s at most.
    /// </summary>
    public static readonly TimeSpan Stop = TimeSpan.FromSeconds(10);

    /// <summary>How long a status waits for a part's answer.</summary>
    public static readonly TimeSpan Status = TimeSpan.FromSeconds(5);
}
