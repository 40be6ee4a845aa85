namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Sizes of the long tests: small on every run, full when KOR_FULL=1.</summary>
public static class TestSize
{
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("KOR_FULL") == "1";

    public static int Records(int small, int full) => IsFull ? full : small;

    public static TimeSpan Time(TimeSpan small, TimeSpan full) => IsFull ? full : small;
}
