using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>Which librdkafka settings may not be given, why, and which are secret.</summary>
public static class KafkaConfigRules
{
    private const string Redacted = "***";
    private const string Reference = "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md";

    private static readonly Dictionary<string, string> Refused = new(StringComparer.OrdinalIgnoreCase)
    {
        ["enable.auto.commit"] =
            "records would be committed before they are processed; positions are kept by the application",
        ["auto.commit.enable"] =
            "records would be committed before they are processed; positions are kept by the application",
        ["enable.auto.offset.store"] = "offsets would be stored before records are processed",
        ["auto.offset.reset"] =
            "a truncated log would be skipped silently; use StartPosition for the very first start",
        ["enable.partition.eof"] = "the end of a partition is how holes at the end of the log are noticed",
        ["group.id"] = "set the source's group instead (KafkaSource.GroupId; in a pipeline source: { kafka: { group } })",
        ["group.instance.id"] = "partitions are assigned by the stream provider, there are no group members",
        ["group.protocol"] = "partitions are assigned by the stream provider, there are no group members",
        ["isolation.level"] = "set IsolationLevel of the source instead",
        ["bootstrap.servers"] = "set BootstrapServers of the connection instead",
        ["metadata.broker.list"] = "set BootstrapServers of the connection instead",
        ["allow.auto.create.topics"] = "reading a misspelt topic would create it; create topics beforehand",
        ["transactional.id"] = "the producer is idempotent; transactions over several messages are not offered",
        ["enable.idempotence"] = "retries would duplicate and reorder records",
        ["acks"] = "an acknowledged record could be lost; the producer always waits for all in-sync replicas",
        ["request.required.acks"] =
            "an acknowledged record could be lost; the producer always waits for all in-sync replicas",
        ["enabled_events"] = "errors and commit results would go where nobody looks",
        ["log.queue"] = "log lines would go where nobody looks",
        ["opaque"] = "pointers can't be given as text",
    };

    /// <summary>Who may change the source must not be able to change how its cluster is reached and trusted.</summary>
    private static readonly string[] OfConnections =
        ["security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl.", "https.", "plugin."];

    private static readonly string[] SecretParts =
        ["password", "secret", "pem", "private", "oauthbearer.config", "token", "assertion"];

    /// <summary>
    /// Refuses settings that would break delivery, and those librdkafka does not know or whose value it does not take;
    /// names the place and the reason.
    /// </summary>
    /// <param name="config">librdkafka settings by name.</param>
    /// <param name="place">Where they come from, for the message.</param>
    /// <exception cref="ArgumentException">A setting is refused.</exception>
    public static void Check(IReadOnlyDictionary<string, string>? config, string place)
    {
        if (Faults(config) is [var first, ..])
            throw new ArgumentException($"Config of {place}: {first}");
    }

    /// <summary>Every setting that is refused, with its name, its value unless that is secret, the reason and the remedy.</summary>
    /// <param name="config">librdkafka settings by name.</param>
    public static IReadOnlyList<string> Faults(IReadOnlyDictionary<string, string>? config)
    {
        var faults = new List<string>();
        foreach (var (name, value) in config ?? new Dictionary<string, string>())
        {
            if (string.IsNullOrWhiteSpace(name))
                faults.Add("a setting name is empty; give librdkafka's name of the setting.");
            else if (Refused.TryGetValue(name, out var reason))
                faults.Add($"'{name}' can't be set: {reason}.");
            else if (name.EndsWith("_cb", StringComparison.Ordinal))
                faults.Add($"'{name}' can't be set: it is a callback, not text.");
            else if (NativeConsumer.RefusalOf(name, value) is { } refusal)
                faults.Add($"librdkafka setting '{name}': {refusal}{Shown(name, value, refusal)}. Correct it or take it away; names and values are those of {Reference}.");
        }

        return faults;
    }

    /// <summary>The value of a setting that does not exist is not shown: a misspelt name tells nothing of how secret it is.</summary>
    private static string Shown(string name, string value, string refusal) =>
        IsSecret(name) || refusal.StartsWith("No such", StringComparison.Ordinal) ? "" : $" (the value is '{value}')";

    internal static void CheckOfSource(IReadOnlyDictionary<string, string>? config, string place)
    {
        foreach (var name in config?.Keys ?? [])
        {
            if (OfConnections.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
            {
                throw new ArgumentException(
                    $"Config of {place}: '{name}' can't be set: it belongs to the connection; set it there.");
            }
        }

        Check(config, place);
    }

    /// <summary>Whether the value of a setting must not be printed.</summary>
    public static bool IsSecret(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (var part in SecretParts)
        {
            if (name.Contains(part, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    /// <summary>The settings as text with secrets replaced by ***.</summary>
    public static string Describe(IReadOnlyDictionary<string, string> config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return string.Join(", ", config.OrderBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => $"{p.Key}={(IsSecret(p.Key) ? Redacted : p.Value)}"));
    }

    internal static string RedactIfSet(string? secret) => secret is null ? "(none)" : Redacted;
}
