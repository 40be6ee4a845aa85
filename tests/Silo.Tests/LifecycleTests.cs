using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Probes, the drain, the switches that are set for a whole host.</summary>
public sealed class LifecycleTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Told_to_stop_it_is_not_ready_first_then_hands_over()
    {
        await using var silo = await TestSilo.StartAsync(o =>
        {
            o.StopDelay = TimeSpan.FromSeconds(3);
            o.ShutdownTimeout = TimeSpan.FromSeconds(30);
            o.Engine.CheckpointInterval = TimeSpan.FromMinutes(5);
        }, withKeys: false);
        silo.Produce(300);
        await silo.WaitForRecordsAsync(300, null);
        await WaitForStatusAsync(silo, "/health/startup", HttpStatusCode.OK);
        Assert.Equal("Healthy", await StatusAsync(silo, "/health/ready"));
        Assert.Equal("Healthy", await StatusAsync(silo, "/health/live"));

        var stopping = silo.StopAsync();
        await WaitForStatusAsync(silo, "/health/ready", HttpStatusCode.ServiceUnavailable);
        using (var live = await silo.Http.GetAsync("/health/live", Cancel)) Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        await stopping.WaitAsync(TimeSpan.FromSeconds(40), Cancel);
        Assert.Contains("Stopped in order", silo.Log, StringComparison.Ordinal);

        // No checkpoint was due for five minutes: the last one was made because of the stop, and the next start has nothing to read again.
        var before = silo.Log.Length;
        await silo.StartAgainAsync(o => o.Engine.CheckpointInterval = TimeSpan.FromMinutes(5));
        var status = await silo.WaitForAsync(s => s.GetProperty("counts").GetProperty("consumed").GetInt64() >= 300, null);
        Assert.Equal(300, status.GetProperty("counts").GetProperty("consumed").GetInt64());
        // What was counted is known before the partitions have begun.
        await silo.WaitAsync(() => Task.FromResult(Positions().Count >= 2), () => "two partitions that begin");
        Assert.Equal(300, Positions().Sum(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)));

        MatchCollection Positions() => Regex.Matches(silo.Log[before..], @"epoch \d+, position (\d+)");
    }

    [Fact]
    public async Task A_failed_pipeline_is_Failed_and_does_not_make_the_silo_unready()
    {
        // The table has no place for the column, and may not be made: nothing but an operator helps.
        await using var silo = await TestSilo.StartAsync(withKeys: false, pipeline: """
            apiVersion: kor/v1
            name: events
            source: { kafka: { connection: main, topics: [events], start: earliest }, format: json, fields: { id: string } }
            steps: [ { id: kept, type: filter, where: id IS NOT NULL } ]
            sinks:
              - { id: clean, from: kept, connection: dwh, table: NOT_THERE, mode: append, create: false }
            """);
        silo.Produce(50);
        var status = await silo.WaitForAsync(s => s.GetProperty("condition").GetString() == "Failed");
        Assert.NotEqual("Running", status.GetProperty("state").GetString());

        for (var i = 0; i < 100 && await StatusAsync(silo, "/health/ready") != "Degraded"; i++) await Task.Delay(100, Cancel);
        using var ready = await silo.Http.GetAsync("/health/ready", Cancel);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        var body = await ready.Content.ReadAsStringAsync(Cancel);
        Assert.Contains("Degraded", body, StringComparison.Ordinal);
        Assert.DoesNotContain(TestSilo.Pipeline, body.Replace("\"pipelines\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains($"\"{TestSilo.Pipeline}\":\"Failed\"", await silo.Http.GetStringAsync("/health", Cancel), StringComparison.Ordinal);
        var events = await silo.Http.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/events", Cancel);
        Assert.Contains("Failed", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_only_silo_answers_and_changes_nothing()
    {
        await using var silo = await TestSilo.StartAsync(o => o.Http.ReadOnly = true);
        using var client = silo.Client(TestSilo.Admin);
        using var list = await client.GetAsync("/api/v1/pipelines", Cancel);
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
        foreach (var operation in (await Operation.ReadAsync(silo.Http)).Where(o => o.IsChange))
        {
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Sample);
            using var answer = await client.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            var problem = await ApiTests.AssertProblemAsync(answer);
            Assert.Contains("Kor:Http:ReadOnly", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Whoever_asks_too_much_is_told_when_to_come_back()
    {
        await using var silo = await TestSilo.StartAsync(o => (o.Http.RequestBurst, o.Http.RequestsPerSecond) = (20, 1));
        using var client = silo.Client(TestSilo.Viewer);
        HttpResponseMessage answer;
        var asked = 0;
        do
        {
            answer = await client.GetAsync("/api/v1/pipelines", Cancel);
            Assert.True(++asked < 60, "never refused");
        }
        while (answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        await ApiTests.AssertProblemAsync(answer);
        // Others are not held up, and probes never are.
        using var other = silo.Client(TestSilo.Admin);
        using var others = await other.GetAsync("/api/v1/pipelines", Cancel);
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);
        for (var i = 0; i < 40; i++) Assert.Equal("Healthy", await StatusAsync(silo, "/health/live"));
    }

    [Fact]
    public async Task Open_on_loopback_means_loopback_by_name_too()
    {
        await using var silo = await TestSilo.StartAsync(withKeys: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/pipelines");
        request.Headers.Host = "evil.example.com";
        using var answer = await silo.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        var list = await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/pipelines", Cancel);
        Assert.Equal(JsonValueKind.Array, list.ValueKind);
    }

    private static async Task<string> StatusAsync(TestSilo silo, string path)
    {
        using var answer = await silo.Http.GetAsync(path, Cancel);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancel)).GetProperty("status").GetString()!;
    }

    private static async Task WaitForStatusAsync(TestSilo silo, string path, HttpStatusCode status)
    {
        for (var i = 0; i < 600; i++)
        {
            using var answer = await silo.Http.GetAsync(path, Cancel);
            if (answer.StatusCode == status) return;
            await Task.Delay(50, Cancel);
        }

        Assert.Fail($"{path} never answered {status}\n{silo.Log}");
    }
}
