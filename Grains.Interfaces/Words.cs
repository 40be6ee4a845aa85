using System.Globalization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>The words for states, the same on every surface.</summary>
public static class Words
{
    /// <summary>A part's state in a word: <c>RUNNING</c>, <c>STARTING</c>, <c>WAITING</c> (for something outside), <c>FAILED</c>, <c>PAUSED</c> or <c>STOPPED</c>.</summary>
    public static string Of(PartState state) => state == PartState.Blocked ? "WAITING" : state.ToString().ToUpperInvariant();

    /// <summary>A pipeline's condition in a word, e.g. <c>RUNNING</c> or <c>DEGRADED</c>.</summary>
    public static string Of(PipelineCondition condition) => condition.ToString().ToUpperInvariant();
}

/// <summary>Spans of time for people, with their units.</summary>
public static class Spans
{
    /// <summary>A span, e.g. <c>4.2 s</c>, <c>33 s</c>, <c>5 m 2 s</c>, <c>3 h 12 m</c> or <c>2 d 4 h</c>.</summary>
    public static string Text(TimeSpan span) => span switch
    {
        { Ticks: < 0 } => "-" + Text(-span),
        { TotalSeconds: < 10 } => span.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        { TotalMinutes: < 2 } => span.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) + " s",
        { TotalHours: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} m {span.Seconds} s"),
        { TotalDays: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} m"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalDays} d {span.Hours} h"),
    };

    /// <summary>A number of seconds as a span; what no clock can show is its number.</summary>
    public static string Text(double seconds) => Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds / 2
        ? Text(TimeSpan.FromSeconds(seconds))
        : seconds.ToString("0", CultureInfo.InvariantCulture) + " s";
}
