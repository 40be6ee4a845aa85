namespace KafkaOracleOrleans.Processing.Windows;

/// <content>
/// Sessions. A session is a pane whose <see cref="PaneHeader.End"/> is its latest event time. It ends a gap after that, but not later than its
/// maximum length after its start and not later than the next session's start: a record that would make a session longer starts the
/// next one.
/// </content>
public sealed partial class WindowCell
{
    private SessionWindow Session => (SessionWindow)_spec.Window;

    private void ApplySessions(WindowKernel kernel, ReadOnlySpan<int> selected, int source, long watermark, LateRows late)
    {
        var chunk = kernel.Chunk;
        var rows = chunk.Source;
        foreach (var row in selected)
        {
            var time = rows.EventTimes[row];
            var hash = rows.KeyHashes[row];
            var entry = _keys.Find(hash, rows.Key(row));
            var (left, right) = entry < 0 ? (-1, -1) : Neighbours(entry, time);
            var own = rows.Watermarks is null ? watermark : rows.Watermarks[row];
            // The session that the record alone would make.
            var end = EndOf(time, time, long.MaxValue);
            var closed = WindowTime.Add(end, _lateness);
            if (closed <= own && !LiesInOwnSession(left, source, time, own))
            {
                late.Add(new LateRow(row, time, end, own - closed));
                continue;
            }

            var pane = entry < 0 ? -1 : Join(kernel, entry, left, right, time, source, watermark);
            if (pane < 0)
            {
                if (closed <= watermark)
                {
                    late.Add(new LateRow(row, time, end, watermark - closed, LateReason.Idle));
                    continue;
                }

                if (entry < 0) entry = _keys.Add(hash, rows.Key(row));
                pane = Begin(entry, left, right, time, source);
            }

            chunk.Add(row, pane);
            Schedule(entry, KeyDue(entry));
            MarkDirty(hash);
        }
    }

    /// <summary>The latest session that begins at or before a time, and the one after it; -1: none.</summary>
    private (int Left, int Right) Neighbours(int entry, long time)
    {
        var right = -1;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if ((header.Flags & PaneFlags.Withdrawn) != 0) continue;
            if (header.Start <= time) return (pane, right);
            right = pane;
        }

        return (-1, right);
    }

    /// <summary>
    /// True when a time lies within a session that records of the same source make and that the source's watermark has not passed. What other
    /// sources brought does not count: how far they have been read differs from run to run.
    /// </summary>
    private bool LiesInOwnSession(int session, int source, long time, long own)
    {
        if (session < 0 || time > _panes.Header(session).End) return false;
        if (OwnSpan(session, source, time) is not { } span) return false;
        return WindowTime.Add(EndOf(span.Start, span.Last, long.MaxValue), _lateness) > own;
    }

    /// <summary>The session a time falls into or extends, merged with its neighbour if it now reaches it; or -1.</summary>
    private int Join(WindowKernel kernel, int entry, int left, int right, long time, int source, long watermark)
    {
        if (left >= 0 && Extends(_panes.Header(left), time))
        {
            NoteSource(left, source, time, watermark);
            ref var header = ref _panes.Header(left);
            header.End = Math.Max(header.End, time);
            header.Flags |= PaneFlags.Changed;
            if (right >= 0 && Reaches(header.End, _panes.Header(right).Start)
                && _panes.Header(right).End - header.Start < Session.MaxLength) MergeSessions(kernel, entry, left, right);
            return left;
        }

        if (right < 0 || !Reaches(time, _panes.Header(right).Start) || _panes.Header(right).End - time >= Session.MaxLength) return -1;
        NoteSource(right, source, time, watermark);
        ShowNewEnd(left, _panes.Header(right).Start, time);
        BeginEarlier(entry, right, time);
        return right;
    }

    private int Begin(int entry, int left, int right, long time, int source)
    {
        ShowNewEnd(left, right < 0 ? long.MaxValue : _panes.Header(right).Start, time);
        var pane = InsertPane(entry, time, time, source + 1);
        TakeOverRevision(entry, pane);
        return pane;
    }

    /// <summary>A session that has fired and now ends earlier, because the next one begins earlier, fires again.</summary>
    private void ShowNewEnd(int session, long oldNext, long newNext)
    {
        if (session < 0) return;
        ref var header = ref _panes.Header(session);
        if (header.Revision > 0 && SessionEnd(header, oldNext) != SessionEnd(header, newNext)) header.Flags |= PaneFlags.Changed;
    }

    private bool Extends(in PaneHeader session, long time) =>
        time <= session.End || (Reaches(session.End, time) && time - session.Start < Session.MaxLength);

    private bool Reaches(long earlier, long later) => later - earlier < Session.Gap;

    private void BeginEarlier(int entry, int session, long start)
    {
        ref var header = ref _panes.Header(session);
        var old = header;
        Unlink(entry, session);
        header.Start = start;
        header.Revision = 0;
        header.Flags = PaneFlags.Changed;
        Link(entry, session);
        if (old.Revision > 0) Withdraw(entry, old);
        TakeOverRevision(entry, session);
    }

    private void MergeSessions(WindowKernel kernel, int entry, int left, int right)
    {
        // Rows of the chunk that go to the right session must be in it before it is merged.
        Update(kernel);
        kernel.Chunk.Begin(kernel.Chunk.Source, kernel.Chunk.Partition);
        var old = _panes.Header(right);
        MergeSources(left, right);
        foreach (var aggregator in kernel.Aggregators) aggregator.Merge(_panes, left, right);
        _panes.Header(left).End = Math.Max(_panes.Header(left).End, old.End);
        Unlink(entry, right);
        _panes.Free(right);
        if (old.Revision > 0) Withdraw(entry, old);
    }

    /// <summary>Leaves a mark that the row of a session that fired must be withdrawn; it stands as long as the session would have.</summary>
    private void Withdraw(int entry, in PaneHeader old)
    {
        var mark = InsertPane(entry, old.Start, KeptUntil(old));
        ref var header = ref _panes.Header(mark);
        header.Revision = old.Revision;
        header.Flags = PaneFlags.Withdrawn | PaneFlags.Changed;
    }

    /// <summary>A session that starts where a withdrawn one did goes on counting its revisions.</summary>
    private void TakeOverRevision(int entry, int session)
    {
        var start = _panes.Header(session).Start;
        for (var pane = _keys[entry].FirstPane; pane >= 0 && _panes.Header(pane).Start >= start; pane = _panes.Header(pane).Next)
        {
            ref var mark = ref _panes.Header(pane);
            if (mark.Start != start || (mark.Flags & PaneFlags.Withdrawn) == 0) continue;
            ref var header = ref _panes.Header(session);
            header.Revision = mark.Revision;
            header.Flags |= PaneFlags.Changed;
            Unlink(entry, pane);
            _panes.Free(pane);
            return;
        }
    }

    private long SessionEnd(in PaneHeader session, long nextStart) => EndOf(session.Start, session.End, nextStart);

    private long EndOf(long start, long last, long nextStart) => Math.Min(
        Math.Min(WindowTime.Add(last, Session.Gap), WindowTime.Add(start, Session.MaxLength)), nextStart);

    /// <summary>
    /// When a session's state is of no use any more, but for the lateness: a record up to a gap after its latest one bridges it and the next, and
    /// is in time for a gap after its own time.
    /// </summary>
    private long KeptUntil(in PaneHeader session) => WindowTime.Add(WindowTime.Add(session.End, Session.Gap), Session.Gap);
}
