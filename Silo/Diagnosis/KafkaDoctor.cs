using System.Globalization;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>What pipelines want of a Kafka cluster.</summary>
/// <param name="Reads">Topics or patterns that are read, with the group that does.</param>
/// <param name="Writes">Topics that are written.</param>
internal sealed record KafkaUse(IReadOnlyList<(string Topic, string Group)> Reads, IReadOnlyList<string> Writes);

/// <summary>
/// Checks a Kafka connection: brokers, topics, what the user may do with topics and groups, and how far the newest records' clock is from
/// ours. Reads one record per topic at most and commits nothing.
/// </summary>
internal sealed class KafkaDoctor(string name, KafkaConnection connection, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(5);
    private readonly List<Finding> _findings = [];

    public async Task<IReadOnlyList<Finding>> CheckAsync(KafkaUse use, CancellationToken cancellation)
    {
        // The client's metadata calls block their thread.
        await Task.Run(() => Check(use, cancellation), cancellation);
        return _findings;
    }

    private void Check(KafkaUse use, CancellationToken cancellation)
    {
        try
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig(Config())).SetLogHandler((_, _) => { }).Build();
            if (Brokers(admin) is not { } metadata) return;
            foreach (var (pattern, group) in use.Reads.Distinct()) CheckRead(admin, metadata, pattern, group, cancellation);
            foreach (var topic in use.Writes.Distinct(StringComparer.Ordinal)) CheckWrite(admin, metadata, topic);
        }
        catch (Exception e) when (e is KafkaException or ArgumentException or InvalidOperationException)
        {
            Fail("configuration", e.Message, $"Correct Kor:Kafka:{name}; names and values are librdkafka's.");
        }
    }

    private Metadata? Brokers(IAdminClient admin)
    {
        try
        {
            var metadata = admin.GetMetadata(Timeout);
            var brokers = string.Join(", ", metadata.Brokers.Select(b => string.Create(CultureInfo.InvariantCulture, $"{b.Host}:{b.Port}")));
            Ok("reachable", $"{metadata.Brokers.Count} broker{(metadata.Brokers.Count == 1 ? "" : "s")}: {brokers}");
            return metadata;
        }
        catch (KafkaException e)
        {
            Fail("reachable", $"{connection.BootstrapServers}: {e.Error.Reason}", e.Error.Code == Confluent.Kafka.ErrorCode.SaslAuthenticationFailed
                ? $"Check SaslUsername, SaslPassword and SaslMechanism of Kor:Kafka:{name}."
                : "See that the brokers run, that their advertised listeners can be reached from here, and that SecurityProtocol fits the port.");
            return null;
        }
    }

    private void CheckRead(IAdminClient admin, Metadata metadata, string pattern, string group, CancellationToken cancellation)
    {
        var topics = metadata.Topics.Where(t => Matches(pattern, t.Topic)).ToList();
        if (topics.Count == 0)
        {
            Fail(
                $"topic {pattern}", "It does not exist, or the user may not describe it.",
                $"kafka-topics.sh --create --topic {pattern} --partitions N ..., or grant DESCRIBE and READ on it, or correct the pipeline's topics.");
            return;
        }

        foreach (var topic in topics)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Sound(topic) && Allowed(admin, topic.Topic, AclOperation.Read)) ReadOne(topic, group);
        }

        Group(admin, group);
    }

    private void CheckWrite(IAdminClient admin, Metadata metadata, string topic)
    {
        var found = metadata.Topics.FirstOrDefault(t => t.Topic == topic);
        if (found is null)
            Fail($"topic {topic}", "It does not exist, or the user may not describe it.", $"kafka-topics.sh --create --topic {topic} ..., or grant WRITE on it.");
        else if (Sound(found)) Allowed(admin, topic, AclOperation.Write);
    }

    private bool Sound(TopicMetadata topic)
    {
        var check = $"topic {topic.Topic}";
        if (topic.Error.IsError)
        {
            Fail(check, topic.Error.Reason, "Grant DESCRIBE and READ on it to the connection's user.");
            return false;
        }

        var leaderless = topic.Partitions.Where(p => p.Leader < 0).Select(p => p.PartitionId).ToList();
        if (leaderless.Count != 0)
        {
            Fail(check, $"Partitions {string.Join(", ", leaderless)} have no leader.", "Bring the brokers back that hold them.");
            return false;
        }

        var thin = topic.Partitions.Count(p => p.InSyncReplicas.Length < p.Replicas.Length);
        if (thin > 0)
            _findings.Add(Finding.Warning(name, check, $"{thin} of {topic.Partitions.Count} partitions have replicas out of sync.", "Look at the brokers."));
        else Ok(check, $"{topic.Partitions.Count} partition{(topic.Partitions.Count == 1 ? "" : "s")}, all with leaders");
        return true;
    }

    private bool Allowed(IAdminClient admin, string topic, AclOperation wanted)
    {
        var check = $"topic {topic}";
        try
        {
            var answer = admin.DescribeTopicsAsync(
                TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { IncludeAuthorizedOperations = true, RequestTimeout = Timeout }).GetAwaiter().GetResult();
            var operations = answer.TopicDescriptions.Single().AuthorizedOperations;
            if (operations is null || operations.Count == 0 || operations.Contains(wanted)) return true;
            Fail(
                check, $"The user may not {wanted.ToString().ToUpperInvariant()}; it may {string.Join(", ", operations)}.",
                $"kafka-acls.sh --add --allow-principal User:... --operation {wanted} --topic {topic}");
            return false;
        }
        catch (KafkaException e) when (e.Error.Code is Confluent.Kafka.ErrorCode.TopicAuthorizationFailed)
        {
            Fail(check, e.Error.Reason, $"kafka-acls.sh --add --allow-principal User:... --operation Describe --operation {wanted} --topic {topic}");
            return false;
        }
        catch (KafkaException)
        {
            // Old brokers and the embedded one do not tell; reading a record does.
            return true;
        }
    }

    /// <summary>Reads the newest record of the fullest partition: that needs READ, and shows how the producers' clock stands to ours.</summary>
    private void ReadOne(TopicMetadata topic, string group)
    {
        var check = $"topic {topic.Topic}";
        var config = new ConsumerConfig(new ClientConfig(Config()))
        {
            GroupId = group, EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Error, AllowAutoCreateTopics = false, EnablePartitionEof = true,
        };
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(config).SetLogHandler((_, _) => { }).Build();
        try
        {
            var ends = topic.Partitions.Select(p => new TopicPartition(topic.Topic, p.PartitionId))
                .Select(p => (Partition: p, Marks: consumer.QueryWatermarkOffsets(p, Timeout))).ToList();
            var records = ends.Sum(e => e.Marks.High.Value - e.Marks.Low.Value);
            var fullest = ends.MaxBy(e => e.Marks.High.Value - e.Marks.Low.Value);
            if (records == 0)
            {
                Ok(check, "readable, no records yet");
                return;
            }

            consumer.Assign(new TopicPartitionOffset(fullest.Partition, fullest.Marks.High.Value - 1));
            var record = consumer.Consume(Timeout);
            Ok(check, string.Create(CultureInfo.InvariantCulture, $"readable, about {records:N0} records"));
            if (record is { IsPartitionEOF: false, Message.Timestamp.Type: not TimestampType.NotAvailable }) Clock(check, record.Message.Timestamp);
        }
        catch (Exception e) when (e is ConsumeException or KafkaException)
        {
            Fail(check, (e as KafkaException)?.Error.Reason ?? e.Message, $"kafka-acls.sh --add --allow-principal User:... --operation Read --topic {topic.Topic}");
        }
        finally
        {
            consumer.Unassign();
        }
    }

    private void Clock(string check, Timestamp timestamp)
    {
        var ahead = timestamp.UtcDateTime - time.GetUtcNow().UtcDateTime;
        if (ahead <= Skew) return;
        var whose = timestamp.Type == TimestampType.LogAppendTime ? "the broker's clock" : "a producer's clock";
        _findings.Add(Finding.Warning(
            name, check, string.Create(CultureInfo.InvariantCulture, $"Its newest record is {ahead.TotalSeconds:0} s in the future: {whose} is ahead of ours."),
            "Synchronise clocks by NTP; windows by the Kafka timestamp would close early."));
    }

    private void Group(IAdminClient admin, string group)
    {
        var check = $"group {group}";
        if (_findings.Any(f => f.Check == check)) return;
        try
        {
            var answer = admin.DescribeConsumerGroupsAsync(
                [group], new DescribeConsumerGroupsOptions { IncludeAuthorizedOperations = true, RequestTimeout = Timeout }).GetAwaiter().GetResult();
            var description = answer.ConsumerGroupDescriptions.Single();
            if (description.Error.Code == Confluent.Kafka.ErrorCode.GroupAuthorizationFailed) throw new KafkaException(description.Error);
            var operations = description.AuthorizedOperations;
            if (operations is { Count: > 0 } && !operations.Contains(AclOperation.Read)) Fail(check, "The user may not READ it, so offsets for lag tools are not committed.", Remedy());
            else Ok(check, "may be used");
        }
        catch (Exception e) when (e is KafkaException or DescribeConsumerGroupsException)
        {
            var error = (e as KafkaException)?.Error;
            if (error?.Code == Confluent.Kafka.ErrorCode.GroupAuthorizationFailed) Fail(check, error.Reason, Remedy());
            else Ok(check, "the broker does not say what is allowed");
        }

        string Remedy() => $"kafka-acls.sh --add --allow-principal User:... --operation Read --operation Describe --group {group}";
    }

    private Dictionary<string, string> Config()
    {
        var config = connection.ToClientConfig();
        config.TryAdd("socket.timeout.ms", "8000");
        config.TryAdd("client.id", "kafka-oracle-orleans-doctor");
        return config;
    }

    private static bool Matches(string pattern, string topic) => pattern.StartsWith('^')
        ? !topic.StartsWith("__", StringComparison.Ordinal) && Regex.IsMatch(topic, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)
        : topic == pattern;

    private void Ok(string check, string text) => _findings.Add(Finding.Ok(name, check, text));

    private void Fail(string check, string text, string remedy) => _findings.Add(Finding.Failed(name, check, text, remedy));
}
