using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A part that does not run is never under a running whole, and lag is the log's, whatever the pipeline is doing.</summary>
[Collection(HealthTests.Alone)]
public sealed class HealthTests
{
    /// <summary>Gauges are shared by all silos of the process: nothing else may run meanwhile.</summary>
    public const string Alone = "the gauges of the process";

    [Fact]
    public async Task A_partition_that_cannot_be_read_is_failed_with_offset_and_log_range_also_without_windows()
    {
        await using var stage = await Stage.StartAsync(41, text: TestPipeline.RowsOnly);
        stage.Model.Send(20);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Lag: 0 });
        stage.Faults.Reader = s => s.Partition == 1 ? Truncated(s) : s;
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { State: PartState.Failed, Condition: PipelineCondition.Degraded });
        var status = await stage.Pipeline.GetStatusAsync();
        var failed = Assert.Single(status.Partitions, p => p.State == PartState.Failed);
        Assert.Equal("sales/1", failed.Partition);
        foreach (var text in new[] { failed.Reason, status.Reason, Assert.Single(status.Health).Text, Verdict.Of(status).Sentence })
        {
            Assert.Contains("Position 5", text);
            Assert.Contains("[8, 12)", text);
            Assert.Contains("kor reset sales --offsets sales/1=8", text);
        }

        // Gauges are shown twice a second.
        await stage.WaitAsync(() => Task.FromResult(Gauge("kor.pipeline.partitions", ("state", "failed")) == 1));
        await stage.WaitAsync(async () => (await stage.Pipeline.GetEventsAsync()).Any(e => e.Kind == "condition" && e.Text.Contains("[8, 12)", StringComparison.Ordinal)));

        stage.Faults.Reader = Truncated;
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Failed });
        stage.Faults.Reader = null;
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Health.Count: 0, Reason: null });
    }

    [Fact]
    public async Task Lag_and_freshness_grow_while_a_sink_is_away_and_are_nothing_afterwards()
    {
        // Gauges are the process's: what earlier tests left in them is no concern of this one.
        var (lag, freshness) = (Gauge("kor.source.lag"), Gauge("kor.sink.freshness", ("sink", "rows")));
        await using var stage = await Stage.StartAsync(42, text: TestPipeline.RowsOnly);
        await stage.StopClusterAsync();
        stage.SinkBufferBytes = 1 << 20;
        await stage.StartClusterAsync();
        stage.Model.Send(20);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 0 } s && s.Sinks.All(k => k.FreshnessSeconds == 0 && k.NewestRecord is not null));
        stage.Faults.Write = 1;
        for (var sent = 0; sent < 3; sent++)
        {
            stage.Model.Send(6_000);
            var before = stage.Model.Sent - (3 * 12_000);
            // Reading stopped long before, and still the end is known.
            await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Lag >= before);
        }

        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks.All(s => s.FreshnessSeconds > 3));
        await stage.WaitAsync(() => Task.FromResult(
            Gauge("kor.source.lag") > 10_000 && Gauge("kor.pipeline.lag") > 10_000 && Gauge("kor.sink.freshness", ("sink", "rows")) > 3));
        stage.Faults.End();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 0 } s && s.Sinks.All(k => k.FreshnessSeconds == 0));
        await stage.WaitAsync(() => Task.FromResult(Gauge("kor.sink.freshness", ("sink", "rows")) <= freshness && Gauge("kor.source.lag") <= lag));
    }

    [Fact]
    public async Task A_paused_pipeline_tells_how_many_records_wait_also_after_a_restart()
    {
        await using var stage = await Stage.StartAsync(43, "group(2)");
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.All(p => p.UnreadSeconds is null));
        await stage.Pipeline.PauseAsync();
        // The reader is taken away within a second; what comes then waits.
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.All(p => p.UnreadSeconds > 3));
        stage.Model.Send(400);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: >= 1_200, State: PartState.Paused, Condition: PipelineCondition.Paused });
        await stage.WaitAsync(() => Task.FromResult(Gauge("kor.source.lag") >= 1_200));
        Assert.Contains("1,200 records wait", Verdict.Of(await stage.Pipeline.GetStatusAsync()).Sentence);

        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: >= 1_200, Condition: PipelineCondition.Paused });
        await stage.Pipeline.StartAsync();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_source_that_cannot_be_asked_or_opened_is_not_Running_and_says_why()
    {
        await using var stage = await Stage.StartAsync(44, text: TestPipeline.RowsOnly, fault: new KafkaSourceException("Topic sales does not exist; create it.", true));
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { State: PartState.Failed, Condition: PipelineCondition.Failed });
        var status = await stage.Pipeline.GetStatusAsync();
        Assert.Equal("Topic sales does not exist; create it.", status.Reason);
        Assert.Equal("source", Assert.Single(status.Health).Kind);
        Assert.Equal("FAILED", Verdict.Of(status).Word);
        stage.Faults.Source = new KafkaSourceException("No broker answers.", false);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { State: PartState.Blocked, Condition: PipelineCondition.Degraded, Reason: "No broker answers." });
        stage.Faults.Source = null;
        stage.Model.Send(20);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Lag: 0 });

        await stage.Pipeline.TellSourceAsync("silo-b", "the connection has no such setting.");
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { State: PartState.Failed, Condition: PipelineCondition.Degraded });
        Assert.Contains("silo-b", (await stage.Pipeline.GetStatusAsync()).Reason);
        await stage.Pipeline.TellSourceAsync("silo-b", null);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Health.Count: 0 });
    }

    [Fact]
    public async Task A_pipeline_whose_records_go_to_quarantine_is_not_well()
    {
        await using var stage = await Stage.StartAsync(45, text: TestPipeline.RowsOnly.Replace("customer: string", "nobody: { type: string, required: true }", StringComparison.Ordinal));
        stage.Model.Send(40);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Degraded, Counts.Quarantined: 120 });
        var status = await stage.Pipeline.GetStatusAsync();
        Assert.Equal("quarantine", Assert.Single(status.Health).Kind);
        Assert.Contains("120 of the last 120 records went to quarantine (100 %)", status.Reason);
        Assert.Equal("DEGRADED", Verdict.Of(status).Word);
        // Silence makes it no better, and neither does another silo.
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Degraded, Health: [{ Kind: "quarantine" }] });
    }

    private static KafkaPartitionStatus Truncated(KafkaPartitionStatus status) => status with
    {
        State = KafkaPartitionState.Failed,
        Failure = new KafkaPartitionFailure(
            KafkaFailureCode.OffsetOutOfRange, $"Position 5 of sales/sales/{status.Partition} is outside the log, which holds [8, 12): records were deleted.", 5, 8, 12),
    };

    /// <summary>The sum of a gauge's measurements, as a scrape would see them.</summary>
    private static double Gauge(string name, params (string Name, string Value)[] labels)
    {
        var sum = 0.0;
        void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var all = new Dictionary<string, object?>(tags.ToArray());
            if (labels.All(l => all[l.Name] as string == l.Value)) sum += value;
        }

        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == EngineMetrics.MeterName && instrument.Name == name) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) => Add(value, tags));
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => Add(value, tags));
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) => Add(value, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return sum;
    }
}

/// <summary>Runs after everything else, one test at a time.</summary>
[CollectionDefinition(HealthTests.Alone, DisableParallelization = true)]
public sealed class AloneCollection;
