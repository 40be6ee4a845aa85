using System.Globalization;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Times in .NET's custom patterns, invariant culture.</summary>
internal static class PatternOps
{
    private const int MaxPatternChars = 64;
    private const int MaxFormattedBytes = 1_024;

    /// <summary>True for a custom pattern (two characters or more) that .NET can write.</summary>
    public static bool IsValid(string pattern)
    {
        if (pattern.Length is < 2 or > MaxPatternChars) return false;
        Span<char> buffer = stackalloc char[MaxFormattedBytes];
        try
        {
            return DateTime.UnixEpoch.TryFormat(buffer, out _, pattern, CultureInfo.InvariantCulture);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    public static long ToTimestamp(Utf8Slice text, string pattern, EvaluationState state)
    {
        if (!TimeParsing.TryPattern(text.Span, pattern, out var micros))
            state.Fail(ErrorCode.CastFailed, $"The text does not fit the pattern '{pattern}'.");
        return micros;
    }

    /// <summary>A text of a zone's clocks.</summary>
    public static long ToTimestampAt(Utf8Slice text, string pattern, ZoneClock clock, EvaluationState state)
    {
        if (!TimeParsing.TryPattern(text.Span, pattern, clock, out var micros))
            state.Fail(ErrorCode.CastFailed, $"The text does not fit the pattern '{pattern}'.");
        return micros;
    }

    /// <summary>The time at which a zone's clocks show a time.</summary>
    public static long AtZone(long local, ZoneClock clock, EvaluationState state) => InRange(clock.ToUtc(local), state);

    /// <summary>What a zone's clocks show at a time.</summary>
    public static long LocalTime(long timestamp, ZoneClock clock, EvaluationState state) => InRange(clock.ToLocal(timestamp), state);

    private static long InRange(long micros, EvaluationState state)
    {
        if (!TimeParsing.InRange(micros)) state.Fail(ErrorCode.CastFailed, "The time is outside the years 1 to 9999.");
        return micros;
    }

    public static long ToDate(Utf8Slice text, string pattern, EvaluationState state) =>
        TimeMath.TimestampToDate(ToTimestamp(text, pattern, state));

    public static Utf8Slice Format(long timestamp, string pattern, EvaluationState state)
    {
        if (!TimeMath.TryDateTime(timestamp, state, out var time)) return Utf8Slice.Empty;
        if (!state.TryReserve(MaxFormattedBytes, out var room)) return Utf8Slice.Empty;
        if (time.TryFormat(room, out var written, pattern, CultureInfo.InvariantCulture)) return state.Commit(written);
        state.Fail(ErrorCode.TooLong, "A formatted time has at most 1,024 bytes.");
        return Utf8Slice.Empty;
    }
}
