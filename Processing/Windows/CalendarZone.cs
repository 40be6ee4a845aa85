using KafkaOracleOrleans.Processing.Text;
using NodaTime;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Calendar windows of a time zone, by the rules of <see cref="ZoneClock"/>. A day, week, month, quarter or year begins at the first instant at which the zone's clocks show its midnight (or, when
/// a change skips midnight, at the change); an hour is an hour of the clock, and one that the clocks show twice is two
/// windows. Works for every 64-bit time: beyond the years 1 to 9999 the zone's rules of the nearest such year hold.
/// </summary>
internal sealed class CalendarZone
{
    private const long Hour = 3_600_000;
    private const long Day = 24 * Hour;
    private const int CacheSize = 64;
    private const long DaysPerEra = 146_097;
    private static readonly LocalDate Epoch = new(1970, 1, 1);

    // What microseconds hold.
    private const long MinKnown = long.MinValue / 4000;
    private const long MaxKnown = long.MaxValue / 4000;

    private readonly ZoneClock _zone;
    private readonly CalendarUnit _unit;
    private readonly long _step;
    private readonly (long Start, long End)[] _cache = new (long, long)[CacheSize];

    /// <summary>Resolves the zone. Throws <see cref="ArgumentException"/> when the rules do not know it.</summary>
    public CalendarZone(CalendarWindow window)
    {
        _unit = window.Unit;
        _zone = ZoneClock.Of(window.Zone);
        _step = _unit switch
        {
            CalendarUnit.Hour => Hour / 2,
            CalendarUnit.Day => Day,
            CalendarUnit.Week => 7 * Day,
            CalendarUnit.Month => 30 * Day,
            CalendarUnit.Quarter => 91 * Day,
            CalendarUnit.Year => 365 * Day,
            _ => throw new ArgumentOutOfRangeException(nameof(window), _unit, "The calendar unit is not known."),
        };
        Array.Fill(_cache, (1, 0));
    }

    /// <summary>The window of a time.</summary>
    public (long Start, long End) WindowOf(long time)
    {
        ref var cached = ref _cache[(int)((ulong)(time / _step) % CacheSize)];
        if (time < cached.Start || time >= cached.End) cached = _unit == CalendarUnit.Hour ? ClockHour(time) : Unit(time);
        return cached;
    }

    private (long Start, long End) Unit(long time)
    {
        var day = FirstDay(WindowTime.Floor(time + Offset(time), Day, 0) / Day);
        var start = Midnight(day);
        var next = NextFirstDay(day);
        var end = Midnight(next);
        // Where midnight comes twice, the clock's date at a time can be one off from the window it lies in.
        while (time >= end)
        {
            day = next;
            next = NextFirstDay(day);
            (start, end) = (end, Midnight(next));
        }

        while (time < start)
        {
            day = FirstDay(day - 1);
            (start, end) = (Midnight(day), start);
        }

        return (start, end);
    }

    private (long Start, long End) ClockHour(long time)
    {
        var offset = Offset(time);
        var start = WindowTime.Floor(time + offset, Hour, 0) - offset;
        var end = start + Hour;
        if (Offset(start) != offset) start = Change(start, time);
        if (Offset(end - 1) != offset) end = Change(time, end - 1);
        return (start, end);
    }

    /// <summary>The first instant at which the clocks show a day's midnight or later for good or for the first time.</summary>
    private long Midnight(long day)
    {
        var local = day * Day;
        var before = Offset(local - Day);
        var after = Offset(local + Day);
        var early = local - Math.Max(before, after);
        var late = local - Math.Min(before, after);
        if (Offset(early) + early == local) return early;
        if (Offset(late) + late == local) return late;
        return Change(early - 1, late + 1);
    }

    /// <summary>The first time after <paramref name="from"/> at which the offset is no longer what it is there.</summary>
    private long Change(long from, long to)
    {
        var offset = Offset(from);
        while (to - from > 1)
        {
            var middle = from + ((to - from) / 2);
            if (Offset(middle) == offset) from = middle;
            else to = middle;
        }

        return to;
    }

    private long Offset(long time) => _zone.Offset(Math.Clamp(time, MinKnown, MaxKnown) * 1000) / 1000;

    private long FirstDay(long day) => _unit switch
    {
        // Day 0, 1 January 1970, was a Thursday.
        CalendarUnit.Week => WindowTime.Floor(day, 7, -3),
        CalendarUnit.Month => MonthStart(day, 1),
        CalendarUnit.Quarter => MonthStart(day, 3),
        CalendarUnit.Year => MonthStart(day, 12),
        _ => day,
    };

    private long NextFirstDay(long firstDay) => _unit switch
    {
        CalendarUnit.Week => firstDay + 7,
        CalendarUnit.Month => MonthStart(firstDay + 31, 1),
        CalendarUnit.Quarter => MonthStart(firstDay + 92, 3),
        CalendarUnit.Year => MonthStart(firstDay + 366, 12),
        _ => firstDay + 1,
    };

    /// <summary>The first day of the months a day lies in, counted in so many from January.</summary>
    private static long MonthStart(long day, int months)
    {
        // Eras of 400 years are alike: the day is looked for in the one around 2000.
        var era = WindowTime.Floor(day, DaysPerEra, 0);
        var date = Epoch.PlusDays((int)(day - era));
        var first = new LocalDate(date.Year, ((date.Month - 1) / months * months) + 1, 1);
        return era + Period.DaysBetween(Epoch, first);
    }
}
