using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using NodaTime;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>
/// Windows of a time by the book: a record is late for a window when the watermark of its own partition before it has reached the window's end plus the
/// allowed lateness. Shares nothing with the engine's windows.
/// </summary>
internal sealed class NaiveWindows(WindowStepSpec spec)
{
    private readonly DateTimeZone? _zone = spec.Window is CalendarWindow calendar
        ? DateTimeZoneProviders.Tzdb.GetZoneOrNull(calendar.Zone) ?? NodaTime.TimeZones.TzdbDateTimeZoneSource.Default.WindowsMapping.PrimaryMapping
            .Where(m => m.Key == calendar.Zone).Select(m => DateTimeZoneProviders.Tzdb[m.Value]).First()
        : null;

    /// <summary>All windows of a time, the last one first. Not for sessions.</summary>
    public IEnumerable<(long Start, long End)> Of(long time) => spec.Window switch
    {
        RunningTotals => [(0L, 0L)],
        TumblingWindow w => Aligned(time, w.Size, w.Size, w.Offset),
        HoppingWindow w => Aligned(time, w.Size, w.Every, w.Offset),
        CalendarWindow w => [Calendar(time, w.Unit)],
        _ => throw new NotSupportedException($"The windows {spec.Window} are not cut by time alone."),
    };

    /// <summary>True when a watermark had passed a window.</summary>
    public bool IsLate(long end, long watermark) => spec.Window is not RunningTotals && watermark != long.MinValue && (Int128)end + spec.AllowedLateness <= watermark;

    private static IEnumerable<(long Start, long End)> Aligned(long time, long size, long every, long offset)
    {
        var phase = (((time - offset) % every) + every) % every;
        for (var start = time - phase; start > time - size; start -= every) yield return (start, start + size);
    }

    private (long Start, long End) Calendar(long time, CalendarUnit unit)
    {
        var instant = Instant.FromUnixTimeMilliseconds(time);
        if (unit == CalendarUnit.Hour) return Hour(instant);
        var date = instant.InZone(_zone!).Date;
        var first = First(date, unit);
        // Where midnight comes twice the date of a time can be one off.
        while (Begin(Next(first, unit)) <= instant) first = Next(first, unit);
        while (Begin(first) > instant) first = First(first.PlusDays(-1), unit);
        return (Begin(first).ToUnixTimeMilliseconds(), Begin(Next(first, unit)).ToUnixTimeMilliseconds());
    }

    private (long Start, long End) Hour(Instant instant)
    {
        var interval = _zone!.GetZoneInterval(instant);
        var local = instant.Plus(Duration.FromTicks(interval.WallOffset.Ticks));
        var ticks = local.ToUnixTimeTicks();
        var start = Instant.FromUnixTimeTicks(ticks - (((ticks % NodaConstants.TicksPerHour) + NodaConstants.TicksPerHour) % NodaConstants.TicksPerHour))
            .Minus(Duration.FromTicks(interval.WallOffset.Ticks));
        var end = start.Plus(Duration.FromHours(1));
        if (interval.HasStart && start < interval.Start) start = interval.Start;
        if (interval.HasEnd && end > interval.End) end = interval.End;
        return (start.ToUnixTimeMilliseconds(), end.ToUnixTimeMilliseconds());
    }

    private Instant Begin(LocalDate date) => _zone!.AtStartOfDay(date).ToInstant();

    private static LocalDate First(LocalDate date, CalendarUnit unit) => unit switch
    {
        CalendarUnit.Week => date.PlusDays(1 - (int)date.DayOfWeek),
        CalendarUnit.Month => new LocalDate(date.Year, date.Month, 1),
        CalendarUnit.Quarter => new LocalDate(date.Year, ((date.Month - 1) / 3 * 3) + 1, 1),
        CalendarUnit.Year => new LocalDate(date.Year, 1, 1),
        _ => date,
    };

    private static LocalDate Next(LocalDate first, CalendarUnit unit) => unit switch
    {
        CalendarUnit.Week => first.PlusDays(7),
        CalendarUnit.Month => first.PlusMonths(1),
        CalendarUnit.Quarter => first.PlusMonths(3),
        CalendarUnit.Year => first.PlusYears(1),
        _ => first.PlusDays(1),
    };
}

/// <summary>
/// Which records of one partition count in sessions: those that are in time by themselves, or lie in a session that records of their partition make
/// and that is still open. Keeps the sessions of a key as spans, and only as long as a record can meet them.
/// </summary>
internal sealed class NaiveSessions(SessionWindow window, long lateness)
{
    /// <summary>The most sessions kept at a time; more is a refusal.</summary>
    public const int MaxSessions = 2_000_000;

    private readonly Dictionary<string, List<(long First, long Last)>> _spans = new(StringComparer.Ordinal);
    private int _count;
    private long _sweptAt = long.MinValue;

    /// <summary>True when a record counts.</summary>
    public bool Takes(byte[] key, long time, long watermark)
    {
        Sweep(watermark);
        var name = Convert.ToBase64String(key);
        var spans = _spans.GetValueOrDefault(name);
        var alone = (Int128)time + Math.Min(window.Gap, window.MaxLength) + lateness;
        var takes = watermark == long.MinValue || alone > watermark
            || (spans?.Exists(s => s.First <= time && time <= s.Last && Int128.Min((Int128)s.Last + window.Gap, (Int128)s.First + window.MaxLength) + lateness > watermark) ?? false);
        if (!takes) return false;
        if (spans is null) _spans.Add(name, spans = []);
        Merge(spans, time);
        return true;
    }

    public void Save(ref ByteWriter w)
    {
        w.VarUInt((ulong)_spans.Count);
        foreach (var (key, spans) in _spans)
        {
            w.Text(key);
            w.VarUInt((ulong)spans.Count);
            foreach (var (first, last) in spans)
            {
                w.VarInt(first);
                w.VarInt(last);
            }
        }
    }

    public void Restore(ref ByteReader r)
    {
        var keys = r.Count(r.Remaining, "the number of keys");
        for (var i = 0; i < keys; i++)
        {
            var spans = new List<(long, long)>();
            _spans.Add(r.Text(), spans);
            var count = r.Count(r.Remaining, "the number of sessions");
            for (var j = 0; j < count; j++) spans.Add((r.VarInt(), r.VarInt()));
            _count += count;
        }
    }

    private void Merge(List<(long First, long Last)> spans, long time)
    {
        var (first, last) = (time, time);
        for (var i = spans.Count - 1; i >= 0; i--)
        {
            if (spans[i].First - last >= window.Gap || first - spans[i].Last >= window.Gap) continue;
            (first, last) = (Math.Min(first, spans[i].First), Math.Max(last, spans[i].Last));
            spans.RemoveAt(i);
            _count--;
        }

        spans.Add((first, last));
        if (++_count > MaxSessions)
            throw new ProofRefusedException($"More than {MaxSessions:N0} sessions are open at a time, which is more than a proof keeps. Prove a shorter time, with since and until.");
    }

    /// <summary>A session two gaps behind the watermark can neither take a record nor be joined by one that counts.</summary>
    private void Sweep(long watermark)
    {
        if (watermark == long.MinValue || (_sweptAt != long.MinValue && watermark < _sweptAt + window.Gap)) return;
        _sweptAt = watermark;
        foreach (var (key, spans) in _spans)
        {
            _count -= spans.RemoveAll(s => (Int128)s.Last + (2 * (Int128)window.Gap) + lateness <= watermark);
            if (spans.Count == 0) _spans.Remove(key);
        }
    }
}
