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
    private Error? _cause;

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
            using var admin = new AdminClientBuilder(new AdminClientConfig(Config())).SetLogHandler((_, _) => { }).SetErrorHandler((_, e) => Note(e)).Build();
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
            // The call itself only says that no broker answered in time.
            var cause = Volatile.Read(ref _cause) ?? e.Error;
            Fail("reachable", $"{connection.BootstrapServers}: {cause.Reason}", Refuses(cause)
                ? $"Check SaslUsername, SaslPassword and SaslMechanism of Kor:Kafka:{name}."
                : "See that the brokers run, that their advertised listeners can be reached from here, and that SecurityProtocol fits the port.");
            return null;
        }
    }

    private static bool Refuses(Error error) =>
        error.Code is Confluent.Kafka.ErrorCode.SaslAuthenticationFailed or Confluent.Kafka.ErrorCode.Local_Authentication;

    /// <summary>Keeps why brokers do not answer: a refused login before anything else, and that all are down only when nothing else is known.</summary>
    private void Note(Error error)
    {
        if (_cause is null || Refuses(error) || (!Refuses(_cause) && error.Code != Confluent.Kafka.ErrorCode.Local_AllBrokersDown)) Volatile.Write(ref _cause, error);
    }

    private void CheckRead(IAdminClient admin, Metadata metadata, string pattern, string group, CancellationToken cancellation)
    {
        var topics = metadata.Topics.Where(t => Matches(pattern, t.Topic)).ToList();
        if (topics.Count == 0)
        {
            if (pattern.StartsWith('^')) Fail($"topics {pattern}", "No topic matches, or the user may describe none that does.",
                $"Create one, correct the pipeline's topics, or give {Principal} READ on them: kafka-acls.sh --operation Read --resource-pattern-type prefixed --topic PREFIX ...");
            else Missing(admin, pattern, AclOperation.Read);
        }

        foreach (var topic in topics)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Sound(topic) && Allowed(admin, topic.Topic, AclOperation.Read)) ReadOne(topic, group);
        }

        Group(admin, group, topics);
    }

    private void CheckWrite(IAdminClient admin, Metadata metadata, string topic)
    {
        var found = metadata.Topics.FirstOrDefault(t => t.Topic == topic);
        if (found is null) Missing(admin, topic, AclOperation.Write);
        else if (Sound(found) && Allowed(admin, topic, AclOperation.Write)) Ok($"topic {topic}", "may be written");
    }

    /// <summary>A topic that is not among those the user sees: hidden from it, or not there.</summary>
    private void Missing(IAdminClient admin, string topic, AclOperation wanted)
    {
        var check = $"topic {topic}";
        try
        {
            admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Timeout }).GetAwaiter().GetResult();
            Fail(check, "It has just appeared.", "Try again.");
        }
        catch (KafkaException e) when (CodeOf(e) == Confluent.Kafka.ErrorCode.TopicAuthorizationFailed)
        {
            Fail(check, $"{Principal} may not {wanted.ToString().ToUpperInvariant()} it, nor learn whether it exists.", Grant(wanted, $"--topic {topic}"));
        }
        catch (KafkaException e)
        {
            Fail(check, CodeOf(e) == Confluent.Kafka.ErrorCode.UnknownTopicOrPart ? "It does not exist." : $"It does not exist, it seems: {e.Error.Reason}",
                $"kafka-topics.sh --bootstrap-server {connection.BootstrapServers} --create --topic {topic} --partitions N, or correct the pipeline.");
        }
    }

    /// <summary>The code of a call about one topic.</summary>
    private static Confluent.Kafka.ErrorCode CodeOf(KafkaException failure) => failure is DescribeTopicsException { Results.TopicDescriptions: [var topic] }
        ? topic.Error.Code
        : failure.Error.Code;

    private string Principal => connection.SaslUsername is { } user ? $"User:{user}" : "the connection's user";

    /// <summary>The command that gives a right to the connection's user, to be run by who may.</summary>
    private string Grant(AclOperation operation, string resource) =>
        $"kafka-acls.sh --bootstrap-server {connection.BootstrapServers} --add --allow-principal {(connection.SaslUsername is { } user ? $"User:{user}" : "User:...")} "
        + $"--operation {operation} {resource}";

    private bool Sound(TopicMetadata topic)
    {
        var check = $"topic {topic.Topic}";
        if (topic.Error.IsError)
        {
            Fail(check, topic.Error.Reason, Grant(AclOperation.Describe, $"--topic {topic.Topic}"));
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
                check, $"{Principal} may not {wanted.ToString().ToUpperInvariant()} it, only {string.Join(", ", operations.Select(o => o.ToString().ToUpperInvariant()))}.",
                Grant(wanted, $"--topic {topic}"));
            return false;
        }
        catch (KafkaException e) when (CodeOf(e) == Confluent.Kafka.ErrorCode.TopicAuthorizationFailed)
        {
            Fail(check, e.Error.Reason, Grant(wanted, $"--topic {topic}"));
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
        using var consumer = Consumer(group);
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
            Fail(check, (e as KafkaException)?.Error.Reason ?? e.Message, Grant(AclOperation.Read, $"--topic {topic.Topic}"));
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

    private void Group(IAdminClient admin, string group, List<TopicMetadata> topics)
    {
        var check = $"group {group}";
        if (_findings.Any(f => f.Check == check)) return;
        switch (MayCommit(admin, group, topics))
        {
            case true:
                Ok(check, "may be used");
                break;
            case false:
                Fail(check, $"{Principal} may not READ it, so offsets for lag tools are not committed.", Grant(AclOperation.Read, $"--group {group}"));
                break;
            default:
                Ok(check, "the broker does not say what is allowed");
                break;
        }
    }

    /// <summary>Whether the user may commit offsets of the group; null when that cannot be told.</summary>
    private bool? MayCommit(IAdminClient admin, string group, List<TopicMetadata> topics)
    {
        try
        {
            var answer = admin.DescribeConsumerGroupsAsync(
                [group], new DescribeConsumerGroupsOptions { IncludeAuthorizedOperations = true, RequestTimeout = Timeout }).GetAwaiter().GetResult();
            var description = answer.ConsumerGroupDescriptions.Single();
            if (description.Error.Code == Confluent.Kafka.ErrorCode.GroupAuthorizationFailed) return false;
            if (description.AuthorizedOperations is { Count: > 0 } operations) return operations.Contains(AclOperation.Read);
        }
        catch (Exception e) when (e is KafkaException or DescribeConsumerGroupsException)
        {
            var code = e is DescribeConsumerGroupsException { Results.ConsumerGroupDescriptions: [var one] } ? one.Error.Code : (e as KafkaException)?.Error.Code;
            if (code == Confluent.Kafka.ErrorCode.GroupAuthorizationFailed) return false;
        }

        // Brokers tell nothing of a group that is not there yet.
        return topics.Count == 0 ? null : TryCommit(topics[0], group);
    }

    /// <summary>
    /// Commits an offset of a partition that does not exist: brokers look at the right first and then refuse it, so that nothing is changed either way.
    /// </summary>
    private bool? TryCommit(TopicMetadata topic, string group)
    {
        var nowhere = new TopicPartitionOffset(topic.Topic, topic.Partitions.Count + 1_000_000, 0);
        using var consumer = Consumer(group);
        try
        {
            consumer.Commit([nowhere]);
            return true;
        }
        catch (KafkaException e)
        {
            return ((e as TopicPartitionOffsetException)?.Results[0].Error ?? e.Error).Code switch
            {
                Confluent.Kafka.ErrorCode.GroupAuthorizationFailed => false,
                Confluent.Kafka.ErrorCode.UnknownTopicOrPart or Confluent.Kafka.ErrorCode.TopicAuthorizationFailed => true,
                _ => null,
            };
        }
    }

    private IConsumer<Ignore, Ignore> Consumer(string group) => new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig(new ClientConfig(Config()))
    {
        GroupId = group, EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Error, AllowAutoCreateTopics = false, EnablePartitionEof = true,
    }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();

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
