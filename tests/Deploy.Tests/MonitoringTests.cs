using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>Dashboard and alarms ask for metrics that exist (docs/metrics.md, which a test keeps equal to what a silo shows).</summary>
public sealed partial class MonitoringTests
{
    private static readonly HashSet<string> Known =
        [.. MetricName().Matches(File.ReadAllText(RepoPaths.Under("docs", "metrics.md"))).Select(m => m.Value)];

    [Fact]
    public void The_dashboard_asks_for_metrics_that_exist()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(RepoPaths.Under("deploy", "grafana", "kor.json")));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToList();
        Assert.Equal(panels.Count, panels.Select(p => p.GetProperty("id").GetInt32()).Distinct().Count());
        var expressions = panels.SelectMany(p => p.GetProperty("targets").EnumerateArray()).Select(t => t.GetProperty("expr").GetString()!).ToList();
        Assert.NotEmpty(expressions);
        Assert.All(expressions, CheckNames);
    }

    [Fact]
    public void Alarms_ask_for_metrics_that_exist_and_say_what_is_wrong()
    {
        var rules = YamlFile.Read("deploy", "prometheus", "alerts.yaml").Single().Items("groups", 0, "rules");
        Assert.NotEmpty(rules);
        Assert.All(rules, r =>
        {
            CheckNames(r.Text("expr")!);
            Assert.NotNull(r.Text("for"));
            Assert.Contains(r.Text("labels", "severity"), new[] { "warning", "critical" });
            Assert.NotEmpty(r.Text("annotations", "summary")!);
        });
    }

    [Fact]
    public void Prometheus_reads_the_rules_and_both_silos()
    {
        var settings = YamlFile.Read("deploy", "prometheus", "prometheus.yaml").Single();
        Assert.Equal("/metrics", settings.Text("scrape_configs", 0, "metrics_path"));
        Assert.Equal(2, settings.Items("scrape_configs", 0, "static_configs", 0, "targets").Count);
    }

    private static void CheckNames(string expression)
    {
        foreach (var name in MetricName().Matches(expression).Select(m => m.Value))
            Assert.True(Known.Contains(name) || Known.Contains(HistogramPart().Replace(name, "")), $"{name} in: {expression}");
    }

    [GeneratedRegex(@"\b(kor|kafka|kafka_oracle)_[a-z_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();
}
