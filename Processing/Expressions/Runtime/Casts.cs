using System.Globalization;
using System.Numerics;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Conversions. What cannot be converted fails the row.</summary>
internal static class Casts
{
    private const NumberStyles Number =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;

    // So many characters hold at most 28 digits when one of them is a point, or the 28 that a decimal always has.
    private const int MaxExactDigits = 28;
    private const int MaxExponent = 10_000;
    private static readonly BigInteger Enough = BigInteger.Pow(10, 100);

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public static Utf8Slice BooleanToText(bool value) => value ? TrueText : FalseText;

    public static long BooleanToInteger(bool value) => value ? 1 : 0;

    public static Utf8Slice IntegerToText(long value, EvaluationState state)
    {
        if (!state.TryReserve(20, out var room)) return Utf8Slice.Empty;
        value.TryFormat(room, out var written, default, Invariant);
        return state.Commit(written);
    }

    /// <summary>With as many digits behind the point as the type has.</summary>
    public static Utf8Slice DecimalToText(decimal value, int scale, EvaluationState state)
    {
        if (!state.TryReserve(64, out var room)) return Utf8Slice.Empty;
        value.TryFormat(room, out var written, default, Invariant);
        var behind = value.Scale;
        if (behind == 0 && scale > 0) room[written++] = (byte)'.';
        for (; behind < scale; behind++) room[written++] = (byte)'0';
        return state.Commit(written);
    }

    /// <summary>The shortest text that reads back as the same double.</summary>
    public static Utf8Slice DoubleToText(double value, EvaluationState state)
    {
        if (!state.TryReserve(32, out var room)) return Utf8Slice.Empty;
        value.TryFormat(room, out var written, "R", Invariant);
        return state.Commit(written);
    }

    /// <summary><c>2026-01-31T10:30:00Z</c>, with a fraction of six digits when there is one.</summary>
    public static Utf8Slice TimestampToText(long value, EvaluationState state)
    {
        if (!TimeMath.TryDateTime(value, state, out var time)) return Utf8Slice.Empty;
        if (!state.TryReserve(32, out var room)) return Utf8Slice.Empty;
        var format = value % 1_000_000 == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.ffffffZ";
        time.TryFormat(room, out var written, format, Invariant);
        return state.Commit(written);
    }

    public static Utf8Slice DateToText(long value, EvaluationState state)
    {
        if (!TimeMath.TryDateTime(TimeMath.DateToTimestamp(value), state, out var time)) return Utf8Slice.Empty;
        if (!state.TryReserve(10, out var room)) return Utf8Slice.Empty;
        time.TryFormat(room, out var written, "yyyy-MM-dd", Invariant);
        return state.Commit(written);
    }

    public static Utf8Slice BytesToText(Utf8Slice value, EvaluationState state)
    {
        if (Utf8.IsValid(value.Span) && value.Span.IndexOf((byte)0) < 0) return value;
        Fail(state, "The bytes are not UTF-8 text.");
        return Utf8Slice.Empty;
    }

    public static bool TextToBoolean(Utf8Slice text, EvaluationState state)
    {
        var span = StringOps.TrimSpace(text).Span;
        if (System.Text.Ascii.EqualsIgnoreCase(span, "true"u8) || span.SequenceEqual("1"u8)) return true;
        if (!System.Text.Ascii.EqualsIgnoreCase(span, "false"u8) && !span.SequenceEqual("0"u8))
            Fail(state, "The text is neither true nor false.");
        return false;
    }

    public static long TextToInteger(Utf8Slice text, EvaluationState state)
    {
        const NumberStyles Whole =
            NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;
        if (!long.TryParse(text.Span, Whole, Invariant, out var value)) Fail(state, "The text is not an integer of 64 bits.");
        return value;
    }

    public static decimal TextToDecimal(Utf8Slice text, int scale, decimal limit, EvaluationState state)
    {
        if (decimal.TryParse(text.Span, Number | NumberStyles.AllowExponent, Invariant, out var value))
        {
            // What has more digits than a decimal was rounded by reading it, and must not be rounded twice.
            return text.Length <= MaxExactDigits ? DecimalMath.Fit(value, scale, limit, state) : ReadExactly(text.Span, scale, limit, state);
        }

        Fail(state, "The text is not a decimal number.");
        return 0;
    }

    private static decimal ReadExactly(ReadOnlySpan<byte> text, int scale, decimal limit, EvaluationState state)
    {
        var mantissa = BigInteger.Zero;
        var (behind, point, negative, exponent, rest) = (0, false, false, 0, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is (byte)'e' or (byte)'E')
            {
                // Beyond this every digit that a decimal has is zero, or too many are before the point; reading it has said which.
                exponent = int.TryParse(text[(i + 1)..], NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, Invariant, out var read)
                    ? Math.Clamp(read, -MaxExponent, MaxExponent) : -MaxExponent;
                break;
            }

            if (text[i] == '-') negative = true;
            else if (text[i] == '.') point = true;
            else if ((uint)(text[i] - '0') <= 9)
            {
                if (mantissa < Enough)
                {
                    mantissa = (mantissa * 10) + (text[i] - '0');
                    if (point) behind++;
                    continue;
                }

                // Digits this far back only tell whether there is a rest.
                rest |= text[i] != '0';
                if (!point) behind--;
            }
        }

        if (rest) (mantissa, behind) = ((mantissa * 10) + 1, behind + 1);
        return DecimalMath.Round(negative ? -mantissa : mantissa, behind - exponent, scale, limit, state);
    }

    public static double TextToDouble(Utf8Slice text, EvaluationState state)
    {
        if (double.TryParse(text.Span, Number | NumberStyles.AllowExponent, Invariant, out var value) && double.IsFinite(value))
            return value;
        Fail(state, "The text is not a finite number.");
        return 0;
    }

    public static long TextToTimestamp(Utf8Slice text, EvaluationState state)
    {
        if (!TimeParsing.TryTimestamp(StringOps.TrimSpace(text).Span, out var value))
            Fail(state, "The text is not an ISO 8601 timestamp such as 2026-01-31T10:30:00Z.");
        return value;
    }

    public static long TextToDate(Utf8Slice text, EvaluationState state)
    {
        if (!TimeParsing.TryDate(StringOps.TrimSpace(text).Span, out var value))
            Fail(state, "The text is not a date such as 2026-01-31.");
        return value;
    }

    public static Utf8Slice TextToJson(Utf8Slice text, EvaluationState state)
    {
        if (!JsonPath.IsValid(text)) Fail(state, "The text is not JSON.");
        else if (JsonStrings.CheckEscapes(text.Span) == ValueFault.None) return text;
        else Fail(state, "The JSON text has the character U+0000 or half of a surrogate pair, which databases do not store.");
        return Utf8Slice.Empty;
    }

    public static long DecimalToInteger(decimal value, EvaluationState state)
    {
        var rounded = DecimalMath.RoundTo(value, 0);
        if (rounded is >= long.MinValue and <= long.MaxValue) return (long)rounded;
        IntegerMath.Overflow(state);
        return 0;
    }

    public static long DoubleToInteger(double value, EvaluationState state)
    {
        var rounded = Math.Round(value, MidpointRounding.AwayFromZero);
        if (rounded is >= -9223372036854775808d and < 9223372036854775808d) return (long)rounded;
        IntegerMath.Overflow(state);
        return 0;
    }

    /// <summary>By way of the shortest text that reads back as the same double, so that 0.1 is 0.1.</summary>
    public static decimal DoubleToDecimal(double value, int scale, decimal limit, EvaluationState state)
    {
        Span<byte> text = stackalloc byte[32];
        value.TryFormat(text, out var written, "R", Invariant);
        if (decimal.TryParse(text[..written], Number | NumberStyles.AllowExponent, Invariant, out var number))
            return DecimalMath.Fit(number, scale, limit, state);
        state.Fail(ErrorCode.Overflow, "A double does not fit the digits of the decimal.");
        return 0;
    }

    private static readonly Utf8Slice TrueText = Utf8Slice.Of("true");
    private static readonly Utf8Slice FalseText = Utf8Slice.Of("false");

    private static void Fail(EvaluationState state, string message) => state.Fail(ErrorCode.CastFailed, message);
}
