using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <content>
/// Which sources the records of a session come from. A record far behind its source's watermark is in time only for a session that records of the
/// same source keep open, so that how far other sources have been read does not show. Nearly all sessions have one source; the spans
/// of the few others are kept apart.
/// </content>
public sealed partial class WindowCell
{
    private const int SeveralSources = -1;

    private Dictionary<int, List<SourceSpan>>? _mixed;

    /// <summary>Records of one source less than the gap apart, within a session.</summary>
    private readonly record struct SourceSpan(int Source, long Start, long Last);

    /// <summary>What the records of a source make around a time within a session; null: it has none there.</summary>
    private SourceSpan? OwnSpan(int session, int source, long time)
    {
        ref var header = ref _panes.Header(session);
        // Of state written by version 1 the sources are not known.
        if (header.Tag == 0 || header.Tag == source + 1) return new SourceSpan(source, header.Start, header.End);
        if (header.Tag != SeveralSources) return null;
        foreach (var span in _mixed![session])
        {
            if (span.Source == source && span.Start <= time && time <= span.Last) return span;
        }

        return null;
    }

    /// <summary>Notes a record that is about to join a session.</summary>
    private void NoteSource(int session, int source, long time, long watermark)
    {
        ref var header = ref _panes.Header(session);
        if (header.Tag == 0 || header.Tag == source + 1) return;
        if (header.Tag != SeveralSources)
        {
            (_mixed ??= [])[session] = [new SourceSpan(header.Tag - 1, header.Start, header.End)];
            header.Tag = SeveralSources;
        }

        var spans = _mixed![session];
        AddSpan(spans, new SourceSpan(source, time, time));
        // Those that every source's watermark has passed let nothing in any more.
        spans.RemoveAll(s => WindowTime.Add(WindowTime.Add(s.Last, Session.Gap), _lateness) <= watermark);
    }

    private void MergeSources(int left, int right)
    {
        ref var header = ref _panes.Header(left);
        var other = _panes.Header(right);
        if (header.Tag == other.Tag && header.Tag > 0) return;
        if (header.Tag == 0 || other.Tag == 0)
        {
            _mixed?.Remove(left);
            _mixed?.Remove(right);
            header.Tag = 0;
            return;
        }

        _mixed ??= [];
        var spans = SpansOf(left);
        foreach (var span in SpansOf(right)) AddSpan(spans, span);
        _mixed.Remove(right);
        _mixed[left] = spans;
        header.Tag = SeveralSources;
    }

    private List<SourceSpan> SpansOf(int session)
    {
        var header = _panes.Header(session);
        return header.Tag == SeveralSources ? _mixed![session] : [new SourceSpan(header.Tag - 1, header.Start, header.End)];
    }

    private void AddSpan(List<SourceSpan> spans, SourceSpan added)
    {
        for (var i = spans.Count - 1; i >= 0; i--)
        {
            var span = spans[i];
            if (span.Source != added.Source || !Reaches(span.Last, added.Start) || !Reaches(added.Last, span.Start)) continue;
            added = new SourceSpan(span.Source, Math.Min(span.Start, added.Start), Math.Max(span.Last, added.Last));
            spans.RemoveAt(i);
        }

        spans.Add(added);
    }

    private void WriteSources(int session, in PaneHeader header, ref ByteWriter w)
    {
        w.VarInt(header.Tag);
        if (header.Tag != SeveralSources) return;
        var spans = _mixed![session];
        spans.Sort(static (a, b) => a.Source != b.Source ? a.Source.CompareTo(b.Source) : a.Start.CompareTo(b.Start));
        w.VarUInt((ulong)spans.Count);
        foreach (var span in spans)
        {
            w.VarInt(span.Source);
            w.VarInt(span.Start);
            w.VarUInt((ulong)span.Last - (ulong)span.Start);
        }
    }

    private void ReadSources(int session, ref ByteReader r)
    {
        var tag = r.VarInt();
        if (tag is < SeveralSources or > int.MaxValue) throw r.Fault("a session's source is out of range");
        ref var header = ref _panes.Header(session);
        header.Tag = (int)tag;
        if (tag != SeveralSources) return;
        var count = r.Count(r.Remaining, "a number of spans");
        var spans = new List<SourceSpan>(count);
        for (var i = 0; i < count; i++)
        {
            var source = r.VarInt();
            var start = r.VarInt();
            var last = (long)((ulong)start + r.VarUInt());
            if (source is < 0 or >= int.MaxValue) throw r.Fault("a session's source is out of range");
            if (start < header.Start || last < start || last > header.End) throw r.Fault("a span lies outside its session");
            spans.Add(new SourceSpan((int)source, start, last));
        }

        (_mixed ??= [])[session] = spans;
    }
}
