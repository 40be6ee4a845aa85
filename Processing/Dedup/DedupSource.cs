using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>What a dedup shard has decided of one source partition.</summary>
internal sealed class DedupSource(string name, int number)
{
    // In the order of their positions.
    private readonly List<SeenOffsets> _seen = [];
    private readonly List<long> _gone = [];

    public string Name { get; } = name;

    /// <summary>The source's place in the header.</summary>
    public int Number { get; } = number;

    /// <summary>Rows below this position were decided.</summary>
    public long Applied { get; set; }

    /// <summary>The highest epoch of the partition's owner seen.</summary>
    public long Epoch { get; set; }

    public long EstimatedBytes => 100 + _seen.Sum(s => 80 + (s.Offsets.Length * 8L));

    public bool Contains(long offset) => _seen.Exists(s => s.Offsets.AsSpan().BinarySearch(offset) >= 0);

    /// <summary>Takes down what was decided up to a position.</summary>
    public void Decided(long to, List<long> duplicates)
    {
        Applied = Math.Max(Applied, to);
        if (duplicates.Count != 0) _seen.Add(new SeenOffsets(to, [.. duplicates]));
    }

    /// <summary>Forgets what is never asked again.</summary>
    public void Prune(long durable)
    {
        var gone = 0;
        while (gone < _seen.Count && _seen[gone].To <= durable) gone++;
        for (var i = 0; i < gone; i++)
        {
            if (_seen[i].Stored) _gone.Add(_seen[i].To);
        }

        _seen.RemoveRange(0, gone);
    }

    public void Collect(string step, string cell, List<CellState> upserts, List<CellId> deletes)
    {
        foreach (var part in _gone) deletes.Add(new CellId(step, cell, part));
        _gone.Clear();
        foreach (var seen in _seen)
        {
            if (seen.Stored) continue;
            seen.Stored = true;
            upserts.Add(new CellState(new CellId(step, cell, seen.To), seen.Write(), null));
        }
    }

    /// <summary>Takes a stored part back. Throws <see cref="CorruptStateException"/>.</summary>
    public void Read(long part, byte[] payload)
    {
        var seen = SeenOffsets.Read(part, payload);
        var place = _seen.FindIndex(s => s.To > part);
        _seen.Insert(place < 0 ? _seen.Count : place, seen);
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
