using System.Text.Json;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A pipeline file that was refused shows wherever somebody looks, not in a log only.</summary>
public sealed class RefusedFileTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refused_file_is_in_list_status_events_health_and_metrics_until_it_is_mended()
    {
        await using var silo = await TestSilo.StartAsync();
        await silo.WaitForAsync(s => s.GetProperty("condition").GetString() == "Running");
        var folder = Path.Combine(silo.Folder, "pipelines");
        // One that never was in force, and a version of the one that runs.
        await File.WriteAllTextAsync(Path.Combine(folder, "orders.yaml"), "apiVersion: kor/v1\nname: orders\nsource: { kafka: { conection: main } }\n", Cancel);
        var good = await File.ReadAllTextAsync(Path.Combine(folder, "events.yaml"), Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "events.yaml"), good + "\nnonsense: true\n", Cancel);

        await silo.WaitForAsync(s => s.GetProperty("condition").GetString() == "Degraded" && s.GetProperty("reason").GetString()!.Contains("nonsense", StringComparison.Ordinal));
        using var client = silo.Client(TestSilo.Viewer);
        // The files are looked at one after the other.
        await silo.WaitAsync(async () => (await GetAsync(client, "/api/v1/pipelines")).GetArrayLength() == 2, () => "the other refused file");
        var list = await GetAsync(client, "/api/v1/pipelines");
        var refused = Assert.Single(list.EnumerateArray(), p => p.GetProperty("name").GetString() == "orders");
        Assert.Equal("Failed", refused.GetProperty("state").GetString());
        Assert.Equal("Failed", refused.GetProperty("condition").GetString());
        var status = await GetAsync(client, "/api/v1/pipelines/orders");
        Assert.Contains("conection", status.GetProperty("reason").GetString());
        Assert.Equal("definition", status.GetProperty("health")[0].GetProperty("kind").GetString());
        foreach (var name in new[] { "orders", "events" })
        {
            var events = await GetAsync(client, $"/api/v1/pipelines/{name}/events");
            Assert.Contains(events.EnumerateArray(), e => e.GetProperty("kind").GetString() == "refused");
            // Where the folder is on the server is nobody's business.
            Assert.DoesNotContain(silo.Folder, events.GetRawText(), StringComparison.Ordinal);
        }

        var health = (await GetAsync(client, "/health")).GetProperty("checks").GetProperty("pipelines");
        Assert.Equal("Degraded", health.GetProperty("status").GetString());
        Assert.Contains("conection", health.GetProperty("data").GetProperty("file orders.yaml").GetString());
        Assert.StartsWith("orders.yaml was refused: orders.yaml(1,", status.GetProperty("reason").GetString(), StringComparison.Ordinal);
        foreach (var text in new[] { list, status, health }) Assert.DoesNotContain(silo.Folder, text.GetRawText(), StringComparison.Ordinal);
        var metrics = await client.GetStringAsync("/metrics", Cancel);
        Assert.Contains("kor_definition_refused{", metrics);
        Assert.Contains("file=\"orders.yaml\"", metrics);

        await File.WriteAllTextAsync(Path.Combine(folder, "events.yaml"), good, Cancel);
        File.Delete(Path.Combine(folder, "orders.yaml"));
        await silo.WaitForAsync(s => s.GetProperty("condition").GetString() == "Running" && s.GetProperty("health").GetArrayLength() == 0);
        await silo.WaitAsync(async () => (await GetAsync(client, "/api/v1/pipelines")).GetArrayLength() == 1, () => "the refused file to go");
        Assert.DoesNotContain("kor_definition_refused{", await client.GetStringAsync("/metrics", Cancel));
    }

    [Theory]
    [InlineData("a.yaml", "apiVersion: kor/v1\nname: orders # ours\nsource: [", "orders")]
    [InlineData("a.yaml", "name: \"orders\"\n", "orders")]
    [InlineData("a.json", "{\n  \"name\": \"orders\",\n", "orders")]
    [InlineData("daily.yaml", "{{{", "daily")]
    public void The_name_is_found_where_the_rest_cannot_be_read(string file, string text, string name) => Assert.Equal(name, RefusedFiles.NameOf(file, text));

    private static async Task<JsonElement> GetAsync(HttpClient client, string path) =>
        JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync(path, Cancel));
}
