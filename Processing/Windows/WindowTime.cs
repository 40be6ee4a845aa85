namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>Arithmetic of event times in ms that never wraps around: results outside the range of a 64-bit number are its ends.</summary>
internal static class WindowTime
{
    /// <summary>The sum, cut off at the ends of the range.</summary>
    public static long Add(long time, long span)
    {
        var sum = unchecked(time + span);
        // Overflow happened when both terms have the sign the sum lacks.
        if (((time ^ sum) & (span ^ sum)) < 0) return time < 0 ? long.MinValue : long.MaxValue;
        return sum;
    }

    /// <summary>Microseconds, cut off at the ends of the range.</summary>
    public static long ToMicroseconds(long ms) =>
        ms > long.MaxValue / 1000 ? long.MaxValue : ms < long.MinValue / 1000 ? long.MinValue : ms * 1000;

    /// <summary>
    /// Microseconds as a timestamp holds them: from the beginning of year 1 to the end of year 9999. Windows over the first and last records of the
    /// calendar reach beyond it; their ends are shown as the calendar's.
    /// </summary>
    public static long ToTimestamp(long ms) => Math.Clamp(ToMicroseconds(ms), MinTimestamp, MaxTimestamp);

    private const long MinTimestamp = -62_135_596_800_000_000;
    private const long MaxTimestamp = 253_402_300_799_999_999;

    /// <summary>The largest multiple of <paramref name="size"/> plus <paramref name="offset"/> that is not after a time.</summary>
    public static long Floor(long time, long size, long offset)
    {
        var remainder = (time - offset) % size;
        return time - (remainder < 0 ? remainder + size : remainder);
    }
}
