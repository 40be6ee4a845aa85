using System.Globalization;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;
using Npgsql;

namespace KafkaOracleOrleans.EndToEnd.Tests.Harness;

/// <summary>Kafka, PostgreSQL and a folder with the orders pipeline: what the end-to-end tests play on.</summary>
public sealed class OrdersStage : IAsyncDisposable
{
    public const int Partitions = 4;
    public const string Topic = "orders";
    private const string Pipeline = """
        apiVersion: kor/v1
        name: orders
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields:
            order_id:    { type: string, required: true }
            customer_id: { type: string, required: true }
            amount:      decimal(12,2)
            created_at:  { type: timestamp, pattern: epoch_ms }
          eventTime: { field: created_at, maxOutOfOrder: 30s, idleAfter: 5s, maxAhead: 0s }
        steps:
          - id: quality
            type: quality
            rules: { valid_amount: amount > 0 }
            onFail: quarantine
          - { id: unique, type: dedup, key: [order_id], within: 1h, grainPer: group(4) }
          - id: revenue_5m
            type: window
            window: { tumbling: 5m }
            groupBy: [customer_id]
            shards: 4
            grainPer: group(4)
            aggregates: { orders: count(), revenue: sum(amount), largest: max(amount) }
        sinks:
          - { id: clean, from: unique, connection: dwh, table: ORDERS_CLEAN, mode: append, create: true }
          - { id: revenue, from: revenue_5m, connection: dwh, table: REVENUE_5M, mode: upsert, create: true }
        """;

    /// <summary>Looks for ids in all partitions; and takes records as late as they come, as <see cref="OrderLog"/> says why.</summary>
    public static string AcrossPartitions(string pipeline) => pipeline
        .Replace("within: 1h, grainPer: group(4)", "within: 1h, scope: global, shards: 3", StringComparison.Ordinal)
        .Replace("window: { tumbling: 5m }", "window: { tumbling: 5m }\n    allowedLateness: 10d", StringComparison.Ordinal);

    private readonly string _folder = Directory.CreateTempSubdirectory("kor-e2e-").FullName;
    private string _database = "";

    /// <summary>The database's name.</summary>
    public string Database => _database;

    /// <summary>The folder of the pipeline's file.</summary>
    public string Folder => _folder;

    public required KafkaBroker Kafka { get; init; }
    public required PostgresCluster Postgres { get; init; }

    /// <param name="edit">Changes the pipeline's text.</param>
    /// <param name="withOrleans">Makes Orleans' tables, as a DBA would.</param>
    public static async Task<OrdersStage> SetUpAsync(Func<string, string>? edit = null, bool withOrleans = true)
    {
        var stage = new OrdersStage { Kafka = await KafkaBroker.StartAsync(), Postgres = await PostgresCluster.StartAsync() };
        await stage.Kafka.CreateTopicAsync(Topic, Partitions);
        stage._database = await stage.Postgres.CreateDatabaseAsync("kor");
        if (withOrleans) await stage.Postgres.PsqlAsync(
            stage._database, await File.ReadAllTextAsync(RepoPaths.Under("deploy", "sql", "orleans", "postgresql.sql")));
        await File.WriteAllTextAsync(Path.Combine(stage._folder, "cluster.secret"), Guid.NewGuid().ToString("N") + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(Path.Combine(stage._folder, "orders.yaml"), edit is null ? Pipeline : edit(Pipeline));
        return stage;
    }

    public SiloProcess Silo(string name, bool clustered = false)
    {
        var connection = Postgres.For(_database);
        var environment = new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = _folder,
            ["Kor__Kafka__main__BootstrapServers"] = Kafka.BootstrapServers,
            ["Kor__Connections__state__Provider"] = "PostgreSql",
            ["Kor__Connections__state__ConnectionString"] = connection,
            ["Kor__Connections__dwh__Provider"] = "PostgreSql",
            ["Kor__Connections__dwh__ConnectionString"] = connection,
            ["Kor__State__Create"] = "true",
            ["Kor__Engine__CheckpointInterval"] = "00:00:02",
        };
        if (clustered)
        {
            environment["Kor__Cluster__Connection"] = "state";
            environment["Kor__Cluster__SecretFile"] = Path.Combine(_folder, "cluster.secret");
        }

        return new SiloProcess(name, environment) { IsSupervised = true };
    }

    /// <summary>The window table as it stands; empty while there is none.</summary>
    public async Task<List<WindowTotals>> TryReadWindowsAsync()
    {
        try
        {
            return await ReadWindowsAsync();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return [];
        }
    }

    /// <summary>The window table as it stands.</summary>
    public async Task<List<WindowTotals>> ReadWindowsAsync()
    {
        var rows = new List<WindowTotals>();
        await using var connection = new NpgsqlConnection(Postgres.For(_database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT customer_id, window_start, orders, revenue, largest FROM revenue_5m WHERE customer_id <> 'closer'", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var start = new DateTimeOffset(DateTime.SpecifyKind(reader.GetDateTime(1), DateTimeKind.Utc)).ToUnixTimeMilliseconds();
            rows.Add(new WindowTotals(
                reader.GetString(0), start, Convert.ToInt64(reader.GetValue(2), CultureInfo.InvariantCulture), reader.GetDecimal(3), reader.GetDecimal(4)));
        }

        return rows;
    }

    /// <summary>A count; -1 while the database does not answer, as after a kill, when pooled connections are dead.</summary>
    public async Task<long> TryCountAsync(string sql)
    {
        try
        {
            return await CountAsync(sql);
        }
        catch (NpgsqlException)
        {
            return -1;
        }
    }

    public async Task<long> CountAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Postgres.For(_database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until everything is consumed and every window of the model is in the table.</summary>
    public async Task<PipelineStatus> DrainAsync(IReadOnlyList<SiloProcess> silos, OrderModel model, TimeSpan deadline)
    {
        var status = await Eventually.GetAsync(
            async () =>
            {
                foreach (var silo in silos)
                {
                    if (silo.IsRunning && await silo.TryGetStatusAsync("orders") is { } found) return found;
                }

                return null;
            },
            s => s is not null && s.Counts.Consumed == model.Consumed && s.State == PartState.Running
                && s.Partitions.All(p => p.Checkpoint == p.End) && s.Shards.All(x => x.OutboxEntries == 0),
            deadline,
            s => $"{s} expected consumed {model.Consumed}\n{string.Join("\n", silos.Select(x => $"--- {x.Name}\n{Tail(x.LogText)}"))}");
        return status!;
    }

    /// <summary>Waits for a state of the pipeline, as a silo tells it.</summary>
    public async Task<PipelineStatus> WaitAsync(SiloProcess silo, Func<PipelineStatus, bool> holds) => (await Eventually.GetAsync(
        () => silo.TryGetStatusAsync("orders"),
        s => s is not null && holds(s),
        TimeSpan.FromMinutes(2),
        s => $"{s?.State} {s?.Reason} {s?.Counts}\n--- {silo.Name}\n{Tail(silo.LogText)}"))!;

    /// <summary>The verdict: rows and counts equal the model's.</summary>
    public async Task AssertEqualsAsync(OrderModel model, PipelineStatus status)
    {
        var rows = (await ReadWindowsAsync()).ToDictionary(r => (r.Customer, r.StartMs));
        var expected = model.Windows.Where(w => w.Customer != "closer").ToDictionary(w => (w.Customer, w.StartMs));
        Assert.Empty(expected.Keys.Except(rows.Keys));
        Assert.Empty(rows.Keys.Except(expected.Keys));
        foreach (var (key, totals) in expected) Assert.Equal(totals, rows[key]);
        Assert.Equal(model.Consumed - model.Quarantined - model.Duplicates, await CountAsync("SELECT count(*) FROM orders_clean"));
        Assert.Equal(model.Consumed - model.Quarantined - model.Duplicates, await CountAsync("SELECT count(DISTINCT order_id) FROM orders_clean"));
        Assert.Equal(model.Consumed, status.Counts.Consumed);
        Assert.Equal(model.Duplicates, status.Counts.Duplicate);
        Assert.Equal(model.Late, status.Counts.Late);
        Assert.Equal(model.Quarantined, status.Counts.Quarantined);
        Assert.True(status.Counts.AddsUp, status.Counts.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await Kafka.DisposeAsync();
        await Postgres.DisposeAsync();
        Directory.Delete(_folder, true);
    }

    private static string Tail(string text) => text.Length <= 6000 ? text : text[^6000..];
}
