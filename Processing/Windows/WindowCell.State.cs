using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <content>
/// The stored format. A part: version (3 when an aggregate has left values out for their size, else 2 for hopping windows and sessions, else 1); kind of window; number of aggregates and of each its kind and its input's kind,
/// precision and scale; number of parts; the watermark windows were fired up to; number of keys; per key its bytes, its hash, its panes (newest
/// first: start, length, revision, flags, of a partial pane or a session its tag, of a session of several sources the number of their spans and
/// each span's source, start and length, then the aggregates' states); and an XxHash32 of all that. A whole cell: version 1, the bits of the
/// number of parts, the number of parts that follow, and per part its number and its length.
/// </content>
public sealed partial class WindowCell
{
    private const byte Version = 3;
    private const string Format = "window state";
    private const int ChecksumBytes = 4;
    private const int MaxRevision = 1 << 30;

    // Event times are microseconds in 64 bits, so that windows in ms lie well within.
    private const long MaxTime = 10_000_000_000_000_000;

    /// <summary>
    /// Hands out the parts that changed since the last call and takes them as stored: to be written in one transaction. A part that
    /// was stored and holds nothing any more comes with a null payload.
    /// </summary>
    public IReadOnlyList<CellPart> CollectDirty()
    {
        var parts = new List<CellPart>();
        var entries = new List<int>();
        var kernel = _pool.Rent();
        try
        {
            for (var word = 0; word < _dirty.Length; word++)
            {
                for (var bits = _dirty[word]; bits != 0; bits &= bits - 1)
                {
                    var part = (word << 6) + System.Numerics.BitOperations.TrailingZeroCount(bits);
                    if (Collect(kernel, part, entries) is { } collected) parts.Add(collected);
                }

                _dirty[word] = 0;
            }
        }
        finally
        {
            _pool.Return(kernel);
        }

        return parts;
    }

    /// <summary>
    /// Adds a stored part to a cell that has not been used yet. Throws <see cref="CorruptStateException"/> when the bytes are damaged, of a newer
    /// version, or of another definition; the cell must not be used then.
    /// </summary>
    public void ReadPart(long part, ReadOnlySpan<byte> payload)
    {
        var parts = 1 << _partBits;
        if (part < 0 || part >= parts)
            throw new CorruptStateException(string.Create(CultureInfo.InvariantCulture, $"{Format}: there is no part {part} of {parts}."));
        var kernel = _pool.Rent();
        try
        {
            ReadPart(kernel, (int)part, payload);
        }
        finally
        {
            _pool.Return(kernel);
        }

        _stored[part >> 6] |= 1UL << (int)(part & 63);
    }

    /// <summary>Writes the whole state; what is dirty stays dirty.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var kernel = _pool.Rent();
        try
        {
            var parts = new List<(int Part, byte[] Payload)>();
            var entries = new List<int>();
            for (var part = 0; part < 1 << _partBits; part++)
            {
                entries.Clear();
                _keys.EntriesOfPart(part, _partBits, entries);
                if (entries.Count != 0) parts.Add((part, WritePart(kernel, entries)));
            }

            var w = new ByteWriter(64);
            w.Byte(1);
            w.Byte((byte)_partBits);
            w.VarUInt((ulong)parts.Count);
            foreach (var (part, payload) in parts)
            {
                w.VarUInt((ulong)part);
                w.Block(payload);
            }

            output.Write(w.Written);
        }
        finally
        {
            _pool.Return(kernel);
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote; nothing is dirty then. Throws <see cref="CorruptStateException"/>.</summary>
    public static WindowCell Read(WindowStepSpec spec, ReadOnlySpan<byte> payload)
    {
        var r = new ByteReader(payload, Format);
        ReadVersion(ref r);
        var bits = r.Byte();
        if (bits > 16) throw r.Fault("the number of parts is out of range");
        var cell = new WindowCell(spec, 1 << bits);
        var count = r.Count(1 << bits, "a number of parts");
        for (var i = 0; i < count; i++)
        {
            var part = r.Count((1 << bits) - 1, "a part's number");
            cell.ReadPart(part, r.Block());
        }

        r.ExpectEnd();
        return cell;
    }

    private CellPart? Collect(WindowKernel kernel, int part, List<int> entries)
    {
        entries.Clear();
        _keys.EntriesOfPart(part, _partBits, entries);
        ref var stored = ref _stored[part >> 6];
        var bit = 1UL << (part & 63);
        if (entries.Count == 0)
        {
            if ((stored & bit) == 0) return null;
            stored &= ~bit;
            return new CellPart(part, null, null);
        }

        stored |= bit;
        var due = long.MaxValue;
        foreach (var entry in entries) due = Math.Min(due, KeyDue(entry));
        return new CellPart(part, WritePart(kernel, entries), due == long.MaxValue ? null : due);
    }

    private byte[] WritePart(WindowKernel kernel, List<int> entries)
    {
        // By key, so that the same state has the same bytes whatever its history.
        entries.Sort((a, b) => _keys.Key(a).SequenceCompareTo(_keys.Key(b)));
        ref var w = ref kernel.Writer;
        w.Clear();
        WriteHead(HasCut(kernel, entries) ? Version : PartVersion, ref w);
        w.VarUInt((ulong)entries.Count);
        foreach (var entry in entries)
        {
            w.Block(_keys.Key(entry));
            w.UInt64(_keys[entry].Hash);
            WritePanes(kernel, entry, ref w);
        }

        var checksum = XxHash32.HashToUInt32(w.Written);
        w.Int32((int)checksum);
        return w.ToArray();
    }

    private bool HasCut(WindowKernel kernel, List<int> entries)
    {
        if (!_spec.Aggregates.Any(a => a.Kind == AggregateKind.Collect)) return false;
        foreach (var entry in entries)
        {
            for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
            {
                foreach (var aggregator in kernel.Aggregators)
                {
                    if (aggregator.IsCut(_panes, pane)) return true;
                }
            }
        }

        return false;
    }

    private void WriteHead(byte version, ref ByteWriter w)
    {
        w.Byte(version);
        w.Byte((byte)_mode);
        w.VarUInt((ulong)_spec.Aggregates.Count);
        foreach (var aggregate in _spec.Aggregates)
        {
            w.Byte((byte)aggregate.Kind);
            w.Byte((byte)aggregate.InputType.Kind);
            w.Byte(aggregate.InputType.Precision);
            w.Byte(aggregate.InputType.Scale);
        }

        w.Byte((byte)_partBits);
        w.Int64(_firedUpTo);
    }

    private byte PartVersion => _mode is WindowMode.Hopping or WindowMode.Session ? (byte)2 : (byte)1;

    private void WritePanes(WindowKernel kernel, int entry, ref ByteWriter w)
    {
        var count = 0;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next) count++;
        w.VarUInt((ulong)count);
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            var header = _panes.Header(pane);
            w.VarInt(header.Start);
            w.VarUInt((ulong)header.End - (ulong)header.Start);
            w.VarUInt((ulong)header.Revision);
            w.Byte((byte)header.Flags);
            if ((header.Flags & PaneFlags.Partial) != 0) w.VarInt(header.Tag);
            if ((header.Flags & (PaneFlags.Empty | PaneFlags.Withdrawn)) != 0) continue;
            if (_mode == WindowMode.Session) WriteSources(pane, header, ref w);
            foreach (var aggregator in kernel.Aggregators) aggregator.Write(_panes, pane, ref w);
        }
    }

    private void ReadPart(WindowKernel kernel, int part, ReadOnlySpan<byte> payload)
    {
        var r = new ByteReader(payload, Format);
        ReadVersion(ref r);
        if (payload.Length < ChecksumBytes + 1) throw r.Fault("the data ends too early");
        var body = payload[..^ChecksumBytes];
        var checksum = new ByteReader(payload[^ChecksumBytes..], Format).Int32();
        if ((int)XxHash32.HashToUInt32(body) != checksum) throw r.Fault("the checksum does not fit: the data is damaged");
        r = new ByteReader(body, Format);
        var version = ReadHead(ref r);
        var keys = r.Count(r.Remaining, "a number of keys");
        for (var i = 0; i < keys; i++)
        {
            var key = r.Block();
            GroupKeyCodec.Check(key, _spec.Key);
            var hash = r.UInt64();
            if (KeyTable.PartOf(hash, _partBits) != part) throw r.Fault("a key belongs to another part");
            if (_keys.Find(hash, key) >= 0) throw r.Fault("a key is there twice");
            var entry = _keys.Add(hash, key);
            ReadPanes(kernel, entry, version, ref r);
            Schedule(entry, KeyDue(entry));
        }

        r.ExpectEnd();
    }

    private byte ReadHead(ref ByteReader r)
    {
        var version = ReadVersion(ref r);
        var same = r.Byte() == (byte)_mode && r.VarUInt() == (ulong)_spec.Aggregates.Count;
        for (var i = 0; same && i < _spec.Aggregates.Count; i++)
        {
            var aggregate = _spec.Aggregates[i];
            same = r.Byte() == (byte)aggregate.Kind && r.Byte() == (byte)aggregate.InputType.Kind
                && r.Byte() == aggregate.InputType.Precision && r.Byte() == aggregate.InputType.Scale;
        }

        if (!same)
        {
            throw r.Fault(
                "it was written by a window step with other windows or aggregates; give the changed step a new id, or reset its state");
        }

        if (r.Byte() != _partBits) throw r.Fault("it was written with another number of parts");
        _firedUpTo = Math.Max(_firedUpTo, r.Int64());
        return version;
    }

    private void ReadPanes(WindowKernel kernel, int entry, byte version, ref ByteReader r)
    {
        var count = r.Count(_mode == WindowMode.Totals ? 1 : r.Remaining, "a number of panes");
        if (count == 0) throw r.Fault("a key has no panes");
        var (last, lastTag) = (long.MaxValue, 0);
        for (var i = 0; i < count; i++)
        {
            var start = r.VarInt();
            var end = (long)((ulong)start + r.VarUInt());
            CheckSpan(kernel, start, end, ref r);
            var revision = r.Count(MaxRevision, "a revision");
            var flags = (PaneFlags)r.Byte();
            if ((flags & ~KnownFlags) != 0) throw r.Fault("a pane has unknown flags");
            var tag = (flags & PaneFlags.Partial) != 0 ? ReadTag(start, end, ref r) : 0;
            if (i != 0 && (start > last || (start == last && tag <= lastTag))) throw r.Fault("panes are out of order");
            (last, lastTag) = (start, tag);
            var pane = InsertPane(entry, start, end, tag);
            ref var header = ref _panes.Header(pane);
            (header.Revision, header.Flags) = (revision, flags);
            if (_mode == WindowMode.Totals && (flags & PaneFlags.Changed) != 0) (_changedTotals ??= []).Add(entry);
            if ((flags & (PaneFlags.Empty | PaneFlags.Withdrawn)) != 0) continue;
            if (_mode == WindowMode.Session && version >= 2) ReadSources(pane, ref r);
            foreach (var aggregator in kernel.Aggregators) aggregator.Read(_panes, pane, ref r);
        }
    }

    private PaneFlags KnownFlags => PaneFlags.Changed | _mode switch
    {
        WindowMode.Hopping => PaneFlags.Empty | PaneFlags.Partial,
        WindowMode.Session => PaneFlags.Withdrawn,
        _ => PaneFlags.None,
    };

    /// <summary>
    /// Refuses spans that no record can have made. Calendar windows are not held against the calendar of today: the rules of a time zone
    /// may have changed since.
    /// </summary>
    private void CheckSpan(WindowKernel kernel, long start, long end, ref ByteReader r)
    {
        if (end < start) throw r.Fault("a pane ends before it starts");
        if (start < -MaxTime || (end > MaxTime && _mode != WindowMode.Totals)) throw r.Fault("a pane's time is out of range");
        if (_mode != WindowMode.Session && kernel.Calendar is null && kernel.PaneOf(start) != (start, end))
        {
            throw r.Fault(
                "a pane is not one of the step's windows; give the changed step a new id, or reset its state");
        }
    }

    private int ReadTag(long start, long end, ref ByteReader r)
    {
        var windows = (_size / _pane) - 1;
        var tag = r.VarInt();
        if (tag < 1 || tag > windows) throw r.Fault("a pane counts in none of its windows");
        return (int)tag;
    }

    private static byte ReadVersion(ref ByteReader r)
    {
        var version = r.Byte();
        if (version is 0 or > Version)
        {
            throw r.Fault(string.Create(
                CultureInfo.InvariantCulture, $"version {version} is not known to this program, which knows 1 to {Version}"));
        }

        return version;
    }
}
