using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>Counters of the engine; labels are pipelines and source partitions, never keys.</summary>
public static class EngineMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "KafkaOracleOrleans";

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Records = Meter.CreateCounter<long>(
        "kafka_oracle.records.processed", "{record}", "Records by what became of them.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "kafka_oracle.batch.duration", "s", "Time from taking a batch up to having handed all of it on.");

    private static readonly Gauge<double> Rate = Meter.CreateGauge<double>(
        "kafka_oracle.processing.rate", description: "Records per second of a partition, over the last few seconds.");

    internal static void Processing(string pipeline, string source, double recordsPerSecond) => Rate.Record(
        recordsPerSecond,
        new KeyValuePair<string, object?>("pipeline", pipeline),
        new KeyValuePair<string, object?>("partition", source));

    internal static void Batch(string pipeline, string source, in BatchCounts counts, TimeSpan duration)
    {
        Duration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("pipeline", pipeline));
        Add(pipeline, source, "absorbed", counts.Absorbed);
        Add(pipeline, source, "duplicate", counts.Duplicate);
        Add(pipeline, source, "late", counts.Late);
        Add(pipeline, source, "filtered", counts.Filtered);
        Add(pipeline, source, "quarantined", counts.Quarantined);
    }

    private static void Add(string pipeline, string source, string outcome, long count)
    {
        if (count == 0) return;
        Records.Add(
            count,
            new KeyValuePair<string, object?>("pipeline", pipeline),
            new KeyValuePair<string, object?>("partition", source),
            new KeyValuePair<string, object?>("outcome", outcome));
    }
}
