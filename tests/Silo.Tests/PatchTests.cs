using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Parts of a definition are changed by a merge patch.</summary>
public sealed class PatchTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private const string Yaml = """
        # what it is for
        apiVersion: kor/v1
        name: patched
        description: before
        source:
          kafka: { connection: main, topics: [events], start: latest }
          format: json
          fields: { id: string, amount: integer }
        steps:
          - { id: some, type: filter, where: amount > 5 }
        sinks:
          - { id: out, from: some, connection: dwh, table: PATCHED, mode: append, create: true, flush: { rows: 10, interval: 1s } }
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_patch_changes_what_it_names_and_nothing_else()
    {
        using var client = fixture.Silo.Client(TestSilo.Admin);
        using var created = await client.PostAsync(
            "/api/v1/pipelines?initialState=stopped", new StringContent(Yaml, Encoding.UTF8, "application/yaml"), Cancel);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);

        using var stale = await PatchAsync(client, """{ "description": "after" }""", "\"7\"");
        Assert.Equal(HttpStatusCode.PreconditionFailed, stale.StatusCode);
        using var patched = await PatchAsync(client, """{ "source": { "kafka": { "start": "earliest" } }, "description": null }""", "\"1\"");
        Assert.True(patched.IsSuccessStatusCode, await patched.Content.ReadAsStringAsync(Cancel));

        var config = await client.GetFromJsonAsync<JsonElement>("/api/v1/pipelines/patched/config", Cancel);
        Assert.Equal(2, config.GetProperty("version").GetInt32());
        var text = JsonSerializer.Deserialize<JsonElement>(config.GetProperty("text").GetString()!);
        Assert.False(text.TryGetProperty("description", out _));
        Assert.Equal("earliest", text.GetProperty("source").GetProperty("kafka").GetProperty("start").GetString());
        Assert.Equal("main", text.GetProperty("source").GetProperty("kafka").GetProperty("connection").GetString());
        Assert.Equal("amount > 5", text.GetProperty("steps")[0].GetProperty("where").GetString());
        Assert.Equal(10, text.GetProperty("sinks")[0].GetProperty("flush").GetProperty("rows").GetInt32());

        using var faulty = await PatchAsync(client, """{ "sinks": [ { "id": "out", "from": "nothing", "connection": "dwh", "table": "PATCHED" } ] }""", null);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, faulty.StatusCode);
        using var none = await PatchAsync(client, "[1]", null);
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
        // One that is a file's is the file's alone.
        using var folder = new HttpRequestMessage(HttpMethod.Patch, $"/api/v1/pipelines/{TestSilo.Pipeline}")
        {
            Content = new StringContent("""{ "description": "x" }""", Encoding.UTF8, "application/merge-patch+json"),
        };
        using var refused = await client.SendAsync(folder, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        (await client.DeleteAsync("/api/v1/pipelines/patched", Cancel)).Dispose();
    }

    private static async Task<HttpResponseMessage> PatchAsync(HttpClient client, string patch, string? match)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, "/api/v1/pipelines/patched")
        {
            Content = new StringContent(patch, Encoding.UTF8, "application/merge-patch+json"),
        };
        if (match is not null) request.Headers.IfMatch.Add(new EntityTagHeaderValue(match));
        return await client.SendAsync(request, Cancel);
    }
}
