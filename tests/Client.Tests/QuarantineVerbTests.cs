using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary><c>kor quarantine</c>, <c>plan</c>, <c>doctor</c>, <c>verify-oracle</c> and <c>drivers</c>.</summary>
public sealed class QuarantineVerbTests : IAsyncDisposable
{
    private const string Id = "3f9a12c0ffee000000000000000000000000000000000000000000000000beef";
    private const string Root = "/api/v1/pipelines/orders/quarantine";
    private readonly FakeSilo _silo = new();
    private readonly Kor _kor = new();

    public QuarantineVerbTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    [Fact]
    public async Task List_shows_counts_and_records_with_a_short_id()
    {
        _silo.Answer($"GET {Root}?step=quality&limit=50", new QuarantinePage([Item()], null, [new("quality.positive", "KOR4042", 1200)], null));
        var result = await _kor.RunAsync("quarantine", "list", "orders", "--step", "quality");
        Assert.Equal(0, result.Code);
        Assert.Equal("PLACE             CODE     RECORDS", result.Lines[0]);
        Assert.Equal("quality.positive  KOR4042    1,200", result.Lines[1]);
        Assert.StartsWith("3f9a12c0ffee  2026-01-31T10:00:00Z  quality.positive  KOR4042  orders/3 @ 1234  c1   amount > 0 failed", result.Lines[4]);
    }

    [Fact]
    public async Task State_shows_what_occupies_the_database_and_frees_what_was_left()
    {
        StateUsage[] left = [new("old", false, "cell", "totals", 4000, 123456)];
        _silo.Answer("GET /api/v1/state", new StateReport("state", [new("", false, "audit", null, 7, null), new("orders", true, "owner", null, 8, 900), .. left]));
        var result = await _kor.RunAsync("state");
        Assert.Equal(0, result.Code);
        Assert.Equal("PIPELINE       KIND   STEP     ROWS    BYTES", result.Lines[2]);
        Assert.Equal("old (removed)  cell   totals  4,000  123,456", result.Lines[5]);
        Assert.Contains("kor state purge old", result.Error, StringComparison.Ordinal);

        _silo.Answer("DELETE /api/v1/state/old?dryRun=true", new StatePurge(false, "old", left));
        _silo.Answer("DELETE /api/v1/state/old?dryRun=false", new StatePurge(true, "old", left));
        var dry = await _kor.RunAsync("state", "purge", "old");
        Assert.Equal("old: this would be freed for good.", dry.Lines[2]);
        Assert.Contains("--execute", dry.Error, StringComparison.Ordinal);
        Assert.Equal("old: freed.", (await _kor.RunAsync("state", "purge", "old", "--execute")).Lines[2]);
    }

    [Fact]
    public async Task Replay_is_a_dry_run_unless_told_to_execute()
    {
        _silo.Answer($"POST {Root}/replay?rule=positive&dryRun=true", new ReplayReport
        {
            Executed = false, Records = 1204, Passed = 1198, Refused = [new("quality.positive", "KOR4042", "amount > 0 failed", 6, Id)],
        });
        var result = await _kor.RunAsync("quarantine", "replay", "orders", "--rule", "positive");
        Assert.Equal(0, result.Code);
        Assert.Equal("orders: 1,204 records match: 1,198 would pass, 6 would be refused again.", result.Lines[0]);
        Assert.Contains("3f9a12c0ffee", result.Out);
        Assert.Contains("--execute", result.Error);
        Assert.Equal(2, (await _kor.RunAsync("quarantine", "replay", "orders", "--execute", "--dry-run")).Code);
    }

    [Fact]
    public async Task Replay_executes_page_by_page()
    {
        _silo.Answer($"POST {Root}/replay?dryRun=false", new ReplayReport { Executed = true, Records = 200, Passed = 199, Refused = [new("sink:clean", "ORA-12899", "too long", 1, Id)], Next = "1-a" });
        _silo.Answer($"POST {Root}/replay?dryRun=false&after=1-a", new ReplayReport { Executed = true, Records = 7, Passed = 7 });
        var result = await _kor.RunAsync("quarantine", "replay", "orders", "--yes");
        Assert.Equal(0, result.Code);
        Assert.Equal("orders: 207 records: 206 passed and are out of quarantine, 1 refused again.", result.Lines[0]);
    }

    [Fact]
    public async Task Replay_has_a_bar_on_a_terminal()
    {
        _kor.ErrorTerminal = true;
        _silo.Answer($"GET {Root}?limit=1", new QuarantinePage([Item()], null, [new("quality.positive", "KOR4042", 300), new("sink:clean", "ORA-12899", 100)], null));
        _silo.Answer($"POST {Root}/replay?dryRun=false", new ReplayReport { Executed = true, Records = 200, Passed = 200, Next = "1-a" });
        _silo.Answer($"POST {Root}/replay?dryRun=false&after=1-a", new ReplayReport { Executed = true, Records = 200, Passed = 200 });
        var result = await _kor.RunAsync("quarantine", "replay", "orders", "--execute");
        Assert.Equal(0, result.Code);
        Assert.Contains("[############............] 200 of 400 records", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("looked at", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', result.Out);
    }

    [Theory]
    [InlineData("kor quarantine drop:", "quarantine", "drop", "orders")]
    [InlineData("kor quarantine drop: Unknown option '--al'. Did you mean '--all'?", "quarantine", "drop", "orders", "--al")]
    [InlineData("'kor quarantine drop --help' shows what there is.", "quarantine", "drop", "orders")]
    [InlineData("kor offsets reset:", "offsets", "reset", "orders")]
    [InlineData("kor list: Unknown", "list", "--nothing")]
    public async Task Usage_errors_name_the_verb_with_its_group(string expected, params string[] args)
    {
        var result = await _kor.RunAsync(args);
        Assert.Equal(2, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_verb_of_a_group_is_told_with_the_group()
    {
        var result = await _kor.RunAsync("quarantine", "drp");
        Assert.Equal(ExitCodes.UnknownVerb, result.Code);
        Assert.Contains("kor quarantine: Unknown verb 'drp'. Did you mean 'drop'?", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drop_wants_to_know_which_and_previews()
    {
        Assert.Equal(2, (await _kor.RunAsync("quarantine", "drop", "orders", "--execute")).Code);
        _silo.Answer($"DELETE {Root}?code=ORA-12899&dryRun=true", new QuarantineDrop(false, 3));
        var preview = await _kor.RunAsync("quarantine", "drop", "orders", "--code", "ORA-12899");
        Assert.Contains("3 records would be dropped", preview.Out);
        _silo.Answer($"DELETE {Root}?dryRun=false&all=true", new QuarantineDrop(true, 5));
        Assert.Contains("5 records dropped", (await _kor.RunAsync("quarantine", "drop", "orders", "--all", "--execute")).Out);
    }

    [Fact]
    public async Task Plan_works_offline_for_every_dialect()
    {
        var file = _kor.Write("orders.yaml", """
            apiVersion: kor/v1
            name: orders
            source:
              kafka: { connection: main, topics: [orders] }
              format: json
              fields: { id: string, amount: "decimal(12,2)" }
            sinks:
              - { id: clean, from: source, connection: dwh, table: ORDERS_CLEAN, mode: append, create: true }
            quarantine: { connection: dwh, table: BAD_ORDERS, keepFor: 30d }
            """);
        foreach (var (dialect, type) in new[] { ("oracle", "NUMBER(12,2)"), ("postgresql", "numeric(12, 2)"), ("sqlite", "DECIMAL(12, 2)") })
        {
            var result = await _kor.RunAsync("plan", file, "--dialect", dialect);
            Assert.True(result.Code == 0, result.Error + result.Out);
            Assert.Contains(type, result.Out, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("CREATE TABLE", result.Out);
            Assert.Contains("BAD_ORDERS", result.Out, StringComparison.OrdinalIgnoreCase);
        }

        _kor.Set("KOR_URL", "http://127.0.0.1:1");
        var online = await _kor.RunAsync("plan", file);
        Assert.Equal(69, online.Code);
        Assert.Contains("--dialect", online.Error);
    }

    [Fact]
    public async Task Doctor_fails_with_a_remedy_and_exit_code_1()
    {
        _silo.Answer("GET /api/v1/connections", new[] { new ConnectionSummary("dwh", "oracle", "oracle://db:1521/x", "closed", null) });
        _silo.Answer("POST /api/v1/connections/dwh/check", new[]
        {
            Finding.Ok("dwh", "reachable", "fine"), Finding.Failed("dwh", "table ORDERS", "It is missing.", "Make it."),
        });
        // Every connection is there, and a lookup failed all the same.
        _silo.Answer("GET /api/v1/pipelines", new[]
        {
            new PipelineStatus
            {
                Name = "orders", Version = 1, Desired = DesiredState.Running, State = PartState.Failed, Counts = RecordCounts.Zero, RecordsPerSecond = 0,
                Partitions = [], Shards = [], Sinks = [], Rules = new Dictionary<string, long>(),
                Health = [new HealthIssue("partition", PartState.Failed, "partition orders/0: lookup step 'l': the value 'NaN' is no decimal.", DateTimeOffset.UnixEpoch)],
            },
        });
        var result = await _kor.RunAsync("doctor");
        Assert.Equal(1, result.Code);
        Assert.Contains("FAIL  dwh", result.Out);
        Assert.Contains("FAIL  pipeline orders", result.Out);
        Assert.Contains("the value 'NaN' is no decimal", result.Out);
        Assert.Contains("Since 1970-01-01T00:00:00Z", result.Out);
        Assert.Contains("-> Make it.", result.Out);
        Assert.Equal(1, (await _kor.RunAsync("doctor", "--connection", "other")).Code);
        _kor.Set("KOR_URL", "http://127.0.0.1:1");
        Assert.Equal(1, (await _kor.RunAsync("doctor")).Code);
    }

    [Fact]
    public async Task Verify_oracle_says_that_a_stand_in_is_one()
    {
        _silo.Answer("POST /api/v1/connections/dwh/verify", new OracleReport("dwh", "Oracle.ManagedDataAccess 1.0", "a STAND-IN", [new(1, "the driver loads", true, "1.0"), new(2, "login works", false, "ORA-01017")]));
        var result = await _kor.RunAsync("verify-oracle", "--connection", "dwh");
        Assert.Equal(1, result.Code);
        Assert.StartsWith("!! THIS IS NOT ORACLE", result.Out);
        Assert.Contains("  2  FAIL  login works", result.Out);
        _silo.Answer("GET /api/v1/drivers", new[] { new DriverInfo("oracle", "Oracle.ManagedDataAccess", null, "not part of this build. Add it with: dotnet publish Silo -c Release -p:WithOracleDriver=true", false) });
        Assert.Contains("-p:WithOracleDriver=true", (await _kor.RunAsync("drivers")).Out);
    }

    private static QuarantineItem Item() => new()
    {
        Id = Id, AddedAt = new DateTimeOffset(2026, 1, 31, 10, 0, 0, TimeSpan.Zero), Place = "quality.positive", Code = "KOR4042", Reason = "amount > 0 failed",
        Version = 3, Topic = "orders", Partition = 3, Offset = 1234, Key = "c1", Value = "{}", ValueBytes = 2, Connection = "state",
    };
}
