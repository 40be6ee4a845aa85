namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Pauses between retries: doubling, jittered, bounded.</summary>
internal static class Backoff
{
    public static TimeSpan Next(int failures, KafkaStreamOptions options)
    {
        var longest = Math.Min(
            options.MaxBackoff.TotalMilliseconds,
            options.MinBackoff.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 20)));
#pragma warning disable CA5394 // Jitter needs no secret randomness.
        return TimeSpan.FromMilliseconds(longest * (0.5 + (Random.Shared.NextDouble() / 2)));
#pragma warning restore CA5394
    }
}
