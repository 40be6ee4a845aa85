using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>What a shard knows of one source partition.</summary>
internal sealed class SourceEntry(string name)
{
    /// <summary><c>topic/partition</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Tells the partition apart from others of its number; a replay is of the partition whose records it plays.</summary>
    public int Tag { get; } = SourceTags.Of(SourceNames.Original(name));

    /// <summary>Everything below is applied; -1: nothing is known yet.</summary>
    public long Applied { get; set; } = -1;

    /// <summary>What of it is durable; not part of the header, it is the header's being written.</summary>
    public long Durable { get; set; } = -1;

    /// <summary>The highest epoch of the partition's owner seen.</summary>
    public long Epoch { get; set; }

    /// <summary>The Kafka time, ms since the Unix epoch, of the newest record applied; 0: not known.</summary>
    public long NewestAt { get; set; }

    /// <summary>Late rows that the partition may yet ask about again, by offset.</summary>
    public List<LateRecord> Late { get; } = [];

    /// <summary>Forgets late rows the partition will never replay.</summary>
    public void Prune(long durablePosition)
    {
        if (SourceNames.IsReplay(Name))
        {
            // Its positions are links of a chain, not offsets: a new link makes an end of what the one before found.
            if (durablePosition >= Applied) Late.Clear();
            return;
        }

        var gone = 0;
        while (gone < Late.Count && Late[gone].Offset < durablePosition) gone++;
        if (gone > 0) Late.RemoveRange(0, gone);
    }

    /// <summary>The late rows in a span of positions.</summary>
    public IReadOnlyList<LateRecord> LateIn(long from, long to)
    {
        if (Late.Count == 0) return [];
        if (SourceNames.IsReplay(Name)) return [.. Late];
        var rows = new List<LateRecord>();
        foreach (var late in Late)
        {
            if (late.Offset >= from && late.Offset < to) rows.Add(late);
        }

        return rows;
    }
}

/// <summary>
/// A shard's own durable state: positions per source partition, the watermark, and counters. Format: version byte 4; watermark state (block);
/// outbox next, late, closed, late by idleness, partly late (varints); sources: count, each name (text), applied, epoch, Kafka time of the newest record (varints),
/// late rows: count, each offset, window start, window end, late by (varints), reason (byte). Version 3 has no times, version 2 neither reasons nor the last two
/// counts, version 1 no epochs either.
/// </summary>
internal sealed class ShardHeader
{
    private const byte Version = 4;
    private const string Format = "shard header";

    public Dictionary<string, SourceEntry> Sources { get; } = new(StringComparer.Ordinal);

    public ShardWatermark Watermark { get; private set; } = new();

    /// <summary>The sequence the next outbox entry gets.</summary>
    public long OutboxNext { get; set; }

    /// <summary>Late rows so far.</summary>
    public long LateTotal { get; set; }

    /// <summary>Those of them whose windows were closed because their partition was idle.</summary>
    public long LateByIdleTotal { get; set; }

    /// <summary>Rows so far that came too late for some of their windows only.</summary>
    public long PartlyLateTotal { get; set; }

    /// <summary>Window rows that left so far.</summary>
    public long ClosedTotal { get; set; }

    public SourceEntry Source(string name)
    {
        if (Sources.TryGetValue(name, out var entry)) return entry;
        entry = new SourceEntry(name);
        Sources.Add(name, entry);
        if (!SourceNames.IsReplay(name)) Watermark.AddSource(name);
        return entry;
    }

    public byte[] Encode()
    {
        var writer = new ByteWriter(256);
        writer.Byte(Version);
        writer.Block(Watermark.Encode());
        writer.VarInt(OutboxNext);
        writer.VarInt(LateTotal);
        writer.VarInt(ClosedTotal);
        writer.VarInt(LateByIdleTotal);
        writer.VarInt(PartlyLateTotal);
        writer.VarUInt((ulong)Sources.Count);
        foreach (var source in Sources.Values.OrderBy(s => s.Name, StringComparer.Ordinal)) WriteSource(ref writer, source);
        return writer.ToArray();
    }

    /// <summary>Reads a header; a null one is that of a shard which never was. Throws <see cref="CorruptStateException"/>.</summary>
    public static ShardHeader Decode(byte[]? bytes)
    {
        if (bytes is null) return new ShardHeader();
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version is 0 or > Version) throw reader.Fault($"format version {version}, this build reads 1 to {Version}");
        var header = new ShardHeader { Watermark = ShardWatermark.Decode(reader.Block()) };
        header.OutboxNext = reader.VarInt();
        header.LateTotal = reader.VarInt();
        header.ClosedTotal = reader.VarInt();
        if (version >= 3) (header.LateByIdleTotal, header.PartlyLateTotal) = (reader.VarInt(), reader.VarInt());
        var count = reader.Count(reader.Remaining, "the number of sources");
        for (var i = 0; i < count; i++) ReadSource(ref reader, header, version);
        reader.ExpectEnd();
        return header;
    }

    private static void WriteSource(ref ByteWriter writer, SourceEntry source)
    {
        writer.Text(source.Name);
        writer.VarInt(source.Applied);
        writer.VarInt(source.Epoch);
        writer.VarInt(source.NewestAt);
        writer.VarUInt((ulong)source.Late.Count);
        foreach (var late in source.Late)
        {
            writer.VarInt(late.Offset);
            writer.VarInt(late.WindowStart);
            writer.VarInt(late.WindowEnd);
            writer.VarInt(late.LateBy);
            writer.Byte((byte)late.Reason);
        }
    }

    private static void ReadSource(ref ByteReader reader, ShardHeader header, byte version)
    {
        var entry = new SourceEntry(reader.Text()) { Applied = reader.VarInt() };
        entry.Durable = entry.Applied;
        if (version >= 2) entry.Epoch = reader.VarInt();
        if (version >= 4) entry.NewestAt = reader.VarInt();
        if (!header.Sources.TryAdd(entry.Name, entry)) throw reader.Fault($"the source '{entry.Name}' twice");
        var late = reader.Count(reader.Remaining, "the number of late rows");
        for (var i = 0; i < late; i++)
        {
            entry.Late.Add(new LateRecord(
                reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt(), version >= 3 ? ReadReason(ref reader) : LateReason.Watermark));
        }
    }

    private static LateReason ReadReason(ref ByteReader reader)
    {
        var reason = (LateReason)reader.Byte();
        return reason is LateReason.Watermark or LateReason.Idle ? reason : throw reader.Fault("an unknown reason of a late row");
    }
}
