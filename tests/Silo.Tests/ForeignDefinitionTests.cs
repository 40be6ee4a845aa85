using System.Net;
using System.Net.Http.Json;
using System.Text;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo with a lookup and a masked field, for definitions that are nobody's.</summary>
public sealed class LookupSilo : IAsyncLifetime
{
    public const string Secret = "canary-77@example.org";

    public const string Pipeline = """
        apiVersion: kor/v1
        name: events
        source:
          kafka: { connection: main, topics: [events], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, email: string, amount: integer }
          eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - { id: person, type: lookup, connection: people, table: PEOPLE, on: { ID: id }, add: { town: TOWN } }
          - { id: quality, type: quality, rules: { positive: amount > 0 }, onFail: quarantine }
          - { id: named, type: map, set: { e2: email, shout: "upper(email)" } }
          - { id: totals, type: window, window: { tumbling: 1s }, groupBy: [e2], shards: 1, aggregates: { n: count(), one: first(shout) } }
        sinks:
          - { id: clean, from: named, connection: dwh, table: EVENTS, mode: append, create: true }
          - { id: sums, from: totals, connection: dwh, table: TOTALS, mode: upsert, create: true }
        """;

    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var people = Path.Combine(Path.GetTempPath(), $"kor-people-{Guid.NewGuid():N}.db");
        await using (var connection = new SqliteConnection($"Data Source={people}"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = $"CREATE TABLE PEOPLE (ID TEXT PRIMARY KEY, TOWN TEXT, PAY TEXT); INSERT INTO PEOPLE VALUES ('a', 'Rome', '{Secret}'); CREATE TABLE SALARIES (ID TEXT PRIMARY KEY, PAY TEXT); INSERT INTO SALARIES VALUES ('a', '{Secret}');";
            await command.ExecuteNonQueryAsync();
        }

        Silo = await TestSilo.StartAsync(
            o =>
            {
                o.Http.MaskFields = ["email"];
                o.Connections["people"] = new Storage.Connections.ConnectionOptions { Provider = Storage.Connections.DatabaseProvider.Sqlite, Database = people };
            },
            pipeline: Pipeline);
        for (var i = 0; i < 5; i++) Silo.Send(0, "k", $$"""{"id":"a","email":"{{Secret}}","amount":{{i}}}""");
        await Silo.WaitForRecordsAsync(5);
    }

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>Definitions that no pipeline of the cluster has: what an operator may try, and what he is shown of it.</summary>
public sealed class ForeignDefinitionTests(LookupSilo lookup) : IClassFixture<LookupSilo>
{
    private const string Root = $"/api/v1/pipelines/{TestSilo.Pipeline}";

    private TestSilo Silo => lookup.Silo;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("table: PEOPLE", "table: SALARIES", "table SALARIES")]
    [InlineData("connection: people, table: PEOPLE", "connection: dwh, table: EVENTS", "table EVENTS")]
    [InlineData("add: { town: TOWN }", "add: { town: PAY }", "column PAY")]
    [InlineData("on: { ID: id }", "on: { TOWN: id }", "by TOWN")]
    public async Task An_operator_looks_up_only_where_pipelines_do(string known, string other, string named)
    {
        var text = LookupSilo.Pipeline.Replace(known, other, StringComparison.Ordinal);
        var (status, refusal) = await PreviewAsync(TestSilo.Operator, text);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains(named, refusal, StringComparison.Ordinal);
        Assert.NotEqual(HttpStatusCode.Forbidden, (await PreviewAsync(TestSilo.Admin, text)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, await PlanAsync(TestSilo.Operator, text));
        Assert.Equal(HttpStatusCode.OK, await PlanAsync(TestSilo.Admin, text));
    }

    [Fact]
    public async Task An_operator_tries_only_topics_and_tables_of_pipelines()
    {
        using var producer = new KafkaTestProducer(Silo.App.Services.GetService(typeof(KorOptions)) is KorOptions o ? o.Kafka["main"].BootstrapServers : "");
        producer.Send("private", 0, null, Encoding.UTF8.GetBytes("""{"id":"x"}"""));
        producer.Flush();
        var topic = LookupSilo.Pipeline.Replace("topics: [events]", "topics: [private]", StringComparison.Ordinal);
        var (status, refusal) = await PreviewAsync(TestSilo.Operator, topic);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("topic 'private'", refusal, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await PreviewAsync(TestSilo.Admin, topic)).Status);
        var table = LookupSilo.Pipeline.Replace("table: EVENTS", "table: PAYROLL", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, await PlanAsync(TestSilo.Operator, table));
        Assert.Equal(HttpStatusCode.OK, await PlanAsync(TestSilo.Operator, LookupSilo.Pipeline));
        Assert.Equal(HttpStatusCode.OK, (await PreviewAsync(TestSilo.Operator, LookupSilo.Pipeline)).Status);
    }

    [Theory]
    [InlineData("set: { e2: email, shout: \"upper(email)\" }")]
    [InlineData("set: { e2: \"substring(email, 1, 99)\", shout: \"coalesce(NULL, e2)\" }")]
    [InlineData("set: { e2: \"CASE WHEN amount > 0 THEN email END\", shout: \"email || '!'\" }")]
    public async Task Whatever_becomes_of_a_masked_field_an_operator_does_not_see_it(string map)
    {
        var text = LookupSilo.Pipeline.Replace("set: { e2: email, shout: \"upper(email)\" }", map, StringComparison.Ordinal);
        await AssertHiddenAsync(text);
    }

    [Fact]
    public async Task A_masked_part_of_a_record_is_hidden_under_any_name() => await AssertHiddenAsync(LookupSilo.Pipeline
        .Replace("email: string", "other: { type: string, path: email }", StringComparison.Ordinal)
        .Replace("set: { e2: email, shout: \"upper(email)\" }", "set: { e2: other, shout: \"upper(other)\" }", StringComparison.Ordinal));

    [Fact]
    public async Task A_record_read_as_one_text_is_hidden() => await AssertHiddenAsync(LookupSilo.Pipeline
        .Replace("format: json", "format: string", StringComparison.Ordinal)
        .Replace("fields: { id: { type: string, required: true }, email: string, amount: integer }", "fields: { id: string, email2: string, amount2: string }", StringComparison.Ordinal)
        .Replace("amount > 0", "id IS NOT NULL", StringComparison.Ordinal)
        .Replace("set: { e2: email, shout: \"upper(email)\" }", "set: { e2: \"json_value(id, '$.em' || 'ail')\", shout: id }", StringComparison.Ordinal));

    [Fact]
    public async Task Keys_windows_taps_and_conditions_keep_to_the_lineage()
    {
        await Silo.WaitAsync(
            async () =>
            {
                Silo.Send(0, "k", $$"""{"id":"a","email":"{{LookupSilo.Secret}}","amount":1}""");
                return (await GetAsync(TestSilo.Admin, $"{Root}/windows")).Text.Contains(LookupSilo.Secret.ToUpperInvariant(), StringComparison.Ordinal);
            },
            () => "a window");
        var key = Uri.EscapeDataString(Client.KorKey.Text(LookupSilo.Secret));
        foreach (var path in (string[])[$"{Root}/windows", $"{Root}/windows/totals", $"{Root}/keys/totals/{key}", $"{Root}/quarantine"])
        {
            var (status, text) = await GetAsync(TestSilo.Operator, path);
            Assert.Equal(HttpStatusCode.OK, status);
            // The key that was asked for is known to who asked.
            text = path.Contains("/keys/", StringComparison.Ordinal) ? text[text.IndexOf("\"windows\"", StringComparison.Ordinal)..] : text;
            Assert.DoesNotContain("canary", text, StringComparison.OrdinalIgnoreCase);
        }

        var (guess, told) = await GetAsync(TestSilo.Operator, $"{Root}/windows?key=c");
        Assert.Equal(HttpStatusCode.Forbidden, guess);
        Assert.Contains("would tell them", told, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(TestSilo.Admin, $"{Root}/windows?key=c")).Status);

        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(TestSilo.Operator, "/api/v1/topics/events/records?contains=c")).Status);

        var (refused, why) = await GetAsync(TestSilo.Operator, $"{Root}/tap?step=named&limit=1&where={Uri.EscapeDataString($"shout = '{LookupSilo.Secret.ToUpperInvariant()}'")}");
        Assert.Equal(HttpStatusCode.Forbidden, refused);
        Assert.Contains("reads shout", why, StringComparison.Ordinal);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        using var operators = Silo.Client(TestSilo.Operator);
        var tap = operators.GetStringAsync($"{Root}/tap?step=named&limit=1", limit.Token);
        while (!tap.IsCompleted)
        {
            Silo.Send(0, "k", $$"""{"id":"a","email":"{{LookupSilo.Secret}}","amount":1}""");
            await Task.WhenAny(tap, Task.Delay(200, limit.Token));
        }

        Assert.Contains("\"shout\":\"***\"", await tap, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", await tap, StringComparison.OrdinalIgnoreCase);
    }

    private async Task AssertHiddenAsync(string text)
    {
        var (status, shown) = await PreviewAsync(TestSilo.Operator, text);
        Assert.True(status == HttpStatusCode.OK, shown);
        Assert.DoesNotContain("canary", shown, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("***", shown, StringComparison.Ordinal);
        Assert.Contains("canary", (await PreviewAsync(TestSilo.Admin, text)).Text, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<(HttpStatusCode Status, string Text)> PreviewAsync(string key, string text)
    {
        using var client = Silo.Client(key);
        using var answer = await client.PostAsync("/api/v1/preview", new StringContent(text, Encoding.UTF8, "application/yaml"), Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task<HttpStatusCode> PlanAsync(string key, string text)
    {
        using var client = Silo.Client(key);
        using var answer = await client.PostAsJsonAsync("/api/v1/plan", new { file = "p.yaml", text }, Cancel);
        return answer.StatusCode;
    }

    private async Task<(HttpStatusCode Status, string Text)> GetAsync(string key, string path)
    {
        using var client = Silo.Client(key);
        using var answer = await client.GetAsync(path, Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }
}
