using KafkaOracleOrleans.Streams.Kafka.Reading;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

public sealed class LogPaceTests
{
    [Fact]
    public void A_kind_of_warning_is_told_once_in_half_a_minute()
    {
        var clock = new Clock();
        var pace = new LogPace(clock);
        var told = 0;
        for (var i = 0; i < 1_000; i++)
        {
            if (pace.Take("FAIL")) told++;
            if (i == 500) Assert.True(pace.Take("REQTMOUT"));
            clock.Now += TimeSpan.FromMilliseconds(50);
        }

        Assert.Equal(2, told);
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
