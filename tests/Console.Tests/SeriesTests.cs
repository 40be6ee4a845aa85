using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.WebConsole.Components.Shared;
using KafkaOracleOrleans.WebConsole.Data;

namespace KafkaOracleOrleans.WebConsole.Tests;

public sealed class SeriesTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Whole = Series.Capacity * Series.Period;

    [Fact]
    public void What_was_not_looked_at_is_unknown_and_not_zero()
    {
        var series = new Series();
        series.Add(Begin, _ => 4);
        series.Add(Begin + TimeSpan.FromSeconds(3), _ => 8);

        var values = series.Read(Measure.In, Begin + TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(6), 6);

        Assert.Equal([float.NaN, 4, float.NaN, float.NaN, 8, float.NaN], values);
    }

    [Fact]
    public void It_holds_fifteen_minutes_and_the_rest_is_gone()
    {
        var series = new Series();
        for (var i = 0; i < 3 * Series.Capacity; i++) series.Add(Begin + i * Series.Period, _ => i);

        var values = series.Read(Measure.Lag, Begin + (3 * Series.Capacity - 1) * Series.Period, Whole, Series.Capacity);

        Assert.Equal(2 * Series.Capacity, values[0]);
        Assert.Equal(3 * Series.Capacity - 1, values[^1]);
        Assert.Equal(Enumerable.Repeat(float.NaN, Series.Capacity), new Series().Read(Measure.Lag, Begin, Whole, Series.Capacity));
        Assert.InRange(Series.Bytes, 1, 32 * 1024);
    }

    [Fact]
    public void A_day_without_a_look_leaves_nothing_of_before()
    {
        var series = new Series();
        series.Add(Begin, _ => 4);
        series.Add(Begin + TimeSpan.FromDays(1), _ => 8);

        var values = series.Read(Measure.In, Begin + TimeSpan.FromDays(1), Whole, Series.Capacity);

        Assert.Equal(1, values.Count(v => !float.IsNaN(v)));
    }

    [Fact]
    public void What_was_measured_before_anybody_looked_fills_what_is_unknown_and_nothing_else()
    {
        var series = new Series();
        series.Add(Begin + TimeSpan.FromSeconds(20), _ => 8);
        series.Seed(new PipelineMetrics("p", Begin + TimeSpan.FromSeconds(10), 5, [new MetricSeries("recordsPerSecond", "1/s", [4, null, 6, 9]), new MetricSeries("rule:a.b", "1/s", [1, 1, 1, 1])]));

        var values = series.Read(Measure.In, Begin + TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(11), 11);

        Assert.Equal([4, 4, 4, 4, 4, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, 8], values);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.03, 0.05)]
    [InlineData(1, 1)]
    [InlineData(1.2, 2)]
    [InlineData(303, 500)]
    [InlineData(5001, 10000)]
    public void An_axis_ends_at_a_round_number(double top, double end) => Assert.Equal(end, Curve.Round(top), 6);

    [Fact]
    public void A_curve_is_broken_where_nothing_is_known()
    {
        var path = Curve.Path([1, 2, float.NaN, 4, float.NaN], 100, 20, 4);

        Assert.Equal("M0 14.5L25 10M74 1h2", path);
        Assert.DoesNotContain("NaN", path, StringComparison.Ordinal);
        Assert.Equal("", Curve.Path([], 100, 20, 1));
    }
}
