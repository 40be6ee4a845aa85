using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>The last 15 minutes of a pipeline's numbers.</summary>
public sealed class MetricHistoryTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Rates_are_what_happened_between_two_looks_and_a_rest_is_bridged()
    {
        var history = new MetricHistory();
        history.Observe(Begin, Status(10, 0));
        history.Observe(Begin.AddSeconds(2), Status(999, 0)); // the same stretch
        history.Observe(Begin.AddSeconds(5), Status(20, 10));
        history.Observe(Begin.AddSeconds(16), Status(30, 21));
        history.Observe(Begin.AddSeconds(60), Status(40, 5)); // began anew after a silence

        var read = history.Read("p", Begin, Begin.AddSeconds(60), 1);

        Assert.Equal((Begin, 5), (read.From, read.StepSeconds));
        Assert.Equal([10, 20, 30, 30, null, null, null, null, null, null, null, null, 40], Of(read, "recordsPerSecond"));
        Assert.Equal([null, 2, 1, 1, null, null, null, null, null, null, null, null, null], Of(read, "quarantinedPerSecond"));
        Assert.Equal(2.0, Of(read, "rule:quality.positive")[1]);
        // Stretches of three samples.
        Assert.Equal([20, 30, null, null, 40], Of(history.Read("p", Begin, Begin.AddSeconds(60), 3), "recordsPerSecond"));
    }

    [Fact]
    public void It_holds_fifteen_minutes_and_a_bounded_number_of_rules()
    {
        var history = new MetricHistory();
        for (var i = 0; i < 400; i++)
            history.Observe(Begin.AddSeconds(5 * i), Status(i, 0) with { Rules = Enumerable.Range(0, 100).ToDictionary(r => $"s.r{r}", _ => (long)i) });

        var read = history.Read("p", DateTimeOffset.UnixEpoch, Begin.AddSeconds(5 * 399), 1);

        Assert.Equal(PipelineMetrics.Capacity, Of(read, "recordsPerSecond").Count);
        Assert.Equal((220.0, 399.0), (Of(read, "recordsPerSecond")[0], Of(read, "recordsPerSecond")[^1]));
        Assert.Equal(PipelineMetrics.MaxRules, read.Series.Count(s => s.Name.StartsWith("rule:", StringComparison.Ordinal)));
    }

    private static IReadOnlyList<double?> Of(PipelineMetrics metrics, string name) => metrics.Series.Single(s => s.Name == name).Values;

    private static PipelineStatus Status(double rate, long quarantined) => new()
    {
        Name = "p", Version = 1, Desired = DesiredState.Running, State = PartState.Running, Counts = new RecordCounts(quarantined, 0, 0, 0, 0, quarantined), RecordsPerSecond = rate,
        Partitions = [], Shards = [], Sinks = [], Rules = new Dictionary<string, long> { ["quality.positive"] = quarantined },
    };
}
