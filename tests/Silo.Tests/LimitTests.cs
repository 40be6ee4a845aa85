using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo with limits that are soon met.</summary>
public sealed class LimitedSilo : IAsyncLifetime
{
    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Silo = await TestSilo.StartAsync(
        o =>
        {
            o.Http.RequestTimeout = TimeSpan.FromSeconds(2);
            o.Engine.RecentWindows = 2;
        },
        withKeys: false,
        pipeline: """
            apiVersion: kor/v1
            name: events
            source:
              kafka: { connection: main, topics: [events], start: earliest }
              format: json
              fields: { id: { type: string, required: true }, at: timestamp }
              eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: 1s }
            steps:
              - { id: w, type: window, window: { tumbling: 10s }, shards: 1, groupBy: [id], aggregates: { n: count() } }
            sinks:
              - { id: out, from: w, connection: dwh, table: COUNTED, create: true }
            """);

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>Limits of docs/limits.md that nothing else meets.</summary>
public sealed class LimitTests(LimitedSilo limited) : IClassFixture<LimitedSilo>
{
    private const string Root = $"/api/v1/pipelines/{TestSilo.Pipeline}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TestSilo Silo => limited.Silo;

    [Fact]
    public async Task A_request_ends_with_its_time()
    {
        // A body that begins and does not go on.
        var url = new Uri(Silo.Url);
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port, Cancel);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /api/v1/pipelines/validate HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/yaml\r\nContent-Length: 100\r\n\r\nname: x"),
            Cancel);
        using var lines = new StreamReader(stream);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        Assert.Equal("HTTP/1.1 504 Gateway Timeout", await lines.ReadLineAsync(deadline.Token));
        var text = "";
        while (!text.Contains("Kor:Http:RequestTimeout", StringComparison.Ordinal)) text = await lines.ReadLineAsync(deadline.Token) ?? throw new EndOfStreamException(text);
    }

    [Theory]
    [InlineData("/api/v1/preview?limit=10001", "limit must be from 1 to 10000.")]
    [InlineData("/api/v1/preview?limit=10&rows=1001", "rows must be from 0 to 1000.")]
    public async Task A_preview_reads_no_more_than_it_may(string path, string why)
    {
        using var content = new StringContent("name: x", Encoding.UTF8, "application/yaml");
        using var answer = await Silo.Http.PostAsync(path, content, Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(why, await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Windows_and_looks_are_bounded()
    {
        await The_windows_that_closed_first_are_forgotten_first();
        await Those_who_look_at_a_partition_are_few_and_the_next_is_told();
    }

    private async Task The_windows_that_closed_first_are_forgotten_first()
    {
        // The last record closes the windows of the others.
        for (var i = 0; i < 6; i++) Silo.Send(0, "k", $$"""{"id":"x","at":"2026-01-01T00:{{i:00}}:00Z"}""");
        await Silo.WaitAsync(async () => (await ClosedAsync()).FirstOrDefault() == 4, () => "five closed windows");
        Assert.Equal([4, 3], await ClosedAsync());

        async Task<List<int>> ClosedAsync() =>
            [.. (await Silo.Http.GetFromJsonAsync<JsonElement>($"{Root}/windows/w?limit=10", Cancel)).EnumerateArray().Select(w => w.GetProperty("startAt").GetDateTimeOffset().Minute)];
    }

    private async Task Those_who_look_at_a_partition_are_few_and_the_next_is_told()
    {
        await Silo.WaitForAsync(s => s.GetProperty("partitions").GetArrayLength() == 2, null);
        var open = await Task.WhenAll(Enumerable.Range(0, TapRequest.MaxTaps).Select(_ => TapAsync()));
        try
        {
            Assert.All(open, o => Assert.Equal(HttpStatusCode.OK, o.StatusCode));
            using var refused = await TapAsync();
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("close one of them, or try again in 15 s", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }
        finally
        {
            foreach (var one in open.Skip(1)) one.Dispose();
        }

        // Records come faster than one who looks is shown them; what is left out is counted.
        for (var i = 0; i < 400; i++) Silo.Send(1, "k", $$"""{"id":"{{i}}","at":"2026-01-01T00:00:00Z"}""");
        using var first = open[0];
        using var lines = new StreamReader(await first.Content.ReadAsStreamAsync(Cancel));
        var (shown, seen) = (0, 0L);
        while (seen < 400 && await lines.ReadLineAsync(Cancel) is { } line)
        {
            if (line == "event: record") shown++;
            if (line.StartsWith("data: {\"seen\"", StringComparison.Ordinal)) seen = JsonDocument.Parse(line[6..]).RootElement.GetProperty("seen").GetInt64();
        }

        Assert.InRange(shown, 1, 399);

        Task<HttpResponseMessage> TapAsync() => Silo.Http.GetAsync($"{Root}/tap", HttpCompletionOption.ResponseHeadersRead, Cancel);
    }
}
