using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// A partition's own durable state: the position up to which everything is durable everywhere, the watermark, and the counters as of that
/// position. Format: version byte 3; position, watermark, the six counts (varints); rule counters: count, each name (text) and number (varint);
/// the row steps' own state (block); the topic's id (text); Kafka times of the newest and of the last record (varints). Version 2 has no such times, version 1
/// no id either.
/// </summary>
internal sealed class PartitionHeader
{
    private const byte Version = 3;
    private const string Format = "partition header";

    /// <summary>The next offset to read.</summary>
    public long Position { get; set; }

    /// <summary>ms since the Unix epoch; <see cref="long.MinValue"/>: none yet.</summary>
    public long Watermark { get; set; } = long.MinValue;

    public RecordCounts Counts { get; set; } = RecordCounts.Zero;

    /// <summary>Failed records per quality rule, as <c>step.rule</c>.</summary>
    public Dictionary<string, long> Rules { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The identity of the topic that the position is of; empty while unknown, and after a reset, which means whichever is there.</summary>
    public string TopicId { get; set; } = "";

    /// <summary>State of row steps that span batches.</summary>
    public byte[] Steps { get; set; } = [];

    /// <summary>The Kafka time, ms since the Unix epoch, of the newest record below the position; 0: not known.</summary>
    public long NewestAt { get; set; }

    /// <summary>The Kafka time, ms since the Unix epoch, of the last record below the position; 0: not known.</summary>
    public long LastAt { get; set; }

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
        writer.Text(TopicId);
        writer.VarInt(NewestAt);
        writer.VarInt(LastAt);
        return writer.ToArray();
    }

    /// <summary>Reads a header. Throws <see cref="CorruptStateException"/>.</summary>
    public static PartitionHeader Decode(byte[] bytes)
    {
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version is 0 or > Version) throw reader.Fault($"format version {version}, this build reads 1 to {Version}");
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
        if (version >= 2) header.TopicId = reader.Text();
        if (version >= 3) (header.NewestAt, header.LastAt) = (reader.VarInt(), reader.VarInt());
        reader.ExpectEnd();
        return header;
    }
}
