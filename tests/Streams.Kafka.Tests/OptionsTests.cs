using KafkaOracleOrleans.Streams.Kafka.Native;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Options, names and settings: what is refused, how it is said, and what is never printed.</summary>
public sealed class OptionsTests
{
    [Theory]
    [InlineData("enable.auto.commit")]
    [InlineData("auto.offset.reset")]
    [InlineData("enable.partition.eof")]
    [InlineData("group.id")]
    [InlineData("ENABLE.IDEMPOTENCE")]
    [InlineData("transactional.id")]
    [InlineData("log_cb")]
    [InlineData("enabled_events")]
    public void Settings_that_break_delivery_are_refused_with_the_reason(string setting)
    {
        var e = Assert.Throws<ArgumentException>(
            () => KafkaConfigRules.Check(new Dictionary<string, string> { [setting] = "x" }, "source 'p1'"));
        Assert.Contains($"source 'p1': '{setting}' can't be set: ", e.Message);
    }

    [Theory]
    [InlineData("fetch.mni.bytes", "1", "'fetch.mni.bytes': No such configuration property")]
    [InlineData("session.timeout.ms", "soon", "'session.timeout.ms'")]
    [InlineData("fetch.wait.max.ms", "-1", "'fetch.wait.max.ms'")]
    [InlineData("ssl.key.passwrod", "hunter2", "'ssl.key.passwrod'")]
    public void Settings_librdkafka_does_not_take_are_refused_at_start(string setting, string value, string part)
    {
        var options = new KafkaStreamOptions
        {
            Connections =
            {
                ["main"] = new KafkaConnection { BootstrapServers = "x:1", Config = { [setting] = value } },
            },
        };
        var message = Assert.Throws<ArgumentException>(options.Validate).Message;
        Assert.Contains("connection 'main'", message);
        Assert.Contains(part, message);
        Assert.DoesNotContain("hunter2", message);
    }

    [Fact]
    public async Task A_silo_with_wrong_options_does_not_start_and_says_why()
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using var streams = await TestStreams.StartAsync("x:1", o => o.Slots = 0);
        });
        Assert.Contains("Kafka streams 'kafka'", e.ToString());
        Assert.Contains("Slots is 0; it must be from 1 to 4096", e.ToString());
    }

    [Fact]
    public void All_faults_are_named_at_once()
    {
        var options = new KafkaStreamOptions
        {
            Slots = 0,
            MaxBatchRecords = -1,
            PollInterval = TimeSpan.FromMinutes(1),
            Connections = { ["main"] = new KafkaConnection { SecurityProtocol = "tls" } },
            Sources =
            {
                new KafkaSource { Name = "a b", Topics = ["t"] },
                new KafkaSource { Name = "p1", Topics = [], ConnectionName = "elsewhere" },
                new KafkaSource { Name = "p2", Topics = ["^(unclosed"] },
            },
        };

        var message = Assert.Throws<ArgumentException>(options.Validate).Message;

        foreach (var part in new[]
        {
            "Slots is 0; it must be from 1 to 4096", "MaxBatchRecords is -1", "PollInterval is 00:01:00",
            "Connection 'main' has no BootstrapServers", "source name 'a b' is not valid",
            "Source 'p1' names no topic", "connection 'elsewhere', which is not configured",
            "'^(unclosed' is not valid",
        })
            Assert.Contains(part, message);
    }

    [Theory]
    [InlineData("sasl_plaintext", "PLAIN", true, "AllowPlaintextPassword")]
    [InlineData("SASL_PLAINTEXT", "SCRAM-SHA-512", true, "AllowPlaintextPassword")]
    [InlineData("sasl_plaintext", "OAUTHBEARER", false, "AllowPlaintextPassword")]
    [InlineData(null, "PLAIN", true, "SecurityProtocol plaintext uses none")]
    [InlineData("ssl", null, true, "SecurityProtocol ssl uses none")]
    [InlineData("sasl_ssl", null, true, "needs a SaslMechanism")]
    [InlineData("sasl_ssl", "PLAIN", false, "PLAIN needs SaslUsername and SaslPassword")]
    [InlineData("sasl_ssl", "PLAIN", true, null)]
    [InlineData("sasl_ssl", "OAUTHBEARER", false, null)]
    [InlineData("plaintext", null, false, null)]
    public void Credentials_without_encryption_or_use_are_refused(
        string? protocol, string? mechanism, bool password, string? refusal)
    {
        // As properties and as librdkafka settings: what counts is what would be used.
        var properties = new KafkaConnection
        {
            BootstrapServers = "x:1",
            SecurityProtocol = protocol,
            SaslMechanism = mechanism,
            SaslUsername = password ? "reader" : null,
            SaslPassword = password ? "hunter2" : null,
        };
        var settings = new KafkaConnection { BootstrapServers = "x:1" };
        foreach (var (key, value) in properties.ToClientConfig().Where(p => p.Key != "bootstrap.servers"))
            settings.Config[key] = value;
        foreach (var connection in new[] { properties, settings })
        {
            if (refusal is null)
            {
                connection.Validate("main");
                continue;
            }

            var message = Assert.Throws<ArgumentException>(() => connection.Validate("main")).Message;
            Assert.Contains("Connection 'main'", message);
            Assert.Contains(refusal, message);
            Assert.DoesNotContain("hunter2", message);
            connection.AllowPlaintextPassword = true;
            if (refusal == "AllowPlaintextPassword")
                connection.Validate("main");
        }
    }

    [Theory]
    [InlineData("security.protocol")]
    [InlineData("sasl.password")]
    [InlineData("ssl.ca.location")]
    [InlineData("enable.ssl.certificate.verification")]
    [InlineData("plugin.library.paths")]
    public void A_source_can_not_change_how_its_cluster_is_trusted(string setting)
    {
        var source = new KafkaSource
        {
            Name = "p1", Topics = ["t"], Config = new Dictionary<string, string> { [setting] = "hunter2" },
        };
        var message = Assert.Throws<ArgumentException>(source.Validate).Message;
        Assert.Contains($"source 'p1': '{setting}' can't be set: it belongs to the connection", message);
        Assert.DoesNotContain("hunter2", message);
    }

    [Fact]
    public void Secrets_are_never_printed()
    {
        var connection = new KafkaConnection
        {
            BootstrapServers = "kafka:9093",
            SecurityProtocol = "sasl_ssl",
            SaslMechanism = "PLAIN",
            SaslUsername = "reader",
            SaslPassword = "hunter2",
            Config =
            {
                ["ssl.key.password"] = "hunter2",
                ["ssl.key.pem"] = "hunter2",
                ["sasl.oauthbearer.client.secret"] = "hunter2",
                ["sasl.oauthbearer.config"] = "hunter2",
                ["fetch.min.bytes"] = "1",
            },
        };
        var options = new KafkaStreamOptions { Connections = { ["main"] = connection } };

        Assert.DoesNotContain("hunter2", connection.ToString());
        Assert.DoesNotContain("hunter2", options.ToString());
        Assert.Contains("fetch.min.bytes=1", options.ToString());
        Assert.Contains("user=reader", options.ToString());
        var secret = Assert.Throws<ArgumentException>(() => NativeConsumer.CheckConfig(
            new Dictionary<string, string> { ["ssl.key.password.x"] = "hunter2" }));
        Assert.DoesNotContain("hunter2", secret.Message);
    }

    [Fact]
    public void Unknown_librdkafka_settings_are_refused_by_the_registry()
    {
        using var context = new Reading.ReaderContext(
            "kafka",
            new KafkaStreamOptions { Connections = { ["main"] = new KafkaConnection { BootstrapServers = "x:1" } } },
            null,
            "silo",
            TimeProvider.System,
            NullLogger.Instance);
        var source = new KafkaSource { Name = "p1", Topics = ["t"] };

        var e = Assert.Throws<ArgumentException>(() => context.Add(source with
        {
            Config = new Dictionary<string, string> { ["fetch.mni.bytes"] = "1" },
        }));
        Assert.Contains("fetch.mni.bytes", e.Message);
        context.Add(source);
        context.Add(source with { Topics = ["t"] });
        Assert.Throws<InvalidOperationException>(() => context.Add(source with { Topics = ["u"] }));
        context.Update(source with { Topics = ["u"] });
        Assert.Equal(["u"], Assert.Single(context.Sources).Topics);
        context.Update(source with { Topics = ["u"], IgnoreCommitted = true });
        Assert.True(Assert.Single(context.Sources).IgnoreCommitted);
        Assert.True(context.Remove("p1"));
        Assert.False(context.Remove("p1"));
    }

    [Fact]
    public void What_the_protocol_needs_is_always_set()
    {
        var config = ClientConfigs.Consumer(
            new KafkaConnection
            {
                BootstrapServers = "x:1",
                Config = { ["fetch.wait.max.ms"] = "7", ["linger.ms"] = "1" },
            },
            new KafkaSource
            {
                Name = "p1",
                Topics = ["t"],
                Config = new Dictionary<string, string> { ["fetch.max.bytes"] = "9" },
            },
            new KafkaStreamOptions(),
            8);

        Assert.Equal("error", config["auto.offset.reset"]);
        Assert.Equal("false", config["enable.auto.commit"]);
        Assert.Equal("read_committed", config["isolation.level"]);
        Assert.Equal(("7", "9", "p1"), (config["fetch.wait.max.ms"], config["fetch.max.bytes"], config["group.id"]));
        Assert.False(config.ContainsKey("linger.ms"));
    }

    [Theory]
    [InlineData(null, null, 6, "metadata")]
    [InlineData(null, "3", 3, "metadata")]
    [InlineData("broker,topic", null, 7, "broker,topic,metadata")]
    public void Log_lines_come_as_asked_for(string? debug, string? level, int expectedLevel, string expectedDebug)
    {
        var connection = new KafkaConnection { BootstrapServers = "x:1" };
        if (debug is not null)
            connection.Config["debug"] = debug;
        if (level is not null)
            connection.Config["log_level"] = level;
        var config = ClientConfigs.Consumer(
            connection, new KafkaSource { Name = "p1", Topics = ["t"] }, new KafkaStreamOptions(), 1);
        Assert.Equal(expectedDebug, config["debug"]);
        Assert.Equal(expectedLevel, ClientConfigs.LogLevel(config));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(5_000)]
    public void The_prefetch_of_all_partitions_stays_within_its_half(int partitions)
    {
        var options = new KafkaStreamOptions();
        var config = ClientConfigs.Consumer(
            new KafkaConnection { BootstrapServers = "x:1" },
            new KafkaSource { Name = "p1", Topics = ["t"] },
            options,
            partitions);
        var queued = long.Parse(config["queued.max.messages.kbytes"], null) * 1024;
        var fetch = long.Parse(config["max.partition.fetch.bytes"], null);
        Assert.True((queued + fetch) * partitions <= Math.Max(options.MaxBufferedBytes / 2, partitions * 32L * 1024));
    }

    [Theory]
    [InlineData("p1/orders/0", true)]
    [InlineData("p.1/or-d_ers/12", true)]
    [InlineData("p1/orders", false)]
    [InlineData("/orders/0", false)]
    [InlineData("p1//0", false)]
    [InlineData("p1/a/b/0", false)]
    [InlineData("p1/orders/-1", false)]
    [InlineData("p1/orders/x", false)]
    public void Stream_keys_round_trip(string key, bool valid)
    {
        Assert.Equal(valid, KafkaStreamId.TryParse(key, out var id));
        if (!valid)
        {
            Assert.Throws<FormatException>(() => KafkaStreamId.Parse(key));
            return;
        }

        Assert.Equal(key, id.ToString());
        Assert.Equal(StreamId.Create("kafka", key), id.ToStreamId());
    }
}
