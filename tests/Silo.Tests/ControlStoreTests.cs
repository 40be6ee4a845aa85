using System.Diagnostics;
using System.Net;
using System.Text.Json;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Core.Internal;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What a silo says while the database that everything depends on is down.</summary>
public sealed class ControlStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pipeline_whose_grain_cannot_be_had_is_blocked_and_says_by_which_connection()
    {
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = await PostgresCluster.StartAsync();
        await using var proxy = new TcpProxy("127.0.0.1", postgres.Port, TcpProxy.Commit);
        await using var silo = await TestSilo.StartAsync(o =>
        {
            o.Connections["state"] = new ConnectionOptions
            {
                Provider = DatabaseProvider.PostgreSql,
                ConnectionString = $"Host=127.0.0.1;Port={proxy.Port};Database=postgres;Username=postgres;SSL Mode=Disable",
            };
            o.ShutdownTimeout = TimeSpan.FromSeconds(10);
        });
        silo.Produce(20);
        await silo.WaitForRecordsAsync(20);

        proxy.Refuse(true);
        var grains = silo.App.Services.GetRequiredService<IGrainFactory>();
        await grains.GetGrain<IPipelineGrain>(TestSilo.Pipeline).AsReference<IGrainManagementExtension>().DeactivateOnIdle(Cancel);
        await grains.GetGrain<IPipelineCatalogGrain>(0).AsReference<IGrainManagementExtension>().DeactivateOnIdle(Cancel);
        var status = await WaitForAsync(silo, s => Reason(s).Contains("control store", StringComparison.Ordinal));
        Assert.Equal("Waiting", status.GetProperty("state").GetString());
        Assert.Equal("Degraded", status.GetProperty("condition").GetString());
        Assert.Equal("Running", status.GetProperty("desired").GetString());
        Assert.Contains("Connection 'state'", Reason(status), StringComparison.Ordinal);
        Assert.Equal(1, status.GetProperty("version").GetInt32());

        using var client = silo.Client(TestSilo.Viewer);
        using var all = await client.GetAsync("/api/v1/pipelines", Cancel);
        Assert.True(all.IsSuccessStatusCode, await all.Content.ReadAsStringAsync(Cancel) + silo.Log);
        var list = JsonSerializer.Deserialize<JsonElement>(await all.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("Waiting", Assert.Single(list.EnumerateArray()).GetProperty("state").GetString());
        var verdict = JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/status", Cancel));
        Assert.Equal("DEGRADED", verdict.GetProperty("verdict").GetProperty("word").GetString());
        using var none = await client.GetAsync("/api/v1/pipelines/nothing", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);

        proxy.Refuse(false);
        silo.Produce(20, 100);
        await silo.WaitForRecordsAsync(40);
        await WaitForAsync(silo, s => s.GetProperty("state").GetString() == "Running");
    }

    private static string Reason(JsonElement status) => status.GetProperty("reason").GetString() ?? "";

    /// <summary>Every answer on the way must be one.</summary>
    private static async Task<JsonElement> WaitForAsync(TestSilo silo, Func<JsonElement, bool> condition)
    {
        using var client = silo.Client(TestSilo.Viewer);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            using var response = await client.GetAsync($"/api/v1/pipelines/{TestSilo.Pipeline}", Cancel);
            var text = await response.Content.ReadAsStringAsync(Cancel);
            Assert.True(response.IsSuccessStatusCode, text + "\n" + silo.Log);
            var status = JsonSerializer.Deserialize<JsonElement>(text);
            if (condition(status)) return status;
            if (clock.Elapsed > TimeSpan.FromMinutes(1)) Assert.Fail($"Waited in vain; last: {text}\n{silo.Log}");
            await Task.Delay(200, Cancel);
        }
    }
}
