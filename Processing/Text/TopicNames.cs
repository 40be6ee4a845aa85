using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Text;

/// <summary>Names of topics, and patterns that begin with '^'.</summary>
internal static class TopicNames
{
    /// <summary>True when a source's topic, by name or by pattern, is that topic. Internal topics (<c>__</c>) match by name only.</summary>
    public static bool Matches(string source, string topic)
    {
        if (!source.StartsWith('^')) return source == topic;
        return !topic.StartsWith("__", StringComparison.Ordinal)
            && Regex.IsMatch(topic, source, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }
}
