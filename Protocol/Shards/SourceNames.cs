namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>
/// Names of sources. What a partition plays again from quarantine is a source of its own towards shards and lanes. '#' is in no topic's name.
/// </summary>
internal static class SourceNames
{
    private const string ReplayMark = "#replay";

    /// <summary>The source of what a partition plays again.</summary>
    public static string Replay(string source) => source + ReplayMark;

    /// <summary>True for such a source: it says nothing about how far time has come.</summary>
    public static bool IsReplay(string source) => source.EndsWith(ReplayMark, StringComparison.Ordinal);

    /// <summary>The partition behind a source.</summary>
    public static string Original(string source) => IsReplay(source) ? source[..^ReplayMark.Length] : source;
}
