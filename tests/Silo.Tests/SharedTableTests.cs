using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Orleans;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Pipelines that write one table: refused on every way in, and what is said to do works.</summary>
public sealed class SharedTableTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pipeline_that_writes_anothers_table_is_refused_until_both_declare_keys()
    {
        await using var silo = await TestSilo.StartAsync(
            withKeys: false, pipeline: Text("events", "EVENTS"), configure: options => options.Connections["twin"] = options.Connections["dwh"]);
        await silo.WaitForPipelinesAsync("events");
        var refused = await PostAsync(silo, Text("copy", "events"));
        Assert.Equal(HttpStatusCode.Conflict, refused.Status);
        Assert.Contains("KOR2063: sink 'rows' of pipeline 'copy' writes table events of connection 'dwh', which sink 'rows' of pipeline 'events' writes too", refused.Text, StringComparison.Ordinal);
        using var checkedText = new StringContent(Text("copy", "events"), Encoding.UTF8, "application/yaml");
        var validation = await silo.Http.PostAsync("/api/v1/pipelines/validate", checkedText, Cancel);
        var report = await validation.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.False(report.GetProperty("valid").GetBoolean());
        Assert.Equal("KOR2063", Assert.Single(report.GetProperty("diagnostics").EnumerateArray()).GetProperty("code").GetString());
        // The same database by another name is the same database.
        Assert.Contains("(as EVENTS of 'dwh';", (await PostAsync(silo, Text("copy", "events").Replace("connection: dwh", "connection: twin", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
        var plan = await silo.Http.PostAsJsonAsync("/api/v1/plan", new { file = "copy.yaml", text = Text("copy", "events") }, Cancel);
        Assert.Contains("KOR2063: sink", await plan.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);

        // A table of its own; then, both with keys, the same one. The old version of a pipeline is no stranger to the new one.
        Assert.Equal(HttpStatusCode.Created, (await PostAsync(silo, Text("copy", "COPY"))).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await PutAsync(silo, "copy", Text("copy", "EVENTS", " keys: [id],"))).Status);
        Write(silo, "events", Text("events", "SHARED", " keys: [id],"));
        await silo.WaitForAsync(status => status.GetProperty("version").GetInt32() == 2, null);
        Assert.Contains("'rows' does not say by which keys the rows differ", (await PostAsync(silo, Text("probe", "SHARED"))).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(silo, "copy", Text("copy", "SHARED", " keys: [id],"))).Status);
        silo.Produce(20);
        await silo.WaitAsync(
            async () => await WrittenAsync(silo, "events") is var (written, already) && await WrittenAsync(silo, "copy") is var (more, there)
                && (written + more, already + there) == (20, 20), () => "20 rows written once, and found there once");

        // A file of the folder is refused with the same words, in the list too, and gets its chance when the table is free.
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(silo, "copy", Text("copy", "COPY"))).Status);
        Write(silo, "third", Text("third", "COPY"));
        await silo.WaitAsync(async () => (await silo.Http.GetStringAsync("/api/v1/pipelines", Cancel)).Contains("KOR2063", StringComparison.Ordinal), () => "the refusal in the list");
        await silo.Http.DeleteAsync("/api/v1/pipelines/copy", Cancel);
        await silo.WaitForPipelinesAsync("events", "third");

        // A file whose pipeline gets another name keeps its table, also when nobody was there to see it.
        Write(silo, "third", Text("renamed", "COPY"));
        await silo.WaitForPipelinesAsync("events", "renamed");
        await silo.StopAsync();
        Write(silo, "third", Text("again", "COPY"));
        await silo.StartAgainAsync(_ => { });
        await silo.WaitForPipelinesAsync("again", "events");
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync(silo, Text("copy", "COPY"))).Status);

        // What a version without this rule has put in force is taken note of all the same, and told what it shares.
        var catalog = silo.App.Services.GetRequiredService<IGrainFactory>().GetGrain<IPipelineCatalogGrain>(0);
        TableClaim[] claims = [new("s", "DWH", "copy", false, true, ["^ev"])];
        Assert.Contains("'again'", Assert.Single(await catalog.ClaimTablesAsync("older", claims, inForce: false, null)).Message, StringComparison.Ordinal);
        Assert.Equal("s", Assert.Single(await catalog.ClaimTablesAsync("older", claims, inForce: true, null)).Sink);
        Assert.Empty(await catalog.CheckTablesAsync("new", [new TableClaim("s", "dwh", "COPY", false, true, ["others"])]));
        File.Delete(PathOf(silo, "third"));
        await silo.WaitForPipelinesAsync("events");
        Assert.Contains("'older'", Assert.Single(await catalog.CheckTablesAsync("new", claims)).Message, StringComparison.Ordinal);
    }

    private static string PathOf(TestSilo silo, string file) => Path.Combine(silo.Folder, "pipelines", file + ".yaml");

    private static void Write(TestSilo silo, string file, string text) => File.WriteAllText(PathOf(silo, file), text);

    private static Task<(HttpStatusCode Status, string Text)> PostAsync(TestSilo silo, string text) => SendAsync(silo, HttpMethod.Post, "/api/v1/pipelines", text);

    private static Task<(HttpStatusCode Status, string Text)> PutAsync(TestSilo silo, string name, string text) =>
        SendAsync(silo, HttpMethod.Put, $"/api/v1/pipelines/{name}", text);

    private static async Task<(HttpStatusCode Status, string Text)> SendAsync(TestSilo silo, HttpMethod method, string path, string text)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(text, Encoding.UTF8, "application/yaml") };
        using var answer = await silo.Http.SendAsync(request, Cancel);
        return (answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancel)).ToString().Replace("\\u0027", "'", StringComparison.Ordinal));
    }

    private static async Task<(long Written, long Already)> WrittenAsync(TestSilo silo, string name)
    {
        var sinks = (await silo.Http.GetFromJsonAsync<JsonElement>($"/api/v1/pipelines/{name}", Cancel)).GetProperty("sinks").EnumerateArray().ToList();
        return (sinks.Sum(s => s.GetProperty("written").GetInt64()), sinks.Sum(s => s.GetProperty("already").GetInt64()));
    }

    private static string Text(string name, string table, string keys = "") => $$"""
        apiVersion: kor/v1
        name: {{name}}
        source: { kafka: { connection: main, topics: [events], start: earliest }, format: json, fields: { id: { type: string, required: true } } }
        steps: []
        sinks:
          - { id: rows, from: source, connection: dwh, table: {{table}},{{keys}} mode: append, create: true }
        """;
}
