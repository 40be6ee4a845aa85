namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Units of time that functions take by name.</summary>
internal enum TimeUnit
{
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,

    /// <summary>Monday 1 to Sunday 7; only to extract.</summary>
    DayOfWeek,

    /// <summary>1 to 366; only to extract.</summary>
    DayOfYear,

    /// <summary>Seconds since 1970; only to extract.</summary>
    Epoch,
}

/// <summary>Timestamps (microseconds since 1970, UTC) and dates (days since 1970) of the years 1 to 9999.</summary>
internal static class TimeMath
{
    public const long MinTimestamp = -62_135_596_800_000_000;
    public const long MaxTimestamp = 253_402_300_799_999_999;
    public const long MinDate = -719_162;
    public const long MaxDate = 2_932_896;
    public const long MicrosPerDay = 86_400_000_000;

    private static readonly long[] Micros =
        [1, 1_000, 1_000_000, 60_000_000, 3_600_000_000, MicrosPerDay, 7 * MicrosPerDay];

    /// <summary>The length of a unit up to a week, in microseconds.</summary>
    public static long MicrosOf(TimeUnit unit) => Micros[(int)unit];

    public static long AddMicros(long timestamp, long micros, EvaluationState state) =>
        InRange(unchecked(timestamp + micros), (micros > 0) == (unchecked(timestamp + micros) > timestamp) || micros == 0, state);

    public static long SubtractMicros(long timestamp, long micros, EvaluationState state)
    {
        if (micros != long.MinValue) return AddMicros(timestamp, -micros, state);
        OutOfRange(state);
        return 0;
    }

    public static long AddDays(long date, long days, EvaluationState state)
    {
        var result = unchecked(date + days);
        if (days is >= -4_000_000 and <= 4_000_000 && result is >= MinDate and <= MaxDate) return result;
        OutOfRange(state);
        return 0;
    }

    public static long SubtractDays(long date, long days, EvaluationState state) =>
        AddDays(date, days == long.MinValue ? long.MaxValue : -days, state);

    public static long DateToTimestamp(long date) => unchecked(date * MicrosPerDay);

    public static long TimestampToDate(long timestamp) => FloorDivide(timestamp, MicrosPerDay);

    /// <summary>Adds whole units; a month added to the last days of one gives the last day of a shorter one.</summary>
    public static long Add(long count, long timestamp, int unit, EvaluationState state)
    {
        if ((TimeUnit)unit <= TimeUnit.Week)
        {
            var high = Math.BigMul(count, MicrosOf((TimeUnit)unit), out long micros);
            if (high == micros >> 63) return AddMicros(timestamp, micros, state);
            OutOfRange(state);
            return 0;
        }
        var months = (TimeUnit)unit switch { TimeUnit.Month => 1, TimeUnit.Quarter => 3, _ => 12 };
        if (count is < -120_000 or > 120_000 || !TryDateTime(timestamp, state, out var time))
        {
            OutOfRange(state);
            return 0;
        }
        var month = (time.Year * 12L) + time.Month - 1 + (count * months);
        if (month is < 12 or >= 120_000)
        {
            OutOfRange(state);
            return 0;
        }
        return ToMicros(time.AddMonths((int)(count * months)));
    }

    /// <summary>How many whole units lie between, negative when the second is earlier.</summary>
    public static long Difference(long from, long to, int unit, EvaluationState state)
    {
        if ((TimeUnit)unit <= TimeUnit.Week) return unchecked(to - from) / MicrosOf((TimeUnit)unit);
        if (!TryDateTime(from, state, out var start) || !TryDateTime(to, state, out var end)) return 0;
        var months = ((end.Year - start.Year) * 12) + end.Month - start.Month;
        if (months > 0 && start.AddMonths(months) > end) months--;
        else if (months < 0 && start.AddMonths(months) < end) months++;
        return (TimeUnit)unit switch { TimeUnit.Month => months, TimeUnit.Quarter => months / 3, _ => months / 12 };
    }

    /// <summary>The start of the unit a time is in; weeks start on Monday.</summary>
    public static long Truncate(long timestamp, int unit, EvaluationState state)
    {
        switch ((TimeUnit)unit)
        {
            case <= TimeUnit.Day:
                var size = MicrosOf((TimeUnit)unit);
                return FloorDivide(timestamp, size) * size;
            case TimeUnit.Week:
                // 1970-01-01 was a Thursday.
                var monday = (FloorDivide(TimestampToDate(timestamp) + 3, 7) * 7) - 3;
                return InRange(monday * MicrosPerDay, true, state);
            default:
                if (!TryDateTime(timestamp, state, out var time)) return 0;
                var month = (TimeUnit)unit switch
                {
                    TimeUnit.Month => time.Month,
                    TimeUnit.Quarter => ((time.Month - 1) / 3 * 3) + 1,
                    _ => 1,
                };
                return ToMicros(new DateTime(time.Year, month, 1, 0, 0, 0, DateTimeKind.Utc));
        }
    }

    public static long Extract(long timestamp, int unit, EvaluationState state)
    {
        switch ((TimeUnit)unit)
        {
            case TimeUnit.Microsecond:
                return FloorModulo(timestamp, 60_000_000);
            case TimeUnit.Millisecond:
                return FloorModulo(timestamp, 60_000_000) / 1_000;
            case TimeUnit.Second:
                return FloorModulo(timestamp, 60_000_000) / 1_000_000;
            case TimeUnit.Minute:
                return FloorModulo(timestamp, 3_600_000_000) / 60_000_000;
            case TimeUnit.Hour:
                return FloorModulo(timestamp, MicrosPerDay) / 3_600_000_000;
            case TimeUnit.DayOfWeek:
                return FloorModulo(TimestampToDate(timestamp) + 3, 7) + 1;
            case TimeUnit.Epoch:
                return FloorDivide(timestamp, 1_000_000);
        }
        if (!TryDateTime(timestamp, state, out var time)) return 0;
        return (TimeUnit)unit switch
        {
            TimeUnit.Day => time.Day,
            TimeUnit.Week => System.Globalization.ISOWeek.GetWeekOfYear(time),
            TimeUnit.Month => time.Month,
            TimeUnit.Quarter => ((time.Month - 1) / 3) + 1,
            TimeUnit.DayOfYear => time.DayOfYear,
            _ => time.Year,
        };
    }

    public static long EpochMs(long timestamp) => FloorDivide(timestamp, 1_000);

    public static long FromEpochMs(long milliseconds, EvaluationState state)
    {
        if (milliseconds is >= MinTimestamp / 1_000 and <= MaxTimestamp / 1_000) return milliseconds * 1_000;
        OutOfRange(state);
        return 0;
    }

    /// <summary>As a <see cref="DateTime"/> in UTC; fails the row when the year is not 1 to 9999.</summary>
    public static bool TryDateTime(long timestamp, EvaluationState state, out DateTime time)
    {
        time = default;
        if (timestamp is < MinTimestamp or > MaxTimestamp)
        {
            OutOfRange(state);
            return false;
        }
        time = new DateTime(DateTime.UnixEpoch.Ticks + (timestamp * TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);
        return true;
    }

    public static long ToMicros(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static void OutOfRange(EvaluationState state) =>
        state.Fail(ErrorCode.TimeRange, "A time lies outside the years 1 to 9999.");

    private static long InRange(long timestamp, bool valid, EvaluationState state)
    {
        if (valid && timestamp is >= MinTimestamp and <= MaxTimestamp) return timestamp;
        OutOfRange(state);
        return 0;
    }

    private static long FloorDivide(long value, long size)
    {
        var quotient = value / size;
        return value % size < 0 ? quotient - 1 : quotient;
    }

    private static long FloorModulo(long value, long size)
    {
        var rest = value % size;
        return rest < 0 ? rest + size : rest;
    }
}
