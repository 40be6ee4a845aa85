namespace KafkaOracleOrleans.Protocol.Partitions;

/// <summary>Where a shard stands towards a checkpoint.</summary>
internal enum ShardStanding
{
    /// <summary>It has made the position durable.</summary>
    Durable,

    /// <summary>It has not yet, or nobody knows.</summary>
    Waits,

    /// <summary>It had taken the position in and has started over since: without a replay it never will again.</summary>
    Behind,
}

/// <summary>
/// What must be so before a checkpoint at a position may be written: every shard has made durable, and every sink has confirmed, all that lies below it. So a
/// replay from there loses nothing.
/// </summary>
internal static class CheckpointGate
{
    /// <summary>Positions that may be read while a checkpoint waits for the flush of a sink; more would make a replay long and what is kept large.</summary>
    public const long MaxHeld = 200_000;

    /// <summary>Judges a shard.</summary>
    /// <param name="position">The checkpoint's.</param>
    /// <param name="applied">What the shard has taken in; null: nobody knows.</param>
    /// <param name="durable">What of it is durable.</param>
    public static ShardStanding OfShard(long position, long? applied, long durable)
    {
        if (durable >= position) return ShardStanding.Durable;
        return applied < position ? ShardStanding.Behind : ShardStanding.Waits;
    }

    /// <summary>Whether a sink has all below the position.</summary>
    public static bool HasSink(long position, long confirmed) => confirmed >= position;

    /// <summary>Whether sinks are urged instead of waited for.</summary>
    /// <param name="position">The checkpoint's.</param>
    /// <param name="head">How far the partition has come meanwhile.</param>
    /// <param name="hurries">A checkpoint is wanted now.</param>
    public static bool Urges(long position, long head, bool hurries) => hurries || head - position > MaxHeld;
}
