using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
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

    protected override Task<ConnectionOptions> CreateAsync() => StandIn.CreateAsync(postgres);
}

public sealed class OracleStandInFaultTests(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_verification_passes_on_the_stand_in()
    {
        await using var database = new Database("dwh", await StandIn.CreateAsync(postgres));
        var results = await new OracleVerification(database).RunAsync(Cancel);

        Assert.Equal(16, results.Count);
        Assert.All(results, r => Assert.True(r.Passed, $"{r.Name}: {r.Evidence}"));
    }

    [Fact]
    public async Task Connections_cut_around_COMMIT_lose_and_double_nothing()
    {
        var cluster = await postgres.GetAsync();
        await using var proxy = new TcpProxy("127.0.0.1", cluster.Port, "COMMIT"u8.ToArray());
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
    public async Task An_unreachable_server_is_told_from_the_wrapped_error_and_no_password_is()
    {
        var options = await StandIn.CreateAsync(postgres, port: 1);
        await using var database = new Database("dwh", options);
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.PingAsync(Cancel));

        Assert.Equal((ErrorClass.Unreachable, "ORA-12541"), (failure.Error.Class, failure.Error.Code));
        Assert.DoesNotContain("3141", failure.ToString());
        Assert.DoesNotContain("3141", database.ToString());
    }
}
