using System.Text;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A live scrape, read strictly.</summary>
public sealed class MetricsTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What a pipeline with windows and sinks shows once it has worked.</summary>
    private static readonly string[] Promised =
    [
        "kafka_oracle_records_processed_total",
        "kafka_oracle_processing_rate",
        "kafka_oracle_batch_duration_seconds",
        "kor_build_info",
        "kor_pipeline_state",
        "kor_source_records_total",
        "kor_source_bytes_total",
        "kor_source_lag",
        "kor_source_lag_time_seconds",
        "kor_step_duration_seconds",
        "kor_step_time_seconds_total",
        "kor_checkpoint_duration_seconds",
        "kor_checkpoint_age_seconds",
        "kor_quality_failures_total",
        "kor_quarantine_records_total",
        "kor_sink_rows_total",
        "kor_sink_batch_duration_seconds",
        "kor_sink_batch_size",
        "kor_pipeline_latency_seconds",
        "kor_state_keys",
        "kafka_consumergroup_lag",
    ];

    [Fact]
    public async Task The_scrape_is_in_the_format_and_has_what_was_promised()
    {
        var families = await ScrapeAsync();
        foreach (var name in Promised)
            Assert.True(families.ContainsKey(name), $"{name} is missing; there are {string.Join(' ', families.Keys.Order())}");

        var processed = families["kafka_oracle_records_processed_total"].Samples.Where(s => s.Labels["pipeline"] == TestSilo.Pipeline).Sum(s => s.Value);
        Assert.Equal(families["kor_source_records_total"].Samples.Where(s => s.Labels["pipeline"] == TestSilo.Pipeline).Sum(s => s.Value), processed);
        Assert.True(processed >= 200);
        Assert.Equal(1, families["kor_pipeline_state"].Samples.Sum(s => s.Value));
        var bounds = families["kafka_oracle_batch_duration_seconds"].Samples.Where(s => s.Labels.ContainsKey("le")).Select(s => s.Labels["le"]).ToHashSet();
        Assert.Contains("0.001", bounds);
        Assert.Contains("60", bounds);
    }

    [Fact]
    public async Task Partitions_are_labels_of_lag_only_and_series_are_few()
    {
        var families = await ScrapeAsync();
        var ours = families.Values.Where(f => f.Name.StartsWith("kor_", StringComparison.Ordinal) || f.Name.StartsWith("kafka_oracle_", StringComparison.Ordinal)).ToList();
        var perPartition = ours.Where(f => f.LabelNames.Contains("partition")).Select(f => f.Name).Order().ToList();
        Assert.Equal(["kor_source_lag", "kor_source_lag_time_seconds"], perPartition);
        Assert.All(ours, f => Assert.False(string.IsNullOrWhiteSpace(f.Help), $"{f.Name} has no HELP"));
        Assert.True(ours.Sum(f => f.Samples.Count) < 600, $"{ours.Sum(f => f.Samples.Count)} series for one pipeline");
    }

    [Fact]
    public async Task The_documentation_lists_exactly_what_there_is()
    {
        var families = await ScrapeAsync();
        var path = Path.Combine(RepoPaths.Root, "docs", "metrics.md");
        var documented = File.ReadLines(path).Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('`')[1]).ToHashSet(StringComparer.Ordinal);
        var live = families.Values.Where(f => IsOurs(f.Name)).ToList();
        var undocumented = live.Where(f => !documented.Contains(f.Name)).Select(f => f.Name).Order().ToList();
        Assert.True(undocumented.Count == 0, "Not in docs/metrics.md: " + Rows(live.Where(f => undocumented.Contains(f.Name))));
    }

    private static bool IsOurs(string name) => name.StartsWith("kor_", StringComparison.Ordinal) || name.StartsWith("kafka_", StringComparison.Ordinal);

    private static string Rows(IEnumerable<Family> families)
    {
        var text = new StringBuilder();
        foreach (var f in families.OrderBy(f => f.Name, StringComparer.Ordinal))
            text.Append('\n').Append($"| `{f.Name}` | {f.Type} | {string.Join(", ", f.LabelNames)} | {f.Help} |");
        return text.ToString();
    }

    private async Task<IReadOnlyDictionary<string, Family>> ScrapeAsync()
    {
        // Gauges and window metrics need a checkpoint or two after the last record.
        await fixture.Silo.WaitForAsync(s => s.GetProperty("partitions").EnumerateArray().All(p =>
            p.GetProperty("checkpoint").ToString() == p.GetProperty("position").ToString()));
        using var client = fixture.Silo.Client(TestSilo.Viewer);
        for (var i = 0; ; i++)
        {
            var families = PrometheusText.Parse(await client.GetStringAsync("/metrics", Cancel));
            if (Promised.All(families.ContainsKey)) return families;
            if (i > 300) return families;
            await Task.Delay(200, Cancel);
        }
    }
}
