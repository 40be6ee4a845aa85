namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Event times whose windows begin and end within the calendar, years 1 to 9999: what a timestamp of a table can hold. Times in ms, both ends
/// included.
/// </summary>
public readonly record struct WindowRange(long First, long Last)
{
    private const long Day = 86_400_000;

    /// <summary>The beginning of year 1, ms since the Unix epoch.</summary>
    public const long CalendarStart = -62_135_596_800_000;

    /// <summary>The last ms of year 9999, ms since the Unix epoch.</summary>
    public const long CalendarEnd = 253_402_300_799_999;

    /// <summary>The range of a window step. Without windows every time will do.</summary>
    public static WindowRange Of(WindowSpec window) => window switch
    {
        TumblingWindow w => Aligned(w.Size, w.Size, w.Offset),
        HoppingWindow w => Aligned(w.Size, w.Every, w.Offset),
        SessionWindow w => new WindowRange(CalendarStart, CalendarEnd - Math.Min(w.Gap, w.MaxLength)),
        // No unit is longer than a month, and no zone further than a day from UTC.
        CalendarWindow => new WindowRange(CalendarStart + (32 * Day), CalendarEnd - (32 * Day)),
        RunningTotals => new WindowRange(long.MinValue, long.MaxValue),
        _ => throw new ArgumentException($"The window {window} is not known.", nameof(window)),
    };

    /// <summary>True for times in the range.</summary>
    public bool Contains(long time) => time >= First && time <= Last;

    private static WindowRange Aligned(long size, long pane, long offset) => new(
        WindowTime.Floor(CalendarStart + size - 1, pane, offset % pane),
        WindowTime.Floor(CalendarEnd - size, pane, offset % pane) + pane - 1);
}
