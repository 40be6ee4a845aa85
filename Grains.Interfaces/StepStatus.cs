using System.Globalization;
using System.Text.Json.Serialization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>What a step of a pipeline does, over all partitions. Counted since their parts began last; what began anew counts from 0.</summary>
[GenerateSerializer, Immutable, Alias("kor.StepStatus")]
public sealed record StepStatus
{
    /// <summary>Below this part of the time nothing is called a bottleneck.</summary>
    public const double High = 0.7;

    /// <summary>The id of a step or sink; empty: decoding and the steps that work on rows (map, filter, quality, explode); <c>*</c>: writing refused records down.</summary>
    [Id(0)] public required string Step { get; init; }

    /// <summary>Records that came in; 0 for sinks and for the row steps together.</summary>
    [Id(1)] public long In { get; init; }

    /// <summary>Records that went on; of a window step the windows that closed.</summary>
    [Id(2)] public long Out { get; init; }

    /// <summary>Records that did not go on: filtered, refused, duplicates, too late.</summary>
    [Id(3)] public long Dropped { get; init; }

    /// <summary>The part of its time that the busiest partition worked in the step or waited for its answer lately, 0 to 1.</summary>
    [Id(4)] public double Busy { get; init; }

    /// <summary>The part of its time that the partition held up most waited for room at the sink lately, 0 to 1.</summary>
    [Id(5)] public double Blocked { get; init; }

    /// <summary>How long a batch was in it lately, ms; null when none was.</summary>
    [Id(6)] public double? P50Ms { get; init; }

    /// <summary>As <see cref="P50Ms"/>: 95 of 100 batches took less.</summary>
    [Id(7)] public double? P95Ms { get; init; }

    /// <summary>As <see cref="P50Ms"/>: 99 of 100 batches took less.</summary>
    [Id(8)] public double? P99Ms { get; init; }

    /// <summary>What the quantiles come from, of a partition; empty once they are told.</summary>
    [Id(9), JsonIgnore] public IReadOnlyList<float> Durations { get; init; } = [];

    /// <summary>The part of the time spent with it in any way.</summary>
    [JsonIgnore]
    public double Load => Math.Max(Busy, Blocked);

    /// <summary>The step of a pipeline that takes most of a partition's time; null when none takes any.</summary>
    public static StepStatus? Busiest(PipelineStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        return status.Steps.Where(s => s.Load > 0).MaxBy(s => s.Load);
    }

    /// <summary>What it is and how much of the time it takes: <c>step customer (busy 81 % of the time)</c>.</summary>
    public string Describe(PipelineStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        var what = Step switch
        {
            "" => "the row steps (decode, map, filter, quality)",
            "*" => "the quarantine",
            _ when status.Sinks.Any(s => s.Sink == Step) => $"sink {Step}",
            _ => $"step {Step}",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{what} ({(Blocked > Busy ? "waited for" : "busy")} {Share(Load)} of the time)");
    }

    private static string Share(double share) => share < 0.01 ? "less than 1 %" : string.Create(CultureInfo.InvariantCulture, $"{share * 100:0} %");
}
