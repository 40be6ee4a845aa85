using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;
using Npgsql;

namespace KafkaOracleOrleans.Storage.Tests;

public sealed class ConnectionTests
{
    private const string Secret = "s3cr3t-Passw0rd";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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

        var scrubber = new SecretScrubber(() => [Secret]);
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
            Assert.Equal("second", source.Known[^1]);
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
    public async Task A_refused_login_is_not_tried_again_until_the_password_changes_or_the_pause_is_over()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "wrong", Cancel);
        var time = new Clock();
        using var guard = new LoginGuard("dwh", new PasswordSource("dwh", new ConnectionOptions { PasswordFile = file }), time);
        var attempts = 0;
        var refusal = new DatabaseError(ErrorClass.Configuration, "ORA-01017", "ORA-01017: invalid username/password; logon denied");

        await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync);
        // Eight lanes ask at once: none of them reaches the server.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            Assert.Contains("not tried again", (await Assert.ThrowsAsync<DatabaseException>(OpenAsync)).Message)));
        Assert.Equal(1, attempts);
        time.Advance(TimeSpan.FromSeconds(61));
        await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync);
        time.Advance(TimeSpan.FromSeconds(61)); // The second pause is twice as long.
        await Assert.ThrowsAsync<DatabaseException>(OpenAsync);
        Assert.Equal(2, attempts);
        await File.WriteAllTextAsync(file, "another", Cancel);
        await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync);
        Assert.Equal(3, attempts);
        File.Delete(file);

        Task<System.Data.Common.DbConnection> OpenAsync() => guard.OpenAsync(
            _ =>
            {
                attempts++;
                throw new InvalidOperationException("refused");
            },
            failure => failure is InvalidOperationException ? refusal : null, Cancel);
    }

    [Fact]
    public async Task After_a_lost_session_or_with_another_password_logins_are_tried_one_at_a_time_again()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "right", Cancel);
        using var guard = new LoginGuard("dwh", new PasswordSource("dwh", new ConnectionOptions { PasswordFile = file }), new Clock());
        var refusal = new DatabaseError(ErrorClass.Configuration, "ORA-01017", "ORA-01017: invalid username/password; logon denied");
        var refuses = false;
        var attempts = 0;
        await OpenAsync();

        // The password was changed on the server and the sessions were cut: of 32 writers one finds out.
        refuses = true;
        for (var i = 0; i < 32; i++) guard.Doubt();
        await AllRefusedAsync();
        Assert.Equal(2, attempts);

        // The file has the new password: one tries it, the others follow.
        refuses = false;
        await File.WriteAllTextAsync(file, "new", Cancel);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => OpenAsync()));
        Assert.Equal(34, attempts);

        // A wrong one is mounted while logins work: it, too, is tried once.
        refuses = true;
        await File.WriteAllTextAsync(file, "wrong", Cancel);
        await AllRefusedAsync();
        Assert.Equal(35, attempts);
        File.Delete(file);

        async Task AllRefusedAsync() => await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Assert.ThrowsAnyAsync<Exception>(OpenAsync)));

        Task<System.Data.Common.DbConnection> OpenAsync() => guard.OpenAsync(
            async token =>
            {
                Interlocked.Increment(ref attempts);
                await Task.Yield();
                return refuses ? throw new InvalidOperationException("refused") : new Npgsql.NpgsqlConnection();
            },
            failure => failure is InvalidOperationException ? refusal : null, Cancel);
    }

    [Fact]
    public void Oracle_connection_strings_take_hosts_TCPS_descriptors_aliases_and_wallets()
    {
        Assert.Equal("//db:1521/orders?transport_connect_timeout=15", Source(new() { Host = "db", Database = "orders" }));
        Assert.Equal("//[fe80::1]:1600/orders?transport_connect_timeout=7",
            Source(new() { Host = "fe80::1", Port = 1600, Database = "orders", ConnectTimeout = TimeSpan.FromSeconds(7) }));
        // The server's name is checked, not only who signed its certificate.
        Assert.Equal("tcps://db:2484/orders?transport_connect_timeout=15&ssl_server_dn_match=yes",
            Source(new() { Host = "db", Database = "orders", Tls = true }));
        Assert.Equal("ORDERS_TNS", Source(new() { ConnectionString = "User Id=kor", Database = "ORDERS_TNS" }));
        const string Descriptor = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=db)(PORT=2484))(CONNECT_DATA=(SERVICE_NAME=orders)))";
        Assert.Equal(Descriptor, Source(new() { Database = Descriptor }));
        var text = Text(new()
        {
            ConnectionString = "User Id=kor;Data Source=tcps://db:2484/orders;Max Pool Size=7;Statement Cache Size=5",
            WalletLocation = "/wallet", TnsAdmin = "/tns",
        });
        Assert.Equal("/wallet /tns 7 5 false", string.Join(' ',
            new[] { "Wallet_Location", "Tns_Admin", "Max Pool Size", "Statement Cache Size", "Self Tuning" }.Select(k => text[k])));
        var faults = new ConnectionOptions { Provider = DatabaseProvider.Oracle, Database = "x", ConnectionString = "a=b", Tls = true }.Validate();
        Assert.Contains("tls needs host", string.Join(" ", faults));

        static System.Data.Common.DbConnectionStringBuilder Text(ConnectionOptions options)
        {
            options.Provider = DatabaseProvider.Oracle;
            return OracleConnections.Text("dwh", options, new PasswordSource("dwh", options));
        }

        static string? Source(ConnectionOptions options) => Text(options)["Data Source"].ToString();
    }

    [Fact]
    public void Every_secret_of_a_connection_string_is_scrubbed_also_of_proxies_and_wallets()
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.Oracle,
            ConnectionString = $"User Id=kor;Password=one-{Secret};Proxy User Id=app;Proxy Password=two-{Secret};Data Source=db;Wallet_Password=three-{Secret}",
        };
        var secrets = new PasswordSource("dwh", options);
        OracleConnections.Text("dwh", options, secrets);
        var scrubbed = new SecretScrubber(() => secrets.Known).Scrub($"ORA-1: one-{Secret} two-{Secret} three-{Secret}");
        Assert.Equal("ORA-1: *** *** ***", scrubbed);
        Assert.DoesNotContain(Secret, options.ToString());
    }

    [Fact]
    public void Orleans_gets_connections_of_PostgreSQL_and_Oracle_with_the_password_of_the_moment_and_none_of_SQLite()
    {
        var file = Path.GetTempFileName();
        try
        {
            using var oracle = OrleansSchema.DataSource("c", new()
            {
                Provider = DatabaseProvider.Oracle, Host = "db", Database = "orders", User = "kor", PasswordFile = file,
            });
            foreach (var password in new[] { $"one-{Secret}", $"two-{Secret}" })
            {
                File.WriteAllText(file, password);
                using var connection = oracle.CreateConnection();
                Assert.Contains("//db:1521/orders", connection.ConnectionString);
                Assert.Contains(password, connection.ConnectionString);
            }

            Assert.DoesNotContain(Secret, oracle.ConnectionString);
            using var postgres = OrleansSchema.DataSource("c", new()
            {
                Provider = DatabaseProvider.PostgreSql, Host = "db", Database = "orders", User = "kor", PasswordFile = file, Tls = true,
            });
            Assert.Contains("SSL Mode=VerifyFull", postgres.ConnectionString);
            Assert.DoesNotContain(Secret, postgres.ConnectionString);
            Assert.Throws<ConnectionConfigurationException>(
                () => OrleansSchema.DataSource("c", new() { Provider = DatabaseProvider.Sqlite, Database = "x" }));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
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
