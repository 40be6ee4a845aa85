using System.Net;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>An Apache Kafka with a listener for each kind of security, and files for its clients.</summary>
public sealed class SecureKafka : IAsyncLifetime
{
    public const string User = "reader";
    public const string Password = "right-secret";
    private const string Login = "org.apache.kafka.common.security.";
    private readonly string _directory = Directory.CreateTempSubdirectory("kafka-security-").FullName;
    private KafkaBroker? _broker;
    private int _port;

    public KafkaBroker Broker
    {
        get
        {
            Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
            return _broker!;
        }
    }

    /// <summary>TLS, any client.</summary>
    public string Tls => Address(2);

    /// <summary>TLS, clients with a certificate.</summary>
    public string MutualTls => Address(3);

    /// <summary>Passwords (SCRAM) and tokens without encryption.</summary>
    public string Sasl => Address(4);

    /// <summary>Passwords (SCRAM) over TLS.</summary>
    public string SaslTls => Address(5);

    /// <summary>TLS with a certificate for another address.</summary>
    public string Misnamed => Address(6);

    public string Authority => PathOf("authority.pem");

    public string OtherAuthority => PathOf("other.pem");

    public string ClientCertificate => PathOf("client.pem");

    public string ClientKey => PathOf("client.key");

    public async ValueTask InitializeAsync()
    {
        if (KafkaBroker.SkipReason is not null)
            return;
        WriteFiles();
        _broker = await KafkaBroker.StartAsync(7, Settings);
        await SetPasswordAsync(User, Password);
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>By the listener that asks for nothing, whose user may do everything.</summary>
    public IAdminClient CreateAdmin() => new AdminClientBuilder(
        new AdminClientConfig { BootstrapServers = Broker.BootstrapServers }).Build();

    /// <summary>Makes a user for SCRAM, or changes its password.</summary>
    public async Task SetPasswordAsync(string user, string password)
    {
        using var admin = CreateAdmin();
        foreach (var mechanism in new[] { ScramMechanism.ScramSha256, ScramMechanism.ScramSha512 })
        {
            var change = new UserScramCredentialUpsertion
            {
                User = user,
                ScramCredentialInfo = new ScramCredentialInfo { Mechanism = mechanism, Iterations = 4096 },
                Password = System.Text.Encoding.UTF8.GetBytes(password),
            };
            try
            {
                await admin.AlterUserScramCredentialsAsync([change]);
            }
            catch (AlterUserScramCredentialsException e)
            {
                throw new InvalidOperationException($"User {user} was not made: {e.Results[0].Error}", e);
            }
        }
    }

    /// <summary>Creates a topic of one partition with numbered records.</summary>
    public async Task FillAsync(string topic, int count)
    {
        await Broker.CreateTopicAsync(topic, 1);
        using var producer = new KafkaTestProducer(Broker.BootstrapServers);
        producer.Fill(topic, 1, count);
    }

    /// <summary>Gives <see cref="User"/> a right. From the first on, the topic is closed to all who have none.</summary>
    public async Task AllowAsync(string topic, AclOperation operation)
    {
        using var admin = CreateAdmin();
        await admin.CreateAclsAsync([
            new AclBinding
            {
                Pattern = new ResourcePattern
                {
                    Type = ResourceType.Topic, Name = topic, ResourcePatternType = ResourcePatternType.Literal,
                },
                Entry = new AccessControlEntry
                {
                    Principal = "User:" + User,
                    Host = "*",
                    Operation = operation,
                    PermissionType = AclPermissionType.Allow,
                },
            },
        ]);
    }

    /// <summary>Takes a right away.</summary>
    public async Task RevokeAsync(string topic, AclOperation operation)
    {
        using var admin = CreateAdmin();
        await admin.DeleteAclsAsync([
            new AclBindingFilter
            {
                PatternFilter = new ResourcePatternFilter
                {
                    Type = ResourceType.Topic, Name = topic, ResourcePatternType = ResourcePatternType.Literal,
                },
                EntryFilter = new AccessControlEntryFilter
                {
                    Principal = "User:" + User, Operation = operation, PermissionType = AclPermissionType.Allow,
                },
            },
        ]);
    }

    private void WriteFiles()
    {
        using var authority = new TestAuthority("Test authority");
        using var other = new TestAuthority("Another authority");
        var server = authority.Issue("broker", IPAddress.Loopback);
        var misnamed = authority.Issue("elsewhere", IPAddress.Parse("192.0.2.1"));
        var client = authority.Issue("client", IPAddress.Loopback);
        File.WriteAllText(Authority, authority.CertificatePem);
        File.WriteAllText(OtherAuthority, other.CertificatePem);
        File.WriteAllText(PathOf("server.pem"), server.KeyPem + server.CertificatePem + authority.CertificatePem);
        File.WriteAllText(PathOf("misnamed.pem"), misnamed.KeyPem + misnamed.CertificatePem + authority.CertificatePem);
        File.WriteAllText(ClientCertificate, client.CertificatePem);
        File.WriteAllText(ClientKey, client.KeyPem);
    }

    private string[] Settings(int port)
    {
        _port = port;
        return
        [
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MUTUAL:SSL," +
            "SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MISNAMED:SSL",
            $"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1},{SecureListeners()}",
            $"advertised.listeners=PLAINTEXT://127.0.0.1:{port},{SecureListeners()}",
            "ssl.keystore.type=PEM",
            "ssl.keystore.location=" + PathOf("server.pem"),
            "ssl.truststore.type=PEM",
            "ssl.truststore.location=" + Authority,
            "listener.name.mutual.ssl.client.auth=required",
            "listener.name.misnamed.ssl.keystore.type=PEM",
            "listener.name.misnamed.ssl.keystore.location=" + PathOf("misnamed.pem"),
            "listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            $"listener.name.sasl.scram-sha-256.sasl.jaas.config={Login}scram.ScramLoginModule required;",
            $"listener.name.sasl.scram-sha-512.sasl.jaas.config={Login}scram.ScramLoginModule required;",
            $"listener.name.sasl.oauthbearer.sasl.jaas.config={Login}oauthbearer.OAuthBearerLoginModule required " +
            "unsecuredLoginStringClaim_sub=\"broker\" unsecuredValidatorRequiredScope=\"records\";",
            "listener.name.sasltls.sasl.enabled.mechanisms=SCRAM-SHA-512",
            $"listener.name.sasltls.scram-sha-512.sasl.jaas.config={Login}scram.ScramLoginModule required;",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS",
            "allow.everyone.if.no.acl.found=true",
        ];
    }

    private string SecureListeners() =>
        $"TLS://{Tls},MUTUAL://{MutualTls},SASL://{Sasl},SASLTLS://{SaslTls},MISNAMED://{Misnamed}";

    private string Address(int number) => $"127.0.0.1:{_port + number}";

    private string PathOf(string file) => Path.Combine(_directory, file);
}
