using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Since when something is wrong, and when most records go to quarantine.</summary>
public sealed class HealthWatchTests
{
    [Theory]
    [InlineData(19, 19, false)] // too few to tell
    [InlineData(20, 11, true)]
    [InlineData(100, 50, false)]
    [InlineData(100, 97, true)]
    public void More_than_half_in_quarantine_is_told(long all, long refused, bool told)
    {
        var watch = new QuarantineWatch();
        watch.Observe(0, all, refused);
        Assert.Equal(told, watch.Problem("p") is not null);
        // Hours of silence change nothing.
        watch.Observe(10_000_000, all, refused);
        Assert.Equal(told, watch.Problem("p") is not null);
    }

    [Fact]
    public void Recent_records_count_and_good_ones_end_it()
    {
        var watch = new QuarantineWatch();
        watch.Observe(0, 1_000_000, 10);
        for (var i = 1; i <= 20; i++) watch.Observe(i * 2_000, 1_000_000 + (i * 100), 10 + (i * 97));
        Assert.Contains("97 %", watch.Problem("p"));
        Assert.Contains("kor quarantine replay p", watch.Problem("p"));
        Assert.DoesNotContain("kor quarantine", watch.Problem("p", "p.refused"));
        Assert.Contains("topic 'p.refused'", watch.Problem("p", "p.refused"));
        for (var i = 1; i <= 20; i++) watch.Observe(100_000 + (i * 2_000), 1_002_000 + (i * 100), 1_950);
        Assert.Null(watch.Problem("p"));
        // Counts that begin anew, after a reset, are not compared with those before.
        watch.Observe(200_000, 30, 0);
        Assert.Null(watch.Problem("p"));
    }

    [Fact]
    public void An_issue_keeps_its_beginning_for_as_long_as_it_lasts_whatever_numbers_its_text_holds()
    {
        var watch = new HealthWatch();
        var at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        HealthWatch.Found[] Of(string text) => [new("lag", "t/0", PartState.Blocked, text), new("source", "", PartState.Failed, "gone")];
        watch.Collect(at, Of("1 waits"), remember: true);
        var issues = watch.Collect(at.AddMinutes(5), Of("2 wait"), remember: true);
        Assert.Equal(["source", "lag"], issues.Select(i => i.Kind));
        Assert.All(issues, i => Assert.Equal(at, i.Since));
        Assert.Empty(watch.Collect(at.AddMinutes(6), [], remember: true));
        Assert.Equal(at.AddMinutes(7), watch.Collect(at.AddMinutes(7), Of("3 wait"), remember: true)[0].Since);
    }

    [Fact]
    public void Parts_with_the_same_reason_are_one_issue()
    {
        var found = HealthWatch.OfParts("partition",
        [
            ("t/0", PartState.Blocked, "no broker"), ("t/1", PartState.Blocked, "no broker"), ("t/2", PartState.Running, null), ("t/3", PartState.Failed, "cut"),
        ]).Select(f => f.Text);
        Assert.Equal(["partition t/0 (and 1 more): no broker", "partition t/3: cut"], found);
    }
}
