namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>How old what waits is, the same for partitions that run and for those that do not.</summary>
internal static class LagTimes
{
    /// <summary>The age of the last record worked off while there are more, s; 0 at the end, null when unknown.</summary>
    /// <param name="lag">Records between the position and the end; null: unknown.</param>
    /// <param name="lastAt">The Kafka time of the last record worked off, ms since the Unix epoch; 0: unknown.</param>
    /// <param name="now">The present.</param>
    public static double? Behind(long? lag, long lastAt, DateTimeOffset now) => lag switch
    {
        null => null,
        0 => 0,
        _ => lastAt == 0 ? null : Math.Max(0, now.ToUnixTimeMilliseconds() - lastAt) / 1000.0,
    };
}
