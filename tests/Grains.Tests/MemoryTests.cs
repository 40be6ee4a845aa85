using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>Far more keys than the cells in memory may be: slower, and exact all the same.</summary>
public sealed class MemoryTests
{
    [Fact]
    public async Task Cells_are_let_go_and_read_again_and_every_sale_counts_once()
    {
        var evicted = 0L;
        using var listener = Listen("kor.cell.evicted", value => Interlocked.Add(ref evicted, value));
        // Room for 16 cells among five owners.
        await using var stage = await Stage.StartAsync(21, cellBytes: 100_000);
        stage.Model.Send(400, customers: 300);
        await stage.WaitForRowsAsync();
        // What is not in memory answers as well, and is listed.
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Shards.Sum(s => s.Cells) > 100);
        var open = await stage.Query.GetOpenAsync("totals", 1000);
        Assert.True(open.Count > 100, $"{open.Count} windows are open.");
        var key = open[0].Key;
        Assert.NotEmpty((await stage.Query.GetKeyAsync("totals", key))!.Windows);

        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        stage.Model.Send(400, customers: 300);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        Assert.True(Interlocked.Read(ref evicted) > 500, $"{evicted} cells were let go.");
        Assert.InRange(stage.Memory.Cells.Bytes, 0, 300_000);
    }

    [Fact]
    public async Task Reading_waits_while_memory_is_short_and_the_status_says_so()
    {
        await using var stage = await Stage.StartAsync(22);
        var movedAt = stage.Local.MovedAt;
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        // Memory that is short makes a silo unfit only while nothing moves.
        Assert.True(stage.Local.MovedAt > movedAt, "No partition said that it got a batch further.");
        var used = stage.Memory.Limit * 9 / 10;
        stage.Memory.Measure = () => Interlocked.Read(ref used);
        await stage.WaitAsync(() => Task.FromResult(stage.Memory.IsTight));
        stage.Model.Send(300);
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.All(
            p => p.State == PartState.Blocked && p.Reason!.StartsWith("Memory is short on this silo", StringComparison.Ordinal)));
        var before = stage.Rows().Count;
        // The queue of what was delivered before is worked off; nothing else is.
        Assert.True(before < stage.Model.Rows.Count, "Reading did not wait.");
        Interlocked.Exchange(ref used, 0);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    private static MeterListener Listen(string name, Action<long> take)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == name) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => take(value));
        listener.Start();
        return listener;
    }
}
