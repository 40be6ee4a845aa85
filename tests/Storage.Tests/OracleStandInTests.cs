using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.Verification;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>
/// A database for the Oracle stand-in (PostgreSQL with orafce behind a driver of Oracle's name). No Oracle is involved.
/// </summary>
internal static class StandIn
{
    public static async Task<ConnectionOptions> CreateAsync(PostgresFixture postgres, int? port = null)
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync("ora");
        Assert.SkipUnless(
            await cluster.PsqlAsync("postgres",
                "SELECT count(*) FROM pg_available_extensions WHERE name = 'orafce'") == "1",
            "The PostgreSQL extension orafce is not installed (postgresql-15-orafce).");
        await Oracle.ManagedDataAccess.Client.OracleConnection.SetUpAsync(cluster.For(name));
        return new ConnectionOptions
        {
            Provider = DatabaseProvider.Oracle, Host = "127.0.0.1", Port = port ?? cluster.Port, Database = name,
            User = "postgres", Password = "not-needed-3141",
            Breaker = new BreakerOptions { Break = TimeSpan.FromMilliseconds(500), Failures = 20 },
        };
    }
}

public sealed class OracleStandInStateStoreTests(PostgresFixture postgres) : StateStoreConformance
{
    protected override async Task<Database> CreateAsync() => new("test", await StandIn.CreateAsync(postgres));
}

public sealed class OracleStandInSinkTests(PostgresFixture postgres) : SinkConformance
{
    protected override string LimitedTable =>
        "CREATE TABLE LIMITED (ID NUMBER(19) NOT NULL PRIMARY KEY, CODE VARCHAR2(5), QTY NUMBER(19) CHECK (QTY <= 100))";

    protected override async Task ExecuteNativeAsync(string sql, string sqlite) =>
        await (await postgres.GetAsync()).PsqlAsync(Options.Database!, sql);

    protected override Task<ConnectionOptions> CreateAsync() => StandIn.CreateAsync(postgres);
}

public sealed class OracleStandInFaultTests(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_verification_passes_on_the_stand_in()
    {
        var options = await StandIn.CreateAsync(postgres);
        options.Retry.OtherRowsWait = TimeSpan.FromMilliseconds(100);
        await using var database = new Database("dwh", options);
        var results = await new OracleVerification(database).RunAsync(Cancel);

        Assert.Equal(31, results.Count);
        Assert.All(results, r => Assert.True(r.Passed, $"{r.Name}: {r.Evidence}"));
    }

    [Fact]
    public async Task Connections_cut_around_COMMIT_lose_and_double_nothing()
    {
        var cluster = await postgres.GetAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, TcpProxy.Commit);
        var options = await StandIn.CreateAsync(postgres, proxy.Port);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("text", FieldType.String));
        var spec = new SinkSpec("p", "s", "dwh", "events", SinkMode.Append, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await cluster.PsqlAsync(options.Database!,
            "CREATE TABLE hits (n numeric); CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN INSERT INTO hits VALUES (new.writes); RETURN new; END $$; "
            + "CREATE TRIGGER t AFTER UPDATE OF writes ON kor_lane FOR EACH ROW EXECUTE FUNCTION hit()");
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var random = new Random(9);
        const int Writes = 80;
        for (var i = 0; i < Writes; i++)
        {
            if (random.Next(2) == 0) proxy.Arm(random.Next(2) == 0 ? CutPoint.BeforeRequest : CutPoint.BeforeAnswer);
            var rows = Rows.Block(schema, [(i * 2) + 0L, "a"], [(i * 2) + 1L, "b"]);
            var deadline = DateTime.UtcNow.AddSeconds(60);
            while (true)
            {
                try
                {
                    Assert.Equal(
                        new SinkWriteResult(2, 0), await lane.WriteAsync(new SinkWrite(rows, i, null, null), Cancel));
                    break;
                }
                catch (SinkUnavailableException) when (DateTime.UtcNow < deadline)
                {
                    await Task.Delay(20, Cancel);
                }
            }
        }

        Assert.InRange(proxy.Cuts, Writes / 4, Writes);
        Assert.Equal($"{Writes * 2}", await cluster.PsqlAsync(options.Database!, "SELECT count(*) FROM events"));
        Assert.Equal($"{Writes}|{Writes}",
            await cluster.PsqlAsync(options.Database!, "SELECT count(*), count(DISTINCT n) FROM hits"));
    }

    [Fact]
    public async Task Long_strings_go_into_a_CLOB_column_and_are_refused_by_a_shorter_one()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        var database = connections.Get("dwh");
        await database.WriteAsync((session, token) => session.ExecuteAsync(
            "CREATE TABLE NOTES (ID NUMBER(19) NOT NULL PRIMARY KEY, TITLE VARCHAR2(4000), BODY CLOB)", token), Cancel);
        var schema = new Schema(
            new Field("id", FieldType.Integer, false), new Field("title", FieldType.String),
                new Field("body", FieldType.String));
        var spec = new SinkSpec("p", "s", "dwh", "notes", SinkMode.Upsert, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var rows = Rows.Block(schema,
            [1L, "short", new string('x', 4001)], [2L, new string('é', 2001), "b"],
                [3L, new string('é', 2000), new string('é', 90_000)], [4L, "", null]);

        Assert.Equal(new SinkWriteResult(3, 1), await lane.WriteAsync(new SinkWrite(rows, 1, null, null), Cancel));
        var cluster = await postgres.GetAsync();
        Assert.Equal("1:5:4001,3:2000:90000,4::", await cluster.PsqlAsync(options.Database!,
            "SELECT string_agg(id || ':' || coalesce(length(title)::text, '') || ':' || coalesce(length(body)::text, ''), ',' ORDER BY id) FROM notes"));
        Assert.Equal("KOR5103", await cluster.PsqlAsync(options.Database!, "SELECT code FROM kor_quarantine"));
    }

    [Fact]
    public async Task A_full_tablespace_is_waited_for_and_nothing_is_quarantined()
    {
        var options = await StandIn.CreateAsync(postgres);
        var cluster = await postgres.GetAsync();
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String));
        var spec = new SinkSpec("p", "s", "dwh", "filling", SinkMode.Append, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        await cluster.PsqlAsync(options.Database!,
            "CREATE FUNCTION full_tablespace() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN IF new.id > 700 THEN RAISE EXCEPTION 'unable to extend table' USING ERRCODE = 'U1653'; END IF; RETURN new; END $$; "
            + "CREATE TRIGGER full_t BEFORE INSERT ON filling FOR EACH ROW EXECUTE FUNCTION full_tablespace(); "
            + "ALTER TABLE filling ADD CONSTRAINT poison CHECK (id % 100 <> 7)");
        var write = new SinkWrite(
            Rows.Block(schema, [.. Enumerable.Range(0, 1000).Select(i => (object?[])[(long)i, "a"])]), 1, null, null);

        // The space ends within a batch that has poison rows, too: the batch as a whole waits.
        for (var i = 0; i < 3; i++)
        {
            var full = await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(write, Cancel));
            Assert.Contains("ORA-01653", full.Message);
            Assert.NotNull(full.RetryAfter);
        }

        Assert.Equal("0|0", await cluster.PsqlAsync(options.Database!, "SELECT (SELECT count(*) FROM filling), (SELECT count(*) FROM kor_quarantine)"));
        await cluster.PsqlAsync(options.Database!, "DROP TRIGGER full_t ON filling");
        Assert.Equal(new SinkWriteResult(990, 10), await lane.WriteAsync(write, Cancel));
    }

    [Fact]
    public async Task A_constraint_that_fails_at_COMMIT_is_told_from_within_ORA_02091_and_costs_its_row_alone()
    {
        var options = await StandIn.CreateAsync(postgres);
        options.Retry.OtherRowsWait = TimeSpan.FromMilliseconds(100);
        var cluster = await postgres.GetAsync();
        await cluster.PsqlAsync(options.Database!,
            "CREATE TABLE parents (id numeric(19) PRIMARY KEY); INSERT INTO parents VALUES (1); CREATE TABLE children "
            + "(id numeric(19) NOT NULL PRIMARY KEY, parent numeric(19) REFERENCES parents DEFERRABLE INITIALLY DEFERRED)");
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => connections.Get("dwh").WriteAsync(
            (session, token) => session.ExecuteAsync("INSERT INTO CHILDREN (ID, PARENT) VALUES (1, 7)", token), Cancel));
        Assert.Equal((ErrorClass.Row, "ORA-02291", DatabasePhase.Commit), (failure.Error.Class, failure.Error.Code, failure.Phase));
        Assert.False(failure.OutcomeUnknown);

        var factory = new AdoSinkFactory(connections);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("parent", FieldType.Integer));
        var spec = new SinkSpec("p", "s", "dwh", "children", SinkMode.Upsert, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new SinkWriteResult(2, 1), await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, [1L, 1L], [2L, 7L], [3L, null]), 1, null, null), Cancel));
        Assert.Equal("ORA-02291", await cluster.PsqlAsync(options.Database!, "SELECT code FROM kor_quarantine"));
    }

    [Fact]
    public async Task Keys_of_a_CHAR_column_that_differ_in_trailing_blanks_only_are_one_key()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        await connections.Get("dwh").WriteAsync((session, token) => session.ExecuteAsync(
            "CREATE TABLE BLANKS (CODE CHAR(5) NOT NULL PRIMARY KEY, N NUMBER(19))", token), Cancel);
        var schema = new Schema(new Field("code", FieldType.String, false), new Field("n", FieldType.Integer));
        var spec = new SinkSpec("p", "s", "dwh", "blanks", SinkMode.Upsert, schema, ["code"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        // 'a  ' sorts after 'a': in key order its row would win, though 'a' came later.
        Assert.Equal(new SinkWriteResult(2, 0, Superseded: 2), await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, ["a", 1L], ["a  ", 2L], ["b", 3L], ["a", 4L]), 1, null, null), Cancel));
        var reducer = new RowReducer(SinkTable.From(spec, Dialect.For(DatabaseProvider.Oracle)), [true]);
        reducer.Reduce(Rows.Block(schema, ["a ", 1L], ["b", 2L], ["a", 3L], ["a   ", 4L]), [0, 1, 2, 3], null, false, byKey: true);
        Assert.Equal([3, 1], reducer.Writes);
        var cluster = await postgres.GetAsync();
        Assert.Equal("a=4,b=3", await cluster.PsqlAsync(options.Database!, "SELECT string_agg(trim(code) || '=' || n, ',' ORDER BY code) FROM blanks"));
    }

    [Fact]
    public async Task Columns_of_other_makes_take_what_they_hold_and_refuse_the_rest_by_row()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        await connections.Get("dwh").WriteAsync((session, token) => session.ExecuteAsync(
            "CREATE TABLE OTHERS (ID NUMBER(19) NOT NULL PRIMARY KEY, N NUMBER(8,2), RATIO NUMBER, AT TIMESTAMP(3))", token), Cancel);
        var schema = new Schema(
            new Field("id", FieldType.Integer, false), new Field("n", FieldType.Integer), new Field("ratio", FieldType.Double),
            new Field("at", FieldType.Timestamp));
        var spec = new SinkSpec("p", "s", "dwh", "others", SinkMode.Upsert, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var at = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        var rows = Rows.Block(schema,
            [1L, 999_999L, 0.25, at.AddMilliseconds(123)], [2L, 1_000_000L, 0.5, at], [3L, 1L, double.NaN, at],
            [4L, 1L, 1e200, at], [5L, 1L, 1e100, at.AddMicroseconds(1)], [6L, null, null, null]);

        Assert.Equal(new SinkWriteResult(2, 4), await lane.WriteAsync(new SinkWrite(rows, 1, null, null), Cancel));
        var cluster = await postgres.GetAsync();
        Assert.Equal("KOR5104,KOR5104,KOR5104,KOR5106",
            await cluster.PsqlAsync(options.Database!, "SELECT string_agg(code, ',' ORDER BY code) FROM kor_quarantine"));
    }

    /// <summary>What is advised where a large value cannot be kept is done: afterwards the plan has no objection and a row is written.</summary>
    [Fact]
    public async Task A_large_value_that_cannot_be_kept_is_refused_with_advice_that_works()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String), new Field("doc", FieldType.Json));
        var spec = new SinkSpec("p", "s", "dwh", "parts", SinkMode.Upsert, schema, ["id"], null, true, false) { KeepMissing = true };
        var factory = new AdoSinkFactory(connections);
        var refused = await Assert.ThrowsAsync<SinkConfigurationException>(() => factory.PrepareAsync(spec, Cancel));
        Assert.Contains("The column DOC cannot be changed in part ('missing: keep')", refused.Message);
        Assert.Contains("leave the column out of this sink, or write it with a sink without 'missing: keep'", refused.Message);

        SinkSpec[] advised =
        [
            spec with { KeepMissing = false },
            spec with { Sink = "parts", Schema = new Schema(schema[0], schema[1]) },
        ];
        foreach (var one in advised)
        {
            await factory.PrepareAsync(one, Cancel);
            Assert.Empty((await factory.PlanAsync(one, Cancel)).Differences);
            await using var lane = await factory.OpenAsync(one, one.Sink, Cancel);
            object?[] row = one.KeepMissing ? [1L, "new"] : [1L, "old", "{}"];
            Assert.Equal(1, (await lane.WriteAsync(new SinkWrite(Rows.Block(one.Schema, row), 1, null, null), Cancel)).Written);
        }

        var cluster = await postgres.GetAsync();
        Assert.Equal("1|new|{}", await cluster.PsqlAsync(options.Database!, "SELECT id, v, doc FROM parts"));
        // Made before, the column is still one that cannot be kept.
        Assert.NotEmpty((await factory.PlanAsync(spec, Cancel)).Differences);
    }

    [Fact]
    public async Task A_column_with_a_time_zone_is_refused_at_the_start_and_in_a_lookup()
    {
        var options = await StandIn.CreateAsync(postgres);
        var cluster = await postgres.GetAsync();
        await cluster.PsqlAsync(options.Database!, "CREATE TABLE zoned (id numeric(19) NOT NULL PRIMARY KEY, at timestamptz)");
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("at", FieldType.Timestamp));
        var spec = new SinkSpec("p", "s", "dwh", "zoned", SinkMode.Upsert, schema, ["id"], null, true, false);

        var refused = await Assert.ThrowsAsync<SinkConfigurationException>(
            () => new AdoSinkFactory(connections).PrepareAsync(spec, Cancel));
        Assert.Contains("session's time zone", refused.Message);
        await cluster.PsqlAsync(options.Database!, "INSERT INTO zoned VALUES (1, now())");
        var lookup = new LookupSpec("dwh", "zoned", ["id"], ["at"], [FieldType.Timestamp]);
        var unread = await new AdoLookup(connections).ReadAllAsync(lookup, [FieldType.Integer], 10, Cancel);
        Assert.Contains("SYS_EXTRACT_UTC", Assert.Single(unread.Faults).Reason);
    }

    [Fact]
    public async Task Where_the_database_is_not_UTF8_its_own_count_of_bytes_decides()
    {
        var options = await StandIn.CreateAsync(postgres);
        var cluster = await postgres.GetAsync();
        await cluster.PsqlAsync(options.Database!,
            "CREATE OR REPLACE VIEW nls_database_parameters AS SELECT 'NLS_CHARACTERSET'::text AS parameter, 'WE8ISO8859P15'::text AS value; "
            + "CREATE TABLE western (id numeric(19) NOT NULL PRIMARY KEY, name varchar(5))");
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var factory = new AdoSinkFactory(connections);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("name", FieldType.String));
        var spec = new SinkSpec("p", "s", "dwh", "western", SinkMode.Upsert, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);

        Assert.Equal(new SinkWriteResult(1, 1), await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, [1L, "ééééé"], [2L, "éééééé"]), 1, null, null), Cancel));
    }

    [Fact]
    public async Task A_COMMIT_that_is_not_answered_is_given_up_and_the_lanes_row_says_whether_it_happened()
    {
        var cluster = await postgres.GetAsync();
        var options = await StandIn.CreateAsync(postgres);
        options.CommandTimeout = TimeSpan.FromSeconds(1);
        await cluster.PsqlAsync(options.Database!,
            "CREATE TABLE slow (id numeric(19) NOT NULL PRIMARY KEY); CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            + "$$ BEGIN PERFORM pg_sleep(2.5); RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER late AFTER INSERT ON slow "
            + "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.id < 10) EXECUTE FUNCTION wait()");
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var database = connections.Get("dwh");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.WriteAsync(
            (session, token) => session.ExecuteAsync("INSERT INTO SLOW (ID) VALUES (1)", token), Cancel));
        Assert.True(failure.OutcomeUnknown, failure.ToString());
        Assert.Contains("no answer to COMMIT within 1 s", failure.Message);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2.4), $"{clock.Elapsed}");

        var factory = new AdoSinkFactory(connections);
        var schema = new Schema(new Field("id", FieldType.Integer, false));
        var spec = new SinkSpec("p", "s", "dwh", "slow", SinkMode.Append, schema, ["id"], null, true, false);
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            try
            {
                Assert.Equal(2, (await lane.WriteAsync(new SinkWrite(Rows.Block(schema, [2L], [11L]), 1, null, null), Cancel)).Written);
                break;
            }
            catch (SinkUnavailableException) when (DateTime.UtcNow < deadline)
            {
                // The session that still commits holds the lane's row.
            }
        }

        Assert.Equal("1,2,11|1", await cluster.PsqlAsync(options.Database!,
            "SELECT (SELECT string_agg(id::text, ',' ORDER BY id) FROM slow), (SELECT writes FROM kor_lane)"));
    }

    [Fact]
    public async Task Another_password_clears_the_pool_of_the_old_one_and_threads_are_kept_for_a_driver_that_blocks()
    {
        var options = await StandIn.CreateAsync(postgres);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "one", Cancel);
        (options.Password, options.PasswordFile) = (null, file);
        var secrets = new PasswordSource("dwh", options);
        var source = new OracleConnections("dwh", options, secrets);
        ThreadPool.GetMinThreads(out var least, out _);
        Assert.True(least >= options.MaxPoolSize, $"{least} threads");
        // Nothing has been opened: there is no pool to clear, which the driver calls an error.
        source.Discard();

        var first = (Oracle.ManagedDataAccess.Client.OracleConnection)await source.OpenAsync(Cancel);
        Assert.True(first.KeepAlive);
        Assert.Equal(30, first.KeepAliveTime);
        var old = first.ConnectionString;
        Assert.True(Oracle.ManagedDataAccess.Client.OracleConnection.HasPool(old));
        await first.DisposeAsync();
        await File.WriteAllTextAsync(file, "two", Cancel);
        var second = (Oracle.ManagedDataAccess.Client.OracleConnection)await source.OpenAsync(Cancel);
        Assert.False(Oracle.ManagedDataAccess.Client.OracleConnection.HasPool(old));
        Assert.True(Oracle.ManagedDataAccess.Client.OracleConnection.HasPool(second.ConnectionString));
        await second.DisposeAsync();
        await source.DisposeAsync();
        Assert.False(Oracle.ManagedDataAccess.Client.OracleConnection.HasPool(second.ConnectionString));
        File.Delete(file);
    }

    [Fact]
    public async Task A_driver_that_fails_at_giving_a_dead_connection_back_hides_neither_the_error_nor_a_commit()
    {
        var cluster = await postgres.GetAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, TcpProxy.Commit);
        var options = await StandIn.CreateAsync(postgres, proxy.Port);
        await using var database = new Database("dwh", options);
        await cluster.PsqlAsync(options.Database!, "CREATE TABLE lost (id numeric(10))");
        await database.PingAsync(Cancel);
        proxy.Arm(CutPoint.BeforeAnswer);

        // The stand-in throws when the transaction of a dead connection is disposed, as drivers may.
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.WriteAsync(
            (session, token) => session.ExecuteAsync("INSERT INTO LOST (ID) VALUES (1)", token), Cancel));
        Assert.True(failure.OutcomeUnknown, failure.ToString());
        Assert.Equal("1", await cluster.PsqlAsync(options.Database!, "SELECT count(*) FROM lost"));
        await database.PingAsync(Cancel);
    }

    [Fact]
    public async Task An_unreachable_server_is_told_from_the_wrapped_error_and_no_password_is()
    {
        var options = await StandIn.CreateAsync(postgres, port: 1);
        await using var database = new Database("dwh", options);
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.PingAsync(Cancel));

        Assert.Equal((ErrorClass.Unreachable, "ORA-12541"), (failure.Error.Class, failure.Error.Code));
        Assert.DoesNotContain("3141", failure.ToString());
        Assert.DoesNotContain("3141", database.ToString());
    }

    [Fact]
    public async Task A_lookup_key_that_Oracle_does_not_take_is_that_keys_fault_alone()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        await connections.Get("dwh").WriteAsync((session, token) => session.ExecuteAsync(
            "CREATE TABLE LONG_KEYS (CODE VARCHAR2(4000) NOT NULL PRIMARY KEY, N NUMBER(19))", token), Cancel);
        await connections.Get("dwh").WriteAsync((session, token) => session.ExecuteAsync("INSERT INTO LONG_KEYS VALUES ('a', 1)", token), Cancel);
        var lookup = new LookupSpec("dwh", "long_keys", ["code"], ["n"], [FieldType.Integer]);
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), [new string('é', 2001)], ["a"], [new string('x', 4000)]);

        var found = await new AdoLookup(connections).LookupAsync(lookup, keys, Cancel);

        Assert.Equal([false, true, false], found.Found);
        var fault = Assert.Single(found.Faults);
        Assert.Equal((0, "KOR4053"), (fault.Key, fault.Code));
        Assert.Contains("4002 bytes", fault.Reason);
    }
}
