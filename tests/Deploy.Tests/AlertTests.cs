using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>
/// The shipped alarms over scripted hours of what a silo shows (what it shows in such an hour is tested where it is made): each fires when it should,
/// in time, and none when all is well.
/// </summary>
public sealed class AlertTests
{
    private const int Minutes = 60;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(30);
    private static readonly int Steps = (int)(TimeSpan.FromMinutes(Minutes) / Step);

    [Fact]
    public void Nothing_fires_while_all_is_well() => Assert.Empty(Fired(Quiet()));

    /// <summary>The sink's database is away from minute 10 to 40: back pressure, 5,000 records a minute wait in the log.</summary>
    [Fact]
    public void An_outage_of_a_sink_fires_within_a_quarter_of_an_hour_and_ends()
    {
        var hour = Quiet();
        hour.Set("kor_pipeline_lag", [], m => m is < 10 or >= 45 ? 20 : m < 40 ? 20 + ((m - 10) * 5_000) : 150_000 - ((m - 40) * 30_000));
        hour.Set("kor_sink_freshness_seconds", [("sink", "rows")], m => m is < 10 or >= 45 ? 0.5 : m < 40 ? (m - 10) * 60 : Math.Max(1, (45 - m) * 100));
        hour.Set("kor_pipeline_partitions", [("state", "blocked")], m => m is < 10 or >= 41 ? 0 : 4);
        hour.Set("kor_pipeline_partitions", [("state", "running")], m => m is < 10 or >= 41 ? 4 : 0);
        hour.Set("kor_pipeline_state", [("state", "degraded")], m => m is < 10 or >= 41 ? 0 : 1);
        var fired = Fired(hour);
        Assert.Equal(["KorLagGrows", "KorPartitionBlocked", "KorPipelineDegraded", "KorSinkStale"], fired.Keys.Order());
        // Freshness has to pass five minutes, and to stay there for five.
        Assert.InRange(fired["KorSinkStale"].From, 20, 22);
        Assert.InRange(fired["KorLagGrows"].From, 20, 23);
        Assert.All(fired.Values, f => Assert.InRange(f.To, 40, 55));
    }

    /// <summary>Somebody pauses the pipeline at minute 10 and forgets it: the lag is the log's, the table gets older.</summary>
    [Fact]
    public void A_pause_that_was_forgotten_fires()
    {
        var hour = Quiet();
        hour.Set("kor_pipeline_lag", [], m => m < 10 ? 20 : 20 + ((m - 10) * 5_000));
        hour.Set("kor_sink_freshness_seconds", [("sink", "rows")], m => m < 10 ? 0.5 : (m - 10) * 60);
        hour.Set("kor_pipeline_state", [("state", "paused")], m => m < 10 ? 0 : 1);
        hour.Set("kor_pipeline_state", [("state", "running")], m => m < 10 ? 1 : 0);
        var fired = Fired(hour);
        Assert.Equal(["KorLagGrows", "KorPausedLong", "KorSinkStale"], fired.Keys.Order());
        Assert.InRange(fired["KorPausedLong"].From, 39, 42);
    }

    /// <summary>A checkpoint that cannot be loaded, and a database that is spared: nothing has failed, and nothing gets on.</summary>
    [Fact]
    public void A_start_without_an_end_and_an_open_circuit_fire()
    {
        var hour = Quiet();
        hour.Set("kor_pipeline_state", [("state", "running")], m => m < 10 ? 1 : 0);
        hour.Set("kor_pipeline_state", [("state", "starting")], m => m < 10 ? 0 : 1);
        hour.Set("kor_db_circuit", [("connection", "dwh")], m => m < 10 ? 0 : 2);
        var fired = Fired(hour);
        Assert.Equal(["KorDatabaseCircuitOpen", "KorStartsLong"], fired.Keys.Order());
        Assert.InRange(fired["KorStartsLong"].From, 19, 22);
        Assert.InRange(fired["KorDatabaseCircuitOpen"].From, 14, 17);
    }

    /// <summary>A pipeline without windows whose log was cut below its position: everything but the partition looks well.</summary>
    [Fact]
    public void A_partition_that_cannot_be_read_fires_at_once()
    {
        var hour = Quiet();
        hour.Set("kor_pipeline_partitions", [("state", "failed")], m => m < 10 ? 0 : 1);
        hour.Set("kafka_partition_state", [("source", "p"), ("topic", "t"), ("partition", "1")], m => m < 10 ? 2 : 5);
        var fired = Fired(hour);
        Assert.Equal(["KorPartitionFailed", "KorSourceUnreadable"], fired.Keys.Order());
        Assert.All(fired.Values, f => Assert.InRange(f.From, 10.5, 12));
    }

    [Fact]
    public void A_refused_file_and_a_topic_full_of_bad_records_fire()
    {
        var hour = Quiet();
        hour.Set("kor_definition_refused", [("file", "p.yaml")], m => m < 10 ? null : 1);
        hour.Set("kor_quarantine_records_total", [("step", "source"), ("reason", "KOR5001")], m => m < 20 ? 0 : (m - 20) * 970);
        hour.Set("kor_source_records_total", [("topic", "t")], m => m * 1_000);
        Assert.Equal(["KorDefinitionRefused", "KorMostlyQuarantined"], Fired(hour).Keys.Order());
    }

    [Fact]
    public void A_silo_that_is_missing_old_checkpoints_and_sinks_that_refuse_fire()
    {
        var hour = Quiet();
        hour.Set("up", [("job", "kor"), ("instance", "b")], m => m < 10 ? 1 : 0);
        hour.Set("kor_checkpoint_age_seconds", [], m => m < 10 ? 5 : 5 + ((m - 10) * 60));
        hour.Set("kor_sink_errors_total", [("sink", "rows")], m => m < 10 ? 0 : (m - 10) * 30);
        hour.Set("kor_watermark_delay_seconds", [("step", "w")], m => m < 10 ? 90 : 5_000);
        hour.Set("kor_quality_failures_total", [("step", "q"), ("severity", "error")], m => m * 200);
        hour.Set("kor_quality_checked_total", [("step", "q")], m => m * 1_000);
        hour.Set("kor_quarantine_records_total", [("step", "q"), ("reason", "KOR5101")], m => m * 200);
        hour.Set("kor_pipeline_state", [("state", "failed")], m => m < 10 ? 0 : 1);
        Assert.Equal(
            ["KorCheckpointOld", "KorPipelineFailed", "KorQualityFails", "KorSiloMissing", "KorSinkErrors", "KorWatermarkStands"],
            Fired(hour).Keys.Where(k => k != "KorQuarantineGrows").Order());
    }

    /// <summary>What a silo shows of a pipeline with four partitions that keeps up.</summary>
    private static Hour Quiet()
    {
        var hour = new Hour();
        hour.Set("up", [("job", "kor"), ("instance", "a")], _ => 1);
        hour.Set("up", [("job", "kor"), ("instance", "b")], _ => 1);
        hour.Set("kor_pipeline_state", [("state", "running")], _ => 1);
        foreach (var state in new[] { "failed", "degraded", "paused", "starting" }) hour.Set("kor_pipeline_state", [("state", state)], _ => 0);
        hour.Set("kor_pipeline_partitions", [("state", "running")], _ => 4);
        foreach (var state in new[] { "failed", "blocked", "starting" }) hour.Set("kor_pipeline_partitions", [("state", state)], _ => 0);
        hour.Set("kafka_partition_state", [("source", "p"), ("topic", "t"), ("partition", "1")], m => (int)m % 2 == 0 ? 1 : 2);
        hour.Set("kor_pipeline_lag", [], m => (int)(m * 2) % 2 == 0 ? 20 : 0);
        hour.Set("kor_sink_freshness_seconds", [("sink", "rows")], m => (int)m % 2 == 0 ? 0 : 0.8);
        hour.Set("kor_checkpoint_age_seconds", [], _ => 3);
        hour.Set("kor_watermark_delay_seconds", [("step", "w")], _ => 90);
        hour.Set("kor_source_records_total", [("topic", "t")], m => m * 1_000);
        hour.Set("kor_quality_checked_total", [("step", "q")], m => m * 1_000);
        return hour;
    }

    private static Dictionary<string, (double From, double To)> Fired(Hour hour)
    {
        var rules = new AlertRules(hour.Series, Step);
        var fired = new Dictionary<string, (double, double)>(StringComparer.Ordinal);
        foreach (var rule in YamlFile.Read("deploy", "prometheus", "alerts.yaml").Single().Items("groups", 0, "rules"))
        {
            var hold = rule.Text("for")!;
            var span = hold[^1] == 'h' ? TimeSpan.FromHours(int.Parse(hold[..^1], null)) : TimeSpan.FromMinutes(int.Parse(hold[..^1], null));
            var steps = rules.Firing(rule.Text("expr")!, span, Steps);
            if (steps.Count != 0) fired.Add(rule.Text("alert")!, (steps[0] * Step.TotalMinutes, steps[^1] * Step.TotalMinutes));
        }

        return fired;
    }

    private sealed class Hour
    {
        private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);

        public IReadOnlyList<Series> Series => [.. _series.Values];

        /// <summary>A series by the minute; it replaces one with the same labels.</summary>
        public void Set(string name, (string Name, string Value)[] labels, Func<double, double?> at)
        {
            var all = labels.ToDictionary(l => l.Name, l => l.Value, StringComparer.Ordinal);
            if (name.StartsWith("kor_", StringComparison.Ordinal)) all["pipeline"] = "p";
            var key = $"{name} {string.Join(',', all.OrderBy(l => l.Key, StringComparer.Ordinal))}";
            _series[key] = new Series(name, all, [.. Enumerable.Range(0, Steps).Select(i => at(i * Step.TotalMinutes))]);
        }
    }
}
