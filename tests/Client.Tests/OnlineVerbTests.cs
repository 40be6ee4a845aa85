using System.Text.Json;
using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Tests;

public sealed class OnlineVerbTests : IAsyncDisposable
{
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public OnlineVerbTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    private static PipelineStatus Orders(PartState state = PartState.Running, string? reason = null) => new()
    {
        Name = "orders",
        Version = 3,
        Desired = DesiredState.Running,
        State = state,
        Condition = state switch
        {
            PartState.Running => PipelineCondition.Running,
            PartState.Stopped => PipelineCondition.Stopped,
            PartState.Failed => PipelineCondition.Failed,
            _ => PipelineCondition.Degraded,
        },
        ConditionSince = new DateTimeOffset(2026, 1, 31, 9, 0, 0, TimeSpan.Zero),
        Reason = reason,
        Counts = new RecordCounts(1_000_000, 950_000, 30_000, 10_000, 0, 10_000),
        RecordsPerSecond = 41_200.4,
        Lag = 4120,
        LagSeconds = 3,
        InputPerSecond = 1_500,
        BatchMs = 12.4,
        Watermark = 1_769_853_600_000,
        Partitions =
        [
            new PartitionStatus
            {
                Partition = "orders/0", State = state, Position = 996_000, Checkpoint = 990_000, End = 1_000_120,
                Counts = RecordCounts.Zero, Epoch = 4, RecordsPerSecond = 41_200.4, Rules = new Dictionary<string, long>(), Silo = "S1",
            },
        ],
        Shards =
        [
            new ShardStatus
            {
                Step = "revenue_5m", Shard = 0, State = PartState.Running, Epoch = 2, Cells = 64, OutboxEntries = 1, Late = 10_000,
                ClosedWindows = 84, LastCheckpointMs = 12.5,
            },
        ],
        Sinks = [new SinkStatus { Sink = "clean", Lane = "orders/0", State = PartState.Running, Written = 950_000, Quarantined = 0, Buffered = 12 }],
        Rules = new Dictionary<string, long> { ["quality.valid_amount"] = 10_000 },
    };

    private static WindowRow Window(long? start, long revision, params (string Name, string? Value)[] values) => new()
    {
        Key = "c1",
        Start = start,
        End = start + 300_000,
        Revision = revision,
        Values = [.. values.Select(v => KeyValuePair.Create(v.Name, v.Value))],
    };

    [Fact]
    public async Task Pipelines_are_listed()
    {
        var json = _silo.Answer("GET /api/v1/pipelines", new[] { Orders() });
        var table = await _kor.RunAsync("list");
        Assert.Matches("^PIPELINE  STATE    RECORDS/S    LAG +BEHIND   CONSUMED  QUARANTINED  NOTE$", table.Lines[0]);
        Assert.Matches("^orders    RUNNING     41,200  4,120  .+  1,000,000       10,000$", table.Lines[1]);
        Assert.Equal("", table.Error);
        Assert.Equal(json + "\n", (await _kor.RunAsync("list", "-o", "json")).Out);
        Assert.Equal("orders", JsonDocument.Parse((await _kor.RunAsync("list", "-o", "jsonl")).Lines[0]).RootElement.GetProperty("name").GetString());
        Assert.StartsWith("- name: orders\n  version: 3\n  desired: Running\n", (await _kor.RunAsync("list", "-o", "yaml")).Out, StringComparison.Ordinal);
        Assert.Equal(table.Out[..table.Out.IndexOf('\n', StringComparison.Ordinal)], (await _kor.RunAsync("status")).Lines[0]);
    }

    [Fact]
    public async Task What_sinks_refused_is_quarantined_too()
    {
        var orders = Orders();
        _silo.Answer("GET /api/v1/pipelines", new[] { orders with { Sinks = [orders.Sinks[0] with { Quarantined = 7 }] } });
        Assert.Matches("1,000,000       10,007$", (await _kor.RunAsync("list")).Lines[1]);
    }

    [Fact]
    public async Task No_pipelines_is_no_error()
    {
        _silo.Answer("GET /api/v1/pipelines", "[]");
        var result = await _kor.RunAsync("list");
        Assert.Equal("", result.Out);
        Assert.Contains("There are no pipelines yet", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Fact]
    public async Task A_pipeline_is_shown_with_its_parts()
    {
        var json = _silo.Answer("GET /api/v1/pipelines/orders", Orders(PartState.Blocked, "Sink 'clean' is away."));
        var result = await _kor.RunAsync("status", "orders");
        Assert.Equal("orders   DEGRADED   since 2026-01-31T09:00:00Z   version 3   desired running", result.Lines[0]);
        Assert.Contains("Verdict     Sink 'clean' is away.", result.Lines);
        Assert.Contains(
            "Records     1,000,000 consumed = 950,000 absorbed + 30,000 duplicate + 10,000 late + 0 filtered + 10,000 quarantined", result.Lines);
        Assert.Contains(result.Lines, l => l.StartsWith("orders/0   WAITING   996,000  1,000,120  4,120     990,000", StringComparison.Ordinal));
        Assert.Contains(result.Lines, l => l.StartsWith("revenue_5m       1  RUNNING     64       1", StringComparison.Ordinal));
        Assert.Contains("Rate        41,200 records/s worked off, 1,500 come in; a batch takes 12 ms", result.Lines);
        // What was read and is in no table yet is told beside what was not read.
        Assert.Contains("Lag         4,120 records not read, 3.0 s; 12 rows wait for their sinks", result.Lines);
        Assert.Contains("quality.valid_amount  10,000", result.Lines);
        // One word for one thing.
        Assert.DoesNotContain("BLOCKED", result.Out, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\u001b', result.Out);
        Assert.Equal(json + "\n", (await _kor.RunAsync("status", "orders", "-o", "json")).Out);
    }

    [Fact]
    public async Task A_stopped_pipeline_is_shown_with_what_waits()
    {
        _silo.Answer("GET /api/v1/pipelines/orders", Orders(PartState.Stopped) with { RecordsPerSecond = 0, InputPerSecond = null, BatchMs = null, LagSeconds = 5_400 });
        var result = await _kor.RunAsync("status", "orders");
        Assert.Contains("Verdict     'kor start orders' runs it from its checkpoint; 4,120 records wait.", result.Lines);
        Assert.Contains("Rate        0 records/s worked off, - come in; a batch takes -", result.Lines);
        Assert.Contains("Lag         4,120 records not read, 90 m 0 s; 12 rows wait for their sinks", result.Lines);
    }

    [Fact]
    public async Task A_terminal_gets_a_table_with_a_rule_and_no_colour_when_told()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=20&step=totals", new[] { new StepWindows("totals", null, [Window(null, 7, ("orders", "2"))], []) });
        _kor.Terminal = true;
        var narrow = await _kor.RunAsync("windows", "orders", "totals", "--no-color");
        Assert.Contains("──", narrow.Out, StringComparison.Ordinal);
        Assert.Contains("c1", narrow.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[3", narrow.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_too_wide_for_the_terminal_puts_sentences_below_and_breaks_no_value()
    {
        const string value = "ALTER_TABLE_ORDERS_CLEAN_ADD_COLUMN_SEGMENT";
        var reason = string.Join(' ', Enumerable.Repeat(value, 4));
        _silo.Answer("GET /api/v1/pipelines", new[] { Orders(PartState.Failed, reason) });
        _silo.Answer("GET /api/v1/pipelines/orders", Orders(PartState.Failed, reason));
        _kor.Terminal = true;
        var list = await _kor.RunAsync("list", "--no-color");
        Assert.Equal(4, list.Lines.Count(l => l == "    " + value));
        Assert.Contains(list.Lines, l => l.StartsWith("orders", StringComparison.Ordinal) && l.Contains("FAILED", StringComparison.Ordinal));
        foreach (var screen in new[] { list, await _kor.RunAsync("status", "orders", "--no-color"), await _kor.RunAsync("top", "-n", "1", "--no-color") })
            Assert.All(screen.Lines, l => Assert.True(Plain(l).Length <= 80, l));
        // Columns that were left out are named; what scripts read is whole.
        Assert.Contains((await _kor.RunAsync("status", "orders", "--no-color")).Lines, l => l.Contains("left out, as the terminal is narrow: ", StringComparison.Ordinal));
        _kor.Terminal = false;
        Assert.EndsWith("10,000  " + reason, (await _kor.RunAsync("list")).Lines[1], StringComparison.Ordinal);
    }

    private static string Plain(string line) => System.Text.RegularExpressions.Regex.Replace(line, "\u001b\\[[0-9;]*m", "");

    [Fact]
    public async Task A_reason_of_several_lines_is_shown_line_by_line_and_its_first_in_notes()
    {
        const string reason = "Sink 'clean', table CLEAN:\n  - The column A is missing: run ALTER TABLE\u001b[2J\nIt is checked again by itself, 5 s after this try.";
        var status = Orders(PartState.Failed, reason);
        _silo.Answer("GET /api/v1/pipelines/orders", status with { Partitions = [status.Partitions[0] with { State = PartState.Failed, Reason = reason }] });
        var result = await _kor.RunAsync("status", "orders");
        Assert.Equal("Verdict     Sink 'clean', table CLEAN:", result.Lines[1]);
        Assert.Equal("              - The column A is missing: run ALTER TABLE\\x1b[2J", result.Lines[2]);
        Assert.Equal("            It is checked again by itself, 5 s after this try.", result.Lines[3]);
        Assert.Contains(result.Lines, l => l.StartsWith("orders/0", StringComparison.Ordinal) && l.EndsWith("see the verdict", StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', result.Out);
    }

    [Fact]
    public async Task Top_shows_the_sums_and_refreshes_as_often_as_told()
    {
        _silo.Answer("GET /api/v1/pipelines", new[] { Orders(), Orders() with { Name = "quick", RecordsPerSecond = 90_000 } });
        var once = await _kor.RunAsync("top");
        Assert.Contains("2 pipelines on 1 silos   131,200 records/s   lag 8,240   failed 0", once.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("quick", once.Lines[3], StringComparison.Ordinal);
        var twice = await _kor.RunAsync("top", "--count", "2", "--interval", "10ms", "-o", "jsonl");
        Assert.Equal(4, twice.Lines.Length);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("top", "--count", "0")).Code);
    }

    [Fact]
    public async Task Watching_ends_with_the_pipeline()
    {
        _silo.Refuse("GET /api/v1/pipelines/gone", 404, "No such pipeline", "There is no pipeline 'gone'.");
        var result = await _kor.RunAsync("status", "gone", "--watch", "--interval", "10ms");
        Assert.Equal(ExitCodes.NotFound, result.Code);
    }

    [Fact]
    public async Task A_key_is_shown_with_its_windows_and_positions()
    {
        var state = new KeyState
        {
            Pipeline = "orders", Step = "revenue_5m", Key = "c/1|x", Shard = 5,
            Windows = [Window(1_769_853_600_000, 0, ("orders", "2"), ("revenue", "165.00"))],
            Closed = [Window(1_769_853_300_000, 1, ("orders", "1"), ("revenue", null))],
            Positions = new Dictionary<string, long> { ["orders/0"] = 1200 },
            DurablePositions = new Dictionary<string, long> { ["orders/0"] = 1100 },
            Watermark = 1_769_853_700_000,
        };
        var json = _silo.Answer("GET /api/v1/pipelines/orders/keys/revenue_5m/c%2F1%7Cx", state);
        var result = await _kor.RunAsync("key", "orders", "revenue_5m", "c/1|x");
        Assert.Equal("orders.revenue_5m   key c/1|x   shard 5", result.Lines[0]);
        Assert.Contains("2026-01-31T10:00:00Z  2026-01-31T10:05:00Z         0       2   165.00", result.Lines);
        Assert.Contains("2026-01-31T09:55:00Z  2026-01-31T10:00:00Z         1       1     NULL", result.Lines);
        Assert.Contains("orders/0     1,200    1,100", result.Lines);
        Assert.Equal(json + "\n", (await _kor.RunAsync("key", "orders", "revenue_5m", "c/1|x", "-o", "json")).Out);
    }

    [Fact]
    public async Task Running_totals_have_no_times()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=10&step=totals", new[] { new StepWindows("totals", null, [Window(null, 7, ("orders", "2"))], []) });
        var result = await _kor.RunAsync("windows", "orders", "totals", "--limit", "10");
        Assert.Equal(["totals   watermark - (- behind)", "", "Open: 1", "KEY  REVISION  ORDERS", "c1          7       2", "", "Closed lately: none"], result.Lines);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("windows", "orders", "totals", "--limit", "1001")).Code);
    }

    [Fact]
    public async Task Windows_say_when_they_close_what_they_wait_for_and_how_many_there_are()
    {
        var hold = new WatermarkHold("orders/3", 1_769_853_600_000, 250, new DateTimeOffset(2026, 1, 31, 10, 2, 0, TimeSpan.Zero), "1,200 of its records are not worked off yet.") { HoldsBack = true };
        var json = _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=1", new[]
        {
            new StepWindows("revenue_5m", 1_769_853_600_000, [Window(1_769_853_600_000, 0, ("orders", "2"))], [Window(1_769_853_300_000, 1, ("orders", "3")) with { Generation = 1 }])
            {
                OpenTotal = 168, ClosedTotal = 2_310, Complete = false, Next = "1769853900000_1", WaitsFor = hold, AllowedLateness = 120_000,
            },
            new StepWindows("daily", null, [], []),
        });
        var result = await _kor.RunAsync("windows", "orders", "--limit", "1");
        Assert.StartsWith("revenue_5m   watermark 2026-01-31T10:00:00Z (", result.Lines[0], StringComparison.Ordinal);
        Assert.Equal(
            "Waits for   partition orders/3: its watermark is 2026-01-31T10:00:00Z, 4 m 10 s behind the furthest, not moved since 2026-01-31T10:02:00Z. 1,200 of its records are not worked off yet.",
            result.Lines[1]);
        Assert.Contains("Lateness    A window closes when the watermark reaches its end; records count, as a new revision, for another 2 m 0 s.", result.Lines);
        Assert.Contains("Open: 1 of at least 168", result.Lines);
        Assert.Contains("c1   2026-01-31T10:00:00Z  2026-01-31T10:05:00Z  5 m 0 s         0       2", result.Lines);
        Assert.Contains("Closed lately: 1 of 2,310", result.Lines);
        // Revisions are counted from the last reset on, and how many of those there were stands apart.
        Assert.Contains("c1   2026-01-31T09:55:00Z  2026-01-31T10:00:00Z         1      1       3", result.Lines);
        Assert.Contains("More: kor windows orders revenue_5m --after 1769853900000_1", result.Error, StringComparison.Ordinal);
        Assert.Contains(result.Lines, l => l.StartsWith("daily   watermark - ", StringComparison.Ordinal));
        Assert.Equal(json + "\n", (await _kor.RunAsync("windows", "orders", "--limit", "1", "-o", "json")).Out);

        _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=20&step=daily&key=c%2F1&from=2026-01-31T10%3A00%3A00.000Z&after=1_2", "[]");
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("windows", "orders", "daily", "--key", "c/1", "--from", "2026-01-31T10:00Z", "--after", "1_2")).Code);
        Assert.Contains("is not a time", (await _kor.RunAsync("windows", "orders", "--from", "soon")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_are_listed()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/events", new[]
        {
            new PipelineEvent(new DateTimeOffset(2026, 1, 31, 10, 0, 0, TimeSpan.Zero), "started", "version 3\nfrom checkpoint"),
        });
        var result = await _kor.RunAsync("events", "orders");
        Assert.Equal(["AT                    EVENT    TEXT", "2026-01-31T10:00:00Z  started  version 3", "                               from checkpoint"], result.Lines);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("stop")]
    [InlineData("pause")]
    [InlineData("resume")]
    public async Task A_pipeline_is_steered(string verb)
    {
        _silo.Answer($"PUT /api/v1/pipelines/orders/{verb}", "", 202);
        var result = await _kor.RunAsync(verb, "orders");
        Assert.Equal("", result.Out);
        Assert.StartsWith("orders: It ", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.Equal([("PUT", $"/api/v1/pipelines/orders/{verb}", "")], _silo.Requests);
        Assert.Equal($$"""{"pipeline":"orders","done":"{{verb}}"}""" + "\n", (await _kor.RunAsync(verb, "orders", "-o", "jsonl")).Out);
    }

    [Fact]
    public async Task A_pipeline_is_deleted()
    {
        _silo.Answer("DELETE /api/v1/pipelines/orders", "", 204);
        var result = await _kor.RunAsync("delete", "orders");
        Assert.StartsWith("orders: It is stopped and forgotten", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.Equal([("DELETE", "/api/v1/pipelines/orders", "")], _silo.Requests);
    }

    [Theory]
    [InlineData("""{"target":"Earliest","timestampMs":0,"execute":false,"force":false,"positionsOnly":false}""", "--to-earliest")]
    [InlineData("""{"target":"Latest","timestampMs":0,"execute":true,"force":false,"positionsOnly":false}""", "--to-latest", "--execute")]
    [InlineData("""{"target":"Timestamp","timestampMs":1769817600000,"execute":false,"force":false,"positionsOnly":false}""", "--to-datetime", "2026-01-31T00:00:00Z")]
    [InlineData(
        """{"target":"Offsets","timestampMs":0,"offsets":{"orders/0":5,"a-b/12":7},"execute":false,"force":false,"positionsOnly":false}""", "--offsets", "orders/0=5,a-b/12=7")]
    public async Task A_reset_asks_for_what_was_meant(string body, params string[] args)
    {
        _silo.Answer("POST /api/v1/pipelines/orders/reset", new ResetOutcome(false, null, [new ResetLine("orders/0", 1000, 400), new ResetLine("orders/1", null, 5), new ResetLine("orders/2", 7, 10)]));
        var result = await _kor.RunAsync(["reset", "orders", .. args]);
        Assert.Equal(["PARTITION  CURRENT  NEW  DELTA", "orders/0     1,000  400   -600", "orders/1         -    5      -", "orders/2         7   10     +3"], result.Lines);
        Assert.Contains("Preview only: 600 records would be read again and 3 skipped;", result.Error, StringComparison.Ordinal);
        Assert.Equal(body, _silo.Requests.Single().Body);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Theory]
    [InlineData("exactly one of")]
    [InlineData("exactly one of", "--to-earliest", "--to-latest")]
    [InlineData("is not a time", "--to-datetime", "the day before")]
    [InlineData("is not a time", "--to-datetime", "1.2")]
    [InlineData("is not TOPIC/PARTITION=OFFSET", "--offsets", "orders=5")]
    [InlineData("is given twice", "--offsets", "orders/0=5,orders/0=6")]
    public async Task A_reset_without_one_clear_target_is_refused(string message, params string[] args)
    {
        var result = await _kor.RunAsync(["reset", "orders", .. args]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Empty(_silo.Requests);
    }

    [Theory]
    [InlineData(400, ExitCodes.Usage)]
    [InlineData(401, ExitCodes.Denied)]
    [InlineData(403, ExitCodes.Denied)]
    [InlineData(404, ExitCodes.NotFound)]
    [InlineData(409, ExitCodes.Conflict)]
    [InlineData(422, ExitCodes.Config)]
    [InlineData(500, ExitCodes.Failed)]
    [InlineData(503, ExitCodes.Unavailable)]
    public async Task Refusals_have_codes_of_their_own(int status, int code)
    {
        _silo.Refuse("PUT /api/v1/pipelines/orders/start", status, "Not now", "The pipeline is being reset.");
        var result = await _kor.RunAsync("start", "orders");
        Assert.Equal("kor: Not now: The pipeline is being reset.\n", result.Error);
        Assert.Equal(code, result.Code);
    }

    [Fact]
    public async Task A_server_that_is_away_is_named_with_a_remedy()
    {
        var url = $"http://127.0.0.1:{FakeSilo.FreePort()}";
        var result = await _kor.RunAsync("list", "--url", url);
        Assert.Contains($"The server at {url}/ cannot be reached", result.Error, StringComparison.Ordinal);
        Assert.Contains("KOR_URL", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Unavailable, result.Code);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_not_waited_for()
    {
        _silo.Answer("GET /api/v1/pipelines", "", status: 0);
        var result = await _kor.RunAsync("list", "--timeout", "200ms");
        Assert.Contains("did not answer within 0.2 s", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Unavailable, result.Code);
    }

    [Fact]
    public async Task Something_else_at_the_address_is_told_apart()
    {
        _silo.Answer("GET /api/v1/pipelines", "<html>");
        var result = await _kor.RunAsync("list");
        Assert.Contains("is no KafkaOracleOrleans server", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Unavailable, result.Code);
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("ftp://x")]
    public async Task An_address_that_is_none_is_refused(string url)
    {
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("list", "--url", url)).Code);
    }
}
