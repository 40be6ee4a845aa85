using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>What a status says of a pipeline that nobody runs, and what it still knows after a restart.</summary>
public sealed class StatusTests
{
    [Fact]
    public async Task A_stopped_pipeline_tells_how_much_waits_and_how_old_it_is_also_after_a_restart()
    {
        await using var stage = await Stage.StartAsync(61, "group(2)");
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 0 });
        var sent = stage.Model.Sent;
        await stage.Pipeline.StopAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 0, LagSeconds: 0, State: PartState.Stopped });
        stage.Model.Send(400);

        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 1_200 });
        AssertWaits(await stage.Pipeline.GetStatusAsync());
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Lag: 1_200 });
        AssertWaits(await stage.Pipeline.GetStatusAsync());

        // Set back, all of it waits; how old what was worked off is, is nobody's business any more.
        await stage.Pipeline.ResetAsync(new ResetRequest(ResetTarget.Earliest, 0, null, Execute: true));
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { LagSeconds: null } s && s.Lag == stage.Model.Sent);

        void AssertWaits(PipelineStatus status)
        {
            Assert.Equal((PartState.Stopped, PipelineCondition.Stopped), (status.State, status.Condition));
            Assert.Equal(sent, status.Counts.Consumed);
            Assert.True(status.LagSeconds > 0, $"{status.LagSeconds}");
            Assert.Equal(Stage.Partitions, status.Partitions.Count);
            Assert.All(status.Partitions, p =>
            {
                Assert.Equal((PartState.Stopped, 400), (p.State, p.End - p.Position));
                Assert.Equal(p.Position, p.Checkpoint);
                Assert.True(p.LagSeconds > 0);
            });
            Assert.Contains("1,200 records wait", Verdict.Of(status).Sentence);
            Assert.Empty(status.Health);
        }
    }

    [Fact]
    public async Task What_sinks_have_is_known_again_after_a_restart()
    {
        await using var stage = await Stage.StartAsync(62, "group(2)");
        stage.Model.Send(50);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks.All(s => s is { NewestRecord: not null, FreshnessSeconds: 0 }));
        var before = (await stage.Pipeline.GetStatusAsync()).Sinks.ToDictionary(s => (s.Sink, s.Lane), s => s.NewestRecord);
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        // Nothing new came: what is known now was known then.
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks is { Count: > 0 } sinks && sinks.All(s => s is { NewestRecord: not null, FreshnessSeconds: 0 }));
        foreach (var sink in (await stage.Pipeline.GetStatusAsync()).Sinks)
        {
            // Rows are the partition's own; of windows, it is the partition that had come least far.
            if (sink.Sink == "rows") Assert.Equal(before[(sink.Sink, sink.Lane)], sink.NewestRecord);
            else Assert.True(sink.NewestRecord <= before.Values.Max());
        }
    }

    [Fact]
    public async Task Idle_lanes_run_totals_are_no_closed_windows_and_rates_are_shown()
    {
        await using var stage = await Stage.StartAsync(63, text: TestPipeline.Text("group(2)")
            .Replace("type: window", "type: aggregate", StringComparison.Ordinal)
            .Replace("    window: { tumbling: 2s }\n", "", StringComparison.Ordinal)
            .Replace("    allowedLateness: 1d\n", "", StringComparison.Ordinal));
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Sinks.Count: Stage.Partitions + 2 });
        var idle = await stage.Pipeline.GetStatusAsync();
        Assert.All(idle.Sinks, s => Assert.Equal((PartState.Running, "It has had nothing to write yet."), (s.State, s.Reason)));
        Assert.Null(idle.BatchMs);

        await stage.WaitAsync(async () =>
        {
            stage.Model.Send(10);
            return await stage.Pipeline.GetStatusAsync() is { InputPerSecond: > 1, BatchMs: > 0, RecordsPerSecond: > 0 };
        });
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks.Where(s => s.Sink == "sums").Sum(s => s.Written) > 0);
        Assert.NotEmpty(await stage.Query.GetOpenAsync("totals", 10));
        Assert.Empty(await stage.Query.GetClosedAsync("totals", 10));
        Assert.All((await stage.Pipeline.GetStatusAsync()).Shards, s => Assert.Equal(0, s.ClosedWindows));
    }

    [Fact]
    public async Task A_record_whose_Kafka_time_is_beyond_the_calendar_is_written_and_shown_like_any_other()
    {
        await using var stage = await Stage.StartAsync(64, text: TestPipeline.RowsOnly);
        stage.Model.SendOne("far", kafkaTime: 253_402_300_800_000);
        stage.Model.SendOne("farthest", kafkaTime: 9_000_000_000_000_000);
        stage.Model.SendOne("after", kafkaTime: null);
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running, Lag: 0 } s && s.Partitions.All(p => p.Checkpoint == p.Position));
        var status = await stage.Pipeline.GetStatusAsync();
        // There is no such time to show; that is no reason to show nothing.
        Assert.Null(Assert.Single(status.Sinks, s => s.Lane.EndsWith("/0", StringComparison.Ordinal)).NewestRecord);
    }
}
