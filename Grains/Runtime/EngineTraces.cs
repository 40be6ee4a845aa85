using System.Diagnostics;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>Spans of the engine: one tree per batch, never one per record. Without a listener they cost a null check.</summary>
public static class EngineTraces
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "KafkaOracleOrleans";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Working a batch off; a root of its own, since what polled it has long gone on.</summary>
    internal static Activity? Process(string pipeline, string group, string topic, int partition, long from, long to, int records)
    {
        if (!Source.HasListeners()) return null;
        Activity.Current = null;
        var activity = Source.StartActivity($"process {topic}", ActivityKind.Consumer);
        return activity?
            .SetTag("messaging.system", "kafka")
            .SetTag("messaging.operation.name", "process")
            .SetTag("messaging.operation.type", "process")
            .SetTag("messaging.consumer.group.name", group)
            .SetTag("messaging.destination.name", topic)
            .SetTag("messaging.destination.partition.id", partition)
            .SetTag("messaging.batch.message_count", records)
            .SetTag("messaging.kafka.offset", from)
            .SetTag("kor.to", to)
            .SetTag("kor.pipeline", pipeline);
    }

    /// <summary>A part of working a batch off: claiming ids, looking up, applying to windows.</summary>
    internal static Activity? Step(string step)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity($"step {step}")?.SetTag("kor.step", step);
    }

    /// <summary>A checkpoint's transaction.</summary>
    internal static Activity? Checkpoint(string owner)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity("checkpoint", ActivityKind.Client)?.SetTag("kor.owner", owner);
    }

    /// <summary>A write to a sink; the transactions it takes are spans of the storage below it.</summary>
    internal static Activity? SinkWrite(string pipeline, string sink, string table, int rows)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity($"write {sink}", ActivityKind.Client)?
            .SetTag("kor.pipeline", pipeline)
            .SetTag("kor.sink", sink)
            .SetTag("db.collection.name", table)
            .SetTag("db.operation.batch.size", rows);
    }

    /// <summary>Marks what a failure was, by its type: messages may quote data.</summary>
    internal static void Failed(this Activity? activity, Exception exception) =>
        activity?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().Name);
}
