using KafkaOracleOrleans.Grains.Runtime;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>What sink deliveries of a silo may hold, each and together.</summary>
public sealed class SinkShareTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(0, 32)]
    [InlineData(1, 32)]
    [InlineData(4, 32)]
    [InlineData(8, 16)]
    [InlineData(64, 2)]
    [InlineData(1000, 1)]
    public void All_deliveries_together_hold_no_more_than_the_silo_may_and_each_at_least_something(int deliveries, long mebibytes) =>
        Assert.Equal(mebibytes * MiB, new EngineOptions().SinkShare(deliveries));

    [Fact]
    public void The_share_follows_the_settings() =>
        Assert.Equal(4 * MiB, new EngineOptions { SinkBufferBytes = 8 << 20, TotalSinkBufferBytes = 64 * MiB }.SinkShare(16));
}
