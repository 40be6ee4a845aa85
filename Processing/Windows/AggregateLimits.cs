using System.Buffers.Text;
using System.IO.Hashing;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// How much one group of a window step may keep. What is refused is refused by the record alone, and what is cut is cut by the records' order in event
/// time alone: batches, replays and the order in which partitions are read change nothing.
/// </summary>
public static class AggregateLimits
{
    /// <summary>
    /// The longest string, bytes or JSON that <c>first</c>, <c>last</c>, <c>min</c>, <c>max</c> and <c>collect</c> keep, in bytes. Longer: the record is
    /// refused with KOR4047.
    /// </summary>
    public const int MaxValueBytes = 256 << 10;

    /// <summary>
    /// What <c>collect</c> keeps of one window, in bytes of JSON. The values that come first by event time are kept up to the one that does not fit;
    /// the array then ends with <see cref="CutMark"/>.
    /// </summary>
    public const int MaxCollectedBytes = 1 << 20;

    /// <summary>
    /// The longest string that <c>top_k</c> counts as it is, in bytes. A longer one is counted by its first <see cref="KeptOfCounted"/> bytes, the mark
    /// and a hash of all of it, so that different ones stay different.
    /// </summary>
    public const int MaxCountedBytes = 1_024;

    /// <summary>How many bytes of a long string <c>top_k</c> shows, at most.</summary>
    public const int KeptOfCounted = 900;

    /// <summary>How long the strings, bytes and JSON of a group key may be together, in bytes. Longer: the record is refused with KOR4048.</summary>
    public const int MaxKeyBytes = 4_096;

    /// <summary>What stands where something was cut off.</summary>
    public const string CutMark = "…";

    /// <summary>True for an aggregate that keeps values as they are.</summary>
    public static bool KeepsValues(AggregateKind kind) =>
        kind is AggregateKind.First or AggregateKind.Last or AggregateKind.Min or AggregateKind.Max or AggregateKind.Collect;

    /// <summary>A long string as <c>top_k</c> counts it: its beginning, the mark, # and 16 hexadecimal digits.</summary>
    internal static byte[] Shorten(ReadOnlySpan<byte> text)
    {
        var length = KeptOfCounted;
        // Not in the middle of a character.
        while (length > 0 && (text[length] & 0xC0) == 0x80) length--;
        Span<byte> hash = stackalloc byte[16];
        Utf8Formatter.TryFormat(XxHash3.HashToUInt64(text), hash, out _, new System.Buffers.StandardFormat('x', 16));
        return [.. text[..length], .. "…#"u8, .. hash];
    }
}
