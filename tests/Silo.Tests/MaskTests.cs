using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Fields that only admins see.</summary>
public sealed class MaskTests
{
    private const string Secret = "4711-canary";
    private const string Root = $"/api/v1/pipelines/{TestSilo.Pipeline}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Masked_fields_are_shown_to_admins_only()
    {
        await using var silo = await TestSilo.StartAsync(o => o.Http.MaskFields = ["I*"]);
        // One that passes, one that a rule refuses, one that cannot be read.
        silo.Send(0, "k", $$"""{"id":"{{Secret}}","amount":1}""");
        silo.Send(0, "k", $$"""{"id":"{{Secret}}","amount":-1}""");
        silo.Send(0, "k", $"{Secret} is no JSON");
        await silo.WaitForRecordsAsync(3);

        using var operators = silo.Client(TestSilo.Operator);
        using var admins = silo.Client(TestSilo.Admin);
        var file = await File.ReadAllTextAsync(Path.Combine(silo.Folder, "pipelines", "events.yaml"), Cancel);
        foreach (var (client, sees) in new[] { (operators, false), (admins, true) })
        {
            var list = await client.GetStringAsync($"{Root}/quarantine", Cancel);
            Assert.Equal(sees, list.Contains(Secret, StringComparison.Ordinal));
            var items = JsonSerializer.Deserialize<JsonElement>(list).GetProperty("items").EnumerateArray().ToList();
            Assert.Equal(2, items.Count);
            foreach (var item in items)
            {
                var one = await client.GetFromJsonAsync<JsonElement>($"{Root}/quarantine/{item.GetProperty("id").GetString()}", Cancel);
                Assert.Equal(sees, one.GetRawText().Contains(Secret, StringComparison.Ordinal));
                Assert.Equal(sees, one.GetProperty("rawValue").ValueKind == JsonValueKind.String);
            }

            var records = await client.GetStringAsync("/api/v1/topics/events/records", Cancel);
            Assert.Equal(sees, records.Contains(Secret, StringComparison.Ordinal));
            using var preview = await client.PostAsync("/api/v1/preview", new StringContent(file, Encoding.UTF8, "application/yaml"), Cancel);
            Assert.True(preview.IsSuccessStatusCode);
            Assert.Equal(sees, (await preview.Content.ReadAsStringAsync(Cancel)).Contains(Secret, StringComparison.Ordinal));
            Assert.Equal(sees, (await TapAsync(silo, client)).Contains(Secret, StringComparison.Ordinal));
        }
    }

    /// <summary>The first record a tap shows.</summary>
    private static async Task<string> TapAsync(TestSilo silo, HttpClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        await using var stream = await client.GetStreamAsync($"{Root}/tap?limit=1", limit.Token);
        using var reader = new StreamReader(stream);
        var sending = Task.Run(
            async () =>
            {
                while (!limit.IsCancellationRequested)
                {
                    silo.Send(0, "k", $$"""{"id":"{{Secret}}","amount":1}""");
                    await Task.Delay(200, limit.Token);
                }
            },
            limit.Token);
        var text = await reader.ReadToEndAsync(limit.Token);
        await limit.CancelAsync();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.Contains("\"amount\":1", text, StringComparison.Ordinal);
        return text;
    }
}
