namespace KafkaOracleOrleans.Processing.Windows;

/// <content>
/// Sessions. A session is a pane whose <see cref="PaneHeader.End"/> is its latest event time. It ends a gap after that, but not later than its
/// maximum length after its start and not later than the next session's start: a record that would make a session longer starts the
/// next one.
/// </content>
public sealed partial class WindowCell
{
    private SessionWindow Session => (SessionWindow)_spec.Window;

    private void ApplySessions(WindowKernel kernel, ReadOnlySpan<int> selected, long watermark, LateRows late)
    {
        var chunk = kernel.Chunk;
        var source = chunk.Source;
        foreach (var row in selected)
        {
            var time = source.EventTimes[row];
            var hash = source.KeyHashes[row];
            var entry = _keys.Find(hash, source.Key(row));
            var pane = entry < 0 ? -1 : JoinSession(kernel, entry, time, watermark);
            if (pane < 0)
            {
                var end = EndOf(time, time, entry < 0 ? long.MaxValue : NextStart(entry, time));
                var closed = WindowTime.Add(end, _lateness);
                var passed = source.Watermarks is null ? watermark : Math.Max(watermark, source.Watermarks[row]);
                if (closed <= passed)
                {
                    late.Add(new LateRow(row, time, end, passed - closed));
                    continue;
                }

                if (entry < 0) entry = _keys.Add(hash, source.Key(row));
                pane = InsertPane(entry, time, time);
                TakeOverRevision(entry, pane);
            }

            chunk.Add(row, pane);
            Schedule(entry, KeyDue(entry));
            MarkDirty(hash);
        }
    }

    /// <summary>The session a time falls into or extends, merged with its neighbour if it now reaches it; or -1.</summary>
    private int JoinSession(WindowKernel kernel, int entry, long time, long watermark)
    {
        var right = -1;
        var left = -1;
        var (nextStart, afterRight) = (long.MaxValue, long.MaxValue);
        for (var pane = _keys[entry].FirstPane; pane >= 0 && left < 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if ((header.Flags & PaneFlags.Withdrawn) != 0) continue;
            if (header.Start <= time)
            {
                left = pane;
                continue;
            }

            (right, afterRight, nextStart) = (pane, nextStart, header.Start);
        }

        var rightLives = right >= 0 && IsLive(_panes.Header(right), afterRight, watermark);
        if (left >= 0 && IsLive(_panes.Header(left), nextStart, watermark) && Extends(_panes.Header(left), time))
        {
            ref var header = ref _panes.Header(left);
            header.End = Math.Max(header.End, time);
            header.Flags |= PaneFlags.Changed;
            if (rightLives && Reaches(header.End, nextStart) && _panes.Header(right).End - header.Start < Session.MaxLength)
                MergeSessions(kernel, entry, left, right);
            return left;
        }

        if (!rightLives || !Reaches(time, nextStart) || _panes.Header(right).End - time >= Session.MaxLength) return -1;
        // A session that began here may have fired and been dropped; its revisions are not known any more.
        if (WindowTime.Add(EndOf(time, time, long.MaxValue), _lateness) <= watermark) return -1;
        BeginEarlier(entry, right, time, afterRight);
        return right;
    }

    private bool IsLive(in PaneHeader session, long nextStart, long watermark) =>
        WindowTime.Add(SessionEnd(session, nextStart), _lateness) > watermark;

    private bool Extends(in PaneHeader session, long time) =>
        time <= session.End || (Reaches(session.End, time) && time - session.Start < Session.MaxLength);

    private bool Reaches(long earlier, long later) => later - earlier < Session.Gap;

    private void BeginEarlier(int entry, int session, long start, long nextStart)
    {
        ref var header = ref _panes.Header(session);
        var old = header;
        Unlink(entry, session);
        header.Start = start;
        header.Revision = 0;
        header.Flags = PaneFlags.Changed;
        Link(entry, session);
        if (old.Revision > 0) Withdraw(entry, old, nextStart);
        TakeOverRevision(entry, session);
    }

    private void MergeSessions(WindowKernel kernel, int entry, int left, int right)
    {
        // Rows of the chunk that go to the right session must be in it before it is merged.
        Update(kernel);
        kernel.Chunk.Begin(kernel.Chunk.Source, kernel.Chunk.Partition);
        var old = _panes.Header(right);
        foreach (var aggregator in kernel.Aggregators) aggregator.Merge(_panes, left, right);
        _panes.Header(left).End = Math.Max(_panes.Header(left).End, old.End);
        Unlink(entry, right);
        _panes.Free(right);
        if (old.Revision > 0) Withdraw(entry, old, long.MaxValue);
    }

    /// <summary>Leaves a mark that the row of a session that fired must be withdrawn; it stands as long as the session would have.</summary>
    private void Withdraw(int entry, in PaneHeader old, long nextStart)
    {
        var mark = InsertPane(entry, old.Start, SessionEnd(old, nextStart));
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

    private long NextStart(int entry, long time)
    {
        var next = long.MaxValue;
        for (var pane = _keys[entry].FirstPane; pane >= 0; pane = _panes.Header(pane).Next)
        {
            ref var header = ref _panes.Header(pane);
            if (header.Start <= time) break;
            if ((header.Flags & PaneFlags.Withdrawn) == 0) next = header.Start;
        }

        return next;
    }
}
