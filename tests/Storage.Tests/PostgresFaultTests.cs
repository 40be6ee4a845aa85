using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Servers killed and connections cut around COMMIT: nothing is lost and nothing is done twice.</summary>
public sealed class PostgresFaultTests(PostgresFixture postgres)
{
    private static readonly Schema Row = new(
        new Field("id", FieldType.Integer, false), new Field("n", FieldType.Integer),
            new Field("text", FieldType.String));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_cut_around_COMMIT_lose_and_double_nothing()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, TcpProxy.Commit);
        await using var connections = Connections(cluster, name, proxy.Port);
        var factory = new AdoSinkFactory(connections);
        var spec = new SinkSpec("p", "s", "dwh", "events", SinkMode.Append, Row, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        // A counter beside the rows shows a repeated transaction even where rows are idempotent.
        await cluster.PsqlAsync(name,
            "CREATE TABLE hits (id bigint); CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN INSERT INTO hits VALUES (new.writes); RETURN new; END $$; "
            + "CREATE TRIGGER t AFTER UPDATE OF writes ON kor_lane FOR EACH ROW EXECUTE FUNCTION hit()");
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var random = new Random(5);
        const int Writes = 150;
        for (var i = 0; i < Writes; i++)
        {
            if (random.Next(2) == 0) proxy.Arm(random.Next(2) == 0 ? CutPoint.BeforeRequest : CutPoint.BeforeAnswer);
            var rows = Rows.Block(Row, [(i * 2) + 0L, (long)i, "a"], [(i * 2) + 1L, (long)i, "b"]);
            var result = await RepeatAsync(() => lane.WriteAsync(new SinkWrite(rows, i, null, null), Cancel));
            Assert.Equal(new SinkWriteResult(2, 0), result);
        }

        Assert.InRange(proxy.Cuts, Writes / 4, Writes);
        Assert.Equal($"{Writes * 2}", await cluster.PsqlAsync(name, "SELECT count(*) FROM events"));
        Assert.Equal($"{Writes}|{Writes}",
            await cluster.PsqlAsync(name, "SELECT count(*), count(DISTINCT id) FROM hits"));
    }

    [Fact]
    public async Task A_checkpoint_of_unknown_outcome_is_repeated_without_harm()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, TcpProxy.Commit);
        await using var connections = Connections(cluster, name, proxy.Port);
        var database = connections.Get("dwh");
        await StateSchema.EnsureAsync(database, create: true, Cancel);
        var store = new AdoStateStore(database);
        var lease = await store.AcquireAsync("o", Cancel);
        for (var i = 1; i <= 60; i++)
        {
            if (i % 2 == 0) proxy.Arm(i % 4 == 0 ? CutPoint.BeforeRequest : CutPoint.BeforeAnswer);
            var write = new CheckpointWrite
            {
                Owner = "o", Epoch = lease.Epoch, Header = BitConverter.GetBytes(i),
                Upserts = [new CellState(new CellId("s", $"c{i % 7}", 0), BitConverter.GetBytes(i), i)],
                OutboxAdds = [new OutboxEntry(i, "x", [1])], OutboxDrops = i > 3 ? [i - 3] : [],
            };
            await RepeatAsync(async () =>
            {
                await store.CommitAsync(write, Cancel);
                return true;
            });
            var read = await RepeatAsync(() => store.PeekAsync("o", Cancel));
            Assert.Equal(i, BitConverter.ToInt32(read!.Header!));
        }

        Assert.Equal(30, proxy.Cuts);
        Assert.Equal([58, 59, 60], (await store.ReadOutboxAsync("o", Cancel)).Select(e => e.Sequence));
        Assert.Equal(7, (await store.ListCellsAsync("o", Cancel)).Count);
    }

    [Fact]
    public async Task A_server_killed_in_the_middle_of_commits_loses_no_confirmed_one()
    {
        Assert.SkipUnless(PostgresCluster.SkipReason is null, PostgresCluster.SkipReason ?? "");
        await using var cluster = await PostgresCluster.StartAsync(fsync: false);
        var name = await cluster.CreateDatabaseAsync();
        await using var connections = Connections(cluster, name, cluster.Port);
        var database = connections.Get("dwh");
        await StateSchema.EnsureAsync(database, create: true, Cancel);
        var store = new AdoStateStore(database);
        using var stop = new CancellationTokenSource();
        var confirmed = new long[4];
        var owners = Enumerable.Range(0, 4).Select(n => Task.Run(async () =>
        {
            var lease = await RepeatAsync(() => store.AcquireAsync($"o{n}", Cancel));
            for (var i = 1L; !stop.IsCancellationRequested; i++)
            {
                var mark = BitConverter.GetBytes(i);
                var write = new CheckpointWrite
                {
                    Owner = $"o{n}", Epoch = lease.Epoch, Header = mark,
                    Upserts = [.. Enumerable.Range(0, 50).Select(c =>
                        new CellState(new CellId("s", $"c{c}", 0), mark, null))],
                };
                await RepeatAsync(async () =>
                {
                    await store.CommitAsync(write, Cancel);
                    return true;
                });
                Volatile.Write(ref confirmed[n], i);
            }
        })).ToArray();

        for (var round = 0; round < 3; round++)
        {
            var before = confirmed.Sum();
            await UntilAsync(() => confirmed.Sum() > before + 40);
            await cluster.KillAsync();
            await cluster.StartServerAsync();
        }

        var last = confirmed.Sum();
        await UntilAsync(() => confirmed.Sum() > last + 40);
        await stop.CancelAsync();
        await Task.WhenAll(owners);
        for (var n = 0; n < 4; n++)
        {
            var header = (await store.PeekAsync($"o{n}", Cancel))!.Header!;
            Assert.Equal(confirmed[n], BitConverter.ToInt64(header));
            var cells = await store.ReadCellsAsync($"o{n}",
                [.. Enumerable.Range(0, 50).Select(c => new CellId("s", $"c{c}", 0))], Cancel);
            Assert.Equal(50, cells.Count);
            Assert.All(cells, c => Assert.Equal(header, c.Payload));
        }
    }

    [Fact]
    public async Task An_outage_opens_the_circuit_with_its_reason_and_closes_it_afterwards()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, TcpProxy.Commit);
        await using var connections = Connections(cluster, name, proxy.Port);
        var database = connections.Get("dwh");
        await database.PingAsync(Cancel);
        Assert.Equal("closed", database.Circuit.State);

        proxy.Refuse(true);
        for (var i = 0; i < 40 && database.Circuit.State != "open"; i++)
            await Assert.ThrowsAsync<DatabaseException>(() => database.PingAsync(Cancel));
        Assert.Equal("open", database.Circuit.State);
        Assert.NotNull(database.Circuit.LastError);
        Assert.NotNull(database.Circuit.FailingSince);
        var fast = await Assert.ThrowsAsync<DatabaseException>(() => database.PingAsync(Cancel));
        Assert.Contains("circuit is open", fast.Message);
        var lookup = new AdoLookup(connections);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => lookup.ReadAllAsync(
            new LookupSpec("dwh", "t", ["a"], ["b"], [FieldType.String]), [FieldType.String], 10, Cancel));

        proxy.Refuse(false);
        await UntilAsync(() => TryPing(database));
        Assert.Equal("closed", database.Circuit.State);
        Assert.Null(database.Circuit.LastError);
    }

    [Fact]
    public async Task A_deferred_constraint_blames_the_row_not_the_batch()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await cluster.PsqlAsync(name,
            "CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES (1), (2); CREATE TABLE events "
            + "(id bigint PRIMARY KEY, n bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED, text text)");
        await using var connections = Connections(cluster, name, cluster.Port, o =>
            o.Retry.OtherRowsWait = TimeSpan.FromMilliseconds(100));
        var factory = new AdoSinkFactory(connections);
        var spec = new SinkSpec("p", "s", "dwh", "events", SinkMode.Append, Row, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);

        var rows = Rows.Block(Row, [1L, 1L, "a"], [2L, 9L, "orphan"], [3L, 2L, "b"]);
        Assert.Equal(new SinkWriteResult(2, 1), await lane.WriteAsync(new SinkWrite(rows, 1, null, null), Cancel));
        Assert.Equal("SQLSTATE 23503", await cluster.PsqlAsync(name, "SELECT code FROM kor_quarantine"));
    }

    [Fact]
    public async Task A_database_out_of_space_is_waited_for()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await cluster.PsqlAsync(name,
            "CREATE TABLE events (id bigint PRIMARY KEY, n bigint, text text); CREATE FUNCTION full_disk() RETURNS trigger "
            + "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$; "
            + "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION full_disk()");
        await using var connections = Connections(cluster, name, cluster.Port);
        var factory = new AdoSinkFactory(connections);
        var spec = new SinkSpec("p", "s", "dwh", "events", SinkMode.Append, Row, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var write = new SinkWrite(Rows.Block(Row, [1L, 1L, "a"]), 1, null, null);

        var full = await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(write, Cancel));
        Assert.Contains("no space left", full.Message);
        await cluster.PsqlAsync(name, "DROP TRIGGER t ON events");
        Assert.Equal(new SinkWriteResult(1, 0), await RepeatAsync(() => lane.WriteAsync(write, Cancel)));
        Assert.Equal("0", await cluster.PsqlAsync(name, "SELECT count(*) FROM kor_quarantine"));
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_tried_in_halves()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        // 4 ms per row: 400 rows at once exceed a second, half of them do not.
        await cluster.PsqlAsync(name,
            "CREATE TABLE events (id bigint PRIMARY KEY, n bigint, text text); CREATE FUNCTION slow() RETURNS trigger "
            + "LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.004); RETURN new; END $$; "
            + "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION slow()");
        await using var connections = Connections(cluster, name, cluster.Port, o =>
            o.CommandTimeout = TimeSpan.FromSeconds(1));
        var factory = new AdoSinkFactory(connections);
        var spec = new SinkSpec("p", "s", "dwh", "events", SinkMode.Append, Row, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var rows = Rows.Block(Row, [.. Enumerable.Range(0, 400).Select(i => (object?[])[i, 1, "a"])]);

        Assert.Equal(new SinkWriteResult(400, 0),
            await RepeatAsync(() => lane.WriteAsync(new SinkWrite(rows, 1, null, null), Cancel)));
        Assert.Equal("400", await cluster.PsqlAsync(name, "SELECT count(*) FROM events"));
    }

    private static bool TryPing(Database database)
    {
        try
        {
            database.PingAsync(Cancel).GetAwaiter().GetResult();
            return true;
        }
        catch (DatabaseException)
        {
            return false;
        }
    }

    private static DatabaseConnections Connections(
        PostgresCluster cluster, string database, int port, Action<ConnectionOptions>? configure = null)
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql,
            ConnectionString = cluster.For(database),
            Port = port,
            Breaker = new BreakerOptions { Break = TimeSpan.FromMilliseconds(500), Failures = 20 },
        };
        configure?.Invoke(options);
        return new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
    }

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> body)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            try
            {
                return await body();
            }
            catch (Exception failure)
                when (failure is SinkUnavailableException or StoreUnavailableException && DateTime.UtcNow < deadline)
            {
                await Task.Delay(20, Cancel);
            }
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "The condition did not come true within a minute.");
            await Task.Delay(10, Cancel);
        }
    }
}
