using KafkaOracleOrleans.Processing.Windows.Aggregates;

namespace KafkaOracleOrleans.Processing.Windows;

/// <content>Taking rows in.</content>
public sealed partial class WindowCell
{
    /// <summary>
    /// Takes rows in. Which windows a row is late for is decided by its own partition's watermark (<see cref="KeyedRows.Watermarks"/>); by
    /// the shard's only where that has passed further, which is possible after the partition was taken for idle. Call <see cref="Advance"/> first when <see cref="NextDue"/> is not after <paramref name="watermark"/>: otherwise
    /// rows may still reach windows that should have been dropped.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="selected">The numbers of the rows that belong to this cell.</param>
    /// <param name="partition">The source partition they come from.</param>
    /// <param name="watermark">The shard's watermark before these rows, ms; <see cref="long.MinValue"/> when unknown.</param>
    /// <param name="late">Where rows go that missed all their windows.</param>
    /// <param name="source">Tells apart sources whose partitions have the same number, at least 0; default: the partition.</param>
    public void Apply(KeyedRows rows, ReadOnlySpan<int> selected, int partition, long watermark, LateRows late, int source = -1)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(late);
        if (selected.IsEmpty) return;
        // A watermark that makes nothing due is as good as an Advance.
        if (watermark > _firedUpTo && !(NextDue <= watermark)) _firedUpTo = watermark;
        watermark = Math.Max(watermark, _firedUpTo);
        var kernel = _pool.Rent();
        try
        {
            while (!selected.IsEmpty)
            {
                var count = Math.Min(selected.Length, RowChunk.Size);
                kernel.Chunk.Begin(rows, partition);
                if (_mode == WindowMode.Session) ApplySessions(kernel, selected[..count], source < 0 ? partition : source, watermark, late);
                else ApplyPanes(kernel, selected[..count], watermark, late);
                Update(kernel);
                selected = selected[count..];
            }
        }
        finally
        {
            kernel.Chunk.Begin(null!, 0);
            _pool.Return(kernel);
        }
    }

    private void Update(WindowKernel kernel)
    {
        var chunk = kernel.Chunk;
        if (chunk.Count == 0) return;
        chunk.Seal();
        foreach (var aggregator in kernel.Aggregators) aggregator.Update(_panes, chunk);
    }

    private void ApplyPanes(WindowKernel kernel, ReadOnlySpan<int> selected, long watermark, LateRows late)
    {
        var chunk = kernel.Chunk;
        var count = AssignPanes(kernel, selected, watermark, late);
        var hashes = chunk.Source.KeyHashes;
        var rows = chunk.Rows;
        var entries = kernel.Entries;
        var starts = kernel.Starts.AsSpan(0, count);
        var panes = chunk.Panes.AsSpan(0, count);
        _keys.Find(chunk.Source, rows.AsSpan(0, count), entries);
        if (_mode == WindowMode.Totals) panes.Fill(-1);
        else _panes.FindLive(_keys, entries.AsSpan(0, count), starts, watermark, panes);
        for (var i = 0; i < panes.Length; i++)
        {
            if (panes[i] >= 0) continue;
            if (entries[i] < 0) entries[i] = FindOrAddKey(hashes[rows[i]], chunk.Source.Key(rows[i]));
            panes[i] = FindOrAddPane(entries[i], starts[i], kernel.Ends[i], watermark);
        }

        if (kernel.Partial.Count != 0) count = AddPartial(kernel, count, watermark);
        if (_partBits == 0) _dirty[0] = count == 0 ? _dirty[0] : 1;
        else MarkDirty(hashes, rows.AsSpan(0, count));
        chunk.SetCount(count);
    }

    /// <summary>Writes rows that are in time, with their panes' spans, into the kernel and returns how many they are.</summary>
    private int AssignPanes(WindowKernel kernel, ReadOnlySpan<int> selected, long watermark, LateRows late)
    {
        var (rows, starts, ends) = (kernel.Chunk.Rows, kernel.Starts, kernel.Ends);
        var times = kernel.Chunk.Source.EventTimes;
        var watermarks = kernel.Chunk.Source.Watermarks;
        kernel.Partial.Clear();
        var (start, end) = (1L, 0L);
        var (firstClosed, closed) = (long.MaxValue, long.MaxValue);
        var count = 0;
        foreach (var row in selected)
        {
            var time = times[row];
            if (time < start || time >= end)
            {
                (start, end) = kernel.PaneOf(time);
                if (_mode != WindowMode.Totals)
                    (firstClosed, closed) = (WindowTime.Add(end, _lateness), WindowTime.Add(LastEnd(start, end), _lateness));
            }

            var own = watermarks is null ? watermark : watermarks[row];
            if (firstClosed <= Math.Max(watermark, own))
            {
                if (closed <= Math.Max(watermark, own))
                {
                    var last = LastEnd(start, end);
                    late.Add(LateFor(row, _mode == WindowMode.Hopping ? WindowTime.Add(last, -_size) : start, last, closed, own, watermark));
                    continue;
                }

                late.AddPartly();
                var missed = Missed(end, own);
                // Windows that the shard has dropped do not look at the pane again.
                if (missed > Missed(end, watermark))
                {
                    kernel.Partial.Add((row, start, end, missed));
                    continue;
                }
            }

            rows[count] = row;
            starts[count] = start;
            ends[count++] = end;
        }

        return count;
    }

    private static LateRow LateFor(int row, long start, long end, long closed, long own, long watermark) => closed <= own
        ? new LateRow(row, start, end, own - closed)
        : new LateRow(row, start, end, watermark - closed, LateReason.Idle);

    /// <summary>How many of the windows over a pane are past their lateness at a watermark.</summary>
    private int Missed(long paneEnd, long watermark) => (int)((FirstDue(paneEnd, watermark) - paneEnd) / _pane);

    /// <summary>
    /// Gives rows that are late for the first windows over their pane panes of their own, beside the ones whose rows count in all windows.
    /// Returns the new number of rows in the chunk.
    /// </summary>
    private int AddPartial(WindowKernel kernel, int count, long watermark)
    {
        var chunk = kernel.Chunk;
        foreach (var (row, start, end, missed) in kernel.Partial)
        {
            var entry = FindOrAddKey(chunk.Source.KeyHashes[row], chunk.Source.Key(row));
            var pane = FindPane(entry, start, missed);
            if (pane < 0)
            {
                pane = InsertPane(entry, start, end, missed);
                _panes.Header(pane).Flags = PaneFlags.Partial;
            }

            var first = end + (missed * _pane);
            if (first <= watermark) _panes.Header(pane).Flags |= PaneFlags.Changed;
            Schedule(entry, FirstDue(first, watermark));
            chunk.Rows[count] = row;
            chunk.Panes[count++] = pane;
        }

        return count;
    }

    /// <summary>The end of the last window over a pane.</summary>
    private long LastEnd(long start, long end) => _mode == WindowMode.Hopping ? WindowTime.Add(start, _size) : end;

    private int FindOrAddKey(ulong hash, ReadOnlySpan<byte> key)
    {
        var entry = _keys.Find(hash, key);
        return entry >= 0 ? entry : _keys.Add(hash, key);
    }

    private int FindOrAddPane(int entry, long start, long end, long watermark)
    {
        var pane = _keys[entry].FirstPane;
        if (pane < 0 || _panes.Header(pane).Start != start || _panes.Header(pane).Tag != 0) pane = FindPane(entry, start);
        if (_mode == WindowMode.Totals)
        {
            if (pane < 0) pane = InsertPane(entry, start, end);
            MarkTotalChanged(entry, pane);
            return pane;
        }

        if (pane < 0)
        {
            pane = InsertPane(entry, start, end);
            if (end <= watermark) _panes.Header(pane).Flags = PaneFlags.Changed;
            Schedule(entry, FirstDue(end, watermark));
        }
        else if (end <= watermark || (_panes.Header(pane).Flags & PaneFlags.Empty) != 0)
        {
            _panes.Header(pane).Flags = PaneFlags.Changed;
            Schedule(entry, FirstDue(end, watermark));
        }

        return pane;
    }

    /// <summary>The first window over a pane that is not past its lateness: when it ends.</summary>
    private long FirstDue(long paneEnd, long watermark)
    {
        if (_mode != WindowMode.Hopping || WindowTime.Add(paneEnd, _lateness) > watermark) return paneEnd;
        // The first end on the grid of panes above watermark - lateness.
        return paneEnd + (((watermark - _lateness - paneEnd) / _pane) + 1) * _pane;
    }

    private void MarkTotalChanged(int entry, int pane)
    {
        ref var header = ref _panes.Header(pane);
        if ((header.Flags & PaneFlags.Changed) != 0) return;
        header.Flags |= PaneFlags.Changed;
        (_changedTotals ??= []).Add(entry);
    }
}
