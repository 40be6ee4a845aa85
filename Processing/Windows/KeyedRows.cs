using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Rows on their way to window cells: the group key in canonical bytes (see <c>GroupKeyCodec</c>), its hash, the event time and the inputs of
/// the aggregates. Immutable once built. This is what a partition sends a shard.
/// </summary>
public sealed class KeyedRows
{
    /// <summary>The number of rows. Arrays may be longer.</summary>
    public required int Count { get; init; }

    /// <summary>64-bit hash of each row's group key.</summary>
    public required ulong[] KeyHashes { get; init; }

    /// <summary>Where each key starts in <see cref="KeyBytes"/>; has <see cref="Count"/> + 1 entries at least, the last is the end.</summary>
    public required int[] KeyStarts { get; init; }

    /// <summary>The canonical key bytes.</summary>
    public required byte[] KeyBytes { get; init; }

    /// <summary>Event times, ms since the Unix epoch.</summary>
    public required long[] EventTimes { get; init; }

    /// <summary>Source offsets, ascending.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>
    /// The source partition's own watermark before each row, ms; null: the shard's is taken. It decides what a row is late for: the shard's
    /// is a minimum over partitions, which depends on how far each has been read, while this is a function of the log
    /// alone. So replays and backfills find the same rows late.
    /// </summary>
    public long[]? Watermarks { get; init; }

    /// <summary>The aggregates' inputs.</summary>
    public required Column[] Inputs { get; init; }

    /// <summary>The key bytes of a row.</summary>
    public ReadOnlySpan<byte> Key(int row) => KeyBytes.AsSpan(KeyStarts[row], KeyStarts[row + 1] - KeyStarts[row]);
}
