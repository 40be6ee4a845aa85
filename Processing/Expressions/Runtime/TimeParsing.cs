using KafkaOracleOrleans.Processing.Records.Decoding;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Times as text, read as the decoders read them.</summary>
internal static class TimeParsing
{
    public static bool TryDate(ReadOnlySpan<byte> text, out long days) =>
        TimeText.ParseIsoDate(text, out days) == ValueFault.None;

    public static bool TryTimestamp(ReadOnlySpan<byte> text, out long micros) =>
        TimeText.ParseIso(text, out micros) == ValueFault.None;

    public static bool InRange(long micros) => TimeText.InRange(micros);

    public static bool TryPattern(ReadOnlySpan<byte> text, string pattern, ZoneClock clock, out long micros) =>
        TimeText.ParsePattern(text, pattern, clock, out micros) == ValueFault.None;

    public static bool TryPattern(ReadOnlySpan<byte> text, string pattern, out long micros) =>
        TimeText.ParsePattern(text, pattern, out micros) == ValueFault.None;
}
