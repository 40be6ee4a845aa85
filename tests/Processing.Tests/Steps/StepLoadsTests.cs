using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

public sealed class StepLoadsTests
{
    private static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void Time_is_shared_out_and_what_is_under_way_counts_as_far_as_it_has_come()
    {
        var loads = new StepLoads(S(100));
        for (var i = 0; i < 20; i++)
        {
            var at = 100 + (i * 2);
            loads.Enter("lookup", false, S(at));
            loads.Leave(S(at + 1));
            loads.Enter("out", true, S(at + 1));
            loads.Roll(S(at + 2));
            loads.Leave(S(at + 2));
        }

        var found = loads.Read().ToDictionary(l => l.Step);
        Assert.Equal(0.5, found["lookup"].Busy, 3);
        Assert.Equal(0.5, found["out"].Blocked, 3);
        Assert.Equal(0, found["lookup"].Blocked);
        // A wait longer than any look is not told twice.
        loads.Enter("out", true, S(200));
        for (var i = 1; i <= 20; i++) loads.Roll(S(200 + i));
        Assert.Equal(1, loads.Read().Single(l => l.Step == "out").Blocked, 3);
        Assert.Equal(0, loads.Read().Single(l => l.Step == "lookup").Busy, 3);
    }

    [Fact]
    public void Quantiles_are_of_lately_and_within_a_fifth()
    {
        var sketch = new DurationSketch();
        Assert.Null(DurationSketch.Quantile(sketch.Counts, 0.5));
        for (var i = 1; i <= 1000; i++) sketch.Add(TimeSpan.FromMilliseconds(i));
        foreach (var (q, ms) in new[] { (0.5, 500.0), (0.95, 950), (0.99, 990) })
            Assert.InRange(DurationSketch.Quantile(sketch.Counts, q)!.Value * 1000, ms * 0.8, ms * 1.2);
        for (var i = 0; i < 12; i++) sketch.Halve();
        for (var i = 0; i < 100; i++) sketch.Add(TimeSpan.FromMilliseconds(2));
        Assert.InRange(DurationSketch.Quantile(sketch.Counts, 0.99)!.Value * 1000, 1.6, 2.4);
        for (var i = 0; i < 40; i++) sketch.Halve();
        Assert.Null(DurationSketch.Quantile(sketch.Counts, 0.5));
        // Neither nothing nor a day breaks it.
        sketch.Add(TimeSpan.Zero);
        sketch.Add(TimeSpan.FromDays(1));
        Assert.InRange(DurationSketch.Quantile(sketch.Counts, 1)!.Value, 60, 200);
    }
}
