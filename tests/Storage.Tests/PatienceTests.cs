using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

public sealed class PatienceTests
{
    [Fact]
    public void Waits_in_vain_become_shorter_and_one_that_helps_restores_them()
    {
        var clock = new Clock();
        var patience = new Patience(TimeSpan.FromSeconds(30), clock);
        Assert.Equal([30, 15, 7.5, 3.75, 1.875, 1, 1], Enumerable.Range(0, 7).Select(_ => Wait(patience, clock, inVain: true)));
        Assert.True(patience.Waits());
        patience.Done(inVain: false);
        Assert.Equal(30, Wait(patience, clock, inVain: true));
        // A write that did not wait changes nothing.
        patience.Done(inVain: false);
        Assert.Equal(15, Wait(patience, clock, inVain: true));
        Assert.False(new Patience(TimeSpan.Zero, clock).Waits());
    }

    /// <summary>How long it waits, s.</summary>
    private static double Wait(Patience patience, Clock clock, bool inVain)
    {
        var from = clock.Now;
        while (patience.Waits()) clock.Now += patience.Next();
        patience.Done(inVain);
        return (clock.Now - from).TotalSeconds;
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
