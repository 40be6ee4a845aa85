using Confluent.Kafka.Admin;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>TLS, passwords, tokens and permissions, on Apache Kafka.</summary>
public sealed class SecurityTests(SecureKafka kafka) : IClassFixture<SecureKafka>
{
    private const int Records = 10;

    [Fact]
    public async Task Tls_reads_and_a_broker_of_another_authority_or_name_is_not_trusted()
    {
        await kafka.FillAsync("encrypted", Records);
        await using var streams = await StartAsync(
            ("right", Tls(kafka.Tls, kafka.Authority)),
            ("wrong", Tls(kafka.Tls, kafka.OtherAuthority)),
            ("misnamed", Tls(kafka.Misnamed, kafka.Authority)));
        Use(streams, "encrypted", "right", "wrong", "misnamed");
        await streams.WaitForRecordsAsync(Records);

        var wrong = await WaitForFailureAsync(streams, "wrong", KafkaFailureCode.Authentication);
        Assert.Contains("certificate verify failed", wrong.Message);
        Assert.Contains("ssl.ca.location", wrong.Message);
        var misnamed = await WaitForFailureAsync(streams, "misnamed", KafkaFailureCode.Authentication);
        Assert.Contains(kafka.Misnamed, misnamed.Message);
        streams.AssertComplete("right", "encrypted", 1, Records);
        Assert.Equal(Records, streams.Recorder.Records);
    }

    [Fact]
    public async Task An_authority_file_that_is_not_there_is_named()
    {
        await using var streams = await StartAsync(("main2", Tls(kafka.Tls, "/nowhere/authority.pem")));
        Use(streams, "any", "main2");
        var failure = await WaitForFailureAsync(streams, "main2", KafkaFailureCode.Other);
        Assert.Contains("ssl.ca.location", failure.Message);
    }

    [Fact]
    public async Task A_client_certificate_opens_what_wants_one()
    {
        await kafka.FillAsync("mutual", Records);
        var known = Tls(kafka.MutualTls, kafka.Authority);
        known.Config["ssl.certificate.location"] = kafka.ClientCertificate;
        known.Config["ssl.key.location"] = kafka.ClientKey;
        await using var streams = await StartAsync(
            ("known", known), ("unknown", Tls(kafka.MutualTls, kafka.Authority)));
        Use(streams, "mutual", "known", "unknown");
        await streams.WaitForRecordsAsync(Records);

        var failure = await WaitForFailureAsync(streams, "unknown", KafkaFailureCode.Authentication);
        Assert.Contains("certificate", failure.Message);
        streams.AssertComplete("known", "mutual", 1, Records);
        Assert.Equal(Records, streams.Recorder.Records);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256", false)]
    [InlineData("SCRAM-SHA-512", true)]
    public async Task Scram_reads_and_writes_and_a_wrong_password_is_named_but_not_told(string mechanism, bool tls)
    {
        var topic = "scram-" + mechanism;
        await kafka.FillAsync(topic, Records);
        await using var streams = await StartAsync(
            ("right", Login(SecureKafka.Password)), ("wrong", Login("wrong-secret")));
        Use(streams, topic, "right", "wrong");
        await streams.Cluster.Client.ServiceProvider.GetRequiredKeyedService<IStreamProvider>("kafka")
            .GetStream<byte[]>(KafkaStreamId.ForProducing("right", topic)).OnNextAsync("written"u8.ToArray());
        await streams.WaitForRecordsAsync(Records + 1);

        var failure = await WaitForFailureAsync(streams, "wrong", KafkaFailureCode.Authentication);
        Assert.Contains("SASL", failure.Message);
        AssertNotTold(streams, failure, "-secret");
        streams.AssertComplete("right", topic, 1, Records + 1);

        KafkaConnection Login(string password) => new()
        {
            BootstrapServers = tls ? kafka.SaslTls : kafka.Sasl,
            SecurityProtocol = tls ? "sasl_ssl" : "sasl_plaintext",
            AllowPlaintextPassword = !tls,
            SslCaLocation = tls ? kafka.Authority : null,
            SaslMechanism = mechanism,
            SaslUsername = SecureKafka.User,
            SaslPassword = password,
        };
    }

    [Fact]
    public async Task A_password_put_right_at_the_brokers_ends_the_fault_without_restart()
    {
        await kafka.FillAsync("late", Records);
        await using var streams = await StartAsync(("main2", new KafkaConnection
        {
            BootstrapServers = kafka.Sasl,
            SecurityProtocol = "sasl_plaintext",
            AllowPlaintextPassword = true,
            SaslMechanism = "SCRAM-SHA-256",
            SaslUsername = "late",
            SaslPassword = "late-secret",
        }));
        Use(streams, "late", "main2");
        var failure = await WaitForFailureAsync(streams, "main2", KafkaFailureCode.Authentication);

        await kafka.SetPasswordAsync("late", "late-secret");
        await streams.WaitForRecordsAsync(Records);
        await streams.WaitForStateAsync("main2", "late", 0, KafkaPartitionState.AtEnd);
        AssertNotTold(streams, failure, "late-secret");
    }

    [Fact]
    public async Task Tokens_read_and_a_token_without_the_scope_is_refused()
    {
        await kafka.FillAsync("tokens", Records);
        await using var streams = await StartAsync(
            ("right", Token("principal=reader scopeClaimName=scope scope=records")),
            ("wrong", Token("principal=stranger scopeClaimName=scope scope=other")));
        Use(streams, "tokens", "right", "wrong");
        await streams.WaitForRecordsAsync(Records);

        await WaitForFailureAsync(streams, "wrong", KafkaFailureCode.Authentication);
        streams.AssertComplete("right", "tokens", 1, Records);
        Assert.Equal(Records, streams.Recorder.Records);
        Assert.DoesNotContain("principal=", string.Join('\n', streams.Log.Lines));

        KafkaConnection Token(string claims)
        {
            var connection = Bearer();
            connection.Config["enable.sasl.oauthbearer.unsecure.jwt"] = "true";
            connection.Config["sasl.oauthbearer.config"] = claims;
            return connection;
        }
    }

    [Fact]
    public async Task Tokens_come_from_an_endpoint_and_a_refusal_there_is_named_without_the_secret()
    {
        await kafka.FillAsync("oidc", Records);
        await using var issuer = new TokenEndpoint("right", "right-secret", "records");
        await using var streams = await StartAsync(("right", Oidc("right-secret")), ("wrong", Oidc("wrong-secret")));
        Use(streams, "oidc", "right", "wrong");
        await streams.WaitForRecordsAsync(Records);

        var failure = await WaitForFailureAsync(streams, "wrong", KafkaFailureCode.Authentication);
        Assert.Contains("token", failure.Message);
        AssertNotTold(streams, failure, "-secret");
        streams.AssertComplete("right", "oidc", 1, Records);

        KafkaConnection Oidc(string secret)
        {
            var connection = Bearer();
            connection.Config["sasl.oauthbearer.method"] = "oidc";
            connection.Config["sasl.oauthbearer.client.id"] = "right";
            connection.Config["sasl.oauthbearer.client.secret"] = secret;
            connection.Config["sasl.oauthbearer.token.endpoint.url"] = issuer.Url;
            return connection;
        }
    }

    [Fact]
    public async Task A_topic_the_user_may_not_read_waits_for_the_permission()
    {
        await kafka.FillAsync("forbidden", Records);
        await kafka.AllowAsync("forbidden", AclOperation.Describe);
        await using var streams = await StartAsync(("reader", Reader()));
        Use(streams, "forbidden", "reader");
        var status = await streams.WaitForStateAsync("reader", "forbidden", 0, KafkaPartitionState.Backoff);
        Assert.Equal(KafkaFailureCode.Authorization, status.Failure!.Code);

        await kafka.AllowAsync("forbidden", AclOperation.Read);
        await streams.WaitForRecordsAsync(Records);
        await streams.WaitForStateAsync("reader", "forbidden", 0, KafkaPartitionState.AtEnd);
        streams.AssertComplete("reader", "forbidden", 1, Records);
    }

    [Fact]
    public async Task A_permission_that_comes_back_is_noticed_without_a_new_record()
    {
        await kafka.FillAsync("revoked", Records);
        await kafka.AllowAsync("revoked", AclOperation.Describe);
        await kafka.AllowAsync("revoked", AclOperation.Read);
        await using var streams = await StartAsync(("reader", Reader()));
        Use(streams, "revoked", "reader");
        await streams.WaitForRecordsAsync(Records);
        await streams.WaitForStateAsync("reader", "revoked", 0, KafkaPartitionState.AtEnd);

        await kafka.RevokeAsync("revoked", AclOperation.Read);
        var status = await streams.WaitForStateAsync("reader", "revoked", 0, KafkaPartitionState.Backoff);
        Assert.Equal(KafkaFailureCode.Authorization, status.Failure!.Code);
        await kafka.AllowAsync("revoked", AclOperation.Read);
        await streams.WaitForStateAsync("reader", "revoked", 0, KafkaPartitionState.AtEnd);

        using var producer = new KafkaTestProducer(kafka.Broker.BootstrapServers);
        producer.Fill("revoked", 1, Records, first: Records);
        await streams.WaitForRecordsAsync(2 * Records);
        streams.AssertComplete("reader", "revoked", 1, 2 * Records);
        Assert.Equal(1, streams.Log.Lines.Count(l => l.Contains("is Backoff: Authorization")));
    }

    private Task<TestStreams> StartAsync(params (string Name, KafkaConnection Connection)[] connections) =>
        TestStreams.StartAsync(kafka.Broker.BootstrapServers, o =>
        {
            o.RequestTimeout = TimeSpan.FromSeconds(2);
            foreach (var (name, connection) in connections)
                o.Connections[name] = connection;
        });

    /// <summary>One source for each connection, of the same name.</summary>
    private static void Use(TestStreams streams, string topic, params string[] connections)
    {
        foreach (var name in connections)
            streams.Use(new KafkaSource { Name = name, Topics = [topic], ConnectionName = name });
    }

    private static KafkaConnection Tls(string servers, string authority) => new()
    {
        BootstrapServers = servers, SecurityProtocol = "ssl", SslCaLocation = authority,
    };

    private KafkaConnection Reader() => new()
    {
        BootstrapServers = kafka.Sasl,
        SecurityProtocol = "sasl_plaintext",
        AllowPlaintextPassword = true,
        SaslMechanism = "SCRAM-SHA-512",
        SaslUsername = SecureKafka.User,
        SaslPassword = SecureKafka.Password,
    };

    private KafkaConnection Bearer() => new()
    {
        BootstrapServers = kafka.Sasl,
        SecurityProtocol = "sasl_plaintext",
        AllowPlaintextPassword = true,
        SaslMechanism = "OAUTHBEARER",
    };

    private static async Task<KafkaPartitionFailure> WaitForFailureAsync(
        TestStreams streams, string source, KafkaFailureCode code)
    {
        IReadOnlyList<KafkaPartitionStatus> all = [];
        await TestStreams.WaitAsync(
            () => (all = streams.Control.GetStatusesAsync(source).Result).Any(s => s.Failure?.Code == code),
            () => $"{string.Join('\n', all)}\n{streams.Log}",
            TimeSpan.FromSeconds(20));
        return all.First(s => s.Failure?.Code == code).Failure!;
    }

    private static void AssertNotTold(TestStreams streams, KafkaPartitionFailure failure, string secret)
    {
        Assert.DoesNotContain(secret, failure.Message);
        Assert.DoesNotContain(secret, string.Join('\n', streams.Log.Lines));
    }
}
