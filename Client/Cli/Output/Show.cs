using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>How numbers, times and states are written for people; what is not known is <c>-</c>, never 0.</summary>
internal static class Show
{
    private const string Unknown = "-";

    public static string Count(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture) ?? Unknown;

    public static string Rate(double perSecond) => perSecond.ToString(perSecond is > 0 and < 10 ? "N1" : "N0", CultureInfo.InvariantCulture);

    /// <summary>A time, ms since the Unix epoch, as ISO 8601 with its zone, to the second.</summary>
    public static string Time(long? ms) => ms is { } value && InRange(value) ? Time(DateTimeOffset.FromUnixTimeMilliseconds(value)) : Unknown;

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A number of seconds, e.g. <c>33 s</c>.</summary>
    public static string Seconds(double? seconds) => seconds is { } value ? Spans.Text(value) : Unknown;

    /// <summary>How far a time lies behind now, e.g. <c>33 s</c>.</summary>
    public static string Behind(long? ms, DateTimeOffset now) =>
        ms is { } value && InRange(value) ? Spans.Text(now - DateTimeOffset.FromUnixTimeMilliseconds(value)) : Unknown;

    public static string Span(TimeSpan span) => Spans.Text(span);

    /// <summary>A part's state.</summary>
    public static Cell State(PartState state) => new(Words.Of(state), state switch
    {
        PartState.Running => Tone.Good,
        PartState.Blocked or PartState.Starting => Tone.Warning,
        PartState.Failed => Tone.Bad,
        _ => Tone.Faint,
    });

    /// <summary>A pipeline's state: its verdict's word.</summary>
    public static Cell Verdict(Verdict verdict) => new(verdict.Word, ToneOf(verdict));

    public static Tone ToneOf(Verdict verdict) => verdict.Word switch
    {
        "RUNNING" => verdict.Lags ? Tone.Warning : Tone.Good,
        "FAILED" => Tone.Bad,
        "STARTING" or "DEGRADED" or "RESTARTING" => Tone.Warning,
        _ => Tone.Faint,
    };

    /// <summary>Numbers as a line of bars, the largest as high as it gets; nothing for no numbers.</summary>
    public static string Bars(IEnumerable<double> values)
    {
        const string Steps = "▁▂▃▄▅▆▇█";
        var numbers = values.ToArray();
        var largest = numbers.Length == 0 ? 0 : numbers.Max();
        return string.Concat(numbers.Select(v => largest <= 0 ? Steps[0] : Steps[(int)Math.Min(7, v / largest * 7.999)]));
    }

    private static bool InRange(long ms) => ms is > -62_135_596_800_000 and < 253_402_300_800_000;
}
