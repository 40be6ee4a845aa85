using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Silo.Diagnosis;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>The doctor at an Apache Kafka that allows nothing that was not granted.</summary>
public sealed class KafkaDoctorTests : IAsyncLifetime
{
    private const string User = "app";
    private const string Password = "app-secret";
    private const string Source = "orders";
    private const string Quarantine = "orders.refused";
    private const string Group = "kor-orders";
    private KafkaBroker? _broker;
    private int _port;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (KafkaBroker.SkipReason is not null) return;
        _broker = await KafkaBroker.StartAsync(3, port =>
        {
            _port = port;
            return
            [
                $"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1},SASL_PLAINTEXT://127.0.0.1:{port + 2}",
                $"advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{port + 2}",
                "sasl.enabled.mechanisms=PLAIN",
                "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain." +
                $"PlainLoginModule required user_{User}=\"{Password}\";",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users=User:ANONYMOUS",
                "allow.everyone.if.no.acl.found=false",
            ];
        });
        await _broker.CreateTopicAsync(Source, 2);
        await _broker.CreateTopicAsync(Quarantine, 1);
        using var producer = new KafkaTestProducer(_broker.BootstrapServers);
        producer.Fill(Source, 2, 3);
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null) await _broker.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Each_right_that_is_missing_is_named_with_the_command_that_grants_it()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");

        // Nothing granted: the topics are not even seen.
        var nothing = await FailuresAsync();
        Assert.Equal([$"group {Group}", $"topic {Source}", $"topic {Quarantine}"], nothing.Select(f => f.Check).Order(StringComparer.Ordinal));
        AssertSays(nothing, $"topic {Source}", "User:app may not READ it, nor learn whether it exists", $"--operation Read --topic {Source}");
        AssertSays(nothing, $"topic {Quarantine}", "User:app may not WRITE it", $"--operation Write --topic {Quarantine}");
        AssertSays(nothing, $"group {Group}", "User:app may not READ it", $"--operation Read --group {Group}");

        // Seen, and no more.
        await GrantAsync(ResourceType.Topic, Source, AclOperation.Describe);
        await GrantAsync(ResourceType.Topic, Quarantine, AclOperation.Describe);
        await GrantAsync(ResourceType.Group, Group, AclOperation.Describe);
        var seen = await FailuresAsync();
        Assert.True(seen.Count == 3, FindingText.Of(seen));
        AssertSays(seen, $"topic {Source}", "User:app may not READ it, only DESCRIBE", $"--operation Read --topic {Source}");
        AssertSays(seen, $"topic {Quarantine}", "User:app may not WRITE it, only DESCRIBE", $"--operation Write --topic {Quarantine}");
        AssertSays(seen, $"group {Group}", "User:app may not READ it", $"--operation Read --group {Group}");

        // What each remedy says mends its line and no other.
        await GrantAsync(ResourceType.Topic, Source, AclOperation.Read);
        Assert.Equal([$"group {Group}", $"topic {Quarantine}"], (await FailuresAsync()).Select(f => f.Check).Order(StringComparer.Ordinal));
        await GrantAsync(ResourceType.Group, Group, AclOperation.Read);
        Assert.Equal([$"topic {Quarantine}"], (await FailuresAsync()).Select(f => f.Check));
        await GrantAsync(ResourceType.Topic, Quarantine, AclOperation.Write);

        var all = await CheckAsync(User, Password);
        Assert.All(all, f => Assert.Equal(FindingStatus.Ok, f.Status));
        Assert.Contains(all, f => f.Check == $"topic {Source}" && f.Text.Contains("readable, about 6 records", StringComparison.Ordinal));
        Assert.Contains(all, f => f.Check == $"topic {Quarantine}" && f.Text == "may be written");
        Assert.Contains(all, f => f.Check == $"group {Group}" && f.Text == "may be used");

        // The doctor wrote nothing.
        Assert.Equal(0, await EndAsync(Quarantine));
    }

    [Fact]
    public async Task A_topic_that_is_missing_is_told_from_one_that_is_hidden_and_a_wrong_password_is_not_told()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        await GrantAsync(ResourceType.Topic, "nowhere", AclOperation.Read);
        var missing = await new KafkaDoctor("main", Connection(User, Password), TimeProvider.System).CheckAsync(new KafkaUse([("nowhere", Group)], []), Cancel);
        AssertSays(missing, "topic nowhere", "It does not exist.", "--create --topic nowhere");

        var refused = Assert.Single(await CheckAsync(User, "wrong-secret"), f => f.Status == FindingStatus.Failed);
        Assert.Equal("reachable", refused.Check);
        Assert.Contains("SaslPassword", refused.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("-secret", refused.ToString(), StringComparison.Ordinal);
    }

    private static void AssertSays(IReadOnlyList<Finding> findings, string check, string text, string remedy)
    {
        var finding = Assert.Single(findings, f => f.Check == check && f.Status == FindingStatus.Failed);
        Assert.Contains(text, finding.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, finding.Remedy, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<Finding>> FailuresAsync() => [.. (await CheckAsync(User, Password)).Where(f => f.Status != FindingStatus.Ok)];

    private Task<IReadOnlyList<Finding>> CheckAsync(string user, string password) =>
        new KafkaDoctor("main", Connection(user, password), TimeProvider.System).CheckAsync(new KafkaUse([(Source, Group)], [Quarantine]), Cancel);

    private KafkaConnection Connection(string user, string password) => new()
    {
        BootstrapServers = $"127.0.0.1:{_port + 2}",
        SecurityProtocol = "sasl_plaintext",
        AllowPlaintextPassword = true,
        SaslMechanism = "PLAIN",
        SaslUsername = user,
        SaslPassword = password,
    };

    /// <summary>Grants as an administrator would, and waits until the broker goes by it.</summary>
    private async Task GrantAsync(ResourceType type, string name, AclOperation operation)
    {
        using var admin = Admin();
        var pattern = new ResourcePattern { Type = type, Name = name, ResourcePatternType = ResourcePatternType.Literal };
        var entry = new AccessControlEntry { Principal = "User:" + User, Host = "*", Operation = operation, PermissionType = AclPermissionType.Allow };
        await admin.CreateAclsAsync([new AclBinding { Pattern = pattern, Entry = entry }]);
        var filter = new AclBindingFilter
        {
            PatternFilter = new ResourcePatternFilter { Type = type, Name = name, ResourcePatternType = ResourcePatternType.Literal },
            EntryFilter = new AccessControlEntryFilter { Principal = "User:" + User, Operation = operation, PermissionType = AclPermissionType.Allow },
        };
        var until = TimeProvider.System.GetUtcNow().AddSeconds(30);
        while ((await admin.DescribeAclsAsync(filter)).AclBindings.Count == 0)
        {
            Assert.True(TimeProvider.System.GetUtcNow() < until, "The broker does not take the grant in.");
            await Task.Delay(50, Cancel);
        }
    }

    private async Task<long> EndAsync(string topic)
    {
        using var admin = Admin();
        var ends = await admin.ListOffsetsAsync([new TopicPartitionOffsetSpec { TopicPartition = new TopicPartition(topic, 0), OffsetSpec = OffsetSpec.Latest() }]);
        return ends.ResultInfos[0].TopicPartitionOffsetError.Offset.Value;
    }

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _broker!.BootstrapServers }).SetLogHandler((_, _) => { }).Build();
}
