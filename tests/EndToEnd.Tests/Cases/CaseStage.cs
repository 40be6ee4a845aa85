using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests.Cases;

/// <summary>
/// One silo, one Apache Kafka and one PostgreSQL for all small inputs below <c>Cases/</c>: every folder is a pipeline, its records and the table before.
/// Starting them costs more than running them, so they share it.
/// </summary>
public sealed class CaseStage : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-cases-").FullName;
    private readonly SemaphoreSlim _gate = new(1);
    private KafkaBroker? _kafka;
    private PostgresCluster? _postgres;
    private SiloProcess? _silo;
    private string _database = "";

    /// <summary>The broker. Skips the test when there is no Kafka or no PostgreSQL here.</summary>
    public KafkaBroker Kafka
    {
        get
        {
            Skip();
            return _kafka!;
        }
    }

    public SiloProcess Silo => _silo!;

    public async ValueTask InitializeAsync()
    {
        if (KafkaBroker.SkipReason is not null || PostgresCluster.SkipReason is not null) return;
        _kafka = await KafkaBroker.StartAsync();
        _postgres = await PostgresCluster.StartAsync();
        _database = await _postgres.CreateDatabaseAsync("cases");
        var connection = _postgres.For(_database);
        await SqlAsync(await File.ReadAllTextAsync(RepoPaths.Under("deploy", "sql", "postgresql", "sink.sql")));
        _silo = new SiloProcess("cases", new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = _folder,
            ["Kor__Kafka__main__BootstrapServers"] = _kafka.BootstrapServers,
            ["Kor__Connections__state__Provider"] = "PostgreSql",
            ["Kor__Connections__state__ConnectionString"] = _postgres.For(await _postgres.CreateDatabaseAsync("state")),
            ["Kor__Connections__dwh__Provider"] = "PostgreSql",
            ["Kor__Connections__dwh__ConnectionString"] = connection,
            ["Kor__State__Create"] = "true",
            ["Kor__Engine__CheckpointInterval"] = "00:00:01",
        });
        _silo.Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null) await _silo.DisposeAsync();
        if (_kafka is not null) await _kafka.DisposeAsync();
        if (_postgres is not null) await _postgres.DisposeAsync();
        Directory.Delete(_folder, true);
        _gate.Dispose();
    }

    /// <summary>Makes the case's table and topic, sends its records and adds its pipeline to the silo's folder.</summary>
    public async Task RunAsync(string name, string pipeline = "p.yaml")
    {
        Skip();
        await PrepareAsync(name);
        await AddAsync(name, pipeline);
    }

    /// <summary>Makes the case's table and topics and sends its records.</summary>
    public async Task PrepareAsync(string name)
    {
        Skip();
        var ddl = In(name, "ddl.sql");
        if (File.Exists(ddl)) await SqlAsync(await File.ReadAllTextAsync(ddl));
        var records = In(name, "d.jsonl");
        if (!File.Exists(records)) return;
        await _gate.WaitAsync();
        try
        {
            foreach (var topic in Read(records).Select(r => r.Topic).Distinct()) await _kafka!.CreateTopicAsync(topic, 1);
        }
        finally
        {
            _gate.Release();
        }

        Send(Read(records));
    }

    /// <summary>Adds a case's pipeline to the silo's folder.</summary>
    public Task AddAsync(string name, string pipeline = "p.yaml")
    {
        Skip();
        var target = Path.Combine(_folder, $"{name}-{pipeline}");
        // The silo watches: it must never see half a file.
        File.Copy(In(name, pipeline), target + ".tmp");
        File.Move(target + ".tmp", target);
        return Task.CompletedTask;
    }

    /// <summary>Sends records as <c>topic</c> and JSON text.</summary>
    public void Send(IEnumerable<(string Topic, string Value)> records)
    {
        using var producer = new KafkaTestProducer(_kafka!.BootstrapServers);
        foreach (var (topic, value) in records) producer.Send(topic, 0, null, Encoding.UTF8.GetBytes(value));
        producer.Flush();
    }

    /// <summary>What a query prints, a row a line, columns separated by <c>|</c>.</summary>
    public Task<string> SqlAsync(string sql) => _postgres!.PsqlAsync(_database, sql);

    /// <summary>Waits until the query prints what is wanted.</summary>
    public async Task RowsAsync(string pipeline, string sql, params string[] rows)
    {
        var wanted = string.Join('\n', rows);
        await Eventually.GetAsync(
            () => TrySqlAsync(sql), found => found == wanted, Deadline, found => $"wanted\n{wanted}\nfound\n{found}\n{Told(pipeline)}");
    }

    /// <summary>Waits for a status.</summary>
    public async Task<PipelineStatus> StatusAsync(string pipeline, Func<PipelineStatus, bool> holds) => (await Eventually.GetAsync(
        () => _silo!.TryGetStatusAsync(pipeline), s => s is not null && holds(s), Deadline, s => $"{Text(s)}\n{Told(pipeline)}"))!;

    /// <summary>Waits until so many records were consumed and everything is durable, and checks that they add up.</summary>
    public async Task<PipelineStatus> DrainedAsync(string pipeline, long consumed)
    {
        var status = await StatusAsync(pipeline, s => s.Counts.Consumed == consumed && s.Partitions.All(p => p.Checkpoint == p.Position));
        Assert.True(status.Counts.AddsUp, status.Counts.ToString());
        return status;
    }

    /// <summary>Stops, starts, pauses or resumes.</summary>
    public async Task PutAsync(string pipeline, string verb) => (await _silo!.PutAsync($"/api/v1/pipelines/{pipeline}/{verb}")).EnsureSuccessStatusCode();

    private async Task<string> TrySqlAsync(string sql)
    {
        try
        {
            return await SqlAsync(sql);
        }
        catch (InvalidOperationException e) when (e.Message.Contains("does not exist", StringComparison.Ordinal))
        {
            return "no table";
        }
    }

    private string Told(string pipeline) => string.Join('\n', _silo!.LogText.Split('\n').Where(l => l.Contains(pipeline, StringComparison.Ordinal)).TakeLast(30));

    private static string Text(PipelineStatus? s) => s is null ? "no status" : $"{s.State} {s.Reason} {s.Counts} lag {s.Lag}";

    private static string In(string name, string file) => RepoPaths.Under("tests", "EndToEnd.Tests", "Cases", name, file);

    private static List<(string Topic, string Value)> Read(string file)
    {
        var records = new List<(string, string)>();
        foreach (var line in File.ReadLines(file).Where(l => l.Length != 0))
        {
            using var json = JsonDocument.Parse(line);
            records.Add((json.RootElement.GetProperty("topic").GetString()!, json.RootElement.GetProperty("value").GetRawText()));
        }

        return records;
    }

    private static void Skip()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
    }
}
