using System.IO.Hashing;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// What a dedup shard has decided of one source partition, or of what is played again of it. Format: version byte 1; a byte that is 1 for replays; name
/// (text); applied, epoch, watermark (varints).
/// </summary>
internal sealed class DedupSource(string name, bool replay)
{
    private const byte Version = 1;
    private const string Format = "dedup source";

    // In the order of their positions.
    private readonly List<SeenOffsets> _seen = [];
    private readonly List<long> _gone = [];
    private bool _dirty = true;

    /// <summary><c>topic/partition</c>.</summary>
    public string Name { get; } = name;

    public bool IsReplay { get; } = replay;

    /// <summary>By which the marks of its records differ from those of other partitions'.</summary>
    public ulong Seed { get; } = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name));

    /// <summary>Rows below this position (of replays: link) were decided.</summary>
    public long Applied { get; private set; }

    /// <summary>What lies below is never asked again; not stored.</summary>
    public long Durable { get; private set; }

    /// <summary>The highest epoch of the partition's owner seen.</summary>
    public long Epoch { get; private set; }

    /// <summary>The partition's watermark, ms; <see cref="long.MinValue"/>: none yet.</summary>
    public long Watermark { get; private set; } = long.MinValue;

    /// <summary>At its end and silent; not stored: the partition says so again.</summary>
    public bool Idle { get; set; }

    public long EstimatedBytes => 150 + _seen.Sum(s => 80 + (s.Offsets.Length * 8L));

    /// <summary>What tells a record from others of the same id: a 32-bit hash of where it lies. Stored state depends on it.</summary>
    public static uint Mark(ulong seed, long offset) => (uint)((((ulong)offset + seed) * 0x9E3779B97F4A7C15UL) >> 32);

    public bool Contains(long offset) => _seen.Exists(s => s.Offsets.AsSpan().BinarySearch(offset) >= 0);

    public void TakeEpoch(long epoch)
    {
        Epoch = epoch;
        _dirty = true;
    }

    /// <summary>Takes over the partition's watermark; it is active from now on.</summary>
    public void Reach(long watermark)
    {
        Idle = false;
        if (watermark <= Watermark) return;
        Watermark = watermark;
        _dirty = true;
    }

    /// <summary>Takes down what was decided up to a position.</summary>
    public void Decided(long to, long[] duplicates)
    {
        if (to > Applied)
        {
            Applied = to;
            _dirty = true;
        }

        if (duplicates.Length == 0) return;
        // The same span once more, with a row in it that was not asked about before.
        var place = _seen.FindIndex(s => s.To >= to);
        if (place >= 0 && _seen[place].To == to) _seen[place] = new SeenOffsets(to, [.. _seen[place].Offsets.Union(duplicates).Order()]);
        else _seen.Insert(place < 0 ? _seen.Count : place, new SeenOffsets(to, duplicates));
    }

    /// <summary>Forgets what is never asked again.</summary>
    public void Prune(long durable)
    {
        Durable = Math.Max(Durable, durable);
        var gone = 0;
        while (gone < _seen.Count && _seen[gone].To <= durable) gone++;
        // Also those that are not stored: one of them may have taken the place of one that is.
        for (var i = 0; i < gone; i++) _gone.Add(_seen[i].To);
        _seen.RemoveRange(0, gone);
    }

    public void Collect(string step, string cell, string seenCell, List<CellState> upserts, List<CellId> deletes)
    {
        if (_dirty) upserts.Add(new CellState(new CellId(step, cell, 0), Write(), null));
        _dirty = false;
        // A call that was long on its way may have brought one back.
        foreach (var part in _gone.Where(g => !_seen.Exists(s => s.To == g))) deletes.Add(new CellId(step, seenCell, part));
        _gone.Clear();
        foreach (var seen in _seen)
        {
            if (seen.Stored) continue;
            seen.Stored = true;
            upserts.Add(new CellState(new CellId(step, seenCell, seen.To), seen.Write(), null));
        }
    }

    /// <summary>Takes a stored part of the duplicates back. Throws <see cref="CorruptStateException"/>.</summary>
    public void ReadSeen(long part, byte[] payload)
    {
        var seen = SeenOffsets.Read(part, payload);
        var place = _seen.FindIndex(s => s.To > part);
        _seen.Insert(place < 0 ? _seen.Count : place, seen);
    }

    /// <summary>Reads a stored source. Throws <see cref="CorruptStateException"/>.</summary>
    public static DedupSource Read(byte[] payload)
    {
        var reader = new ByteReader(payload, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var replay = reader.Byte();
        if (replay > 1) throw reader.Fault("a flag that is neither 0 nor 1");
        var source = new DedupSource(reader.Text(), replay == 1)
        {
            Applied = reader.VarInt(), Epoch = reader.VarInt(), Watermark = reader.VarInt(), _dirty = false,
        };
        reader.ExpectEnd();
        return source;
    }

    private byte[] Write()
    {
        var writer = new ByteWriter(64);
        writer.Byte(Version);
        writer.Byte(IsReplay ? (byte)1 : (byte)0);
        writer.Text(Name);
        writer.VarInt(Applied);
        writer.VarInt(Epoch);
        writer.VarInt(Watermark);
        return writer.ToArray();
    }
}

/// <summary>
/// The offsets that one claim found to be duplicates. Format: version byte 1; position after the claim (varint), which is the part's number too;
/// count, each offset less the one before (varints).
/// </summary>
internal sealed class SeenOffsets(long to, long[] offsets)
{
    private const byte Version = 1;
    private const string Format = "dedup decisions";

    /// <summary>The position after the rows that were asked about.</summary>
    public long To { get; } = to;

    /// <summary>Ascending.</summary>
    public long[] Offsets { get; } = offsets;

    public bool Stored { get; set; }

    public byte[] Write()
    {
        var writer = new ByteWriter(16 + (Offsets.Length * 2));
        writer.Byte(Version);
        writer.VarInt(To);
        writer.VarUInt((ulong)Offsets.Length);
        var last = 0L;
        foreach (var offset in Offsets)
        {
            writer.VarInt(offset - last);
            last = offset;
        }

        return writer.ToArray();
    }

    public static SeenOffsets Read(long part, byte[] payload)
    {
        var reader = new ByteReader(payload, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        if (reader.VarInt() != part) throw reader.Fault("it belongs to another part");
        var offsets = new long[reader.Count(reader.Remaining, "the number of offsets")];
        var last = 0L;
        for (var i = 0; i < offsets.Length; i++)
        {
            var step = reader.VarInt();
            if (i != 0 && step <= 0) throw reader.Fault("the offsets do not ascend");
            offsets[i] = last += step;
        }

        reader.ExpectEnd();
        return new SeenOffsets(part, offsets) { Stored = true };
    }
}
