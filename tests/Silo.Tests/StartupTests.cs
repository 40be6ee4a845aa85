using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What refuses to start, and in which words.</summary>
public sealed class StartupTests
{
    [Fact]
    public async Task A_database_that_goes_away_while_a_silo_starts_ends_it_with_a_line_and_a_code()
    {
        // As Orleans lets it through when it reads its membership.
        static Task<int> Start() => throw new InvalidOperationException("The silo did not start.", new SqliteException("gone", 14));
        Assert.Equal(69, await SiloCommand.GuardAsync(Start));
    }

    [Theory]
    [InlineData("http://0.0.0.0:8080")]
    [InlineData("http://*:8080")]
    [InlineData("http://[::]:8080")]
    [InlineData("http://kor.example.com")]
    public void Without_authentication_nothing_but_loopback_is_listened_on(string url)
    {
        var message = Refused(o => o.Url = url);
        Assert.Contains($"Kor:Url is '{url}'", message, StringComparison.Ordinal);
        Assert.Contains("Kor:Http:ApiKeys:NAME:Hash", message, StringComparison.Ordinal);
        Assert.Contains("Kor:Http:Oidc:Authority", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", false)]
    [InlineData("http://localhost:8080", false)]
    [InlineData("http://[::1]:8080", false)]
    [InlineData("http://0.0.0.0:8080", true)]
    [InlineData("http://*:8080", true)]
    public void What_is_safe_starts(string url, bool withKey)
    {
        var options = Options();
        options.Url = url;
        if (withKey) options.Http.ApiKeys["anna"] = new ApiKeyOptions { Hash = ApiKeyRing.Create().Hash, Role = "admin" };
        KorOptionsValidation.Check(options);
    }

    [Fact]
    public void A_key_in_the_place_of_its_hash_is_refused_and_not_repeated()
    {
        const string Secret = "kor_c4n4ryc4n4ryc4n4ryc4n4ry";
        var message = Refused(o =>
        {
            o.Http.ApiKeys["one"] = new ApiKeyOptions { Hash = Secret, Role = "owner" };
            o.Http.ApiKeys["two"] = new ApiKeyOptions();
            o.Http.ApiKeys["three"] = new ApiKeyOptions { File = "/does/not/exist" };
        });
        Assert.DoesNotContain(Secret, message, StringComparison.Ordinal);
        Assert.Contains("Kor:Http:ApiKeys:one:Role is 'owner'", message, StringComparison.Ordinal);
        Assert.Contains("Kor:Http:ApiKeys:one:Hash must be", message, StringComparison.Ordinal);
        Assert.Contains("Kor:Http:ApiKeys:two: give either Hash or File", message, StringComparison.Ordinal);
        Assert.Contains("/does/not/exist cannot be read", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_OIDC_provider_needs_an_audience_and_https()
    {
        var message = Refused(o => o.Http.Oidc.Authority = "http://id.example.com");
        Assert.Contains("Kor:Http:Oidc:Audience is empty", message, StringComparison.Ordinal);
        Assert.Contains("must begin with https://", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_shares_its_state()
    {
        var message = Refused(o =>
        {
            o.Connections["pg"] = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, Host = "db", Database = "kor" };
            o.Cluster.Connection = "pg";
        });
        Assert.Contains("Kor:State:Connection 'state' is sqlite, which the silos of a cluster cannot share", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_have_limits()
    {
        var message = Refused(o =>
        {
            o.Http.MaxBodyBytes = 1;
            o.Http.RequestTimeout = TimeSpan.Zero;
            o.StopDelay = TimeSpan.FromSeconds(70);
            o.Engine.MaxRestarts = -1;
        });
        foreach (var name in new[] { "Kor:Http:MaxBodyBytes", "Kor:Http:RequestTimeout", "Kor:StopDelay", "Kor:Engine:MaxRestarts" })
            Assert.Contains(name, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fetch.wait.max.ms", "soon", "Kor:Kafka:main: Config: librdkafka setting 'fetch.wait.max.ms'", "(the value is 'soon')")]
    [InlineData("fetch.mni.bytes", "1", "'fetch.mni.bytes': No such configuration property", "CONFIGURATION.md")]
    [InlineData("group.id", "g", "'group.id' can't be set: set the source's group instead", "group.id")]
    [InlineData("ssl.ca.location", "/does/not/exist.pem", "Kor:Kafka:main: librdkafka refuses the settings", "(ssl.ca.location is '/does/not/exist.pem')")]
    [InlineData("receive.message.max.bytes", "1000", "Kor:Kafka:main: librdkafka refuses the settings", "receive.message.max.bytes")]
    public async Task A_refused_Kafka_setting_is_named_with_its_remedy_and_the_code_is_78(string setting, string value, string part, string other)
    {
        void Configure(KorOptions options)
        {
            options.Kafka["main"].Config[setting] = value;
            if (setting.StartsWith("ssl.", StringComparison.Ordinal)) options.Kafka["main"].SecurityProtocol = "ssl";
        }

        var message = Refused(Configure);
        Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.Contains(other, message, StringComparison.Ordinal);
        Assert.Equal(78, await SiloCommand.GuardAsync(() =>
        {
            var options = Options();
            Configure(options);
            KorOptionsValidation.Check(options);
            return Task.FromResult(0);
        }));
        var checkedOptions = Options();
        Configure(checkedOptions);
        Assert.Single(HostConfiguration.Faults(checkedOptions));
    }

    [Fact]
    public void A_refused_secret_is_not_shown()
    {
        const string Secret = "c4n4ry-s3cret";
        var message = Refused(o =>
        {
            o.Kafka["main"].SecurityProtocol = "ssl";
            o.Kafka["main"].Config["ssl.key.pem"] = Secret;
            o.Kafka["main"].Config["ssl.certificate.pem"] = Secret;
            o.Kafka["other"] = new KafkaConnection { BootstrapServers = "x:1", Config = { ["sasl.passwrod"] = Secret, ["fetch.min.bytes"] = "-1" } };
        });
        Assert.DoesNotContain(Secret, message, StringComparison.Ordinal);
        Assert.Contains("Kor:Kafka:main:", message, StringComparison.Ordinal);
        Assert.Contains("'sasl.passwrod'", message, StringComparison.Ordinal);
        Assert.Contains("'fetch.min.bytes'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_Orleans_refuses_is_told_without_a_stack_trace() =>
        Assert.Equal(78, await SiloCommand.GuardAsync(() => throw new Orleans.Runtime.OrleansConfigurationException("Kafka streams 'kafka': no.")));

    [Fact]
    public void A_mounted_key_is_read_again_when_it_changes()
    {
        var file = Path.GetTempFileName();
        try
        {
            var time = new ManualTime();
            var (first, _) = ApiKeyRing.Create();
            var (second, hash) = ApiKeyRing.Create();
            File.WriteAllText(file, first + "\n");
            var options = Options();
            options.Http.ApiKeys["anna"] = new ApiKeyOptions { File = file, Role = "admin" };
            var ring = new ApiKeyRing(options, time);
            Assert.Equal(new ApiKeyOwner("anna", "admin"), ring.Find(first));
            Assert.Null(ring.Find(second));

            File.WriteAllText(file, hash);
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(1));
            time.Pass(TimeSpan.FromSeconds(6));
            Assert.Null(ring.Find(first));
            Assert.NotNull(ring.Find(second));
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static KorOptions Options()
    {
        var options = new KorOptions();
        options.Kafka["main"] = new KafkaConnection { BootstrapServers = "127.0.0.1:9092" };
        options.Connections["state"] = new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = "state.db" };
        return options;
    }

    private static string Refused(Action<KorOptions> configure)
    {
        var options = Options();
        configure(options);
        return Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options)).Message;
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Pass(TimeSpan span) => _now += span.Ticks;
    }
}
