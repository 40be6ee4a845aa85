using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A host with a canary in every place for a secret: no output may ever sing.</summary>
public sealed class SecretTests
{
    private const string Canary = "c4n4ry";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_answer_metric_or_log_line_tells_a_secret()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, $"{Canary}-file-0123456789abcdef0123", Cancel);
        await using var silo = await TestSilo.StartAsync(o =>
        {
            Seed(o, file);
            o.Http.Dashboard = true;
            o.Http.RequestBurst = 5000;
        });
        silo.Produce(50);
        await silo.WaitForRecordsAsync(50);
        await AddPipelineAsync(silo, "broken-sink", "{ id: s, from: kept, connection: pg, table: T, mode: append }");

        using var client = silo.Client(TestSilo.Admin);
        var outputs = new List<(string What, string Text)>();
        foreach (var operation in await Operation.ReadAsync(silo.Http))
        {
            foreach (var name in new[] { TestSilo.Pipeline, "broken-sink", "none-such" })
            {
                var path = operation.Path.Replace("{name}", name, StringComparison.Ordinal);
                path = System.Text.RegularExpressions.Regex.Replace(path, @"\{connection\}|\{id\}", "pg");
                path = path.Replace("{partition}", "0", StringComparison.Ordinal);
                path = System.Text.RegularExpressions.Regex.Replace(path, @"\{[^}]+\}", "x");
                if (operation.IsChange && name == TestSilo.Pipeline) continue;
                await AskAsync(client, operation.Method, path, outputs);
            }
        }

        foreach (var path in new[] { "/metrics", "/health", "/health/ready", "/openapi/v1.json", "/api/docs/", "/orleans", "/nothing" })
            await AskAsync(client, "GET", path, outputs);
        using (var wrong = silo.Client(Canary + "-wrong-key-0123456789")) await AskAsync(wrong, "GET", "/api/v1/pipelines", outputs);
        outputs.Add(("log", silo.Log));
        File.Delete(file);

        Assert.True(outputs.Count > 20);
        Assert.All(outputs, o => Assert.False(
            o.Text.Contains(Canary, StringComparison.OrdinalIgnoreCase) || o.Text.Contains(TestSilo.Admin, StringComparison.Ordinal),
            $"{o.What}: {Around(o.Text)}"));
    }

    [Fact]
    public void A_configuration_that_cannot_work_is_refused_without_telling_a_secret()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, Canary);
        var options = StartupTests.Options();
        Seed(options, file);
        options.Connections["both"] = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, Host = "h", Database = "d", Password = Canary, PasswordFile = file };
        options.Connections["none"] = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, Password = Canary };
        options.Http.ApiKeys["bad"] = new ApiKeyOptions { Hash = Canary + "0123456789012345678901234567890123456789", Role = "admin" };
        options.Http.ApiKeys["short"] = new ApiKeyOptions { File = file };
        options.Cluster.Tls.Certificate = file;
        options.Cluster.Tls.PasswordFile = file;
        options.Cluster.Tls.Authority = file;
        var refusal = Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options));
        File.Delete(file);
        Assert.True(refusal.Faults.Count >= 4, refusal.Message);
        Assert.DoesNotContain(Canary, refusal.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    private static void Seed(KorOptions options, string file)
    {
        options.Kafka["sasl"] = new KafkaConnection
        {
            BootstrapServers = "127.0.0.1:1",
            SecurityProtocol = "sasl_ssl",
            SaslMechanism = "SCRAM-SHA-512",
            SaslUsername = "kor",
            SaslPassword = Canary + "-sasl",
            Config = { ["ssl.key.password"] = Canary + "-key" },
        };
        options.Connections["pg"] = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql, Host = "127.0.0.1", Port = 1, Database = "d", User = "u", Password = Canary + "-pg",
            ConnectTimeout = TimeSpan.FromSeconds(1),
        };
        options.Connections["text"] = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql, ConnectionString = $"Host=127.0.0.1;Port=1;Database=d;Username=u;Password={Canary}-text",
        };
        options.Http.ApiKeys["file"] = new ApiKeyOptions { File = file, Role = "viewer" };
    }

    private static async Task AddPipelineAsync(TestSilo silo, string name, string sink)
    {
        await File.WriteAllTextAsync(
            Path.Combine(silo.Folder, "pipelines", name + ".yaml"),
            $$"""
            apiVersion: kor/v1
            name: {{name}}
            source: { kafka: { connection: main, topics: [events], start: earliest }, format: json, fields: { id: string } }
            steps: [ { id: kept, type: filter, where: id IS NOT NULL } ]
            sinks: [ {{sink}} ]
            """,
            Cancel);
        using var client = silo.Client(TestSilo.Viewer);
        for (var i = 0; i < 600; i++)
        {
            using var answer = await client.GetAsync($"/api/v1/pipelines/{name}", Cancel);
            if (answer.IsSuccessStatusCode)
            {
                var status = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancel));
                if (status.GetProperty("condition").GetString() is "Degraded" or "Failed" or "Restarting") return;
            }

            await Task.Delay(100, Cancel);
        }

        Assert.Fail("The pipeline with the sink that cannot be reached is not shown as such.\n" + silo.Log);
    }

    private static async Task AskAsync(HttpClient client, string method, string path, List<(string, string)> outputs)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method is "POST" or "PUT" or "PATCH") request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        // Checks of connections that go nowhere take their time.
        timeout.CancelAfter(TimeSpan.FromSeconds(60));
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
        // A stream does not end by itself; what it began with is enough.
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream") return;
        outputs.Add(($"{method} {path}", answer.Headers + await answer.Content.ReadAsStringAsync(timeout.Token)));
    }

    private static string Around(string text)
    {
        var at = Math.Max(0, text.IndexOf(Canary, StringComparison.OrdinalIgnoreCase) - 100);
        return text[at..Math.Min(text.Length, at + 250)];
    }
}
