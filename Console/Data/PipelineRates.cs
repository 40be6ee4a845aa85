using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>What happened per second between two looks at a pipeline; null where it cannot be told.</summary>
public sealed record PipelineRates
{
    /// <summary>Nothing is known yet.</summary>
    public static PipelineRates Unknown { get; } = new();

    /// <summary>Rows written per second, per sink.</summary>
    public IReadOnlyDictionary<string, double> Written { get; init; } = new Dictionary<string, double>();

    /// <summary>Records that failed a quality rule per second, per <c>step.rule</c>.</summary>
    public IReadOnlyDictionary<string, double> Failed { get; init; } = new Dictionary<string, double>();

    /// <summary>Windows closed per second, per step.</summary>
    public IReadOnlyDictionary<string, double> Closed { get; init; } = new Dictionary<string, double>();

    /// <summary>Records into, out of and held back by each step per second.</summary>
    public IReadOnlyDictionary<string, StepRate> Steps { get; init; } = new Dictionary<string, StepRate>();

    /// <summary>Records quarantined per second.</summary>
    public double? Quarantined { get; init; }

    /// <summary>Records that came too late per second.</summary>
    public double? Late { get; init; }

    /// <summary>Duplicates per second.</summary>
    public double? Duplicate { get; init; }

    /// <summary>Records filtered out per second.</summary>
    public double? Filtered { get; init; }

    /// <summary>Rows written per second over all sinks.</summary>
    public double? Rows => Written.Count == 0 ? null : Written.Values.Sum();

    /// <summary>The rates of a step.</summary>
    public StepRate Of(string step) => Steps.GetValueOrDefault(step) ?? StepRate.Unknown;

    /// <summary>The rates between two statuses.</summary>
    public static PipelineRates Of(PipelineStatus before, PipelineStatus after, TimeSpan span)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (span <= TimeSpan.Zero) return Unknown;
        return new PipelineRates
        {
            Written = after.Sinks.GroupBy(s => s.Sink, StringComparer.Ordinal)
                .Select(g => (g.Key, Rate: Per(before.Sinks.Where(s => s.Sink == g.Key).Sum(s => s.Written), g.Sum(s => s.Written), span)))
                .Where(r => r.Rate is not null && before.Sinks.Any(s => s.Sink == r.Key))
                .ToDictionary(r => r.Key, r => r.Rate!.Value, StringComparer.Ordinal),
            Failed = after.Rules.Where(r => before.Rules.ContainsKey(r.Key)).Select(r => (r.Key, Rate: Per(before.Rules[r.Key], r.Value, span)))
                .Where(r => r.Rate is not null).ToDictionary(r => r.Key, r => r.Rate!.Value, StringComparer.Ordinal),
            Closed = after.Shards.GroupBy(s => s.Step, StringComparer.Ordinal)
                .Select(g => (g.Key, Rate: Per(before.Shards.Where(s => s.Step == g.Key).Sum(s => s.ClosedWindows), g.Sum(s => s.ClosedWindows), span)))
                .Where(r => r.Rate is not null && before.Shards.Any(s => s.Step == r.Key)).ToDictionary(r => r.Key, r => r.Rate!.Value, StringComparer.Ordinal),
            Steps = after.Steps.Select(s => (Now: s, Before: before.Steps.FirstOrDefault(b => b.Step == s.Step))).Where(s => s.Before is not null)
                .ToDictionary(
                    s => s.Now.Step,
                    s => new StepRate(Per(s.Before!.In, s.Now.In, span), Per(s.Before.Out, s.Now.Out, span), Per(s.Before.Dropped, s.Now.Dropped, span)), StringComparer.Ordinal),
            Quarantined = Per(before.Counts.Quarantined, after.Counts.Quarantined, span),
            Late = Per(before.Counts.Late, after.Counts.Late, span),
            Duplicate = Per(before.Counts.Duplicate, after.Counts.Duplicate, span),
            Filtered = Per(before.Counts.Filtered, after.Counts.Filtered, span),
        };
    }

    /// <summary>A measure of a pipeline as of now.</summary>
    internal double? Of(Measure measure, PipelineStatus status, DateTimeOffset now) => measure switch
    {
        Measure.In => status.RecordsPerSecond,
        Measure.Out => Rows,
        Measure.Lag => status.Lag,
        Measure.LagSeconds => status.LagSeconds,
        Measure.Quarantined => Quarantined,
        Measure.Late => Late,
        Measure.WatermarkDelay => status.WatermarkAt is { } at ? (now - at).TotalSeconds : null,
        Measure.BatchMs => status.BatchMs,
        _ => null,
    };

    /// <summary>A count that went back belongs to an owner that began anew.</summary>
    private static double? Per(long before, long after, TimeSpan span) => after < before ? null : (after - before) / span.TotalSeconds;
}

/// <summary>What a step does per second; null where it cannot be told.</summary>
/// <param name="In">Records that come in.</param>
/// <param name="Out">Records that go on; of a window step the windows that close.</param>
/// <param name="Dropped">Records that do not go on.</param>
public sealed record StepRate(double? In, double? Out, double? Dropped)
{
    /// <summary>Nothing is known.</summary>
    public static StepRate Unknown { get; } = new(null, null, null);
}
