using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A pipeline with a step of every kind that measures something, and records for each of its counters.</summary>
public sealed class MetricsFixture : IAsyncLifetime
{
    public const int Good = 41;
    public const int Duplicates = 4;
    public const int Failing = 3;
    public const int Unreadable = 2;
    public const int Late = 5;
    public const int All = Good + Duplicates + Failing + Unreadable + Late;

    private static readonly DateTimeOffset Base = new(2026, 11, 1, 10, 0, 0, TimeSpan.Zero);
    private readonly CancellationTokenSource _tap = new();
    private Task _tapping = Task.CompletedTask;

    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Silo = await TestSilo.StartAsync(
            o =>
            {
                o.Metrics.KafkaExporterCompat = true;
                o.Metrics.QuarantineInterval = TimeSpan.FromSeconds(1);
                Segments(o.Connections["dwh"].Database!);
            },
            pipeline: Yaml);
        for (var i = 0; i < Good - 1; i++) Silo.Send(0, "k", Record(i, 1 + (i % 3), i));
        // The watermark of the windows is that of the slowest partition.
        Silo.Send(1, "l", Record(Good - 1, 1, Good));
        for (var i = 0; i < Duplicates; i++) Silo.Send(0, "k", Record(i, 1, Good));
        for (var i = 0; i < Failing; i++) Silo.Send(0, "k", Record(1000 + i, -1, Good));
        for (var i = 0; i < Unreadable; i++) Silo.Send(0, "k", "{ not json");
        for (var i = 0; i < Late; i++) Silo.Send(0, "k", Record(2000 + i, 1, -3600));
        await Silo.WaitForRecordsAsync(All);
        _tapping = TapAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _tap.CancelAsync();
        await _tapping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _tap.Dispose();
        await Silo.DisposeAsync();
    }

    private async Task TapAsync()
    {
        using var client = Silo.Client(TestSilo.Operator);
        await using var stream = await client.GetStreamAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/tap", _tap.Token);
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer, _tap.Token) > 0)
        {
            // Read so that it stays open.
        }
    }

    private static string Record(int id, int amount, int seconds) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","amount":{{amount}},"at":"{{Base.AddSeconds(seconds):O}}"}""");

    private static void Segments(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE SEGMENTS (AMOUNT INTEGER, SEGMENT TEXT); INSERT INTO SEGMENTS VALUES (1, 'one'), (2, 'two')";
        command.ExecuteNonQuery();
    }

    private const string Yaml = """
        apiVersion: kor/v1
        name: events
        source:
          kafka: { connection: main, topics: [events], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, amount: integer, at: timestamp }
          eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: 1h }
        steps:
          - { id: quality, type: quality, rules: { positive: amount > 0 }, onFail: quarantine }
          - { id: unique, type: dedup, key: [id], within: 2h, grainPer: group(4) }
          - { id: segment, type: lookup, connection: dwh, table: SEGMENTS, on: { AMOUNT: amount }, add: { segment: { column: SEGMENT, type: string } }, cache: 10m }
          - { id: totals, type: window, window: { tumbling: 1s }, groupBy: [], shards: 1, aggregates: { events: count() } }
        sinks:
          - { id: clean, from: segment, connection: dwh, table: EVENTS, mode: append, create: true }
          - { id: sums, from: totals, connection: dwh, table: TOTALS, mode: upsert, create: true }
        """;
}

/// <summary>A live scrape, read strictly.</summary>
public sealed class MetricsTests(MetricsFixture fixture) : IClassFixture<MetricsFixture>
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
        "kor_state_size_bytes",
        "kor_source_decode_errors_total",
        "kor_step_records_total",
        "kor_step_queue",
        "kor_window_open",
        "kor_window_late_total",
        "kor_window_emitted_total",
        "kor_watermark_delay_seconds",
        "kor_dedup_duplicates_total",
        "kor_quality_checked_total",
        "kor_lookup_requests_total",
        "kor_lookup_duration_seconds",
        "kor_sink_inflight",
        "kor_quarantine_pending",
        "kor_tap_clients",
        "kafka_source_rebalances_total",
        "kafka_consumergroup_lag",
        "messaging_client_consumed_messages_total",
        "messaging_process_duration_seconds",
        "db_client_operation_duration_seconds",
    ];

    [Fact]
    public async Task The_scrape_is_in_the_format_and_has_what_was_promised()
    {
        var families = await ScrapeAsync();
        foreach (var name in Promised)
            Assert.True(families.ContainsKey(name), $"{name} is missing; there are {string.Join(' ', families.Keys.Order())}");

        var processed = families["kafka_oracle_records_processed_total"].Samples.Where(s => s.Labels["pipeline"] == TestSilo.Pipeline).Sum(s => s.Value);
        Assert.Equal(families["kor_source_records_total"].Samples.Where(s => s.Labels["pipeline"] == TestSilo.Pipeline).Sum(s => s.Value), processed);
        Assert.Equal(MetricsFixture.All, processed);
        Assert.Equal(1, families["kor_pipeline_state"].Samples.Sum(s => s.Value));
        var bounds = families["kafka_oracle_batch_duration_seconds"].Samples.Where(s => s.Labels.ContainsKey("le")).Select(s => s.Labels["le"]).ToHashSet();
        Assert.Contains("0.001", bounds);
        Assert.Contains("60", bounds);
    }

    [Fact]
    public async Task The_numbers_are_those_of_the_records()
    {
        var families = await ScrapeAsync();
        const int Checked = MetricsFixture.All - MetricsFixture.Unreadable;
        const int Sound = Checked - MetricsFixture.Failing;
        const int Unique = Sound - MetricsFixture.Duplicates;
        Assert.Equal(MetricsFixture.Unreadable, Sum(families, "kor_source_decode_errors_total", ("topic", "events")));
        Assert.Equal(Checked, Sum(families, "kor_quality_checked_total", ("step", "quality")));
        Assert.Equal(MetricsFixture.Failing, Sum(families, "kor_quality_failures_total", ("rule", "positive"), ("severity", "error")));
        Assert.Equal(Checked, Sum(families, "kor_step_records_total", ("step", "quality"), ("direction", "in")));
        Assert.Equal(Sound, Sum(families, "kor_step_records_total", ("step", "quality"), ("direction", "out")));
        Assert.Equal(MetricsFixture.Failing, Sum(families, "kor_step_records_total", ("step", "quality"), ("direction", "dropped")));
        Assert.Equal(Sound, Sum(families, "kor_step_records_total", ("step", "unique"), ("direction", "in")));
        Assert.Equal(MetricsFixture.Duplicates, Sum(families, "kor_step_records_total", ("step", "unique"), ("direction", "dropped")));
        Assert.Equal(Unique, Sum(families, "kor_step_records_total", ("step", "totals"), ("direction", "in")));
        Assert.Equal(MetricsFixture.Late, Sum(families, "kor_step_records_total", ("step", "totals"), ("direction", "dropped")));
        Assert.Equal(MetricsFixture.Late, Sum(families, "kor_window_late_total", ("step", "totals"), ("outcome", "dropped")));
        Assert.Equal(Unique, Sum(families, "kor_lookup_requests_total", ("step", "segment")));
        Assert.True(Sum(families, "kor_lookup_requests_total", ("outcome", "miss")) >= 3);
        Assert.Equal(MetricsFixture.Failing + MetricsFixture.Unreadable, Sum(families, "kor_quarantine_pending"));
        Assert.Equal(1, Sum(families, "kor_tap_clients", ("pipeline", "events")));
        // The watermark is 1 s behind the last record, so that its window and the one before are open.
        Assert.InRange(Sum(families, "kor_window_open", ("step", "totals")), 1, 3);
        Assert.True(Sum(families, "kor_state_size_bytes", ("step", "unique")) > 0);
        Assert.True(Sum(families, "kor_state_size_bytes", ("step", "totals")) > 0);
        Assert.Equal(Sum(families, "kor_step_records_total", ("step", "totals"), ("direction", "out")), Sum(families, "kor_window_emitted_total"));
        Assert.Equal(0, Sum(families, "kor_step_queue"));
        Assert.Equal(0, Sum(families, "kor_sink_inflight"));
        Assert.True(Sum(families, "kafka_source_rebalances_total", ("source", "events")) >= 1);
        Assert.Equal(MetricsFixture.All, Sum(families, "messaging_client_consumed_messages_total", ("messaging_destination_name", "events")));
        Assert.Contains(families["db_client_operation_duration_seconds"].Samples, s => s.Labels["db_system_name"] == "sqlite");
    }

    [Fact]
    public void Every_instrument_is_documented()
    {
        // Those that have had no reason to show are documented, too.
        var names = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal)) names.Add(instrument.Name.Replace('.', '_'));
            },
        };
        listener.Start();
        var documented = Documented();
        Assert.True(names.Count > 50, $"only {names.Count} instruments");
        var missing = names.Where(n => !documented.Any(d => d == n || d.StartsWith(n + "_", StringComparison.Ordinal))).Distinct().Order().ToList();
        Assert.True(missing.Count == 0, "Not in docs/metrics.md: " + string.Join(' ', missing));
        var unknown = documented.Where(d => !names.Exists(n => d == n || d.StartsWith(n + "_", StringComparison.Ordinal))).Order().ToList();
        Assert.True(unknown.Count == 0, "In docs/metrics.md, but nowhere else: " + string.Join(' ', unknown));
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
        var documented = Documented();
        var live = families.Values.Where(f => IsOurs(f.Name)).ToList();
        var undocumented = live.Where(f => !documented.Contains(f.Name)).Select(f => f.Name).Order().ToList();
        Assert.True(undocumented.Count == 0, "Not in docs/metrics.md: " + Rows(live.Where(f => undocumented.Contains(f.Name))));
    }

    private static HashSet<string> Documented() => File.ReadLines(Path.Combine(RepoPaths.Root, "docs", "metrics.md"))
        .Where(l => l.StartsWith("| `", StringComparison.Ordinal) && l.Count(c => c == '|') == 5)
        .Select(l => l.Split('`')[1])
        .ToHashSet(StringComparer.Ordinal);

    private static bool IsOurs(string name) =>
        name.StartsWith("kor_", StringComparison.Ordinal) || name.StartsWith("kafka_", StringComparison.Ordinal)
        || name.StartsWith("messaging_", StringComparison.Ordinal) || name.StartsWith("db_", StringComparison.Ordinal);

    private static double Sum(IReadOnlyDictionary<string, Family> families, string name, params (string Label, string Value)[] labels) =>
        families[name].Samples.Where(s => labels.All(l => s.Labels.GetValueOrDefault(l.Label) == l.Value)).Sum(s => s.Value);

    private static string Rows(IEnumerable<Family> families)
    {
        var text = new StringBuilder();
        foreach (var f in families.OrderBy(f => f.Name, StringComparer.Ordinal))
            text.Append('\n').Append($"| `{f.Name}` | {f.Type} | {string.Join(", ", f.LabelNames)} | {f.Help} |");
        return text.ToString();
    }

    /// <summary>The quarantine is counted once a second, and gauges twice.</summary>
    private static bool IsSettled(IReadOnlyDictionary<string, Family> families) =>
        Sum(families, "kor_quarantine_pending") >= MetricsFixture.Failing + MetricsFixture.Unreadable
        && Sum(families, "kor_step_queue") + Sum(families, "kor_sink_inflight") == 0
        && Sum(families, "kor_state_size_bytes", ("step", "totals")) > 0;

    private async Task<IReadOnlyDictionary<string, Family>> ScrapeAsync()
    {
        // Gauges and window metrics need a checkpoint or two after the last record.
        await fixture.Silo.WaitForAsync(s => s.GetProperty("partitions").EnumerateArray().Where(p => p.GetProperty("counts").GetProperty("consumed").GetInt64() > 0)
            .All(p => p.GetProperty("checkpoint").ToString() == p.GetProperty("position").ToString()));
        using var client = fixture.Silo.Client(TestSilo.Viewer);
        for (var i = 0; ; i++)
        {
            var families = PrometheusText.Parse(await client.GetStringAsync("/metrics", Cancel));
            if (Promised.All(families.ContainsKey) && IsSettled(families)) return families;
            if (i > 300) return families;
            await Task.Delay(200, Cancel);
        }
    }
}
