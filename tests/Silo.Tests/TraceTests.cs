using System.Collections.Concurrent;
using System.Diagnostics;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Tests.Support;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Trace;

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
        // A batch may hold no records, and then asks for nothing.
        var step = spans.First(s => s.OperationName == "step unique");
        var process = spans.First(s => s.OperationName == "process events" && s.TraceId == step.TraceId);
        Assert.Equal(("kafka", "process", "process"), (process.Tag("messaging.system"), process.Tag("messaging.operation.name"),
            process.Tag("messaging.operation.type")));
        var write = spans.First(s => s.OperationName == "write clean");
        Assert.Equal("EVENTS", write.Tag("db.collection.name"));
        var transaction = spans.First(s => s.OperationName == "write dwh" && s.ParentSpanId == write.SpanId);
        Assert.Equal(("sqlite", "write"), (transaction.Tag("db.system.name"), transaction.Tag("db.operation.name")));
        // 50 records went by in a few batches; spans are for batches.
        Assert.True(spans.Count(s => s.OperationName == "process events") < 25);
    }

    [Fact]
    public async Task Calls_to_cells_are_left_out_and_those_to_shards_are_not()
    {
        var names = new ConcurrentDictionary<string, bool>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "Microsoft.Orleans.Application",
            Sample = (ref _) => ActivitySamplingResult.PropagationData,
            ActivityStopped = a => names.TryAdd(a.OperationName, true),
        };
        ActivitySource.AddActivityListener(listener);
        // Nobody is there; that nothing can be exported must not matter.
        await using var silo = await TestSilo.StartAsync(settings: $"--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{TestSupport.FreePorts.Next()}");
        silo.Produce(50);
        await silo.WaitForRecordsAsync(50);
        await silo.WaitForAsync(_ => names.Keys.Any(n => n.StartsWith("IDedupGrain/", StringComparison.Ordinal)));

        var sampler = CellSampler.From(new ConfigurationBuilder().Build());
        foreach (var name in names.Keys)
        {
            var isCell = name.StartsWith("IDedupGrain/", StringComparison.Ordinal) || name.StartsWith("IWindowGrain/", StringComparison.Ordinal);
            var result = sampler.ShouldSample(new SamplingParameters(default, ActivityTraceId.CreateRandom(), name, ActivityKind.Client));
            Assert.Equal(isCell ? SamplingDecision.Drop : SamplingDecision.RecordAndSample, result.Decision);
        }

        Assert.Contains(names.Keys, n => n.StartsWith("ISinkGrain/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sometimes", null, "OTEL_TRACES_SAMPLER is 'sometimes'")]
    [InlineData("traceidratio", "2", "OTEL_TRACES_SAMPLER_ARG is '2'")]
    public void A_sampler_that_is_not_known_is_named(string name, string? argument, string expected)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["OTEL_TRACES_SAMPLER"] = name, ["OTEL_TRACES_SAMPLER_ARG"] = argument }).Build();
        Assert.Contains(expected, Assert.Throws<InvalidOperationException>(() => CellSampler.From(configuration)).Message);
    }
}

internal static class ActivityTags
{
    public static string? Tag(this Activity activity, string name) => activity.GetTagItem(name) as string;
}
