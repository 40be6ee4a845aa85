using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>Partitions that were quiet and get records all at once.</summary>
public sealed class BurstTests
{
    [Fact]
    public async Task Records_in_order_after_a_quiet_start_are_never_late_whichever_partition_is_read_first()
    {
        var text = TestPipeline.Text("group(2)", "{ tumbling: 5m }")
            .Replace("allowedLateness: 1d", "allowedLateness: 0s", StringComparison.Ordinal)
            .Replace("maxOutOfOrder: 1s", "maxOutOfOrder: 30s", StringComparison.Ordinal);
        await using var stage = await Stage.StartAsync(21, text: text);
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.Count(p => p.Idle) == Stage.Partitions);

        stage.Model.SendInOrder(4_000, 500);

        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.Sum(p => p.Counts.Consumed) == stage.Model.Sent);
        var status = await stage.Pipeline.GetStatusAsync();
        Assert.Equal((0L, (long)stage.Model.Sent), (status.Partitions.Sum(p => p.Counts.Late), status.Partitions.Sum(p => p.Counts.Absorbed)));
    }
}
