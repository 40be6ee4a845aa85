using CsCheck;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;

namespace KafkaOracleOrleans.Processing.Tests.Watermarks;

public sealed class WatermarkTests
{
    [Fact]
    public void A_partitions_watermark_is_a_function_of_its_records_whatever_the_batches()
    {
        Gen.Select(Gen.Long.Array[1, 50], Gen.Long[0, 1_000_000]).Sample((times, disorder) =>
        {
            var watermark = new PartitionWatermark(disorder);
            var last = watermark.Current;
            foreach (var time in times)
            {
                watermark.Observe(time);
                Assert.True(watermark.Current >= last);
                last = watermark.Current;
            }

            var expected = Int128.Max((Int128)times.Max() - disorder, (Int128)long.MinValue + 1);
            Assert.Equal(expected, watermark.Current);
            var restored = new PartitionWatermark(disorder);
            restored.Restore(watermark.Current);
            Assert.False(restored.Observe(times.Max()));
        });
    }

    private abstract record Event(long Pause);

    private sealed record Observed(int Source, long Watermark, long Pause) : Event(Pause);

    private sealed record Idled(int Source, bool Idle, long Pause) : Event(Pause);

    private sealed record Ticked(long Pause) : Event(Pause);

    private sealed record Restarted(long Pause) : Event(Pause);

    private static readonly Gen<Event> Events = Gen.Frequency(
        (6, Gen.Select(Gen.Int[0, 3], Gen.Long[0, 10_000], Gen.Long[0, 500]).Select((s, w,
            p) => (Event)new Observed(s, w, p))),
        (4, Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Long[0, 500]).Select((s, i, p) => (Event)new Idled(s, i, p))),
        (3, Gen.Long[-50, 2_000].Select(p => (Event)new Ticked(p))),
        (1, Gen.Long[0, 500].Select(p => (Event)new Restarted(p))));

    /// <summary>
    /// Against what DESIGN.md 5.8 says, step by step: never back; while a source is active it is held by the smallest
    /// active one; when all are idle it moves at most as fast as the clock from the largest that was known, and not at
    /// all otherwise.
    /// </summary>
    [Fact]
    public void A_shards_watermark_obeys_its_rules_in_every_history()
    {
        Events.Array[1, 60].Sample(events =>
        {
            var shard = new ShardWatermark();
            var sources = new SortedDictionary<int, (long Watermark, bool Idle)>();
            for (var i = 0; i < 4; i++)
            {
                shard.AddSource($"t/{i}");
                sources[i] = (long.MinValue, false);
            }

            long now = 1_000_000;
            (long At, long From)? idleSince = null;
            foreach (var step in events)
            {
                now += step.Pause;
                var before = shard.Current;
                var bound = Bound(sources, before, now, ref idleSince);
                shard = Apply(shard, sources, step, now);
                Assert.True(shard.Current >= before, $"moved back at {step}");
                var limit = Math.Max(bound, Bound(sources, before, now, ref idleSince));
                Assert.True(shard.Current <= limit, $"{shard.Current} is beyond {limit} at {step}");
            }
        }, iter: 5000, threads: 1);
    }

    // The highest value the watermark may have.
    private static long Bound(
        SortedDictionary<int, (long Watermark, bool Idle)> sources, long current, long now, ref (long At,
            long From)? idleSince)
    {
        if (sources.Values.All(s => s.Idle))
        {
            idleSince ??= (now, Math.Max(current, sources.Values.Max(s => s.Watermark)));
            return idleSince.Value.From == long.MinValue
                ? long.MinValue : Math.Max(current, idleSince.Value.From + Math.Max(0, now - idleSince.Value.At));
        }

        idleSince = null;
        return Math.Max(current, sources.Values.Where(s => !s.Idle).Min(s => s.Watermark));
    }

    private static ShardWatermark Apply(
        ShardWatermark shard, SortedDictionary<int, (long Watermark, bool Idle)> sources, Event step, long now)
    {
        switch (step)
        {
            case Observed o:
                shard.Observe($"t/{o.Source}", o.Watermark, now);
                sources[o.Source] = (Math.Max(sources[o.Source].Watermark, o.Watermark), false);
                break;
            case Idled i:
                shard.SetIdle($"t/{i.Source}", i.Idle, now);
                sources[i.Source] = (sources[i.Source].Watermark, i.Idle);
                break;
            case Ticked:
                shard.Tick(now);
                break;
            case Restarted:
                var restored = ShardWatermark.Decode(shard.Encode());
                Assert.Equal(shard.Current, restored.Current);
                foreach (var source in sources.Keys.ToArray()) sources[source] = (sources[source].Watermark, false);
                return restored;
        }

        return shard;
    }

    [Fact]
    public void An_active_source_holds_the_watermark_back_and_an_idle_one_does_not()
    {
        var shard = new ShardWatermark();
        shard.AddSource("a");
        shard.AddSource("b");
        Assert.False(shard.Observe("a", 500, 0));
        Assert.Equal(long.MinValue, shard.Current);
        Assert.True(shard.Observe("b", 100, 0));
        Assert.Equal(100, shard.Current);
        shard.SetIdle("b", true, 10);
        Assert.Equal(500, shard.Current);
        shard.Observe("b", 200, 20);
        Assert.Equal(500, shard.Current);
    }

    [Fact]
    public void When_all_are_idle_time_goes_on_from_where_it_stood()
    {
        var shard = new ShardWatermark();
        shard.AddSource("a");
        shard.AddSource("b");
        shard.Observe("a", 500, 0);
        shard.Observe("b", 100, 0);
        shard.SetIdle("a", true, 1_000_000);
        Assert.Equal(100, shard.Current);
        shard.SetIdle("b", true, 2_000_000);
        Assert.Equal(500, shard.Current);
        Assert.True(shard.Tick(2_000_250));
        Assert.Equal(750, shard.Current);
        Assert.False(shard.Tick(1_999_000));
        Assert.Equal(750, shard.Current);
    }

    [Fact]
    public void Damaged_state_is_refused()
    {
        var shard = new ShardWatermark();
        shard.Observe("orders/1", 500, 0);
        var bytes = shard.Encode();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<CorruptStateException>(() => ShardWatermark.Decode(bytes.AsSpan(0, length)));
        bytes[0] = 9;
        Assert.Throws<CorruptStateException>(() => ShardWatermark.Decode(bytes));
    }
}
