using System.Collections.Concurrent;
using System.Diagnostics;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>What silos do while nothing happens: little, and what must not be forgotten.</summary>
public sealed class QuietTests
{
    /// <summary>A silo with hundreds of partitions that are silent must not be busy with looking at them.</summary>
    [Fact]
    public async Task A_silent_partition_looks_at_its_reader_every_two_seconds_and_not_twice_a_second()
    {
        await using var stage = await Stage.StartAsync(61, text: TestPipeline.RowsOnly);
        stage.Model.Send(10);
        await stage.WaitForRowsAsync();
        var last = new ConcurrentDictionary<int, long>();
        var rests = new ConcurrentDictionary<int, int>();
        stage.Faults.Reader = status =>
        {
            var now = Stopwatch.GetTimestamp();
            if (last.TryGetValue(status.Partition, out var before))
            {
                // Several in a row: a single one may be a machine that is busy elsewhere.
                var isLong = Stopwatch.GetElapsedTime(before, now) > TimeSpan.FromSeconds(1.5);
                rests.AddOrUpdate(status.Partition, isLong ? 1 : 0, (_, n) => isLong ? n + 1 : n >= 4 ? n : 0);
            }

            last[status.Partition] = now;
            return status;
        };
        await stage.WaitAsync(() => Task.FromResult(rests.Count == Stage.Partitions && rests.Values.All(n => n >= 4)));
    }

    /// <summary>
    /// While all partitions are idle the watermark goes on by the clock. Were that never written down, restarts would keep setting it back, and a window that
    /// waits for it would wait for ever.
    /// </summary>
    [Fact]
    public async Task A_watermark_that_a_window_waits_for_is_durable_once_a_minute_and_when_the_silo_stops()
    {
        var clock = new Leaps();
        await using var stage = await Stage.StartAsync(62, text: TestPipeline.Text(window: "{ tumbling: 1d }"), time: clock);
        stage.Model.Send(10);
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is var status
            && status.Partitions.All(p => p.Idle && p.Checkpoint == p.Position) && status.Shards.All(s => s.Watermark is not null));
        // Nothing else writes them any more.
        var durable = await DurableAsync(stage);
        await stage.WaitAsync(async () =>
        {
            var now = await DurableAsync(stage);
            var same = now.SequenceEqual(durable);
            durable = now;
            return same && await TickedAsync(stage, durable);
        });

        clock.Leap(TimeSpan.FromMinutes(1));
        await stage.WaitAsync(async () => (await DurableAsync(stage)).Zip(durable).All(p => p.First > p.Second));

        var written = await DurableAsync(stage);
        await stage.WaitAsync(() => TickedAsync(stage, written));
        await stage.StopClusterAsync();
        Assert.All((await DurableAsync(stage)).Zip(written), p => Assert.True(p.First > p.Second, $"{p.First} is no later than {p.Second}."));
        await stage.StartClusterAsync();
    }

    /// <summary>Every shard is at least a second further than what is durable.</summary>
    private static async Task<bool> TickedAsync(Stage stage, List<long> durable)
    {
        var shards = (await stage.Pipeline.GetStatusAsync()).Shards;
        return shards.Count == durable.Count && shards.All(s => s.Watermark > durable.Max() + 1_000);
    }

    private static async Task<List<long>> DurableAsync(Stage stage)
    {
        var found = new List<long>();
        foreach (var owner in stage.Owners().Skip(Stage.Partitions))
        {
            var lease = await stage.Store.PeekAsync(owner, CancellationToken.None);
            found.Add(lease?.Header is { } header ? ShardHeader.Decode(header).Watermark.Current : long.MinValue);
        }

        return found;
    }

    /// <summary>The system's clock, whose timestamps leap forward when told to.</summary>
    private sealed class Leaps : TimeProvider
    {
        private long _ahead;

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _ahead);

        public void Leap(TimeSpan by) => Interlocked.Add(ref _ahead, (long)(by.TotalSeconds * TimestampFrequency));
    }
}
