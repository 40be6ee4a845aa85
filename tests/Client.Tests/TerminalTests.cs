using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Client.Cli.Verbs;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Times as people write them, keys of <c>kor top</c>, completion of names, and the verbs for scripts.</summary>
public sealed class TerminalTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 10, 30, 0, TimeSpan.Zero);
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public TerminalTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    [Theory]
    [InlineData("now", "2026-01-31T10:30:00Z")]
    [InlineData("today", "2026-01-31T00:00:00Z")]
    [InlineData("Yesterday", "2026-01-30T00:00:00Z")]
    [InlineData("-1d", "2026-01-30T10:30:00Z")]
    [InlineData("1h30m", "2026-01-31T09:00:00Z")]
    [InlineData("2026-01-02", "2026-01-02T00:00:00Z")]
    [InlineData("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z")]
    [InlineData("1.2", null)]
    [InlineData("12", null)]
    [InlineData("tomorrow", null)]
    [InlineData("31-01-2026", null)]
    public void Times_are_read_as_people_write_them(string text, string? expected) =>
        Assert.Equal(expected, TimeOption.TryParse(text, Now)?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("history", "p", "--show", "two")]
    [InlineData("history", "p", "--diff", "two", "--to", "3")]
    [InlineData("topics", "t", "--partition", "x", "--offset", "5")]
    [InlineData("topics", "t", "--partition", "0", "--offset", "x")]
    public async Task An_option_that_is_no_number_is_a_usage_error(params string[] args)
    {
        var run = await _kor.RunAsync(args);
        Assert.Equal(2, run.Code);
        Assert.DoesNotContain("Exception", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reset_takes_a_time_ago()
    {
        _silo.Answer("POST /api/v1/pipelines/orders/reset", new ResetOutcome(false, null, []));
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("reset", "orders", "--to-datetime", "-1d")).Code);
        Assert.Contains("\"target\":\"Timestamp\"", Assert.Single(_silo.Requests).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_sort_filter_pause_and_open_what_top_shows()
    {
        var view = new TopView();
        view.Take([Of("slow", 1, 900), Of("fast", 100, 5), Of("idle", 0, 0)]);
        Assert.Equal(["fast", "slow", "idle"], view.Shown.Select(p => p.Name));
        Press(view, ConsoleKey.S);
        Assert.Equal(("lag", "slow"), (view.Order, view.Shown[0].Name));
        Press(view, ConsoleKey.DownArrow);
        Press(view, ConsoleKey.DownArrow);
        Press(view, ConsoleKey.Enter);
        Assert.Equal("fast", view.Opened);
        Press(view, ConsoleKey.Escape);
        Assert.Null(view.Opened);
        Press(view, ConsoleKey.Oem2, '/');
        foreach (var c in "LOWq") Press(view, char.IsAsciiLetter(c) ? Enum.Parse<ConsoleKey>(char.ToUpperInvariant(c).ToString()) : ConsoleKey.None, c);
        // While a filter is typed, keys are letters of it.
        Assert.True(view.Typing);
        Press(view, ConsoleKey.Backspace);
        Press(view, ConsoleKey.Enter);
        Assert.Equal("slow", Assert.Single(view.Shown).Name);
        Press(view, ConsoleKey.P);
        Assert.True(view.Paused);
        Assert.False(view.Press(new ConsoleKeyInfo('q', ConsoleKey.Q, false, false, false)));
    }

    private static void Press(TopView view, ConsoleKey key, char c = '\0') => Assert.True(view.Press(new ConsoleKeyInfo(c, key, false, false, false)));

    [Fact]
    public async Task Names_that_only_the_server_knows_are_completed()
    {
        _silo.Answer("GET /api/v1/pipelines", new[] { Of("orders", 0, 0), Of("other", 0, 0), Of("sales", 0, 0) });
        _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=1", new[] { new StepWindows("revenue_5m", null, [], []), new StepWindows("daily", null, [], []) });
        _silo.Answer("GET /api/v1/pipelines/orders/windows?limit=200&step=daily", new[]
        {
            new StepWindows("daily", null, [new WindowRow { Key = "c-1", Revision = 0, Values = [] }], [new WindowRow { Key = "c-2", Revision = 1, Values = [] }]),
        });
        _silo.Answer("GET /api/v1/pipelines/orders/config", new PipelineConfig("payments", 1, 0, DefinitionOrigin.Api, "p.yaml", Samples.Payments));
        Assert.Equal(["orders", "other"], (await SuggestAsync("kor status o")).Where(s => s[0] != '-'));
        Assert.Contains("daily", await SuggestAsync("kor key orders "));
        Assert.Equal(["c-1", "c-2"], (await SuggestAsync("kor key orders daily c")).Where(s => s[0] != '-'));
        Assert.Equal(["orders.keep"], (await SuggestAsync("kor tap orders.k")).Where(s => s[0] != '-'));
        _kor.Set("KOR_URL", $"http://127.0.0.1:{FakeSilo.FreePort()}");
        Assert.DoesNotContain("orders", await SuggestAsync("kor status o"));
    }

    private async Task<string[]> SuggestAsync(string line)
    {
        var result = await _kor.RunAsync($"[suggest:{line.Length}]", line);
        Assert.Equal("", result.Error);
        return [.. result.Lines.Where(l => l.Length != 0)];
    }

    [Fact]
    public async Task Waiting_ends_when_all_is_written_and_at_once_when_it_failed()
    {
        _silo.Answer("GET /api/v1/pipelines/orders", Of("orders", 0, 0));
        var done = await _kor.RunAsync("wait", "orders");
        Assert.StartsWith("orders: caught-up after ", done.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, done.Code);
        _silo.Answer("GET /api/v1/pipelines/orders", Of("orders", 0, 7));
        var late = await _kor.RunAsync("wait", "orders", "--within", "10ms");
        Assert.Contains("orders is not caught-up after 0.0 s. RUNNING: 7 records wait", late.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, late.Code);
        _silo.Answer("GET /api/v1/pipelines/orders", Of("orders", 0, 7) with { Condition = PipelineCondition.Failed, Reason = "The table is gone." });
        var failed = await _kor.RunAsync("wait", "orders");
        Assert.Equal("kor: orders has failed: The table is gone.\n", failed.Error);
        _silo.Refuse("GET /api/v1/pipelines/none", 404, "No such pipeline", "There is no pipeline 'none'.");
        Assert.Equal(ExitCodes.NotFound, (await _kor.RunAsync("wait", "none", "--within", "10ms")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("wait", "orders", "--for", "ever")).Code);
    }

    [Fact]
    public async Task A_file_is_applied_as_new_or_over_the_version_that_was_seen()
    {
        _kor.Write("p.yaml", Samples.Payments);
        _silo.Refuse("GET /api/v1/pipelines/payments/config", 404, "No such pipeline", "There is no pipeline 'payments'.");
        _silo.Answer("POST /api/v1/pipelines?file=p.yaml&initialState=stopped", new { pipeline = "payments", version = 1, warnings = new[] { "Look." } }, 201);
        var created = await _kor.RunAsync("apply", "p.yaml", "--initial-state", "stopped");
        Assert.Equal("payments   created   version 1", created.Lines[0]);
        Assert.Equal("Look.\n", created.Error);
        _silo.Answer("GET /api/v1/pipelines/payments/config", new PipelineConfig("payments", 4, 0, DefinitionOrigin.Api, "p.yaml", "old"));
        _silo.Answer("PUT /api/v1/pipelines/payments?file=p.yaml", new { pipeline = "payments", version = 5, warnings = Array.Empty<string>() });
        Assert.Equal("payments   changed   version 5", (await _kor.RunAsync("apply", "p.yaml")).Lines[0]);
        Assert.Equal(Samples.Payments, _silo.Requests.Last().Body);
        _silo.Refuse("PUT /api/v1/pipelines/payments?file=p.yaml", 412, "Changed meanwhile", "It is at version 5.");
        Assert.Equal(ExitCodes.Conflict, (await _kor.RunAsync("apply", "p.yaml")).Code);
        // Its faults are told with their lines, before the server is asked.
        _kor.Write("p.yaml", Samples.Broken);
        var broken = await _kor.RunAsync("apply", "p.yaml");
        Assert.Contains("p.yaml(10,", broken.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, broken.Code);
    }

    [Fact]
    public async Task A_change_that_is_held_says_what_is_missing_and_ends_with_a_conflict()
    {
        _kor.Write("p.yaml", Samples.Payments);
        _silo.Answer("GET /api/v1/pipelines/payments/config", new PipelineConfig("payments", 4, 0, DefinitionOrigin.Api, "p.yaml", "old"));
        _silo.Answer("PUT /api/v1/pipelines/payments?file=p.yaml", new { pipeline = "payments", version = 4, warnings = Array.Empty<string>(), held = "column note is missing" }, 202);
        var held = await _kor.RunAsync("apply", "p.yaml");
        Assert.Equal("payments   held   version 4 goes on", held.Lines[0]);
        Assert.Equal("column note is missing\n", held.Error);
        Assert.Equal(ExitCodes.Conflict, held.Code);
    }

    [Fact]
    public async Task Versions_are_listed_shown_compared_and_put_back()
    {
        DefinitionVersion Of(int version, string? text) => new(version, Now, DefinitionOrigin.Api, "p.yaml", "0123456789abcdef", text);
        _silo.Answer("GET /api/v1/pipelines/payments/history", new[] { Of(2, null), Of(1, null) });
        _silo.Answer("GET /api/v1/pipelines/payments/history/1", Of(1, "a\nb\nc\nd\ne\nf\ng\n"));
        _silo.Answer("GET /api/v1/pipelines/payments/config", new PipelineConfig("payments", 2, 0, DefinitionOrigin.Api, "p.yaml", "a\nB\nc\nd\ne\nf\ng\nh\n"));
        Assert.Equal(["VERSION  SINCE                 CAME FROM  FILE    SHA-256", "      2  2026-01-31T10:30:00Z  API        p.yaml  0123456789ab"], (await _kor.RunAsync("history", "payments")).Lines[..2]);
        Assert.Equal("a\nb\nc\nd\ne\nf\ng\n", (await _kor.RunAsync("history", "payments", "--show", "1")).Out);
        Assert.Equal(["  a", "- b", "+ B", "  c", "  d", "...", "  f", "  g", "+ h"], (await _kor.RunAsync("history", "payments", "--diff", "1")).Lines);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("history", "payments", "--to", "1")).Code);
        var preview = await _kor.RunAsync("rollback", "payments", "--to", "1");
        Assert.Contains("- B", preview.Lines);
        Assert.Contains("Preview only.", preview.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(_silo.Requests, r => r.Method == "POST");
        _silo.Answer("POST /api/v1/pipelines/payments/rollback?version=1", new { pipeline = "payments", version = 3, warnings = Array.Empty<string>() });
        Assert.Equal("payments   has the text of version 1 again   version 3", (await _kor.RunAsync("rollback", "payments", "--to", "1", "--execute")).Lines[0]);
    }

    [Fact]
    public async Task Events_since_a_time_and_the_audit_trail_are_listed()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/events?since=2026-01-31T10%3A00%3A00.000Z&limit=5", new[] { new PipelineEvent(Now, "state", "Asked to be Running.") });
        Assert.Equal("2026-01-31T10:30:00Z  state  Asked to be Running.", (await _kor.RunAsync("events", "orders", "--since", "2026-01-31T10:00Z", "--limit", "5")).Lines[1]);
        _silo.Answer("GET /api/v1/audit?limit=1&before=9", new[]
        {
            new Storage.Audit.AuditEntry { Id = "8", At = Now, Actor = "anna", Role = "admin", Action = "POST /x", Target = "/x", Status = 200, Before = "a", After = "b" },
        });
        var audit = await _kor.RunAsync("audit", "--limit", "1", "--before", "9");
        Assert.Equal("2026-01-31T10:30:00Z  anna  admin  -        200  POST /x  /x: a -> b", audit.Lines[1]);
        Assert.Equal("Older ones: kor audit --before 8\n", audit.Error);
    }

    [Fact]
    public async Task Topics_are_listed_and_looked_into_by_place_time_and_condition()
    {
        _silo.Answer("GET /api/v1/topics", new[] { new TopicSummary("orders", "main", 12, 4_120), new TopicSummary("gone", "main", 1, null) });
        Assert.Equal(["TOPIC   CONNECTION  PARTITIONS  RECORDS", "orders  main                12    4,120", "gone    main                 1        -"], (await _kor.RunAsync("topics")).Lines);
        _silo.Answer(
            "GET /api/v1/topics/orders/records?limit=2&partition=3&offset=7&contains=c%2F1&where=amount%20%3E%201",
            new TopicRecords("orders", "main", 1, [new TopicRecord(3, 7, Now, "k", "{\"a\":\"x\ny\"}", "utf8"), new TopicRecord(3, 9, null, null, null, "utf8")]) { Looked = 812 });
        var shown = await _kor.RunAsync("topics", "orders", "--partition", "3", "--offset", "7", "--contains", "c/1", "--where", "amount > 1", "-n", "2");
        Assert.Equal(["2026-01-31T10:30:00Z  orders/3@7  k  {\"a\":\"x\\ny\"}", "-  orders/3@9  -  (none: a tombstone)"], shown.Lines);
        Assert.StartsWith("2 of 812 records looked at are shown.", shown.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("topics", "orders", "--offset", "7")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("topics", "--since", "1h")).Code);
    }

    [Fact]
    public async Task Refused_records_are_tapped_as_text()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/tap?side=quarantined", """
            event: record
            data: {"partition":"o/2","offset":11,"timestamp":null,"truncated":false,"value":{"place":"source","code":"KOR4001","reason":"bad","record_key":"/w==","record_value":"eyJhIjox"}}


            """.ReplaceLineEndings("\n"));
        Assert.Equal(
            """-  o/2@11  {"place":"source","code":"KOR4001","reason":"bad","record_key":"/w==","record_value":"{\"a\":1"}""",
            (await _kor.RunAsync("tap", "orders", "--side", "bad")).Lines[0]);
    }

    private static PipelineStatus Of(string name, double rate, long lag) => new()
    {
        Name = name, Version = 1, Desired = DesiredState.Running, State = PartState.Running, Condition = PipelineCondition.Running, Counts = RecordCounts.Zero,
        RecordsPerSecond = rate, Lag = lag, Partitions = [], Shards = [], Sinks = [], Rules = new Dictionary<string, long>(),
    };
}
