using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows.Aggregates;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// The open windows of one key or of many keys of a step. Not thread-safe; a function of its calls only. Rows are added to panes (the
/// window itself, or the greatest common part of hopping windows, so that a row costs the same however many windows it lies in); a
/// window combines its panes when it fires.
/// <para>
/// A window fires when the watermark reaches its end, and again as the next revision when rows within the allowed lateness have
/// changed it. Which rows are late is a function of the watermarks given to <see cref="Apply"/>; what windows hold does not depend on the
/// order of the rows, save that sums and variances of doubles are carried with 106 bits and that <c>top_k</c> with more distinct
/// values than counters and sessions that reach their maximum length depend on it (the latter not on how the rows are batched).
/// Rows that are late for some of their hopping windows are in panes of their own, which only the other windows combine.
/// </para>
/// <para>
/// A record counts in a session when its own partition's watermark has not passed the session of that record alone plus the lateness, or when
/// it lies within a session that records of its own partition make and that has not been passed. The records that count and lie less than the
/// gap apart are one session, in whatever order they come; so a session that has fired is kept for a gap longer.
/// </para>
/// <para>
/// A session that has fired and is then merged into an earlier one, or begins earlier, is withdrawn: a row with its start, an end equal to
/// it, counts of 0 and NULL for the other aggregates is its next revision.
/// </para>
/// </summary>
public sealed partial class WindowCell
{
    /// <summary>The largest number of parts.</summary>
    public const int MaxParts = 65_536;

    private readonly WindowStepSpec _spec;
    private readonly WindowKernelPool _pool;
    private readonly KeyTable _keys = new();
    private readonly PaneStore _panes;
    private readonly DueQueue _queue = new();
    private readonly int _partBits;
    private readonly ulong[] _dirty;
    private readonly ulong[] _stored;
    private readonly long _lateness;
    private readonly long _size;
    private readonly long _pane;
    private readonly WindowMode _mode;
    private List<int>? _changedTotals;
    private long _firedUpTo = long.MinValue;

    private enum WindowMode
    {
        /// <summary>Every window is one pane: tumbling and calendar windows.</summary>
        Single,

        /// <summary>Windows share panes.</summary>
        Hopping,
        Session,
        Totals,
    }

    /// <summary>Makes an empty cell. Throws <see cref="ArgumentException"/> when the step cannot run.</summary>
    /// <param name="spec">The step. Cells that are given the same instance share their working memory.</param>
    /// <param name="parts">Over how many parts the state is spread for storage: a power of two up to <see cref="MaxParts"/>, fixed for the
    /// life of the state. Choose it so that a part holds a few hundred keys.</param>
    public WindowCell(WindowStepSpec spec, int parts = 1)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (parts is < 1 or > MaxParts || !int.IsPow2(parts))
            throw new ArgumentException($"The number of parts is {parts}; it must be a power of two from 1 to {MaxParts}.", nameof(parts));
        _spec = spec;
        _pool = WindowKernel.PoolOf(spec);
        var kernel = _pool.Rent();
        _panes = new PaneStore(kernel.StateBytes, kernel.ObjectSlots);
        (_size, _pane) = (kernel.Size, kernel.Pane);
        _pool.Return(kernel);
        _partBits = int.Log2(parts);
        _dirty = new ulong[(parts + 63) / 64];
        _stored = new ulong[_dirty.Length];
        _lateness = spec.AllowedLateness;
        _mode = spec.Window switch
        {
            RunningTotals => WindowMode.Totals,
            SessionWindow => WindowMode.Session,
            HoppingWindow h when h.Size != h.Every => WindowMode.Hopping,
            _ => WindowMode.Single,
        };
    }

    /// <summary>
    /// The smallest watermark at which <see cref="Advance"/> has something to do, or null. Running totals never have: they are taken by
    /// calling <see cref="Advance"/> at each flush.
    /// </summary>
    public long? NextDue
    {
        get
        {
            SettleQueue();
            return _queue.Count == 0 ? null : _queue.Top.Due;
        }
    }

    /// <summary>True when nothing is left that would have to be stored.</summary>
    public bool IsEmpty => _keys.Count == 0;

    /// <summary>True when there are changes that <see cref="CollectDirty"/> has not handed out.</summary>
    public bool Dirty => _dirty.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>How many keys have a window (running totals: how many keys there are).</summary>
    public int KeyCount => _keys.Count;

    /// <summary>How many panes are held, those of fired windows within their lateness included; each is an open window or a part of some.</summary>
    public int OpenWindows => _panes.Count;

    /// <summary>The memory held, roughly, bytes.</summary>
    public long EstimatedBytes
    {
        get
        {
            var bytes = 400 + _keys.Bytes + _panes.Bytes + _queue.Bytes + (_dirty.Length * 16L);
            foreach (var state in _panes.Objects) bytes += (state as IStateObject)?.EstimatedBytes ?? 0;
            return bytes;
        }
    }

    /// <summary>Takes all changes as stored.</summary>
    public void ClearDirty() => _dirty.AsSpan().Clear();

    /// <summary>At most so many of the keys that have a window (running totals: of all keys), in no particular order.</summary>
    public IReadOnlyList<byte[]> Keys(int limit)
    {
        var keys = new List<byte[]>(Math.Min(limit, _keys.Count));
        for (var entry = 0; entry < _keys.EntryLimit && keys.Count < limit; entry++)
        {
            if (_keys[entry].KeyLength >= 0) keys.Add(_keys.Key(entry).ToArray());
        }

        return keys;
    }

    /// <summary>The live windows of a key in the order of their starts; hopping windows are those that hold rows.</summary>
    public IReadOnlyList<WindowValue> Query(ReadOnlySpan<byte> key)
    {
        var entry = _keys.Find(GroupKeyCodec.Hash(key), key);
        if (entry < 0) return [];
        var kernel = _pool.Rent();
        try
        {
            return _mode == WindowMode.Hopping ? QueryHopping(kernel, entry) : QueryPanes(kernel, entry);
        }
        finally
        {
            _pool.Return(kernel);
        }
    }

    private List<WindowValue> QueryPanes(WindowKernel kernel, int entry)
    {
        var result = new List<WindowValue>();
        var nextStart = long.MaxValue;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            var header = _panes.Header(pane);
            if ((header.Flags & PaneFlags.Withdrawn) != 0) continue;
            var changed = header.Revision == 0 || (header.Flags & PaneFlags.Changed) != 0;
            var end = _mode == WindowMode.Session ? SessionEnd(header, nextStart) : header.End;
            nextStart = header.Start;
            // A session is kept for a gap longer, for records of other partitions that would bridge it and the next one.
            if (!changed && WindowTime.Add(end, _lateness) <= _firedUpTo) continue;
            result.Add(new WindowValue(header.Start, end, header.Revision, changed, Values(kernel, pane)));
        }

        result.Reverse();
        return result;
    }

    private List<WindowValue> QueryHopping(WindowKernel kernel, int entry)
    {
        var result = new List<WindowValue>();
        var ends = new SortedSet<long>();
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            var header = _panes.Header(pane);
            if ((header.Flags & PaneFlags.Empty) != 0) continue;
            for (var end = FirstEnd(header); end <= header.Start + _size; end += _pane)
            {
                if (WindowTime.Add(end, _lateness) > _firedUpTo) ends.Add(end);
            }
        }

        foreach (var end in ends)
        {
            var holder = FindPane(entry, end - _pane);
            var revision = holder < 0 ? 0 : _panes.Header(holder).Revision;
            var scratch = Combine(kernel, entry, end, out var changed);
            result.Add(new WindowValue(end - _size, end, revision, revision == 0 || changed, Values(kernel, scratch)));
            _panes.Free(scratch);
        }

        return result;
    }

    private object?[] Values(WindowKernel kernel, int pane)
    {
        var values = new object?[kernel.Aggregators.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var column = Column.Create(_spec.Aggregates[i].ResultType, 1);
            kernel.Aggregators[i].Emit(_panes, pane, column, 0);
            values[i] = column.IsNull[0] ? null : Box(column);
        }

        return values;
    }

    private static object Box(Column column) => column switch
    {
        LongColumn c => c.Values[0],
        DecimalColumn c => c.Values[0],
        DoubleColumn c => c.Values[0],
        BooleanColumn c => c.Values[0],
        BinaryColumn c when c.Type.Kind == FieldKind.Bytes => c.Span(0).ToArray(),
        BinaryColumn c => System.Text.Encoding.UTF8.GetString(c.Span(0)),
        _ => throw new InvalidOperationException($"A column of type {column.Type} has no values."),
    };

    private int FindPane(int entry, long start, int tag = 0)
    {
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if (header.Start == start && header.Tag == tag) return pane;
            if (header.Start < start) return -1;
        }

        return -1;
    }

    /// <summary>Adds a pane to a key in the order of starts, newest first; of one start, those that count in more windows first.</summary>
    private int InsertPane(int entry, long start, long end, int tag = 0)
    {
        var made = _panes.Allocate();
        ref var header = ref _panes.Header(made);
        (header.Start, header.End, header.Tag) = (start, end, tag);
        Link(entry, made);
        return made;
    }

    private void Link(int entry, int pane)
    {
        ref var header = ref _panes.Header(pane);
        var newer = -1;
        var next = _keys[entry].FirstPane;
        while (next >= 0 && IsBefore(_panes.Header(next), header))
        {
            newer = next;
            next = _panes.Header(next).Next;
        }

        header.Next = next;
        if (newer < 0) _keys[entry].FirstPane = pane;
        else _panes.Header(newer).Next = pane;
    }

    private bool IsBefore(in PaneHeader pane, in PaneHeader other) =>
        pane.Start > other.Start || (_mode == WindowMode.Hopping && pane.Start == other.Start && pane.Tag < other.Tag);

    private void Unlink(int entry, int pane)
    {
        ref var link = ref _keys[entry].FirstPane;
        while (link != pane) link = ref _panes.Header(link).Next;
        link = _panes.Header(pane).Next;
    }

    private void MarkDirty(ulong hash)
    {
        var part = KeyTable.PartOf(hash, _partBits);
        _dirty[part >> 6] |= 1UL << (part & 63);
    }

    private void MarkDirty(ulong[] hashes, ReadOnlySpan<int> rows)
    {
        if (_partBits <= 6)
        {
            // One word, gathered in a register: through memory each row would wait for the one before.
            var parts = 0UL;
            foreach (var row in rows) parts |= 1UL << KeyTable.PartOf(hashes[row], _partBits);
            _dirty[0] |= parts;
            return;
        }

        foreach (var row in rows) MarkDirty(hashes[row]);
    }

    /// <summary>Makes sure the key is looked at when the watermark reaches a time.</summary>
    private void Schedule(int entry, long due)
    {
        ref var key = ref _keys[entry];
        if (due >= key.ScheduledDue) return;
        key.ScheduledDue = due;
        _queue.Push(due, entry);
    }

    /// <summary>Removes entries from the head of the queue that no longer hold, and moves those that are due later by now.</summary>
    private void SettleQueue()
    {
        while (_queue.Count != 0)
        {
            var (due, entry) = _queue.Top;
            if (entry < _keys.EntryLimit && _keys[entry].KeyLength >= 0 && _keys[entry].ScheduledDue == due)
            {
                var actual = KeyDue(entry);
                if (actual <= due) return;
                _queue.Pop();
                _keys[entry].ScheduledDue = long.MaxValue;
                Schedule(entry, actual);
            }
            else
            {
                _queue.Pop();
            }
        }
    }
}
