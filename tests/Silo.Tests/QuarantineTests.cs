using System.Net;
using System.Net.Http.Json;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Quarantine;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>How long refused records are kept, and in which order they are shown.</summary>
public sealed class QuarantineTests
{
    private const string Root = $"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_list_is_newest_first_page_by_page_and_a_replay_is_oldest_first()
    {
        await using var silo = await TestSilo.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            // One after the other, so that each has a time of its own.
            silo.Send(0, "k", "{\"id\":\"" + i + "\",\"amount\":-1}");
            await silo.WaitForRecordsAsync(i + 1);
        }

        using var client = silo.Client(TestSilo.Operator);
        var offsets = new List<long?>();
        var pages = 0;
        string? next = null;
        do
        {
            var page = (await client.GetFromJsonAsync<QuarantinePage>($"{Root}?limit=2" + (next is null ? "" : $"&after={next}"), Cancel))!;
            offsets.AddRange(page.Items.Select(i => i.Offset));
            next = page.Next;
            pages++;
        }
        while (next is not null);
        Assert.Equal([4L, 3, 2, 1, 0], offsets);
        Assert.Equal(3, pages);

        var first = (await client.GetFromJsonAsync<QuarantinePage>($"{Root}?limit=2", Cancel))!;
        var replay = await ReplayAsync(client, "?limit=2");
        Assert.Equal("0", await IdOfAsync(client, replay.Refused[0].Example));
        // A place in the one order means nothing in the other.
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync($"{Root}?after={replay.Next}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsJsonAsync($"{Root}/replay?after={first.Next}", new { }, Cancel)).StatusCode);
        Assert.Equal(3, (await ReplayAsync(client, $"?after={replay.Next}")).Records);
    }

    [Fact]
    public async Task Two_connections_to_one_database_show_its_records_once()
    {
        await using var silo = await TestSilo.StartAsync(o =>
        {
            var state = o.Connections["state"].Database;
            o.Connections["dwh"] = new ConnectionOptions { Provider = DatabaseProvider.Sqlite, ConnectionString = $"Data Source={state}" };
        });
        silo.Send(0, "k", """{"id":"a","amount":-1}""");
        await silo.WaitForRecordsAsync(1);
        using var client = silo.Client(TestSilo.Operator);
        // The sink has its tables by now, and they are those of the state.
        silo.Send(0, "k", """{"id":"b","amount":1}""");
        await silo.WaitForRecordsAsync(2);
        var page = (await client.GetFromJsonAsync<QuarantinePage>(Root, Cancel))!;
        Assert.Single(page.Items);
        Assert.Equal(1, Assert.Single(page.Groups).Records);
        Assert.Equal(1, (await ReplayAsync(client, "")).Records);
    }

    /// <summary>As long as the pipeline says; one that says nothing, as long as the host does.</summary>
    [Theory]
    [InlineData("quarantine: { connection: state, keepFor: 1h }\n", 30 * 24)]
    [InlineData("", 1)]
    public async Task Records_older_than_keepFor_are_dropped_and_no_younger_ones(string keeps, int hostHours)
    {
        await using var silo = await TestSilo.StartAsync(pipeline: TestSilo.Yaml.Replace("sinks:", keeps + "sinks:", StringComparison.Ordinal));
        silo.Send(0, "k", """{"id":"a","amount":-1}""");
        await silo.WaitForRecordsAsync(1);
        var services = silo.App.Services;
        var quarantine = services.GetRequiredService<PipelineQuarantine>();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var sweeper = new QuarantineSweeper(
            services.GetRequiredService<IGrainFactory>(), services.GetRequiredService<PlanProvider>(), quarantine,
            new KorOptions { Quarantine = new QuarantineOptions { KeepFor = TimeSpan.FromHours(hostHours) } }, time,
            services.GetRequiredService<ILogger<QuarantineSweeper>>());
        await sweeper.StartAsync(Cancel);
        // The sweeper has a clock of its own: an hour minus a minute on it changes nothing.
        for (var minute = 0; minute < 59; minute++) time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await CountAsync(quarantine));
        await silo.WaitAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return await CountAsync(quarantine) == 0;
            },
            () => "the record to go");
        Assert.Contains("were older than keepFor", silo.Log, StringComparison.Ordinal);
        await sweeper.StopAsync(Cancel);
    }

    private static async Task<ReplayReport> ReplayAsync(HttpClient client, string query)
    {
        using var response = await client.PostAsJsonAsync($"{Root}/replay{query}", new { }, Cancel);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<ReplayReport>(Cancel))!;
    }

    private static async Task<string> IdOfAsync(HttpClient client, string id) =>
        System.Text.Json.JsonDocument.Parse((await client.GetFromJsonAsync<QuarantineDetail>($"{Root}/{id}", Cancel))!.Value!).RootElement.GetProperty("id").GetString()!;

    private static async Task<int> CountAsync(PipelineQuarantine quarantine)
    {
        var records = 0;
        foreach (var store in await quarantine.StoresAsync(TestSilo.Pipeline, Cancel))
            records += (await store.ListAsync(new QuarantineFilter { Pipeline = TestSilo.Pipeline }, QuarantineOrder.NewestFirst, 10, null, Cancel)).Count;
        return records;
    }
}
