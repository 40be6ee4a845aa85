using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>The one word about a pipeline, and what lag means.</summary>
public sealed class ConditionTests
{
    [Fact]
    public void Nothing_is_Running_above_a_failed_part()
    {
        foreach (var desired in new[] { DesiredState.Running, DesiredState.Paused })
        foreach (var verdict in Enum.GetValues<LagVerdict>())
        {
            Assert.Equal(PipelineCondition.Failed, Derive(desired, [Part(PartState.Running)], [Shard(PartState.Failed)], [], verdict));
            Assert.Equal(PipelineCondition.Failed, Derive(desired, [Part(PartState.Running)], [], [Sink(PartState.Failed)], verdict));
            Assert.Equal(PipelineCondition.Failed, Derive(desired, [Part(PartState.Failed)], [], [], verdict));
            Assert.Equal(PipelineCondition.Degraded, Derive(desired, [Part(PartState.Failed), Part(PartState.Running)], [], [], verdict));
        }
    }

    [Theory]
    [InlineData(PartState.Running, 0, LagVerdict.Ok, PipelineCondition.Running)]
    [InlineData(PartState.Running, 0, LagVerdict.Unknown, PipelineCondition.Running)]
    [InlineData(PartState.Running, 0, LagVerdict.Warn, PipelineCondition.Running)]
    [InlineData(PartState.Running, 0, LagVerdict.Stall, PipelineCondition.Degraded)]
    [InlineData(PartState.Running, 0, LagVerdict.Stop, PipelineCondition.Degraded)]
    [InlineData(PartState.Starting, 0, LagVerdict.Ok, PipelineCondition.Starting)]
    [InlineData(PartState.Blocked, 0, LagVerdict.Ok, PipelineCondition.Degraded)]
    [InlineData(PartState.Blocked, 2, LagVerdict.Ok, PipelineCondition.Restarting)]
    public void A_running_pipeline_is_what_its_worst_part_is(PartState part, int restarts, LagVerdict verdict, PipelineCondition expected) =>
        Assert.Equal(expected, Derive(DesiredState.Running, [Part(PartState.Running), Part(part, restarts)], [Shard(PartState.Running)], [], verdict));

    [Fact]
    public void Stopped_paused_and_empty()
    {
        Assert.Equal(PipelineCondition.Stopped, Derive(DesiredState.Stopped, [], [], [], LagVerdict.Unknown));
        Assert.Equal(
            PipelineCondition.Stopping, Conditions.Derive(DesiredState.Stopped, true, PartState.Running, [], [], [], false));
        Assert.Equal(PipelineCondition.Paused, Derive(DesiredState.Paused, [Part(PartState.Running)], [], [], LagVerdict.Stall));
        Assert.Equal(PipelineCondition.Starting, Derive(DesiredState.Running, [], [], [], LagVerdict.Unknown));
        Assert.Equal(
            PipelineCondition.Degraded,
            Conditions.Derive(DesiredState.Running, false, PartState.Blocked, [Part(PartState.Running)], [], [], false));
    }

    [Fact]
    public void A_source_that_cannot_be_opened_is_never_Running_or_Starting()
    {
        Assert.Equal(PipelineCondition.Failed, Conditions.Derive(DesiredState.Running, false, PartState.Failed, [], [], [], true));
        Assert.Equal(PipelineCondition.Degraded, Conditions.Derive(DesiredState.Running, false, PartState.Blocked, [], [], [], true));
        Assert.Equal(
            PipelineCondition.Degraded, Conditions.Derive(DesiredState.Running, false, PartState.Failed, [Part(PartState.Running)], [], [], true));
        Assert.Equal(
            PipelineCondition.Failed,
            Conditions.Derive(DesiredState.Running, false, PartState.Failed, [Part(PartState.Running) with { UnreadSeconds = 20 }], [], [], true));
        Assert.Equal(PipelineCondition.Degraded, Conditions.Derive(DesiredState.Running, false, PartState.Running, [Part(PartState.Running)], [], [], true));
    }

    [Theory]
    [InlineData(100, 100, 100, 100, LagVerdict.Ok)]       // at the end
    [InlineData(0, 100, 90, 200, LagVerdict.Warn)]        // reads, falls behind
    [InlineData(0, 100, 90, 150, LagVerdict.Ok)]          // catches up
    [InlineData(50, 100, 50, 100, LagVerdict.Stall)]      // does not move
    [InlineData(50, 100, 50, 200, LagVerdict.Stall)]
    public void Lag_is_judged_by_how_it_moves(long from, long fromEnd, long to, long toEnd, LagVerdict expected)
    {
        var watch = new LagWatch();
        for (var i = 0; i <= 16; i++)
        {
            var position = from + ((to - from) * i / 16);
            var end = fromEnd + ((toEnd - fromEnd) * i / 16);
            watch.Observe(i * 2000, [Part(PartState.Running, position: position, end: end)]);
        }

        Assert.Equal(expected, watch.Verdict);
    }

    [Fact]
    public void What_does_not_move_says_what_it_waits_for_unless_another_partition_just_stalls()
    {
        var watch = new LagWatch();
        var waits = Part(PartState.Running, position: 5, end: 10) with { Reason = "A producer's transaction is open from offset 5 on." };
        var stalls = Part(PartState.Running, position: 5, end: 10) with { Partition = "t/1" };
        for (var i = 0; i <= 16; i++) watch.Observe(i * 2000, [waits, stalls]);
        Assert.Equal("Partition t/0: A producer's transaction is open from offset 5 on.", watch.StalledText([waits]));
        Assert.StartsWith("Records wait in a partition", watch.StalledText([waits, stalls]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_look_tells_nothing_and_a_partition_nobody_reads_is_a_stop()
    {
        var watch = new LagWatch();
        watch.Observe(0, [Part(PartState.Running, position: 5, end: 10)]);
        Assert.Equal(LagVerdict.Unknown, watch.Verdict);
        for (var i = 1; i <= 20; i++)
            watch.Observe(i * 2000, [Part(PartState.Stopped, position: 5, end: 10)]);
        Assert.Equal(LagVerdict.Stop, watch.Verdict);
        watch.Observe(50_000, []);
        Assert.Equal(LagVerdict.Unknown, watch.Verdict);
    }

    private static PipelineCondition Derive(
        DesiredState desired, PartitionStatus[] partitions, ShardStatus[] shards, SinkStatus[] sinks, LagVerdict verdict) =>
        Conditions.Derive(desired, false, PartState.Running, partitions, shards, sinks, verdict is LagVerdict.Stall or LagVerdict.Stop);

    private static PartitionStatus Part(PartState state, int restarts = 0, long? position = 0, long? end = 0) => new()
    {
        Partition = "t/0",
        State = state,
        Position = position,
        Checkpoint = position,
        End = end,
        Counts = RecordCounts.Zero,
        Epoch = 1,
        RecordsPerSecond = 0,
        Rules = new Dictionary<string, long>(),
        Restarts = restarts,
    };

    private static ShardStatus Shard(PartState state) => new()
    {
        Step = "s", Shard = 0, State = state, Epoch = 1, Cells = 0, OutboxEntries = 0, Late = 0, ClosedWindows = 0, LastCheckpointMs = 0,
    };

    private static SinkStatus Sink(PartState state) => new()
    {
        Sink = "k", Lane = "l", State = state, Written = 0, Quarantined = 0, Buffered = 0,
    };
}
