using System.Net;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Pipelines that read each other's refused records are warned of where they are registered, not by 'kor validate' only.</summary>
public sealed class LoopTests
{
    private const string Warning = "KOR2062: 'there' reads what 'here' refuses (topic here-bad), and 'here' reads what 'there' refuses (topic there-bad)";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_answer_of_a_registration_the_log_and_the_status_say_that_records_go_round()
    {
        await using var silo = await TestSilo.StartAsync(withKeys: false);
        // One comes from the folder, the other over HTTP.
        await File.WriteAllTextAsync(Path.Combine(silo.Folder, "pipelines", "here.yaml"), Text("here", reads: "there-bad"), Cancel);
        await silo.WaitAsync(async () => (await silo.Http.GetAsync("/api/v1/pipelines/here", Cancel)).StatusCode == HttpStatusCode.OK, () => "the pipeline of the folder");
        Assert.Empty(await WarningsAsync(silo, "here"));

        using (var made = await SendAsync(silo, HttpMethod.Post, "/api/v1/pipelines?initialState=stopped", Text("there", reads: "here-bad")))
        {
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            Assert.Contains(Texts(await JsonAsync(made)), w => w.StartsWith(Warning, StringComparison.Ordinal));
        }

        foreach (var name in new[] { "here", "there" })
        {
            await silo.WaitAsync(
                async () => (await WarningsAsync(silo, name)).Any(w => w.StartsWith(Warning, StringComparison.Ordinal)), () => $"the warning about {name}");
        }

        Assert.Contains(Warning, silo.Log, StringComparison.Ordinal);
        Assert.Empty(await WarningsAsync(silo, TestSilo.Pipeline));

        // It holds over a restart, and ends with its cause.
        await silo.StopAsync();
        await silo.StartAgainAsync(_ => { });
        await silo.WaitAsync(async () => (await WarningsAsync(silo, "there")).Count != 0, () => "the warning after a restart");
        using (var replaced = await SendAsync(silo, HttpMethod.Put, "/api/v1/pipelines/there", Text("there", reads: "here-bad", refuses: "elsewhere")))
        {
            Assert.Equal(HttpStatusCode.OK, replaced.StatusCode);
            Assert.DoesNotContain(Texts(await JsonAsync(replaced)), w => w.Contains("KOR2062", StringComparison.Ordinal));
        }

        await silo.WaitAsync(async () => (await WarningsAsync(silo, "here")).Count == 0, () => "the warning to go");
    }

    private static async Task<List<string>> WarningsAsync(TestSilo silo, string name)
    {
        using var answer = await silo.Http.GetAsync($"/api/v1/pipelines/{name}", Cancel);
        return answer.IsSuccessStatusCode ? Texts(await JsonAsync(answer)) : [];
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) =>
        JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancel));

    private static List<string> Texts(JsonElement answer) => [.. answer.GetProperty("warnings").EnumerateArray().Select(w => w.GetString()!)];

    private static Task<HttpResponseMessage> SendAsync(TestSilo silo, HttpMethod method, string path, string text)
    {
        var request = new HttpRequestMessage(method, path) { Content = new StringContent(text, Encoding.UTF8, "application/yaml") };
        return silo.Http.SendAsync(request, Cancel);
    }

    private static string Text(string name, string reads, string? refuses = null) => $$"""
        apiVersion: kor/v1
        name: {{name}}
        source: { kafka: { connection: main, topics: [events, {{reads}}], start: earliest }, format: json, fields: { id: { type: string, required: true } } }
        steps: [ { id: kept, type: filter, where: id IS NOT NULL } ]
        sinks: [ { id: out, from: kept, connection: dwh, table: {{name}}_ROWS, mode: append, create: true } ]
        quarantine: { kafka: { connection: main, topic: {{refuses ?? name + "-bad"}} } }
        """;
}
