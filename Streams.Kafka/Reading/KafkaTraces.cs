using System.Diagnostics;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>A span per poll that brought records, with OpenTelemetry's names. Without a listener it costs a comparison.</summary>
internal static class KafkaTraces
{
    public const string SourceName = "KafkaOracleOrleans.Streams.Kafka";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>When a poll begins; only looked at when somebody listens.</summary>
    public static DateTimeOffset Begin() => Source.HasListeners() ? TimeProvider.System.GetUtcNow() : default;

    /// <summary>A poll of a partition that brought the records of [from, to).</summary>
    public static void Polled(KafkaStreamId id, string group, DateTimeOffset began, long from, long to, int records)
    {
        if (began == default || !Source.HasListeners())
            return;
        using var activity = Source.StartActivity(
            $"poll {id.Topic}", ActivityKind.Client, default(ActivityContext), startTime: began);
        activity?
            .SetTag("messaging.system", "kafka")
            .SetTag("messaging.operation.name", "poll")
            .SetTag("messaging.operation.type", "receive")
            .SetTag("messaging.consumer.group.name", group)
            .SetTag("messaging.destination.name", id.Topic)
            .SetTag("messaging.destination.partition.id", id.Partition)
            .SetTag("messaging.batch.message_count", records)
            .SetTag("messaging.kafka.offset", from)
            .SetTag("kor.to", to);
    }
}
