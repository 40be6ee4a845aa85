using System.Net;
using System.Net.Http.Json;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What occupies the state database, freeing it, and a quarantine that is full.</summary>
public sealed class StateStoreTests
{
    private const string Root = "/api/v1/state";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_removed_pipeline_left_is_shown_and_freed()
    {
        await using var silo = await TestSilo.StartAsync();
        using var admin = silo.Client(TestSilo.Admin);
        var text = new StringContent(TestSilo.Yaml.Replace("name: events", "name: gone", StringComparison.Ordinal).Replace("table: ", "table: GONE_", StringComparison.Ordinal), Encoding.UTF8, "application/yaml");
        using (var made = await admin.PostAsync("/api/v1/pipelines", text, Cancel)) Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Cancel));
        silo.Produce(100);
        silo.Send(0, "k", "{\"id\":\"x\",\"amount\":-1}");
        await silo.WaitForRecordsAsync(101);
        await silo.WaitAsync(async () => (await UsageAsync(admin, "gone")).Any(u => u is { Kind: "quarantine", Rows: > 0 }), () => silo.Log);

        // While it is there, it is not to be freed; the remedy is for it.
        using (var refused = await admin.DeleteAsync($"{Root}/gone?dryRun=false", Cancel))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("kor reset gone --to-earliest --execute", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        using (var removed = await admin.DeleteAsync("/api/v1/pipelines/gone", Cancel)) Assert.True(removed.IsSuccessStatusCode);
        var left = await UsageAsync(admin, "gone");
        Assert.All(left, u => Assert.False(u.Defined));
        Assert.Contains(left, u => u is { Kind: "owner", Rows: > 0, Bytes: > 0 });
        Assert.Contains(left, u => u is { Kind: "cell", Rows: > 0, Bytes: > 0 });
        Assert.Contains(await UsageAsync(admin, ""), u => u.Kind == "audit");

        using (var operates = silo.Client(TestSilo.Operator))
        using (var denied = await operates.DeleteAsync($"{Root}/gone?dryRun=false", Cancel))
            Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        var dry = await admin.DeleteFromJsonAsync<StatePurge>($"{Root}/gone", Cancel);
        Assert.False(dry!.Executed);
        Assert.Equal(left, await UsageAsync(admin, "gone"));

        var done = await admin.DeleteFromJsonAsync<StatePurge>($"{Root}/gone?dryRun=false", Cancel);
        Assert.Equal(left, done!.Freed);
        // The owners' numbers stay, so that nobody who still acts writes again.
        var owners = Assert.Single(await UsageAsync(admin, "gone"));
        Assert.Equal(("owner", 0L), (owners.Kind, owners.Bytes));
        Assert.True((await UsageAsync(admin, TestSilo.Pipeline)).Count > 2);
        using (var nothing = await admin.DeleteAsync($"{Root}/never?dryRun=false", Cancel)) Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
        var audit = await admin.GetStringAsync("/api/v1/audit", Cancel);
        Assert.Contains("freed ", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipeline_whose_quarantine_is_full_waits_and_says_so()
    {
        await using var silo = await TestSilo.StartAsync(o => o.Quarantine = new QuarantineOptions { MaxRecords = 2 });
        for (var i = 0; i < 3; i++)
        {
            silo.Send(0, "k", "{\"id\":\"" + i + "\",\"amount\":-1}");
            if (i < 2) await silo.WaitForRecordsAsync(i + 1);
        }

        var status = await silo.WaitForAsync(s => s.GetRawText().Contains("MaxRecords is 2", StringComparison.Ordinal));
        Assert.NotEqual("Running", status.GetProperty("condition").GetString());
        // The remedy it prints.
        using var admin = silo.Client(TestSilo.Admin);
        using (var dropped = await admin.DeleteAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine?all=true&dryRun=false", Cancel)) Assert.Equal(HttpStatusCode.OK, dropped.StatusCode);
        await silo.WaitForRecordsAsync(3);
    }

    private static async Task<IReadOnlyList<StateUsage>> UsageAsync(HttpClient client, string pipeline) =>
        [.. (await client.GetFromJsonAsync<StateReport>(Root, Cancel))!.Usage.Where(u => u.Pipeline == pipeline)];
}
