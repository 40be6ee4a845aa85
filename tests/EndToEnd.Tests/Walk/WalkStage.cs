using System.Globalization;
using System.Text;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.EndToEnd.Tests.Walk;

/// <summary>A real Kafka, SQLite files, and a silo that runs the sample pipeline of the repository, as a newcomer sets it up.</summary>
public sealed class WalkStage : IAsyncDisposable
{
    public const string Topic = "orders";
    private const int Partitions = 4;
    private int _next;

    private WalkStage(KafkaBroker kafka, string folder)
    {
        Kafka = kafka;
        Folder = folder;
        Silo = new SiloProcess("walk", new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = Path.Combine(folder, "deployed"),
            ["Kor__Kafka__main__BootstrapServers"] = kafka.BootstrapServers,
            ["Kor__Connections__state__Provider"] = "Sqlite",
            ["Kor__Connections__state__ConnectionString"] = $"Data Source={Path.Combine(folder, "state.db")}",
            ["Kor__Connections__dwh__Provider"] = "Sqlite",
            ["Kor__Connections__dwh__ConnectionString"] = $"Data Source={Path.Combine(folder, "dwh.db")}",
            ["Kor__State__Create"] = "true",
            ["Kor__Engine__CheckpointInterval"] = "00:00:01",
            ["Kor__Cluster__GatewayPort"] = FreePorts.Next().ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Kor__Cluster__SecretFile"] = Path.Combine(folder, "cluster.secret"),
        })
        {
            // A runner that was started in the background ignores SIGINT, and so would everything it starts.
            ResetSignals = true,
        };
    }

    public KafkaBroker Kafka { get; }

    /// <summary>The user's folder: <c>pipelines</c> as in the repository, <c>deployed</c> watched by the silo.</summary>
    public string Folder { get; }

    public SiloProcess Silo { get; }

    /// <summary>How many records were sent.</summary>
    public int Sent => _next;

    public static async Task<WalkStage> SetUpAsync()
    {
        var folder = Directory.CreateTempSubdirectory("kor-walk-").FullName;
        var kafka = await KafkaBroker.StartAsync();
        await kafka.CreateTopicAsync(Topic, Partitions);
        Directory.CreateDirectory(Path.Combine(folder, "deployed"));
        Directory.CreateDirectory(Path.Combine(folder, "pipelines"));
        foreach (var file in Directory.EnumerateFiles(RepoPaths.Under("pipelines"), "*.*"))
            File.Copy(file, Path.Combine(folder, "pipelines", Path.GetFileName(file)));
        File.Copy(RepoPaths.Under("pipelines", "orders.yaml"), Path.Combine(folder, "deployed", "orders.yaml"));
        CreateCustomers(Path.Combine(folder, "dwh.db"));
        await File.WriteAllTextAsync(Path.Combine(folder, "cluster.secret"), Guid.NewGuid().ToString("N") + Guid.NewGuid().ToString("N"));
        return new WalkStage(kafka, folder);
    }

    /// <summary>Sends orders: every tenth has no valid amount, every twentieth was sent before.</summary>
    public void Send(int count)
    {
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers);
        for (var i = 0; i < count; i++, _next++)
        {
            var n = _next % 20 == 19 ? _next - 4 : _next;
            var amount = n % 10 == 3 ? -1 : (n % 90) + 1;
            var at = DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(n).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            var value = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"order_id":"o-{{n}}","customer_id":"c-{{n % 20:D4}}","amount":{{amount}}.50,"currency":"EUR","created_at":"{{at}}"}""");
            producer.Send(Topic, n % Partitions, Encoding.UTF8.GetBytes($"c-{n % 20:D4}"), Encoding.UTF8.GetBytes(value));
        }

        producer.Flush();
    }

    /// <summary>Waits until everything sent is consumed and durable.</summary>
    public Task<PipelineStatus?> DrainAsync() => Eventually.GetAsync(
        () => Silo.TryGetStatusAsync("orders"),
        s => s?.Counts.Consumed == Sent && s.State == PartState.Running && s.Partitions.All(p => p.Checkpoint == p.End),
        TimeSpan.FromSeconds(60), s => $"{s}\n{Silo.LogText}");

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        await Kafka.DisposeAsync();
        Directory.Delete(Folder, true);
    }

    private static void CreateCustomers(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            "CREATE TABLE CUSTOMERS (CUSTOMER_ID TEXT PRIMARY KEY, SEGMENT TEXT); INSERT INTO CUSTOMERS VALUES ('c-0005', 'gold'), ('c-0001', 'silver')";
        command.ExecuteNonQuery();
    }
}
