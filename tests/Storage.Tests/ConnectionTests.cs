using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using Npgsql;

namespace KafkaOracleOrleans.Storage.Tests;

public sealed class ConnectionTests
{
    private const string Secret = "s3cr3t-Passw0rd";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3113, ErrorClass.SessionLost)]
    [InlineData(25408, ErrorClass.SessionLost)]
    [InlineData(12541, ErrorClass.Unreachable)]
    [InlineData(1033, ErrorClass.Unreachable)]
    [InlineData(60, ErrorClass.Conflict)]
    [InlineData(8177, ErrorClass.Conflict)]
    [InlineData(1653, ErrorClass.Resource)]
    [InlineData(1013, ErrorClass.Timeout)]
    [InlineData(1, ErrorClass.Row)]
    [InlineData(12899, ErrorClass.Row)]
    [InlineData(1438, ErrorClass.Row)]
    [InlineData(20500, ErrorClass.Row)]
    [InlineData(942, ErrorClass.Configuration)]
    [InlineData(904, ErrorClass.Configuration)]
    [InlineData(1017, ErrorClass.Configuration)]
    [InlineData(955, ErrorClass.AlreadyExists)]
    [InlineData(1430, ErrorClass.AlreadyExists)]
    [InlineData(4711, ErrorClass.Unknown)]
    public void Oracle_codes_are_classified(int code, ErrorClass expected) =>
        Assert.Equal(expected, OracleDialect.ClassOf(code));

    [Theory]
    [InlineData("57P01", ErrorClass.SessionLost)]
    [InlineData("08006", ErrorClass.SessionLost)]
    [InlineData("57P03", ErrorClass.Unreachable)]
    [InlineData("40P01", ErrorClass.Conflict)]
    [InlineData("53100", ErrorClass.Resource)]
    [InlineData("25006", ErrorClass.Resource)]
    [InlineData("57014", ErrorClass.Timeout)]
    [InlineData("22001", ErrorClass.Row)]
    [InlineData("23514", ErrorClass.Row)]
    [InlineData("42P01", ErrorClass.Configuration)]
    [InlineData("42P07", ErrorClass.AlreadyExists)]
    [InlineData("28P01", ErrorClass.Configuration)]
    [InlineData("XX000", ErrorClass.Unknown)]
    public void PostgreSQL_states_are_classified(string state, ErrorClass expected) =>
        Assert.Equal(expected, PostgresDialect.ClassOf(state));

    [Theory]
    [InlineData(5, "database is locked", ErrorClass.Conflict)]
    [InlineData(13, "database or disk is full", ErrorClass.Resource)]
    [InlineData(14, "unable to open database file", ErrorClass.Unreachable)]
    [InlineData(19, "UNIQUE constraint failed", ErrorClass.Row)]
    [InlineData(1, "no such table: x", ErrorClass.Configuration)]
    [InlineData(1, "table x already exists", ErrorClass.AlreadyExists)]
    public void SQLite_codes_are_classified(int code, string message, ErrorClass expected) =>
        Assert.Equal(expected, SqliteDialect.ClassOf(code, message));

    [Fact]
    public void Faults_of_all_connections_are_reported_at_once()
    {
        var fault = Assert.Throws<ConnectionConfigurationException>(() =>
            new DatabaseConnections(new Dictionary<string, ConnectionOptions>
        {
            ["a"] = new() { Provider = DatabaseProvider.PostgreSql, Database = "x", Port = 70000 },
            ["b"] = new() { Provider = DatabaseProvider.Sqlite, Database = ":memory:" },
            ["c"] = new() { Provider = DatabaseProvider.PostgreSql, ConnectionString = $"Host=h;Nonsense=1;Password={Secret}" },
            ["d"] = new() { Provider = DatabaseProvider.Sqlite, Database = "x", Password = "a", PasswordFile = "b" },
        }));
        foreach (
            var part in (string[])["host or connectionString is missing", "port must be", "needs a file",
                "not one of Npgsql's", "not both"])
            Assert.Contains(part, fault.Message);
        Assert.DoesNotContain(Secret, fault.ToString());
    }

    [Fact]
    public async Task An_unknown_connection_names_those_that_there_are()
    {
        await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = SqliteFile.Options() });
        Assert.Contains("configured are: dwh",
            Assert.Throws<ConnectionConfigurationException>(() => connections.Get("dwhx")).Message);
        Assert.NotNull(connections.Find("DWH"));
    }

    [Fact]
    public async Task A_password_reaches_no_text_even_when_the_driver_repeats_it()
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql, Host = $"{Secret}.invalid", Database = "d", User = "u",
                Password = Secret,
            ConnectTimeout = TimeSpan.FromSeconds(5),
        };
        await using var database = new Database("dwh", options);
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.PingAsync(Cancel));
        Assert.DoesNotContain(Secret, failure.ToString());
        Assert.DoesNotContain(Secret, database.Circuit.LastError);

        var scrubber = new SecretScrubber(() => Secret);
        var scrubbed = scrubber.Scrub(
            new NpgsqlException("outer", new InvalidOperationException($"Password={Secret}")));
        Assert.DoesNotContain(Secret, scrubbed.ToString());
    }

    [Fact]
    public async Task A_password_file_is_read_for_each_connection_and_its_absence_is_explained()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "first\n", Cancel);
            var source = new PasswordSource("dwh", new ConnectionOptions { PasswordFile = file });
            Assert.Equal("first", source.Read());
            await File.WriteAllTextAsync(file, "second", Cancel);
            Assert.Equal("second", source.Read());
            Assert.Equal("second", source.Last);
        }
        finally
        {
            File.Delete(file);
        }

        var missing = new PasswordSource("dwh", new ConnectionOptions { PasswordFile = file });
        Assert.Contains("cannot be read",
            Assert.Throws<ConnectionConfigurationException>(() => missing.Read()).Message);
    }

    [Fact]
    public void Delays_double_to_the_longest_with_full_jitter()
    {
        var retry = new RetryOptions { FirstDelay = TimeSpan.FromMilliseconds(200),
            MaxDelay = TimeSpan.FromSeconds(30) };
        Assert.Equal(101, retry.Delay(1, 0.5).TotalMilliseconds);
        Assert.Equal(401, retry.Delay(3, 0.5).TotalMilliseconds);
        Assert.Equal(15_001, retry.Delay(1000, 0.5).TotalMilliseconds);
    }
}
