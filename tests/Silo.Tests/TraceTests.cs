using System.Collections.Concurrent;
using System.Diagnostics;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Spans of a batch on its way from Kafka to the database.</summary>
public sealed class TraceTests
{
    [Fact]
    public async Task A_batch_leaves_spans_with_the_names_of_the_conventions()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal),
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var silo = await TestSilo.StartAsync();
        silo.Produce(50);
        await silo.WaitForRecordsAsync(50);
        await silo.WaitForAsync(_ => spans.Any(s => s.OperationName == "write clean") && spans.Any(s => s.OperationName == "checkpoint"));

        var poll = spans.First(s => s.OperationName == "poll events");
        Assert.Equal(("kafka", "poll", "receive", "events"), (poll.Tag("messaging.system"), poll.Tag("messaging.operation.name"),
            poll.Tag("messaging.operation.type"), poll.Tag("messaging.destination.name")));
        Assert.NotNull(poll.GetTagItem("messaging.batch.message_count"));
        Assert.NotNull(poll.Tag("messaging.consumer.group.name"));
        var process = spans.First(s => s.OperationName == "process events");
        Assert.Equal(("kafka", "process", "process"), (process.Tag("messaging.system"), process.Tag("messaging.operation.name"),
            process.Tag("messaging.operation.type")));
        Assert.Contains(spans, s => s.OperationName == "step unique" && s.TraceId == process.TraceId);
        var write = spans.First(s => s.OperationName == "write clean");
        Assert.Equal("EVENTS", write.Tag("db.collection.name"));
        var transaction = spans.First(s => s.OperationName == "write dwh" && s.ParentSpanId == write.SpanId);
        Assert.Equal(("sqlite", "write"), (transaction.Tag("db.system.name"), transaction.Tag("db.operation.name")));
        // 50 records went by in a few batches; spans are for batches.
        Assert.True(spans.Count(s => s.OperationName == "process events") < 25);
    }
}

internal static class ActivityTags
{
    public static string? Tag(this Activity activity, string name) => activity.GetTagItem(name) as string;
}
