using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.WebConsole.Components.Shared;

/// <summary>Something that happened, on a chart: a letter and what it was.</summary>
public sealed record ChartMark(DateTimeOffset At, string Letter, string Text)
{
    /// <summary>What the letters stand for.</summary>
    public const string Legend = "V new version, R restart, P partitions found, S started or stopped, Z set back, ! in trouble";

    /// <summary>The events that explain a course, the newest 20.</summary>
    public static IReadOnlyList<ChartMark> Of(IEnumerable<PipelineEvent> events, ViewSettings view)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(view);
        return [.. events.Select(e => (Event: e, Letter: LetterOf(e))).Where(e => e.Letter.Length != 0).Take(20)
            .Select(e => new ChartMark(e.Event.At, e.Letter, $"{view.Time(e.Event.At)} {e.Event.Text}"))];
    }

    private static string LetterOf(PipelineEvent e) => e.Kind switch
    {
        "definition" => "V",
        "partitions" => "P",
        "state" => "S",
        "reset" => "Z",
        "condition" when e.Text.Contains("-> Failed", StringComparison.Ordinal) || e.Text.Contains("-> Degraded", StringComparison.Ordinal) => "!",
        _ => e.Kind.StartsWith("restart", StringComparison.Ordinal) ? "R" : "",
    };
}
