using System.Globalization;
using Confluent.Kafka;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>Puts librdkafka settings together: the provider's defaults, the connection's, the source's.</summary>
internal static class ClientConfigs
{
    private const int KiB = 1024;
    private const int OverheadPerRecord = 512;
    private const int InfoLevel = 6;
    private const int DebugLevel = 7;

    /// <summary>The kind of debug lines among which a topic's change of id is told; some per metadata answer.</summary>
    private const string TopicDebug = "metadata";
    private static readonly string[] ConsumerOnly =
        ["fetch.", "queued.", "max.partition.fetch", "check.crcs", "session.", "max.poll", "heartbeat."];

    private static readonly string[] ProducerOnly =
        ["linger.", "batch.", "compression.", "queue.buffering.", "delivery.", "message.timeout", "partitioner"];

    /// <summary>Settings of a source's consumer.</summary>
    /// <param name="connection">The cluster.</param>
    /// <param name="source">The source.</param>
    /// <param name="options">The provider's options.</param>
    /// <param name="partitions">Partitions that share the prefetch half of the buffer.</param>
    public static Dictionary<string, string> Consumer(
        KafkaConnection connection, KafkaSource source, KafkaStreamOptions options, int partitions)
    {
        // Partition queues make librdkafka apply the queue limits to each partition. They count the bytes of keys and
        // values only; what librdkafka keeps beside each record is more than a small record itself. A fetch is let in
        // while a queue is below both limits, and arrives compressed, hence the smaller share for it.
        var share = options.MaxBufferedBytes / 2 / Math.Max(1, partitions);
        var queued = Math.Clamp(share / 8, 16 * KiB, 64 * KiB * KiB) / KiB;
        var records = Math.Clamp(share / 4 / OverheadPerRecord, 50, 100_000);
        var fetch = Math.Clamp(share / 16, 16 * KiB, 4 * KiB * KiB);
        var config = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["queued.max.messages.kbytes"] = Text(queued),
            ["queued.min.messages"] = Text(records),
            ["max.partition.fetch.bytes"] = Text(fetch),
            ["fetch.queue.backoff.ms"] = "5",
            ["fetch.min.bytes"] = Text(32 * KiB),
            ["fetch.wait.max.ms"] = "50",
            ["fetch.error.backoff.ms"] = "250",
            ["reconnect.backoff.ms"] = "100",
            ["reconnect.backoff.max.ms"] = "5000",
            ["topic.metadata.refresh.interval.ms"] = Text((long)Math.Max(
                1000, Math.Min(300_000, options.MetadataInterval.TotalMilliseconds))),
            ["socket.nagle.disable"] = "true",
            ["client.id"] = "kafka-oracle-orleans",
        };
        foreach (var (key, value) in connection.ToClientConfig())
            SetUnless(ProducerOnly, config, key, value);
        foreach (var (key, value) in source.Config)
            config[key] = value;
        config["group.id"] = source.EffectiveGroupId;
        config["enable.auto.commit"] = "false";
        config["enable.auto.offset.store"] = "false";
        config["auto.offset.reset"] = "error";
        config["enable.partition.eof"] = "true";
        config["allow.auto.create.topics"] = "false";
        config["debug"] = config.TryGetValue("debug", out var wanted) ? $"{wanted},{TopicDebug}" : TopicDebug;
        config["isolation.level"] =
            source.IsolationLevel == KafkaIsolationLevel.ReadCommitted ? "read_committed" : "read_uncommitted";
        return config;
    }

    /// <summary>The level up to which log lines are wanted: our own debug lines are nobody else's.</summary>
    public static int LogLevel(IReadOnlyDictionary<string, string> config)
    {
        if (config.GetValueOrDefault("debug", TopicDebug) != TopicDebug)
            return DebugLevel;
        return int.TryParse(config.GetValueOrDefault("log_level"), CultureInfo.InvariantCulture, out var level)
            ? level
            : InfoLevel;
    }

    /// <summary>Settings of a connection's producer.</summary>
    public static ProducerConfig Producer(KafkaConnection connection, KafkaStreamOptions options)
    {
        var config = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["linger.ms"] = "5",
            ["delivery.timeout.ms"] = Text((long)options.ProduceTimeout.TotalMilliseconds),
            ["client.id"] = "kafka-oracle-orleans",
            ["partitioner"] = "murmur2_random",
        };
        foreach (var (key, value) in connection.ToClientConfig())
            SetUnless(ConsumerOnly, config, key, value);
        config["enable.idempotence"] = "true";
        config["acks"] = "all";
        return new ProducerConfig(new ClientConfig(config));
    }

    /// <summary>Settings of a connection's admin client.</summary>
    public static AdminClientConfig Admin(KafkaConnection connection)
    {
        var config = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["client.id"] = "kafka-oracle-orleans",
            ["reconnect.backoff.max.ms"] = "5000",
            // How often Confluent's thread looks whether it should end; answers wake it at once.
            ["dotnet.cancellation.delay.max.ms"] = "500",
        };
        foreach (var (key, value) in connection.ToClientConfig())
        {
            if (!ConsumerOnly.Concat(ProducerOnly).Any(p => key.StartsWith(p, StringComparison.Ordinal)))
                config[key] = value;
        }

        return new AdminClientConfig(new ClientConfig(config));
    }

    private static void SetUnless(string[] excluded, Dictionary<string, string> config, string key, string value)
    {
        if (!excluded.Any(p => key.StartsWith(p, StringComparison.Ordinal)))
            config[key] = value;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
