using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using OwnHost;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A host of one's own with a C# transform, as docs/transforms.md has it: all of the server, and the host's own endpoints.</summary>
public sealed class OwnHostTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_has_the_API_probes_and_metrics_and_runs_its_transform()
    {
        using var kafka = EmbeddedKafka.Start();
        kafka.CreateTopic("orders", 1);
        var folder = Directory.CreateTempSubdirectory("kor-own-").FullName;
        var url = $"http://127.0.0.1:{TestSupport.FreePorts.Next()}";
        try
        {
            var pipelines = Directory.CreateDirectory(Path.Combine(folder, "pipelines")).FullName;
            await File.WriteAllTextAsync(Path.Combine(pipelines, "scored.yaml"), Yaml, Cancel);
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Kor:Kafka:main:BootstrapServers"] = kafka.BootstrapServers,
                ["Kor:Connections:state:Provider"] = "Sqlite",
                ["Kor:Connections:state:Database"] = Path.Combine(folder, "state.db"),
                ["Kor:State:Create"] = "true",
                ["Kor:Cluster:SiloPort"] = "0",
                ["Kor:Cluster:GatewayPort"] = "0",
                ["Kor:Engine:CheckpointInterval"] = "500ms",
                ["Kor:Pipelines"] = pipelines,
                ["Kor:Url"] = url,
            });
            // From here on as in samples/OwnHost/Program.cs, with an endpoint of the host's own.
            builder.AddKor().AddRecordTransform<Scoring>();
            await using var app = builder.Build();
            app.MapKor();
            app.MapGet("/own", () => "own");
            await app.StartAsync(Cancel);
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            using (var producer = new KafkaTestProducer(kafka.BootstrapServers))
            {
                foreach (var (id, amount) in new[] { ("c-1", 50), ("c-2", 150), ("x", 1) })
                    producer.Send("orders", 0, Encoding.UTF8.GetBytes(id), Encoding.UTF8.GetBytes($$"""{"customer_id":"{{id}}","amount":{{amount}}}"""));
                producer.Flush();
            }

            await UntilAsync(async () => (await CountsAsync(http)) is { Consumed: 3, Absorbed: 2, Quarantined: 1 });
            await UntilAsync(() => Task.FromResult(ReadScores(Path.Combine(folder, "state.db")) == "c-1=0 c-2=1"));
            Assert.Contains("kor_", await http.GetStringAsync("/metrics", Cancel), StringComparison.Ordinal);
            foreach (var path in new[] { "/health/live", "/health/ready", "/health", "/openapi/v1.json", "/own" })
            {
                using var answer = await http.GetAsync(path, Cancel);
                Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {answer.StatusCode}");
            }

            await app.StopAsync(Cancel);
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void What_the_page_shows_is_what_the_sample_has()
    {
        var page = File.ReadAllText(RepoPaths.Under("docs", "transforms.md"));
        foreach (var file in new[] { "Program.cs", "Scoring.cs" })
            Assert.Contains($"```csharp\n{File.ReadAllText(RepoPaths.Under("samples", "OwnHost", file))}```", page, StringComparison.Ordinal);
    }

    private static string ReadScores(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT group_concat(c, ' ') FROM (SELECT CUSTOMER_ID || '=' || SCORE AS c FROM SCORED ORDER BY 1)";
        try
        {
            return command.ExecuteScalar() as string ?? "";
        }
        catch (SqliteException e) when (e.SqliteErrorCode == 1)
        {
            // The table is not made yet.
            return "";
        }
    }

    private static async Task<(long Consumed, long Absorbed, long Quarantined)> CountsAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("/api/v1/pipelines/scored", Cancel);
        if (!answer.IsSuccessStatusCode) return default;
        var counts = (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("counts");
        return (counts.GetProperty("consumed").GetInt64(), counts.GetProperty("absorbed").GetInt64(), counts.GetProperty("quarantined").GetInt64());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await holds()) await Task.Delay(100, deadline.Token);
    }

    private const string Yaml = """
        apiVersion: kor/v1
        name: scored
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields: { customer_id: { type: string, required: true }, amount: "decimal(12,2)" }
        steps:
          - { id: score, type: custom, name: scoring, options: { limit: "100" }, add: { score: integer } }
        sinks:
          - { id: rows, from: score, connection: state, table: SCORED, mode: append, create: true }
        """;
}
