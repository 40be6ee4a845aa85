using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What was done to the folder of pipelines while no silo ran.</summary>
public sealed class FolderAtStartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_went_away_while_the_silo_was_down_ends_and_what_is_only_refused_goes_on()
    {
        await using var silo = await TestSilo.StartAsync(withKeys: false, pipeline: Text("events"));
        foreach (var (file, name) in new[] { ("broken", "keep"), ("moved", "moved"), ("inside", "before") }) Write(silo, file, Text(name));
        await silo.WaitForPipelinesAsync("before", "events", "keep", "moved");
        await silo.StopAsync();

        File.Delete(PathOf(silo, "events"));
        Write(silo, "broken", "source: [nonsense\n");
        File.Move(PathOf(silo, "moved"), PathOf(silo, "moved-2"));
        Write(silo, "inside", Text("after"));
        await silo.StartAgainAsync(_ => { });
        await silo.WaitForPipelinesAsync("after", "keep", "moved");
        Assert.Contains("broken.yaml was refused; what ran before goes on", silo.Log, StringComparison.Ordinal);
        Assert.Contains("events was stopped and removed: its file events.yaml is gone", silo.Log, StringComparison.Ordinal);
        await silo.WaitAsync(async () => await StateAsync(silo, "keep") == "Running", () => "keep to run");
        using (var refused = await silo.Http.DeleteAsync("/api/v1/pipelines/keep", Cancel))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("broken.yaml", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        // A second file with a name that is taken changes nothing, wherever it stands in the alphabet.
        await silo.StopAsync();
        Write(silo, "a-second", Text("moved", "id IS NULL"));
        await silo.StartAgainAsync(_ => { });
        await silo.WaitAsync(
            () => Task.FromResult(silo.Log.Contains("moved-2.yaml defines the pipeline 'moved' already", StringComparison.Ordinal)), () => "the refusal");
        Assert.Equal(1, (await StatusAsync(silo, "moved")).GetProperty("version").GetInt32());

        // The refused file's pipeline ends with the file.
        File.Delete(PathOf(silo, "broken"));
        await silo.WaitForPipelinesAsync("after", "moved");
    }

    [Fact]
    public async Task Where_it_cannot_be_told_what_is_gone_nothing_ends_but_can_be_deleted()
    {
        await using var silo = await TestSilo.StartAsync(withKeys: false, pipeline: Text("events"));
        Write(silo, "other", Text("other"));
        await silo.WaitForPipelinesAsync("events", "other");
        await silo.StopAsync();

        // Nobody can say which pipeline this was meant to be.
        File.Delete(PathOf(silo, "events"));
        Write(silo, "unclear", "nonsense");
        await silo.StartAgainAsync(_ => { });
        await silo.WaitAsync(() => Task.FromResult(silo.Log.Contains("unclear.yaml cannot be read as a pipeline", StringComparison.Ordinal)), () => "the warning");
        await silo.WaitForPipelinesAsync("events", "other");
        await DeleteAsync(silo, "events");
        await silo.WaitForPipelinesAsync("other");
        await silo.StopAsync();

        await silo.StartAgainAsync(o => o.Pipelines = Path.Combine(silo.Folder, "not-mounted"));
        await silo.WaitAsync(() => Task.FromResult(silo.Log.Contains("not-mounted (Kor:Pipelines) is not there", StringComparison.Ordinal)), () => "the warning");
        await silo.WaitForPipelinesAsync("other");
        await DeleteAsync(silo, "other");
        await silo.WaitForPipelinesAsync();
    }

    [Theory]
    [InlineData("apiVersion: kor/v1\nname: orders\nsource: [", "orders")]
    [InlineData("name: \"orders\"   # ours\r\nsteps: 3", "orders")]
    [InlineData("{ \"apiVersion\": \"kor/v1\",\n  \"name\": \"orders\",\n", "orders")]
    [InlineData("name: ${NAME:orders}\n", null)]
    [InlineData("sinks:\n  name: orders\n", null)]
    [InlineData("", null)]
    public void The_name_of_a_text_that_does_not_compile_is_told_where_it_can_be(string text, string? name) => Assert.Equal(name, FolderFile.NameIn(text));

    private static string PathOf(TestSilo silo, string file) => Path.Combine(silo.Folder, "pipelines", file + ".yaml");

    private static void Write(TestSilo silo, string file, string text) => File.WriteAllText(PathOf(silo, file), text);

    private static async Task DeleteAsync(TestSilo silo, string name)
    {
        using var answer = await silo.Http.DeleteAsync($"/api/v1/pipelines/{name}", Cancel);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    private static Task<JsonElement> StatusAsync(TestSilo silo, string name) =>
        silo.Http.GetFromJsonAsync<JsonElement>($"/api/v1/pipelines/{name}", Cancel);

    private static async Task<string?> StateAsync(TestSilo silo, string name) => (await StatusAsync(silo, name)).GetProperty("state").GetString();

    private static string Text(string name, string where = "id IS NOT NULL") => $$"""
        apiVersion: kor/v1
        name: {{name}}
        source: { kafka: { connection: main, topics: [events], start: earliest }, format: json, fields: { id: string } }
        steps: [ { id: kept, type: filter, where: "{{where}}" } ]
        sinks:
          - { id: clean, from: kept, connection: dwh, table: {{name.ToUpperInvariant()}}_ROWS, mode: append, create: true }
        """;
}
