using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// A named subscription: which topics of which cluster are read, and from where when no position is known. All silos
/// must be given equal sources; a source's partitions are spread over the silos.
/// </summary>
public sealed record KafkaSource
{
    /// <summary>Unique name, 1 to 249 of <c>[A-Za-z0-9._-]</c>; the first segment of the stream key.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Topic names, and patterns when they begin with <c>^</c> (.NET syntax, non-backtracking, matched against the
    /// whole topic list every <see cref="KafkaStreamOptions.MetadataInterval"/>). Internal topics (<c>__</c>) match
    /// only by their exact name.
    /// </summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>A name in <see cref="KafkaStreamOptions.Connections"/>. Default <c>main</c>.</summary>
    public string ConnectionName { get; init; } = "main";

    /// <summary>Group for (advisory) offset commits. Default: the source's name.</summary>
    public string? GroupId { get; init; }

    /// <summary>Where a partition starts when neither the application nor Kafka knows a position.</summary>
    public KafkaStartPosition StartPosition { get; init; } = KafkaStartPosition.Earliest;

    /// <summary>
    /// Start at <see cref="StartPosition"/> whatever the group has committed: for applications whose own checkpoint is the truth, so that without one
    /// they begin at the beginning. Default false: the group's committed offset comes before the start position.
    /// </summary>
    public bool IgnoreCommitted { get; init; }

    /// <summary>Whether records of open and aborted transactions are hidden. Default: they are.</summary>
    public KafkaIsolationLevel IsolationLevel { get; init; } = KafkaIsolationLevel.ReadCommitted;

    /// <summary>
    /// Further librdkafka settings for this source's consumer; they win over the connection's. Settings the protocol
    /// depends on are refused, see <see cref="KafkaConfigRules"/>; so are those of security, which are the connection's.
    /// </summary>
    public IReadOnlyDictionary<string, string> Config { get; init; } = new Dictionary<string, string>();

    /// <summary>The group that is really used.</summary>
    public string EffectiveGroupId => GroupId ?? Name;

    /// <summary>Checks everything that can be checked without a broker.</summary>
    /// <exception cref="ArgumentException">A value breaks its rule; the message names it and the remedy.</exception>
    public void Validate()
    {
        KafkaNames.CheckName(Name, "source name");
        KafkaNames.CheckName(ConnectionName, "connection name");
        if (Topics is null || Topics.Count == 0)
            throw new ArgumentException($"Source '{Name}' names no topic; give at least one name or ^pattern.");
        foreach (var topic in Topics)
            CheckTopic(topic);
        if (GroupId is { Length: 0 })
            throw new ArgumentException($"Source '{Name}' has an empty group id; leave it out to use the source name.");
        KafkaConfigRules.CheckOfSource(Config, $"source '{Name}'");
    }

    private void CheckTopic(string topic)
    {
        if (!topic.StartsWith('^'))
        {
            KafkaNames.CheckTopic(topic);
            return;
        }

        try
        {
            _ = KafkaTopicPattern.Compile(topic);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ArgumentException($"Source '{Name}': the topic pattern '{topic}' is not valid: {e.Message}", e);
        }
    }
}

/// <summary>Which records of transactions are seen; librdkafka's <c>isolation.level</c>.</summary>
public enum KafkaIsolationLevel
{
    /// <summary>Only records outside transactions and of committed ones.</summary>
    ReadCommitted,

    /// <summary>All records, aborted ones included.</summary>
    ReadUncommitted,
}

/// <summary>How topic patterns are understood.</summary>
internal static class KafkaTopicPattern
{
    public static Regex Compile(string pattern) =>
        new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
