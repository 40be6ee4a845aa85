namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A pipeline's numbers over the last minutes. Kept in the memory of its grain: a silo that takes it over begins anew.</summary>
/// <param name="Pipeline">Its name.</param>
/// <param name="From">When the first value's stretch begins.</param>
/// <param name="StepSeconds">The length of each stretch, s.</param>
/// <param name="Series">One series per number.</param>
[GenerateSerializer, Immutable, Alias("kor.PipelineMetrics")]
public sealed record PipelineMetrics(
    [property: Id(0)] string Pipeline, [property: Id(1)] DateTimeOffset From, [property: Id(2)] int StepSeconds, [property: Id(3)] IReadOnlyList<MetricSeries> Series)
{
    /// <summary>The shortest stretch, s: how often a sample is taken.</summary>
    public const int Period = 5;

    /// <summary>How many samples are kept: 15 minutes.</summary>
    public const int Capacity = 180;

    /// <summary>Quality rules with a series; those beyond have their counts only.</summary>
    public const int MaxRules = 50;
}

/// <summary>A number over time.</summary>
/// <param name="Name">
/// <c>recordsPerSecond</c>, <c>rowsPerSecond</c>, <c>lag</c>, <c>lagSeconds</c>, <c>quarantinedPerSecond</c>, <c>latePerSecond</c>, <c>watermarkDelaySeconds</c>, <c>batchMs</c>;
/// <c>rule:STEP.RULE</c>: records that failed a quality rule per second.
/// </param>
/// <param name="Unit"><c>1/s</c>, <c>s</c>, <c>ms</c> or <c>records</c>.</param>
/// <param name="Values">One value per stretch, the oldest first: the average of its samples; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("kor.MetricSeries")]
public sealed record MetricSeries([property: Id(0)] string Name, [property: Id(1)] string Unit, [property: Id(2)] IReadOnlyList<double?> Values);
