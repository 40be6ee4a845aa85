using System.Globalization;
using Confluent.Kafka;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;
using Npgsql;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>
/// The main job with state, cluster and sinks on the Oracle stand-in (PostgreSQL with orafce behind a driver of Oracle's name; no Oracle is
/// involved). <c>KOR_E2E_ORACLE_RECORDS</c>, <c>_CUTS</c>, <c>_SERVER_KILLS</c> and <c>_SILO_KILLS</c> make the long version of it.
/// </summary>
public sealed class OracleTests
{
    /// <summary>Never needed by the server, and never to be seen anywhere.</summary>
    private const string Password = "canary-7b1f-not-to-be-seen";

    /// <summary>One id in a hundred ends like this; the table refuses it.</summary>
    private const string Poison = "77";

    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cut_commits_killed_servers_poison_rows_and_a_full_tablespace_change_no_row_and_no_count()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var stage = await OrdersStage.SetUpAsync(withOrleans: false);
        Assert.SkipUnless(
            await stage.Postgres.PsqlAsync("postgres", "SELECT count(*) FROM pg_available_extensions WHERE name = 'orafce'") == "1",
            "The PostgreSQL extension orafce is not installed (postgresql-15-orafce).");
        await Oracle.ManagedDataAccess.Client.OracleConnection.SetUpAsync(stage.Postgres.For(stage.Database));
        await using var proxy = new TcpProxy("127.0.0.1", stage.Postgres.Port, TcpProxy.Commit);
        await using var silo = Silo(stage, proxy);
        silo.Start();
        await PoisonAsync(stage, silo);

        var records = Setting("RECORDS", 30_000);
        using var stop = new CancellationTokenSource();
        var producing = new OrderLog(9, records, 2000, Start)
            .ProduceAsync(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, Setting("RATE", 1000));
        var cuts = Setting("CUTS", 15);
        var cutting = CutAsync(proxy, cuts, producing);
        var killed = 0;
        var siloKills = Setting("SILO_KILLS", 1);
        var serverKills = Setting("SERVER_KILLS", 2);
        await FullTablespaceAsync(stage, silo, producing);
        for (; killed < serverKills; killed++)
        {
            await ProgressAsync(stage, silo, producing);
            await stage.Postgres.KillAsync();
            await stage.Postgres.StartServerAsync();
            if (killed >= siloKills) continue;
            await ProgressAsync(stage, silo, producing);
            await silo.KillAsync();
            silo.Start();
        }

        await producing;
        await cutting;
        Assert.True(proxy.Cuts >= cuts, $"Only {proxy.Cuts} of {cuts} connections were cut while records came; give it more records.");
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions);
        var status = await stage.DrainAsync([silo], model, TimeSpan.FromMinutes(4));

        await AssertAsync(stage, model, status);
        Assert.DoesNotContain(Password, silo.LogText, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.Consumed} records, {proxy.Cuts} connections cut around COMMIT, {killed} server kills, {silo.Kills} silo kills, "
            + $"{model.Accepted.Count(IsPoison)} poison rows; rows, windows, counts and quarantine equal the model"));
    }

    private static SiloProcess Silo(OrdersStage stage, TcpProxy proxy)
    {
        var environment = new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = stage.Folder,
            ["Kor__Kafka__main__BootstrapServers"] = stage.Kafka.BootstrapServers,
            ["Kor__State__Create"] = "true",
            ["Kor__Engine__CheckpointInterval"] = "00:00:02",
            ["Kor__Cluster__Connection"] = "cluster",
        };
        foreach (var (name, port) in new[] { ("state", proxy.Port), ("dwh", proxy.Port), ("cluster", stage.Postgres.Port) })
        {
            environment[$"Kor__Connections__{name}__Provider"] = "Oracle";
            environment[$"Kor__Connections__{name}__Host"] = "127.0.0.1";
            environment[$"Kor__Connections__{name}__Port"] = port.ToString(CultureInfo.InvariantCulture);
            environment[$"Kor__Connections__{name}__Database"] = stage.Database;
            environment[$"Kor__Connections__{name}__User"] = "postgres";
            environment[$"Kor__Connections__{name}__Password"] = Password;
            environment[$"Kor__Connections__{name}__Breaker__Failures"] = "20";
            environment[$"Kor__Connections__{name}__Breaker__Break"] = "00:00:00.500";
        }

        return new SiloProcess("oracle", environment, withOracleStandIn: true) { IsSupervised = true };
    }

    /// <summary>A first record has the product make its table; then the table is made to refuse one id in a hundred.</summary>
    private static async Task PoisonAsync(OrdersStage stage, SiloProcess silo)
    {
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = stage.Kafka.BootstrapServers }).Build();
        var first = string.Create(CultureInfo.InvariantCulture,
            $"{{\"order_id\":\"first\",\"customer_id\":\"c00000\",\"amount\":1.00,\"currency\":\"EUR\",\"created_at\":{Start}}}");
        await producer.ProduceAsync(OrdersStage.Topic, new Message<string, string> { Key = "c00000", Value = first });
        await Eventually.GetAsync(
            () => CleanRowsAsync(stage), n => n == 1, TimeSpan.FromSeconds(120), n => $"{n} rows\n{silo.LogText}");
        await stage.Postgres.PsqlAsync(
            stage.Database,
            $"ALTER TABLE orders_clean ADD CONSTRAINT poison CHECK (order_id NOT LIKE '%{Poison}'); "
            + "CREATE FUNCTION full_tablespace() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN RAISE EXCEPTION 'unable to extend table KOR.ORDERS_CLEAN in tablespace USERS' USING ERRCODE = 'U1653'; END $$");
    }

    /// <summary>Cuts as many connections, half of them before the server hears COMMIT, half before its answer is heard.</summary>
    private static async Task CutAsync(TcpProxy proxy, int cuts, Task producing)
    {
        var random = new Random(3);
        while (proxy.Cuts < cuts && !producing.IsCompleted)
        {
            var before = proxy.Cuts;
            proxy.Arm(random.Next(2) == 0 ? CutPoint.BeforeRequest : CutPoint.BeforeAnswer);
            while (proxy.Cuts == before && !producing.IsCompleted) await Task.Delay(5, Cancel);
            await Task.Delay(random.Next(20, 400), Cancel);
        }
    }

    /// <summary>For a while no row fits in: the sink waits with the reason, and nothing is quarantined for it.</summary>
    private static async Task FullTablespaceAsync(OrdersStage stage, SiloProcess silo, Task producing)
    {
        await ProgressAsync(stage, silo, producing);
        await stage.Postgres.PsqlAsync(
            stage.Database, "CREATE TRIGGER full_t BEFORE INSERT ON orders_clean FOR EACH ROW EXECUTE FUNCTION full_tablespace()");
        await Eventually.GetAsync(
            () => silo.TryGetStatusAsync("orders"),
            s => s is not null && s.Sinks.Any(x => x.State == PartState.Blocked && x.Reason?.Contains("ORA-01653", StringComparison.Ordinal) == true),
            TimeSpan.FromSeconds(60), s => $"{s}\n{string.Join("\n", s?.Sinks ?? [])}\n{silo.LogText}");
        await Task.Delay(3000, Cancel);
        Assert.Equal(0, await stage.CountAsync("SELECT count(*) FROM kor_quarantine WHERE code LIKE '%1653%'"));
        await stage.Postgres.PsqlAsync(stage.Database, "DROP TRIGGER full_t ON orders_clean");
        await ProgressAsync(stage, silo, producing);
    }

    /// <summary>Waits until the sink has got further, or there is no further to get to.</summary>
    private static async Task ProgressAsync(OrdersStage stage, SiloProcess silo, Task producing)
    {
        var before = await CleanRowsAsync(stage);
        await Eventually.GetAsync(
            () => CleanRowsAsync(stage), n => n > before + 200 || producing.IsCompleted, TimeSpan.FromSeconds(120), n => $"{n} rows, {before} before\n{silo.LogText}");
    }

    private static async Task<long> CleanRowsAsync(OrdersStage stage)
    {
        try
        {
            return await stage.CountAsync("SELECT count(*) FROM orders_clean");
        }
        catch (NpgsqlException)
        {
            return 0; // Not made yet, or the server is just being killed.
        }
    }

    private static bool IsPoison(AcceptedOrder order) => order.Id.EndsWith(Poison, StringComparison.Ordinal);

    private static async Task AssertAsync(OrdersStage stage, OrderModel model, PipelineStatus status)
    {
        NpgsqlConnection.ClearAllPools(); // Killed servers have left dead connections in this process's pool.
        Assert.Equal(
            model.Windows.Where(w => w.Customer != "closer").OrderBy(w => w.Customer, StringComparer.Ordinal).ThenBy(w => w.StartMs),
            (await stage.ReadWindowsAsync()).OrderBy(w => w.Customer, StringComparer.Ordinal).ThenBy(w => w.StartMs));
        Assert.Equal(
            model.Accepted.Where(a => !IsPoison(a)).Select(a => a.Id).Order(StringComparer.Ordinal),
            (await ReadAsync(stage, "SELECT order_id FROM orders_clean")).Order(StringComparer.Ordinal));
        Assert.Equal(
            model.Accepted.Where(IsPoison).Select(a => $"{a.Partition}/{a.Offset} ORA-02290").Order(StringComparer.Ordinal),
            (await ReadAsync(stage, "SELECT topic_partition || '/' || topic_offset || ' ' || code FROM kor_quarantine WHERE place = 'sink:clean'"))
                .Order(StringComparer.Ordinal));
        Assert.Equal((model.Consumed, model.Duplicates, model.Late), (status.Counts.Consumed, status.Counts.Duplicate, status.Counts.Late));
        Assert.True(status.Counts.AddsUp, status.Counts.ToString());
    }

    private static async Task<List<string>> ReadAsync(OrdersStage stage, string sql)
    {
        var rows = new List<string>();
        await using var connection = new NpgsqlConnection(stage.Postgres.For(stage.Database));
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel)) rows.Add(reader.GetString(0));
        return rows;
    }

    private static int Setting(string name, int fallback) =>
        int.TryParse(Environment.GetEnvironmentVariable($"KOR_E2E_ORACLE_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value : fallback;
}
