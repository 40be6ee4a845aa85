using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Processing.Windows;

/// <content>Firing and dropping windows.</content>
public sealed partial class WindowCell
{
    /// <summary>
    /// Fires every window that ends at or before the watermark and has not fired, or has changed since; drops those past their lateness.
    /// Running totals: appends the totals of the keys that changed since the last call, whatever the watermark. Rows are appended to
    /// <paramref name="output"/> in the order of window starts, then key hashes.
    /// </summary>
    public void Advance(long watermark, ClosedWindows output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (_mode == WindowMode.Totals)
        {
            if (_changedTotals is { Count: > 0 }) FireTotals(output);
            return;
        }

        if (watermark < _firedUpTo) watermark = _firedUpTo;
        SettleQueue();
        if (_queue.Count != 0 && _queue.Top.Due <= watermark) FireDue(watermark, output);
        _firedUpTo = watermark;
    }

    private void FireTotals(ClosedWindows output)
    {
        var kernel = _pool.Rent();
        try
        {
            kernel.Firings.Clear();
            kernel.Budget = output.Budget;
            foreach (var entry in _changedTotals!)
            {
                ref var key = ref _keys[entry];
                ref var header = ref _panes.Header(key.FirstPane);
                header.Flags &= ~PaneFlags.Changed;
                MarkDirty(key.Hash);
                kernel.Budget?.Rows(1);
                kernel.Firings.Add(new Firing(0, 0, key.Hash, entry, key.FirstPane, ++header.Revision));
            }

            _changedTotals.Clear();
            Emit(kernel, output);
        }
        finally
        {
            kernel.Budget = null;
            _pool.Return(kernel);
        }
    }

    private void FireDue(long watermark, ClosedWindows output)
    {
        var kernel = _pool.Rent();
        try
        {
            kernel.Firings.Clear();
            kernel.Touched.Clear();
            kernel.Budget = output.Budget;
            while (_queue.Count != 0 && _queue.Top.Due <= watermark)
            {
                var (due, entry) = _queue.Top;
                _queue.Pop();
                if (entry >= _keys.EntryLimit || _keys[entry].KeyLength < 0 || _keys[entry].ScheduledDue != due) continue;
                _keys[entry].ScheduledDue = long.MaxValue;
                kernel.Touched.Add(entry);
                if (_mode == WindowMode.Single) FirePanes(kernel, entry, watermark);
                else if (_mode == WindowMode.Session) FireSessions(kernel, entry, watermark);
                else FireHopping(kernel, entry, watermark);
            }

            Emit(kernel, output);
            _firedUpTo = watermark;
            foreach (var entry in kernel.Touched) DropPanes(entry, watermark);
        }
        finally
        {
            kernel.Budget = null;
            _pool.Return(kernel);
        }
    }

    private void FirePanes(WindowKernel kernel, int entry, long watermark)
    {
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if (header.End <= watermark && IsUnfired(header)) Fire(kernel, entry, pane, header.End);
        }
    }

    private void FireSessions(WindowKernel kernel, int entry, long watermark)
    {
        var nextStart = long.MaxValue;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if ((header.Flags & PaneFlags.Withdrawn) != 0)
            {
                if ((header.Flags & PaneFlags.Changed) != 0) Fire(kernel, entry, pane, header.Start);
                continue;
            }

            var end = SessionEnd(header, nextStart);
            if (end <= watermark && IsUnfired(header)) Fire(kernel, entry, pane, end);
            nextStart = header.Start;
        }
    }

    private static bool IsUnfired(in PaneHeader header) => header.Revision == 0 || (header.Flags & PaneFlags.Changed) != 0;

    private void Fire(WindowKernel kernel, int entry, int pane, long end)
    {
        ref var header = ref _panes.Header(pane);
        header.Flags &= ~PaneFlags.Changed;
        kernel.Budget?.Rows(1);
        kernel.Firings.Add(new Firing(header.Start, end, _keys[entry].Hash, entry, pane, ++header.Revision));
    }

    /// <summary>
    /// Fires the windows over a key's panes that have ended since the last firing, and those that ended before, are within their
    /// lateness and have a changed pane.
    /// </summary>
    private void FireHopping(WindowKernel kernel, int entry, long watermark)
    {
        var ends = kernel.WindowEnds;
        ends.Clear();
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if ((header.Flags & PaneFlags.Empty) != 0) continue;
            var changed = (header.Flags & PaneFlags.Changed) != 0;
            header.Flags &= ~PaneFlags.Changed;
            var last = Math.Min(WindowTime.Add(header.Start, _size), watermark);
            var first = FirstFiring(header, changed);
            if (first <= last) ends.Add((first, last));
        }

        // All ends are on one grid. As ranges they take no memory for each window over each pane.
        ends.Sort();
        var next = long.MinValue;
        foreach (var (first, last) in ends)
        {
            for (var end = Math.Max(first, next); end <= last; end += _pane)
            {
                kernel.Budget?.Rows(1);
                var revision = _lateness == 0 ? 1 : NextRevision(entry, end);
                kernel.Firings.Add(new Firing(end - _size, end, _keys[entry].Hash, entry, -1, revision));
                next = end + _pane;
            }
        }
    }

    /// <summary>The end of the first window over a pane that it counts in.</summary>
    private long FirstEnd(in PaneHeader header) => header.End + (header.Tag * _pane);

    /// <summary>The end of the first window over a pane that fires next because of it.</summary>
    private long FirstFiring(in PaneHeader header, bool changed) =>
        changed ? FirstDue(FirstEnd(header), _firedUpTo) : FirstEndAfter(FirstEnd(header), _firedUpTo);

    /// <summary>The first end of a window over a pane that is after a watermark.</summary>
    private long FirstEndAfter(long paneEnd, long watermark) =>
        paneEnd > watermark ? paneEnd : paneEnd + (((watermark - paneEnd) / _pane) + 1) * _pane;

    /// <summary>Counts a firing in the pane that ends with the window.</summary>
    private int NextRevision(int entry, long end)
    {
        var holder = FindPane(entry, end - _pane);
        if (holder < 0)
        {
            holder = InsertPane(entry, end - _pane, end);
            _panes.Header(holder).Flags = PaneFlags.Empty;
        }

        return ++_panes.Header(holder).Revision;
    }

    private void Emit(WindowKernel kernel, ClosedWindows output)
    {
        var firings = CollectionsMarshal.AsSpan(kernel.Firings);
        firings.Sort(CompareFirings);
        foreach (ref readonly var firing in firings)
        {
            MarkDirty(firing.Hash);
            var pane = firing.Pane >= 0 ? firing.Pane : Combine(kernel, firing.Entry, firing.End, out _);
            var row = output.Add(_keys.Key(firing.Entry), firing.Start, firing.End, firing.Revision);
            for (var a = 0; a < kernel.Aggregators.Length; a++)
            {
                var column = output.Rows.Columns[output.FirstAggregate + a];
                if (!kernel.Aggregators[a].Emit(_panes, pane, column, row)) output.Overflows++;
                if (kernel.Aggregators[a].IsCut(_panes, pane)) output.Cuts++;
            }

            if (firing.Pane < 0) _panes.Free(pane);
        }
    }

    private int CompareFirings(Firing a, Firing b)
    {
        if (a.Start != b.Start) return a.Start < b.Start ? -1 : 1;
        if (a.Hash != b.Hash) return a.Hash < b.Hash ? -1 : 1;
        return a.Entry == b.Entry ? 0 : _keys.Key(a.Entry).SequenceCompareTo(_keys.Key(b.Entry));
    }

    /// <summary>A new pane with the sum of a hopping window's panes; the caller frees it.</summary>
    private int Combine(WindowKernel kernel, int entry, long end, out bool changed)
    {
        var scratch = _panes.Allocate();
        changed = false;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if (header.Start >= end || (header.Flags & PaneFlags.Empty) != 0) continue;
            if (header.Start < end - _size) break;
            if (FirstEnd(header) > end) continue;
            changed |= (header.Flags & PaneFlags.Changed) != 0;
            kernel.Budget?.Work(64);
            foreach (var aggregator in kernel.Aggregators) aggregator.Merge(_panes, scratch, pane);
        }

        return scratch;
    }

    /// <summary>Drops what is past its lateness; a key without panes goes too, any other is scheduled anew.</summary>
    private void DropPanes(int entry, long watermark)
    {
        ref var link = ref _keys[entry].FirstPane;
        while (link >= 0)
        {
            var pane = link;
            ref var header = ref _panes.Header(pane);
            var end = _mode switch
            {
                WindowMode.Hopping => WindowTime.Add(header.Start, _size),
                WindowMode.Session when (header.Flags & PaneFlags.Withdrawn) == 0 => KeptUntil(header),
                _ => header.End,
            };
            if (WindowTime.Add(end, _lateness) > watermark)
            {
                link = ref header.Next;
                continue;
            }

            link = header.Next;
            _mixed?.Remove(pane);
            _panes.Free(pane);
            MarkDirty(_keys[entry].Hash);
        }

        if (_keys[entry].FirstPane < 0) _keys.Remove(entry);
        else Schedule(entry, KeyDue(entry));
    }

    /// <summary>The smallest watermark at which a key has something to do.</summary>
    private long KeyDue(int entry)
    {
        var due = long.MaxValue;
        var nextStart = long.MaxValue;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            due = Math.Min(due, PaneDue(header, nextStart));
            if ((header.Flags & PaneFlags.Withdrawn) == 0) nextStart = header.Start;
        }

        return due;
    }

    private long PaneDue(in PaneHeader header, long nextStart)
    {
        switch (_mode)
        {
            case WindowMode.Totals:
                return long.MaxValue;
            case WindowMode.Hopping:
                var drop = WindowTime.Add(WindowTime.Add(header.Start, _size), _lateness);
                if ((header.Flags & PaneFlags.Empty) != 0) return drop;
                var changed = (header.Flags & PaneFlags.Changed) != 0;
                var end = FirstFiring(header, changed);
                return end <= WindowTime.Add(header.Start, _size) ? Math.Min(end, drop) : drop;
            case WindowMode.Session when (header.Flags & PaneFlags.Withdrawn) != 0:
                return (header.Flags & PaneFlags.Changed) != 0 ? header.Start : WindowTime.Add(header.End, _lateness);
            default:
                var close = _mode == WindowMode.Session ? SessionEnd(header, nextStart) : header.End;
                if (IsUnfired(header)) return close;
                return WindowTime.Add(_mode == WindowMode.Session ? KeptUntil(header) : close, _lateness);
        }
    }
}
