using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Writers;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>Which rows go into which transaction: every row that is fresh once, in order, and progress that never passes a row that is not written.</summary>
public sealed class CallPartsTests
{
    [Fact]
    public void Parts_cover_what_is_fresh_in_order_and_bring_the_lane_no_further_than_their_rows()
    {
        long[] order = [3, 4, 4, 7, 9, 12];
        for (var progress = -1; progress <= 20; progress++)
        {
            for (var atOnce = 1; atOnce <= 7; atOnce++)
            {
                var call = Call(order, 20);
                var at = CallParts.FirstFresh(call, progress);
                Assert.Equal(order.Count(o => o < progress), at);
                var written = new List<long>();
                while (at < order.Length)
                {
                    var part = CallParts.Next(call, at, atOnce);
                    Assert.InRange(part.Rows.Count, 1, atOnce);
                    written.AddRange(TestSink.Ids(part.Rows));
                    at += part.Rows.Count;
                    // Rows at or above the progress are sent again after a crash; none that is missing lies below it.
                    Assert.Equal(at == order.Length ? 20 : order[at], part.Progress);
                }

                Assert.Equal(order.Where(o => o >= progress), written);
            }
        }
    }

    [Fact]
    public void What_is_played_again_from_quarantine_is_written_as_a_whole()
    {
        var part = CallParts.Next(Call([0, 0, 0], 1) with { Released = ["a"] }, 0, 1);
        Assert.Equal((3, 1, "a"), (part.Rows.Count, part.Progress, part.Released.Single()));
    }

    [Fact]
    public void Rows_at_once_halve_when_the_time_was_too_short_and_double_when_it_was_ample()
    {
        var size = new WriteSize(TimeSpan.FromSeconds(20));
        size.Took(TimeSpan.Zero);
        Assert.Equal(int.MaxValue, size.AtOnce);
        Assert.True(size.WasTooSlow(1000));
        Assert.Equal(500, size.AtOnce);
        size.Took(TimeSpan.FromSeconds(2.5));
        Assert.Equal(500, size.AtOnce);
        size.Took(TimeSpan.FromSeconds(2.4));
        Assert.Equal(1000, size.AtOnce);
        Assert.True(size.WasTooSlow(2));
        Assert.False(size.WasTooSlow(1));
        Assert.Equal(1, size.AtOnce);
        for (var i = 0; i < 31; i++) size.Took(TimeSpan.Zero);
        Assert.Equal(int.MaxValue, size.AtOnce);
    }

    private static WriterCall Call(long[] order, long progress) =>
        new() { Rows = TestSink.Rows(order), Order = order, Progress = progress, Version = 1, Epoch = Epoch.None };
}
