using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Functions of timestamps and dates. All times are UTC.</summary>
internal static class TimeFunctions
{
    private const string Category = "Time";

    public static FunctionDefinition[] All() =>
    [
        new(Category, "processing_time() -> timestamp",
            "When the batch is processed. The only value that does not come from the record: a replay may give another.", 0, 0,
            call => new ProcessingTimeNode(call.Span), new FunctionExample("processing_time() IS NULL", "false")),
        new(Category, "date_trunc(unit, timestamp) -> timestamp",
            "The start of the unit the time is in; weeks start on Monday.", 2, 2,
            call => call.Unit(0) is { } unit
                ? call.Call(ExprType.Timestamp, TimeMath.Truncate, [call.Timestamp(1)], (int)unit)
                : new ErrorNode(call.Span),
            new("date_trunc('hour', TIMESTAMP '2026-03-05 10:42:07')", "2026-03-05T10:00:00Z"),
            new("date_trunc('week', TIMESTAMP '2026-03-05 10:42:07')", "2026-03-02T00:00:00Z")),
        Part("year", TimeUnit.Year, "The year.", "2026"),
        Part("quarter", TimeUnit.Quarter, "The quarter, 1 to 4.", "1"),
        Part("month", TimeUnit.Month, "The month, 1 to 12.", "3"),
        Part("week", TimeUnit.Week, "The week of ISO 8601, 1 to 53.", "10"),
        Part("day", TimeUnit.Day, "The day of the month.", "5"),
        Part("day_of_week", TimeUnit.DayOfWeek, "Monday 1 to Sunday 7.", "4"),
        Part("day_of_year", TimeUnit.DayOfYear, "1 to 366.", "64"),
        Part("hour", TimeUnit.Hour, "The hour, 0 to 23.", "10"),
        Part("minute", TimeUnit.Minute, "The minute.", "42"),
        Part("second", TimeUnit.Second, "The second, without fraction.", "7"),
        new(Category, "timestamp_add(unit, count, timestamp) -> timestamp",
            "Later by so many units. A month later than the 31st is the last day of a shorter month.", 3, 3,
            call => call.Unit(0) is { } unit
                ? call.Call(ExprType.Timestamp, TimeMath.Add, [call.Integer(1), call.Timestamp(2)], (int)unit)
                : new ErrorNode(call.Span),
            new("timestamp_add('month', 1, TIMESTAMP '2026-01-31 10:00:00')", "2026-02-28T10:00:00Z"),
            new("timestamp_add('minute', -90, TIMESTAMP '2026-01-01 00:00:00')", "2025-12-31T22:30:00Z")),
        new(Category, "timestamp_diff(unit, from, to) -> integer", "How many whole units lie between; negative when to is earlier.", 3, 3,
            call => call.Unit(0) is { } unit
                ? call.Call(ExprType.Integer, TimeMath.Difference, [call.Timestamp(1), call.Timestamp(2)], (int)unit)
                : new ErrorNode(call.Span),
            new("timestamp_diff('hour', TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-01-02 01:30:00')", "25"),
            new("timestamp_diff('month', DATE '2026-01-31', DATE '2026-02-28')", "1")),
        new(Category, "to_timestamp(text [, pattern]) -> timestamp",
            "Text in ISO 8601, or in a .NET date and time pattern (yyyy MM dd HH mm ss fff zzz); without an offset it is UTC. Fails the record when it does not fit. Patterns of other languages are refused, with what was meant.",
            1, 2, call => Parse(call, ExprType.Timestamp, Casts.TextToTimestamp, PatternOps.ToTimestamp),
            new("to_timestamp('2026-03-05T10:00:00+02:00')", "2026-03-05T08:00:00Z"),
            new("to_timestamp('05.03.2026 10:42', 'dd.MM.yyyy HH:mm')", "2026-03-05T10:42:00Z")),
        new(Category, "parse_timestamp(text, pattern, zone) -> timestamp",
            "Text in a .NET pattern without offset, of the clocks of a time zone. A time that the clocks skip counts on from before the change; of two it is the first.",
            3, 3, ParseAt,
            new("parse_timestamp('05.03.2026 10:42', 'dd.MM.yyyy HH:mm', 'Europe/Vienna')", "2026-03-05T09:42:00Z"),
            new("parse_timestamp('2026-03-29 02:30', 'yyyy-MM-dd HH:mm', 'Europe/Vienna')", "2026-03-29T01:30:00Z")),
        new(Category, "at_zone(timestamp, zone) -> timestamp",
            "The time at which the clocks of a zone show what is given: turns clock times read as UTC into the times they were. Gaps and overlaps as in parse_timestamp.",
            2, 2, call => AtClock(call, PatternOps.AtZone),
            new("at_zone(TIMESTAMP '2026-07-31 22:30:05', 'Europe/Vienna')", "2026-07-31T20:30:05Z"),
            new("at_zone(TIMESTAMP '2026-10-25 02:30:00', 'Europe/Vienna')", "2026-10-25T00:30:00Z")),
        new(Category, "local_time(timestamp, zone) -> timestamp", "What the clocks of a zone show at a time, as if it were UTC; for texts and columns that people read.",
            2, 2, call => AtClock(call, PatternOps.LocalTime),
            new FunctionExample("local_time(TIMESTAMP '2026-07-31 20:30:05', 'Europe/Vienna')", "2026-07-31T22:30:05Z")),
        new(Category, "to_date(text [, pattern]) -> date", "The same for dates.", 1, 2,
            call => Parse(call, ExprType.Date, Casts.TextToDate, PatternOps.ToDate),
            new("to_date('2026-03-05')", "2026-03-05"), new("to_date('5/3/26', 'd/M/yy')", "2026-03-05")),
        new(Category, "format_timestamp(timestamp, pattern) -> string", "Text in a .NET date and time pattern.", 2, 2, Format,
            new("format_timestamp(TIMESTAMP '2026-03-05 10:42:07', 'yyyyMMdd-HHmm')", "20260305-1042"),
            new("format_timestamp(DATE '2026-03-05', 'yyyy-MM')", "2026-03")),
        new(Category, "epoch_ms(timestamp) -> integer", "Milliseconds since 1970-01-01.", 1, 1,
            call => call.Call(ExprType.Integer, TimeMath.EpochMs, [call.Timestamp(0)]),
            new FunctionExample("epoch_ms(TIMESTAMP '1970-01-01 00:00:01.5')", "1500")),
        new(Category, "from_epoch_ms(milliseconds) -> timestamp", "The time so many milliseconds after 1970-01-01.", 1, 1,
            call => call.Call(ExprType.Timestamp, TimeMath.FromEpochMs, [call.Integer(0)]),
            new FunctionExample("from_epoch_ms(1500)", "1970-01-01T00:00:01.500000Z")),
    ];

    private static FunctionDefinition Part(string name, TimeUnit unit, string description, string example) => new(
        Category, $"{name}(timestamp | date) -> integer", description, 1, 1,
        call => call.Binder.Extract(call[0], unit, call.Span),
        new FunctionExample($"{name}(TIMESTAMP '2026-03-05 10:42:07')", example));

    private static Node Parse(FunctionCall call, ExprType type, Delegate iso, Delegate byPattern)
    {
        if (call.Count == 1) return call.Call(type, iso, [call.Text(0)]);
        if (call.ConstantText(1) is not { } pattern) return new ErrorNode(call.Span);
        return IsSound(call, pattern, parses: true) ? call.Call(type, byPattern, [call.Text(0)], pattern) : new ErrorNode(call.Span);
    }

    private static Node ParseAt(FunctionCall call)
    {
        if (call.ConstantText(1) is not { } pattern || ClockOf(call, 2) is not { } clock || !IsSound(call, pattern, parses: true)) return new ErrorNode(call.Span);
        return TimePattern.HasOffset(pattern)
            ? call.Invalid(1, $"The pattern '{pattern}' reads an offset with every time, so a zone says nothing more; use to_timestamp.")
            : call.Call(ExprType.Timestamp, PatternOps.ToTimestampAt, [call.Text(0)], pattern, clock);
    }

    private static Node AtClock(FunctionCall call, Delegate method) =>
        ClockOf(call, 1) is { } clock ? call.Call(ExprType.Timestamp, method, [call.Timestamp(0)], clock) : new ErrorNode(call.Span);

    private static ZoneClock? ClockOf(FunctionCall call, int index)
    {
        if (call.ConstantText(index) is not { } zone) return null;
        if (ZoneClock.IsKnown(zone)) return ZoneClock.Of(zone);
        call.Invalid(index, $"'{zone}' is no time zone.", ZoneClock.Nearest(zone) ?? "Europe/Vienna");
        return null;
    }

    private static bool IsSound(FunctionCall call, string pattern, bool parses)
    {
        if (pattern.Length > 1 && TimePattern.Check(pattern, parses) is { } fault)
        {
            call.Invalid(1, $"The pattern '{pattern}' would not do what it seems to: {fault.Message}", fault.Suggestion);
            return false;
        }

        if (PatternOps.IsValid(pattern)) return true;
        call.Invalid(1, $"'{pattern}' is no .NET date and time pattern.", "yyyy-MM-dd HH:mm:ss");
        return false;
    }

    private static Node Format(FunctionCall call)
    {
        if (call.ConstantText(1) is not { } pattern) return new ErrorNode(call.Span);
        return IsSound(call, pattern, parses: false)
            ? call.Call(ExprType.String, PatternOps.Format, [call.Timestamp(0)], pattern)
            : new ErrorNode(call.Span);
    }
}
