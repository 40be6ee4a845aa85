using System.Diagnostics;
using System.Net;
using System.Text.Json;
using KafkaOracleOrleans.Client;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace KafkaOracleOrleans.EndToEnd.Tests.Walk;

/// <summary>
/// A new user's way through the product, on a real Kafka: every verb of <c>kor</c>, every operation of the API, a terminal,
/// the client library, and the ends of a process. What the command line or the OpenAPI document lists and nobody walked fails it.
/// </summary>
public sealed class WalkTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_new_user_meets_every_verb_and_every_operation()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        await using var stage = await WalkStage.SetUpAsync();
        stage.Send(400);
        stage.Silo.Start();
        using var walker = new Walker(stage.Silo.Url, stage.Folder);

        await OfflineAsync(stage, walker);
        await stage.DrainAsync();
        await LookAsync(stage, walker);
        await TapAsync(stage, walker);
        await TerminalAsync(walker);
        await LibraryAsync(stage);
        await CallAsync(stage, walker);
        await DefineAsync(stage, walker);
        await RunAsync(stage, walker);
        await OperateAsync(stage, walker);
        await SteerAsync(stage, walker);
        await EndAsync(stage);
        await AssertNothingLeftAsync(walker);
    }

    /// <summary>What needs no server.</summary>
    private static async Task OfflineAsync(WalkStage stage, Walker kor)
    {
        await kor.KorAsync(0, "validate", "pipelines");
        await kor.KorAsync(0, "test", "pipelines");
        Assert.StartsWith("3.3", (await kor.KorAsync(0, "eval", "round(3.3, 2)")).Out, StringComparison.Ordinal);
        Assert.Contains("revenue_5m", (await kor.KorAsync(0, "explain", "pipelines/orders.yaml")).Out, StringComparison.Ordinal);
        Assert.Equal("KafkaOracleOrleans pipeline", (await kor.KorAsync(0, "schema")).Json.GetProperty("title").GetString());
        Assert.Contains("KOR2003", (await kor.KorAsync(0, "docs")).Out, StringComparison.Ordinal);
        await kor.KorAsync(0, "completion", "bash");
        await kor.KorAsync(0, "new", "--list");
        await kor.KorAsync(0, "new", "mine", "--template", "window-aggregate-write", "--dir", "drafts");
        await kor.KorAsync(0, "validate", "drafts/mine.yaml");
        await kor.KorAsync(0, "test", "drafts/mine.test.yaml");
        await kor.KorAsync(4, "new", "mine", "--dir", "drafts");
        File.Copy(Path.Combine(stage.Folder, "drafts", "mine.yaml"), Path.Combine(stage.Folder, "pipelines", "mine.yaml"));
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, "orders.jsonl"), """{"order_id":"o1","customer_id":"c1","amount":10.5}""" + "\n");

        // Mistakes have exit codes of their own.
        await kor.KorAsync(64, "validte");
        await kor.KorAsync(3, "validate", "nowhere.yaml");
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, "bad.yaml"), "apiVersion: kor/v1\nnme: x\n");
        await kor.KorAsync(78, "validate", "bad.yaml");
        await kor.KorAsync(69, "list", "--url", "http://127.0.0.1:9");
    }

    private static async Task LookAsync(WalkStage stage, Walker kor)
    {
        var list = await kor.JsonAsync("list");
        Assert.Equal("orders", list[0].GetProperty("name").GetString());
        var status = await kor.KorAsync(0, "status", "orders");
        Assert.Contains("RUNNING", status.Out, StringComparison.Ordinal);
        Assert.Contains("Verdict     It is at the end of its topics.", status.Out, StringComparison.Ordinal);
        await kor.KorAsync(3, "status", "nobody");
        Assert.Contains("orders", (await kor.KorAsync(0, "top")).Out, StringComparison.Ordinal);
        var key = await kor.JsonAsync("key", "orders", "revenue_5m", "c-0005");
        Assert.True(key.GetProperty("windows").GetArrayLength() + key.GetProperty("closed").GetArrayLength() > 0);
        var windows = await kor.JsonAsync("windows", "orders");
        Assert.Equal("revenue_5m", windows[0].GetProperty("step").GetString());
        Assert.True(windows[0].GetProperty("open").GetArrayLength() > 0);
        await kor.KorAsync(0, "windows", "orders", "revenue_5m");
        Assert.True(windows[0].GetProperty("openTotal").GetInt64() >= windows[0].GetProperty("open").GetArrayLength());
        var one = (await kor.JsonAsync("windows", "orders", "revenue_5m", "--limit", "1"))[0];
        Assert.Equal(1, one.GetProperty("open").GetArrayLength());
        var next = (await kor.JsonAsync("windows", "orders", "revenue_5m", "--limit", "1", "--after", one.GetProperty("next").GetString()!))[0];
        Assert.NotEqual(one.GetProperty("open")[0].ToString(), next.GetProperty("open")[0].ToString());
        await kor.KorAsync(0, "wait", "orders", "--for", "running");
        var quality = await kor.JsonAsync("quality", "orders");
        var rule = quality.EnumerateArray().Single(r => r.GetProperty("rule").GetString() == "valid_amount");
        Assert.Equal(400 / 10, rule.GetProperty("failed").GetInt64());
        Assert.Contains("in force", (await kor.KorAsync(0, "events", "orders")).Out, StringComparison.Ordinal);
        Assert.Equal(1, (await kor.JsonAsync("cluster")).GetProperty("active").GetInt32());
        Assert.Equal("v1", (await kor.JsonAsync("version")).GetProperty("server").GetProperty("api").GetString());
        var offsets = await kor.JsonAsync("offsets", "show", "orders");
        Assert.Equal(stage.Sent, offsets.EnumerateArray().Sum(o => o.GetProperty("end").GetInt64()));
        Assert.Equal(0, offsets.EnumerateArray().Sum(o => o.GetProperty("lag").GetInt64()));

        Assert.Equal("equal", (await kor.JsonAsync("reconcile", "orders")).GetProperty("result").GetString());
        await kor.KorAsync(3, "reconcile", "nobody");
        await kor.KorAsync(2, "reconcile", "orders", "--since", "today", "--until", "yesterday");

        var preview = await kor.JsonAsync("preview", "pipelines/orders.yaml", "--limit", "400");
        Assert.Equal(400, preview.GetProperty("counts").GetProperty("consumed").GetInt64());
        Assert.Equal(40, preview.GetProperty("counts").GetProperty("quarantined").GetInt64());
        Assert.All(preview.GetProperty("sinks").EnumerateArray(), s => Assert.True(s.GetProperty("total").GetInt64() > 0));
        Assert.Contains("would write", (await kor.KorAsync(0, "preview", "pipelines/orders.yaml")).Out, StringComparison.Ordinal);
        await kor.KorAsync(78, "preview", "bad.yaml");

        var topics = await kor.JsonAsync("topics");
        Assert.Equal(stage.Sent, topics.EnumerateArray().Single(t => t.GetProperty("topic").GetString() == WalkStage.Topic).GetProperty("records").GetInt64());
        var third = (await kor.JsonAsync("topics", WalkStage.Topic, "--partition", "1", "--offset", "3", "--limit", "2")).GetProperty("records");
        Assert.Equal([3, 4], third.EnumerateArray().Select(r => r.GetProperty("offset").GetInt64()));
        var bad = await kor.JsonAsync("topics", WalkStage.Topic, "--where", "amount <= 0", "--limit", "1000");
        Assert.Equal(40, bad.GetProperty("records").GetArrayLength());
        Assert.Equal(400, bad.GetProperty("looked").GetInt32());
        var refusedValue = bad.GetProperty("records")[0].GetProperty("value").GetString()!;
        Assert.Equal(1, (await kor.JsonAsync("topics", WalkStage.Topic, "--contains", refusedValue)).GetProperty("records").GetArrayLength());
        Assert.Contains("records looked at", (await kor.KorAsync(0, "topics", WalkStage.Topic, "--since", "-1d")).Error, StringComparison.Ordinal);
        await kor.KorAsync(2, "topics", WalkStage.Topic, "--where", "amount + 1");
        await kor.KorAsync(78, "topics", WalkStage.Topic, "--where", "amout > 1");
        await kor.KorAsync(3, "topics", WalkStage.Topic, "--partition", "99");

        await kor.KorAsync(0, "new", "drafted", "--from-topic", WalkStage.Topic, "--dir", "drafts");
        await kor.KorAsync(0, "validate", "drafts/drafted.yaml");
        await kor.KorAsync(0, "test", "drafts/drafted.test.yaml");
        await kor.KorAsync(3, "new", "--from-topic", "no-such-topic");
    }

    /// <summary>A tap of a step, with a condition, while records pass.</summary>
    private static async Task TapAsync(WalkStage stage, Walker kor)
    {
        await kor.KorAsync(2, "tap", "orders.revenue_5m");
        await kor.KorAsync(2, "tap", "orders.unique", "--where", "amout > 1");
        using var tap = kor.Start("tap", "orders.unique", "--where", "amount > 0", "--limit", "3", "-o", "jsonl");
        using var bad = kor.Start("tap", "orders", "--side", "bad", "--limit", "1", "-o", "jsonl");
        var output = tap.StandardOutput.ReadToEndAsync();
        var refused = bad.StandardOutput.ReadToEndAsync();
        await Eventually.GetAsync(
            () =>
            {
                stage.Send(20);
                return Task.FromResult(tap.HasExited && bad.HasExited);
            },
            ended => ended, TimeSpan.FromSeconds(60), _ => stage.Silo.LogText);
        Assert.Equal(0, tap.ExitCode);
        var records = (await output).TrimEnd('\n').Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(3, records.Count);
        Assert.All(records, r => Assert.True(r.GetProperty("value").GetProperty("total").GetDecimal() > 0));
        Assert.Contains("valid_amount", await refused, StringComparison.Ordinal);
        await stage.DrainAsync();
    }

    /// <summary><c>kor top</c> in a terminal: a table in place, until Ctrl-C.</summary>
    private static async Task TerminalAsync(Walker kor)
    {
        if (!File.Exists("/usr/bin/tmux")) return;
        var session = $"kor-walk-{Environment.ProcessId}";
        async Task<string> TmuxAsync(params string[] args)
        {
            using var process = Process.Start(new ProcessStartInfo("tmux", ["-L", session, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return text;
        }

        await TmuxAsync("-f", "/dev/null", "new-session", "-d", "-x", "180", "-y", "40", $"trap : INT; {kor.ShellLine("top")}; echo ended with $?; sleep 60");
        try
        {
            await Eventually.GetAsync(
                () => TmuxAsync("capture-pane", "-p"), s => s.Contains("RUNNING", StringComparison.Ordinal) && s.Contains("──", StringComparison.Ordinal),
                TimeSpan.FromSeconds(30), s => s ?? "");
            await TmuxAsync("send-keys", "C-c");
            await Eventually.GetAsync(
                () => TmuxAsync("capture-pane", "-p"), s => s.Contains("ended with 0", StringComparison.Ordinal), TimeSpan.FromSeconds(30), s => s ?? "");
        }
        finally
        {
            await TmuxAsync("kill-server");
        }
    }

    /// <summary>Another .NET service asks through the gateway.</summary>
    private static async Task LibraryAsync(WalkStage stage)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddKorClient(o => (o.Gateways, o.SecretFile) = ([stage.Silo.Gateway], stage.Silo.Settings["Kor__Cluster__SecretFile"]));
        using var host = builder.Build();
        await host.StartAsync();
        var kor = host.Services.GetRequiredService<KorClient>();
        Assert.Equal("orders", Assert.Single(await kor.ListPipelinesAsync()).Name);
        var status = await kor.GetStatusAsync("orders");
        Assert.Equal("RUNNING", Verdict.Of(status!).Word);
        Assert.Null(await kor.GetStatusAsync("nobody"));
        var key = await kor.GetKeyAsync("orders", "revenue_5m", "c-0005");
        Assert.NotEmpty(key!.Windows.Concat(key.Closed));
        Assert.Null(await kor.GetKeyAsync("orders", "no_step", "c-0005"));
        Assert.NotEmpty(await kor.GetOpenWindowsAsync("orders", "revenue_5m"));
        Assert.NotEmpty(await kor.GetEventsAsync("orders"));
        await host.StopAsync();
    }

    /// <summary>Operations that no verb uses, and those that change nothing.</summary>
    private static async Task CallAsync(WalkStage stage, Walker api)
    {
        string[] orders = ["orders"];
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines");
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}", orders);
        await api.CallAsync(HttpStatusCode.NotFound, "GET /pipelines/{name}", ["nobody"]);
        Assert.Equal("RUNNING", (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/status", orders)).GetProperty("verdict").GetProperty("word").GetString());
        Assert.StartsWith("apiVersion", (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/config", orders)).GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Contains("revenue_5m", (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/flow", orders)).GetRawText(), StringComparison.Ordinal);
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/events", orders);
        Assert.Contains("definition", await api.FirstEventAsync("/pipelines/{name}/events/stream", orders, "?since=2000-01-01T00:00:00Z"), StringComparison.Ordinal);
        Assert.Contains("orders", await api.FirstEventAsync("/events", [], "?since=2000-01-01T00:00:00Z"), StringComparison.Ordinal);
        Assert.Contains("seen", await api.FirstEventAsync("/pipelines/{name}/tap", orders, ""), StringComparison.Ordinal);
        Assert.Contains("phase", await api.FirstEventAsync("/pipelines/{name}/reconcile", orders, ""), StringComparison.Ordinal);
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/keys/{step}/{key}", ["orders", "revenue_5m", "c-0005"]);
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/windows/{step}", ["orders", "revenue_5m"]);
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/windows", orders, "?limit=5");
        await api.CallAsync(HttpStatusCode.BadRequest, "GET /pipelines/{name}/windows", orders, "?limit=0");
        Assert.Equal(4, (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/watermarks", orders)).GetProperty("partitions").GetArrayLength());
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/quality", orders);
        var metrics = await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/metrics", orders, "?step=60");
        Assert.Contains(metrics.GetProperty("series").EnumerateArray(), s => s.GetProperty("name").GetString() == "rule:quality.valid_amount");
        await api.CallAsync(HttpStatusCode.BadRequest, "GET /pipelines/{name}/metrics", orders, "?step=7");
        await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/offsets", orders);
        await api.CallAsync(HttpStatusCode.OK, "GET /cluster");
        await api.CallAsync(HttpStatusCode.OK, "GET /version");
        await api.CallAsync(HttpStatusCode.OK, "GET /schema/pipeline.json");
        await api.CallAsync(HttpStatusCode.OK, "GET /topics");
        var records = await api.CallAsync(HttpStatusCode.OK, "GET /topics/{topic}/records", [WalkStage.Topic], "?limit=10");
        Assert.InRange(records.GetProperty("records").GetArrayLength(), 1, 10);

        var text = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "pipelines", "orders.yaml"));
        var valid = await api.CallAsync(HttpStatusCode.OK, "POST /pipelines/validate", null, "?environment=true", text, "application/yaml");
        Assert.True(valid.GetProperty("valid").GetBoolean());
        var faulty = await api.CallAsync(HttpStatusCode.OK, "POST /pipelines/validate", null, "", text.Replace("amount > 0", "amout > 0", StringComparison.Ordinal), "application/yaml");
        Assert.Equal("amount", faulty.GetProperty("diagnostics")[0].GetProperty("suggestion").GetString());
        var eval = await api.CallAsync(
            HttpStatusCode.OK, "POST /eval", null, "", """{"expression":"amount * 2","pipeline":"orders","records":[{"amount":1.5},{"amount":"x"}]}""");
        Assert.Equal(3m, eval.GetProperty("rows")[0].GetProperty("value").GetDecimal());
        Assert.NotNull(eval.GetProperty("rows")[1].GetProperty("error").GetString());
        await api.CallAsync(HttpStatusCode.UnprocessableEntity, "POST /eval", null, "", """{"expression":"1 +"}""");
        var test = JsonSerializer.Serialize(new { test = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "pipelines", "orders.test.yaml")) });
        Assert.All((await api.CallAsync(HttpStatusCode.OK, "POST /test", null, "", test)).GetProperty("tests").EnumerateArray(), t => Assert.True(t.GetProperty("passed").GetBoolean()));
        await api.CallAsync(HttpStatusCode.OK, "POST /preview", null, "?limit=10", text, "application/yaml");
        var tried = await api.CallAsync(HttpStatusCode.OK, "POST /try", null, "", JsonSerializer.Serialize(new { text, records = new[] { "{}", "no json" } }));
        Assert.Equal(2, tried.GetProperty("counts").GetProperty("consumed").GetInt64());
        await api.CallAsync(HttpStatusCode.OK, "GET /admin/loggers");
        await api.CallAsync(HttpStatusCode.OK, "PUT /admin/loggers/{category}", ["KafkaOracleOrleans.Silo"], "", """{"level":"Debug","minutes":1}""");
        await api.CallAsync(HttpStatusCode.BadRequest, "PUT /admin/loggers/{category}", ["Npgsql"], "", """{"level":"Debug"}""");
    }

    /// <summary>A pipeline made over the API, beside the one that belongs to a file.</summary>
    private static async Task DefineAsync(WalkStage stage, Walker api)
    {
        var text = (await File.ReadAllTextAsync(Path.Combine(stage.Folder, "drafts", "drafted.yaml")));
        await api.CallAsync(HttpStatusCode.Created, "POST /pipelines", null, "?initialState=stopped", text, "application/yaml");
        await api.CallAsync(HttpStatusCode.Conflict, "POST /pipelines", null, "", text, "application/yaml");
        var config = await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/config", ["drafted"]);
        Assert.Equal("Api", config.GetProperty("origin").GetString());
        var status = await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}", ["drafted"]);
        Assert.Equal("Stopped", status.GetProperty("desired").GetString());
        var changed = text.Replace("create: true }", "create: true, flush: { rows: 7 } }", StringComparison.Ordinal);
        await api.CallAsync(HttpStatusCode.OK, "PUT /pipelines/{name}", ["drafted"], "", changed, "application/yaml");
        var history = await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/history", ["drafted"]);
        // The clockwork hands versions to the log.
        await Eventually.GetAsync(
            async () => (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/history", ["drafted"])).GetArrayLength(), n => n == 2, Grace, n => $"{n} versions, first {history}");
        Assert.Equal(text, (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/history/{version}", ["drafted", "1"])).GetProperty("text").GetString());
        Assert.Contains("API", (await api.KorAsync(0, "history", "drafted")).Out, StringComparison.Ordinal);
        Assert.Contains("flush: { rows: 7 }", (await api.KorAsync(0, "history", "drafted", "--diff", "1")).Out, StringComparison.Ordinal);
        Assert.Contains("flush: { rows: 7 }", (await api.KorAsync(0, "rollback", "drafted", "--to", "1")).Out, StringComparison.Ordinal);
        await api.KorAsync(0, "rollback", "drafted", "--to", "1", "--execute");
        Assert.Equal(text, (await api.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/config", ["drafted"])).GetProperty("text").GetString());
        await api.CallAsync(HttpStatusCode.Conflict, "POST /pipelines/{name}/rollback", ["orders"], "?version=1");
        await api.CallAsync(HttpStatusCode.NotFound, "POST /pipelines/{name}/rollback", ["drafted"], "?version=99");
        await api.KorAsync(0, "audit", "--limit", "5");
        const string Patch = """{ "description": "patched" }""";
        await api.CallAsync(HttpStatusCode.OK, "PATCH /pipelines/{name}", ["drafted"], "", Patch, "application/merge-patch+json");
        await api.CallAsync(HttpStatusCode.Conflict, "PATCH /pipelines/{name}", ["orders"], "", Patch, "application/merge-patch+json");
        var orders = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "pipelines", "orders.yaml"));
        await api.CallAsync(HttpStatusCode.Conflict, "PUT /pipelines/{name}", ["orders"], "", orders.Replace("amount > 0", "amount > 1", StringComparison.Ordinal), "application/yaml");
        await api.CallAsync(HttpStatusCode.Conflict, "DELETE /pipelines/{name}", ["orders"]);
        Assert.Contains("orders.yaml", (await api.KorAsync(4, "delete", "orders")).Error, StringComparison.Ordinal);
        await api.CallAsync(HttpStatusCode.NoContent, "DELETE /pipelines/{name}", ["drafted"]);
        await api.CallAsync(HttpStatusCode.NotFound, "GET /pipelines/{name}", ["drafted"]);
        Assert.Contains("created", (await api.KorAsync(0, "apply", "drafts/drafted.yaml", "--initial-state", "stopped")).Out, StringComparison.Ordinal);
        Assert.Contains("unchanged", (await api.KorAsync(0, "apply", "drafts/drafted.yaml")).Out, StringComparison.Ordinal);
        await api.KorAsync(0, "delete", "drafted");
    }

    /// <summary>A pipeline in a process of its own: it runs beside the server, and SIGTERM to kor ends both in order.</summary>
    private static async Task RunAsync(WalkStage stage, Walker kor)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "pipelines", "orders.yaml"));
        await File.WriteAllTextAsync(Path.Combine(stage.Folder, "drafts", "trial.yaml"), text
            .Replace("name: orders", "name: trial", StringComparison.Ordinal)
            .Replace("ORDERS_CLEAN", "TRIAL_CLEAN", StringComparison.Ordinal)
            .Replace("REVENUE_5M", "TRIAL_REVENUE", StringComparison.Ordinal));
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        // Nothing is set here, which is told all at once; what the server has is shown and can work.
        Assert.Contains("Kor:Kafka names no cluster", (await kor.KorAsync(78, "config", "check")).Error, StringComparison.Ordinal);
        await kor.KorAsync(78, "config", "show");
        using (var show = kor.Start(["config", "show", "-o", "json"], stage.Silo.Settings))
        {
            var shown = await show.StandardOutput.ReadToEndAsync();
            await show.WaitForExitAsync();
            Assert.Equal(0, show.ExitCode);
            Assert.Contains(JsonDocument.Parse(shown).RootElement.EnumerateArray(), i => i.GetProperty("origin").GetString() == "environment");
        }

        using var run = kor.Start(["run", "drafts/trial.yaml", "--url", url], stage.Silo.Settings);
        var said = Task.WhenAll(run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        await Eventually.GetAsync(
            async () => run.HasExited ? throw new InvalidOperationException(string.Join('\n', await said)) : await ConsumedAsync(http),
            consumed => consumed == stage.Sent, Grace, consumed => $"{consumed} records of {stage.Sent}");
        SiloProcess.Terminate(run);
        using var deadline = new CancellationTokenSource(Grace);
        await run.WaitForExitAsync(deadline.Token);
        Assert.True(run.ExitCode == 0, string.Join('\n', await said));
    }

    private static async Task<long> ConsumedAsync(HttpClient http)
    {
        try
        {
            var status = JsonDocument.Parse(await http.GetStringAsync("/api/v1/pipelines/trial")).RootElement;
            return status.GetProperty("counts").GetProperty("consumed").GetInt64();
        }
        catch (HttpRequestException)
        {
            // It does not listen yet, or does not know the pipeline yet.
            return -1;
        }
    }

    /// <summary>What an operator asks when something is wrong, and before something is changed.</summary>
    private static async Task OperateAsync(WalkStage stage, Walker kor)
    {
        string[] orders = ["orders"];
        const string None = "00000000000000000000000000000000";
        await kor.KorAsync(0, "quarantine", "list", "orders");
        await kor.KorAsync(3, "quarantine", "show", "orders", None);
        Assert.Equal(JsonValueKind.Object, (await kor.JsonAsync("quarantine", "replay", "orders")).ValueKind);
        Assert.False((await kor.JsonAsync("quarantine", "drop", "orders", "--all")).GetProperty("executed").GetBoolean());
        await kor.CallAsync(HttpStatusCode.OK, "GET /pipelines/{name}/quarantine", orders, "?limit=10");
        await kor.CallAsync(HttpStatusCode.NotFound, "GET /pipelines/{name}/quarantine/{id}", ["orders", None]);
        await kor.CallAsync(HttpStatusCode.NotFound, "DELETE /pipelines/{name}/quarantine/{id}", ["orders", None], "?dryRun=true");
        await kor.CallAsync(HttpStatusCode.BadRequest, "DELETE /pipelines/{name}/quarantine", orders);
        await kor.CallAsync(HttpStatusCode.OK, "POST /pipelines/{name}/quarantine/replay", orders, "?dryRun=true");
        await kor.CallAsync(HttpStatusCode.OK, "POST /pipelines/{name}/quarantine/replay", orders, "?dryRun=false&limit=1");
        var played = await kor.JsonAsync("quarantine", "replay", "orders", "--execute");
        Assert.True(played.GetProperty("executed").GetBoolean());
        Assert.Equal(0, played.GetProperty("unfinished").GetInt64());

        Assert.Contains("0 failed", (await kor.KorAsync(0, "doctor")).Out + (await kor.KorAsync(0, "doctor")).Error, StringComparison.Ordinal);
        Assert.Contains("orders", (await kor.KorAsync(0, "state")).Out, StringComparison.Ordinal);
        Assert.Contains("'nobody'", (await kor.KorAsync(3, "state", "purge", "nobody")).Error, StringComparison.Ordinal);
        await kor.CallAsync(HttpStatusCode.OK, "GET /state");
        await kor.CallAsync(HttpStatusCode.NotFound, "DELETE /state/{name}", ["nobody"], "?dryRun=true");
        await kor.KorAsync(0, "plan", "pipelines/orders.yaml");
        await kor.KorAsync(0, "drivers");
        Assert.NotEqual(0, (await kor.RunAsync("verify-oracle", "--connection", "dwh")).Code);
        await kor.CallAsync(HttpStatusCode.OK, "GET /connections");
        await kor.CallAsync(HttpStatusCode.OK, "POST /connections/{name}/check", ["dwh"]);
        await kor.CallAsync(HttpStatusCode.Conflict, "POST /connections/{name}/verify", ["dwh"]);
        await kor.CallAsync(HttpStatusCode.OK, "GET /drivers");
        var plan = JsonSerializer.Serialize(new { file = "orders.yaml", text = await File.ReadAllTextAsync(Path.Combine(stage.Folder, "pipelines", "orders.yaml")) });
        await kor.CallAsync(HttpStatusCode.OK, "POST /plan", null, "", plan);
        await kor.CallAsync(HttpStatusCode.OK, "GET /audit");
    }

    private static async Task SteerAsync(WalkStage stage, Walker kor)
    {
        string[] orders = ["orders"];
        await kor.KorAsync(0, "pause", "orders");
        await WaitAsync(stage, PartState.Paused);
        await kor.KorAsync(0, "pause", "orders");
        await kor.KorAsync(4, "restart", "orders");
        await kor.KorAsync(0, "resume", "orders");
        await stage.DrainAsync();
        Assert.Empty((await kor.JsonAsync("restart", "orders", "--only-failed")).GetProperty("restarted").EnumerateArray());
        Assert.Equal(1, (await kor.JsonAsync("restart", "orders", "--partition", "orders/1")).GetProperty("restarted").GetArrayLength());
        Assert.True((await kor.JsonAsync("restart", "orders")).GetProperty("restarted").GetArrayLength() > 4);
        await kor.CallAsync(HttpStatusCode.NotFound, "POST /pipelines/{name}/partitions/{topic}/{partition}/restart", ["orders", "orders", "99"]);
        await stage.DrainAsync();

        await kor.KorAsync(4, "offsets", "reset", "orders", "--to-earliest", "--execute");
        Assert.Contains("Preview only", (await kor.KorAsync(0, "reset", "orders", "--to-earliest")).Error, StringComparison.Ordinal);
        await kor.KorAsync(0, "stop", "orders");
        await WaitAsync(stage, PartState.Stopped);
        var back = await kor.CallAsync(HttpStatusCode.OK, "PATCH /pipelines/{name}/offsets", orders, "?dryRun=true", """{"offsets":{"orders/0":7}}""");
        Assert.False(back.GetProperty("executed").GetBoolean());
        await kor.CallAsync(HttpStatusCode.NotFound, "PATCH /pipelines/{name}/offsets", orders, "", """{"offsets":{"orders/99":7}}""");
        await kor.CallAsync(HttpStatusCode.BadRequest, "PATCH /pipelines/{name}/offsets", orders, "", "{}");
        await kor.CallAsync(HttpStatusCode.OK, "DELETE /pipelines/{name}/offsets", orders, "?dryRun=true");
        Assert.True((await kor.JsonAsync("offsets", "reset", "orders", "--to-earliest", "--execute")).GetProperty("executed").GetBoolean());
        await kor.CallAsync(HttpStatusCode.OK, "POST /pipelines/{name}/reset", orders, "", """{"target":"Earliest","timestampMs":0,"execute":false}""");
        await kor.KorAsync(0, "start", "orders");
        await stage.DrainAsync();
        foreach (var verb in new[] { "pause", "resume", "stop", "start" })
        {
            await kor.CallAsync(HttpStatusCode.Accepted, $"PUT /pipelines/{{name}}/{verb}", orders);
            // Asked again it is the same.
            await kor.CallAsync(HttpStatusCode.Accepted, $"PUT /pipelines/{{name}}/{verb}", orders);
        }

        await kor.CallAsync(HttpStatusCode.Conflict, "DELETE /pipelines/{name}/offsets", orders);
        await kor.CallAsync(HttpStatusCode.Accepted, "POST /pipelines/{name}/restart", orders, "?onlyFailed=true");
        await stage.DrainAsync();
    }

    private static async Task WaitAsync(WalkStage stage, PartState state) => await Eventually.GetAsync(
        () => stage.Silo.TryGetStatusAsync("orders"), s => s?.State == state, TimeSpan.FromSeconds(30), s => $"{s}\n{stage.Silo.LogText}");

    /// <summary>SIGTERM drains within the grace period, a restart goes on where it was, and Ctrl-C ends it in order too.</summary>
    private static async Task EndAsync(WalkStage stage)
    {
        Assert.Equal(0, await stage.Silo.TerminateAsync(Grace));
        stage.Send(100);
        stage.Silo.Start();
        var status = await stage.DrainAsync();
        Assert.True(status!.Counts.AddsUp, $"{status.Counts}");
        Assert.Equal(0, await stage.Silo.InterruptAsync(Grace));
        stage.Silo.Start();
        await stage.DrainAsync();
    }

    /// <summary>Every verb of the help and every operation of the OpenAPI document was walked.</summary>
    private static async Task AssertNothingLeftAsync(Walker walker)
    {
        // Asking for help is not walking.
        var walked = walker.Verbs.ToHashSet(StringComparer.Ordinal);
        var verbs = new List<string>();
        foreach (var verb in await VerbsAsync(walker))
        {
            var inner = await VerbsAsync(walker, verb);
            if (inner.Count == 0) verbs.Add(verb);
            else verbs.AddRange(inner.Select(i => $"{verb} {i}"));
        }

        Assert.True(verbs.Count > 20, string.Join(", ", verbs));
        Assert.Empty(verbs.Except(walked));
        var document = await walker.TryReadAsync("/openapi/v1.json");
        Assert.NotNull(document);
        var operations = JsonDocument.Parse(document).RootElement.GetProperty("paths").EnumerateObject()
            .Where(p => p.Name.StartsWith("/api/", StringComparison.Ordinal))
            .SelectMany(p => p.Value.EnumerateObject().Select(o => $"{o.Name.ToUpperInvariant()} {p.Name}"))
            .Where(o => !o.Contains("PARAMETERS", StringComparison.Ordinal)).ToList();
        Assert.True(operations.Count > 20, string.Join(", ", operations));
        Assert.Empty(operations.Except(walker.Operations));
    }

    /// <summary>The verbs the help lists.</summary>
    private static async Task<List<string>> VerbsAsync(Walker walker, params string[] group)
    {
        var help = (await walker.RunAsync([.. group, "--help"])).Out.Split('\n');
        return
        [
            // kor's own help has verbs in groups, a group's has one list; indented by two, each. Options follow.
            .. help.SkipWhile(l => !l.StartsWith(group.Length == 0 ? "Writing pipelines" : "Commands:", StringComparison.Ordinal)).Skip(1)
                .TakeWhile(l => group.Length == 0 ? !l.StartsWith("Options", StringComparison.Ordinal) : l.StartsWith("  ", StringComparison.Ordinal))
                .Where(l => l.Length > 2 && l.StartsWith("  ", StringComparison.Ordinal) && char.IsAsciiLetter(l[2])).Select(l => l.Trim().Split(' ')[0]),
        ];
    }
}
