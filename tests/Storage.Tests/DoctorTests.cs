using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>What the doctor says about connections that do not work, and what drivers there are.</summary>
public sealed class DoctorTests(PostgresFixture postgres)
{
    private const string Password = "hunter2-very-secret";

    private static readonly Schema Row = new(new Field("id", FieldType.Integer, false), new Field("name", FieldType.String));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_unreachable_server_is_one_failing_line_without_the_password()
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql, Host = "127.0.0.1", Port = FreePorts.Next(), Database = "none", User = "kor", Password = Password,
            ConnectTimeout = TimeSpan.FromSeconds(2),
        };
        var finding = Assert.Single(await CheckAsync(options, new DatabaseUse { State = true }));
        Assert.Equal((FindingStatus.Failed, "dwh", "reachable"), (finding.Status, finding.Subject, finding.Check));
        Assert.Contains("is up", finding.Remedy!);
        Assert.DoesNotContain(Password, finding.ToString());
    }

    [Fact]
    public async Task A_user_without_privileges_is_told_which_to_grant()
    {
        var cluster = await postgres.GetAsync();
        var database = await cluster.CreateDatabaseAsync();
        await cluster.PsqlAsync(
            database, "CREATE ROLE reader_" + database + " LOGIN; CREATE TABLE items (id bigint PRIMARY KEY, name text); GRANT SELECT, UPDATE ON items TO reader_" + database);
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql, Host = "127.0.0.1", Port = cluster.Port, Database = database, User = "reader_" + database, Password = Password,
        };
        var sink = new SinkSpec("p", "s", "dwh", "items", SinkMode.Append, Row, ["id"], null, Create: false, AddColumns: false);
        var findings = await CheckAsync(options, new DatabaseUse { State = true, CreateState = true, Sinks = [sink] });
        var privileges = findings.Single(f => f.Check == "privileges");
        Assert.Equal(FindingStatus.Failed, privileges.Status);
        Assert.Contains("no INSERT, DELETE", privileges.Text);
        Assert.Contains("GRANT INSERT, DELETE ON \"items\"", privileges.Remedy!);
        Assert.Contains(findings, f => f is { Check: "state tables", Status: FindingStatus.Failed } && f.Text.Contains("may not make them", StringComparison.Ordinal));
        Assert.Contains(findings, f => f is { Check: "clock", Status: FindingStatus.Ok });
        Assert.DoesNotContain(findings, f => f.ToString().Contains(Password, StringComparison.Ordinal));
    }

    [Fact]
    public void The_stand_in_is_called_one()
    {
        var drivers = DatabaseDrivers.All();
        Assert.Equal(["oracle", "postgresql", "sqlite"], drivers.Select(d => d.Provider));
        Assert.All(drivers, d => Assert.NotNull(d.Version));
        Assert.True(drivers[0].StandIn);
        Assert.Contains("STAND-IN", DriverText.Of(drivers));
        Assert.Contains("not Oracle's driver", drivers[0].Note);
    }

    private static async Task<IReadOnlyList<Finding>> CheckAsync(ConnectionOptions options, DatabaseUse use)
    {
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        return await new DatabaseDoctor(connections, "dwh").CheckAsync(use, Cancel);
    }
}
