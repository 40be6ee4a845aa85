using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// A partition's own durable state: the position up to which everything is durable everywhere, the watermark, and the counters as of that
/// position. Format: version byte 1; position, watermark, the six counts (varints); rule counters: count, each name (text) and number (varint);
/// the row steps' own state (block).
/// </summary>
internal sealed class PartitionHeader
{
    private const byte Version = 1;
    private const string Format = "partition header";

    /// <summary>The next offset to read.</summary>
    public long Position { get; set; }

    /// <summary>ms since the Unix epoch; <see cref="long.MinValue"/>: none yet.</summary>
    public long Watermark { get; set; } = long.MinValue;

    public RecordCounts Counts { get; set; } = RecordCounts.Zero;

    /// <summary>Failed records per quality rule, as <c>step.rule</c>.</summary>
    public Dictionary<string, long> Rules { get; init; } = new(StringComparer.Ordinal);

    /// <summary>State of row steps that span batches.</summary>
    public byte[] Steps { get; set; } = [];

    public byte[] Encode()
    {
        var writer = new ByteWriter(128);
        writer.Byte(Version);
        writer.VarInt(Position);
        writer.VarInt(Watermark);
        writer.VarInt(Counts.Consumed);
        writer.VarInt(Counts.Absorbed);
        writer.VarInt(Counts.Duplicate);
        writer.VarInt(Counts.Late);
        writer.VarInt(Counts.Filtered);
        writer.VarInt(Counts.Quarantined);
        writer.VarUInt((ulong)Rules.Count);
        foreach (var (name, count) in Rules.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            writer.Text(name);
            writer.VarInt(count);
        }

        writer.Block(Steps);
        return writer.ToArray();
    }

    /// <summary>Reads a header. Throws <see cref="CorruptStateException"/>.</summary>
    public static PartitionHeader Decode(byte[] bytes)
    {
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var header = new PartitionHeader { Position = reader.VarInt(), Watermark = reader.VarInt() };
        header.Counts = new RecordCounts(
            reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt());
        var rules = reader.Count(reader.Remaining, "the number of rules");
        for (var i = 0; i < rules; i++)
        {
            var name = reader.Text();
            header.Rules[name] = reader.VarInt();
        }

        header.Steps = reader.Block().ToArray();
        reader.ExpectEnd();
        return header;
    }
}
