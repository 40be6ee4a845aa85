using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>When a run that stops by itself is at its end.</summary>
public sealed class EndOfRunTests
{
    private static readonly Dictionary<string, long> Ends = new() { ["t/0"] = 10, ["t/1"] = 5 };

    [Fact]
    public void Everything_below_the_ends_has_to_be_durable()
    {
        Assert.Null(EndOfRun.Missing(Of([], Part("t/0", 10, 10), Part("t/1", 7, 7)), Ends));
        Assert.Contains("t/0 is durable up to 9, of 10", EndOfRun.Missing(Of([], Part("t/0", 10, 9), Part("t/1", 5, 5)), Ends)!, StringComparison.Ordinal);
        Assert.Contains("t/1 is durable up to nothing", EndOfRun.Missing(Of([], Part("t/0", 10, 10), Part("t/1", 5, null)), Ends)!, StringComparison.Ordinal);
        Assert.Contains("t/1 is not known", EndOfRun.Missing(Of([], Part("t/0", 10, 10)), Ends)!, StringComparison.Ordinal);
        // A partition that held nothing asks for nothing.
        Assert.Null(EndOfRun.Missing(Of([], Part("t/0", 10, 10), Part("t/1", 5, 5), Part("t/2", null, null)), Ends));
    }

    [Fact]
    public void Windows_wait_until_silent_partitions_hold_them_back_no_more()
    {
        PartitionStatus[] idle = [Part("t/0", 10, 10) with { Idle = true }, Part("t/1", 5, 5) with { Idle = true }];
        Assert.Null(EndOfRun.Missing(Of(["w"], idle), Ends));
        Assert.Contains("t/2 has to be silent", EndOfRun.Missing(Of(["w"], [.. idle, Part("t/2", null, null)]), Ends)!, StringComparison.Ordinal);
        Assert.Contains("t/1 has to be silent", EndOfRun.Missing(Of(["w"], idle[0], Part("t/1", 5, 5)), Ends)!, StringComparison.Ordinal);
        // More came since, or a transaction is open: not waited for.
        Assert.Null(EndOfRun.Missing(Of(["w"], idle[0], Part("t/1", 6, 6)), Ends));
        Assert.Null(EndOfRun.Missing(Of(["w"], idle[0], Part("t/1", 5, 5) with { End = 8 }), Ends));
    }

    [Fact]
    public void Time_is_that_of_the_newest_partition_when_all_are_silent_else_of_the_slowest_that_is_not()
    {
        PartitionStatus[] both = [Part("t/0", 10, 10) with { Idle = true, Watermark = 100 }, Part("t/1", 5, 5) with { Idle = true, Watermark = 300 }];
        Assert.Equal(300, EndOfRun.TimeOf(Of(["w"], both)));
        Assert.Equal(100, EndOfRun.TimeOf(Of(["w"], both[0] with { Idle = false }, both[1])));
        Assert.Null(EndOfRun.TimeOf(Of([], both)));
        Assert.Null(EndOfRun.TimeOf(Of(["w"], both[0] with { Watermark = null }, both[1] with { Watermark = null })));
        var behind = Of(["w"], both) with { Shards = [Shard(299)] };
        Assert.Contains("w/0", EndOfRun.MissingTime(behind, 300)!, StringComparison.Ordinal);
        Assert.Null(EndOfRun.MissingTime(behind, 299));
        Assert.Null(EndOfRun.MissingTime(behind, null));
    }

    private static PartitionStatus Part(string name, long? position, long? checkpoint) => new()
    {
        Partition = name,
        State = PartState.Running,
        Position = position,
        Checkpoint = checkpoint,
        End = position,
        Counts = RecordCounts.Zero,
        Epoch = 1,
        RecordsPerSecond = 0,
        Rules = new Dictionary<string, long>(),
    };

    private static ShardStatus Shard(long watermark) => new()
    {
        Step = "w", Shard = 0, State = PartState.Running, Epoch = 1, Watermark = watermark, Cells = 0, OutboxEntries = 0, Late = 0, ClosedWindows = 0, LastCheckpointMs = 0,
    };

    private static PipelineStatus Of(string[] windowSteps, params PartitionStatus[] partitions) => new()
    {
        Name = "p",
        Version = 1,
        Desired = DesiredState.Running,
        State = PartState.Running,
        Counts = RecordCounts.Zero,
        RecordsPerSecond = 0,
        Partitions = partitions,
        Shards = [],
        Sinks = [],
        Rules = new Dictionary<string, long>(),
        WindowSteps = windowSteps,
    };
}
