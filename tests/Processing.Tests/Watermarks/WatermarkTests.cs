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

    [Fact]
    public void One_clock_far_ahead_makes_nothing_late_and_a_log_that_goes_on_after_a_night_is_followed()
    {
        const long Minute = 60_000;
        var watermark = new PartitionWatermark(30_000, 5 * Minute);
        for (var i = 0; i < 4_000; i++)
        {
            Assert.True(watermark.Current <= i * 500);
            watermark.Observe(i * 500);
            // One producer of ten is 59 minutes ahead, now and then all of its records in a row of two.
            if (i < 100) continue;
            if (i % 10 == 9) watermark.Observe((i * 500) + (59 * Minute));
            if (i % 100 == 99) watermark.Observe((i * 500) + (59 * Minute));
        }

        for (var i = 0; i < PartitionWatermark.Confirmations; i++) watermark.Observe(3_999 * 500);
        Assert.Equal((3_999 * 500) - 30_000, watermark.Current);
        const long Morning = 8 * 60 * Minute;
        watermark.Observe(Morning);
        Assert.Equal(Morning - 30_000, watermark.Claimed);
        watermark.Observe(Morning + 10);
        Assert.Equal((3_999 * 500) - 30_000, watermark.Current);
        watermark.Observe(Morning + 20);
        Assert.Equal(Morning - 30_000, watermark.Current);
        watermark.Observe(Morning + 30);
        Assert.Equal(Morning + 30 - 30_000, watermark.Current);

        // What a single record speaks against is claimed no more.
        watermark.Observe(2 * Morning);
        Assert.Equal((2 * Morning) - 30_000, watermark.Claimed);
        watermark.Observe(Morning + 40);
        Assert.Equal(watermark.Current, watermark.Claimed);
    }

    [Fact]
    public void The_first_records_of_a_partition_are_believed_and_no_limit_believes_all()
    {
        var fresh = new PartitionWatermark(0, 1_000);
        for (var i = 0; i < PartitionWatermark.Settled; i++) Assert.True(fresh.Observe(i * 1_000_000));
        Assert.False(fresh.Observe(PartitionWatermark.Settled * 1_000_000L));
        var free = new PartitionWatermark(0);
        for (var i = 0; i < 300; i++) Assert.True(free.Observe(i * 1_000_000L));
    }

    [Fact]
    public void What_is_claimed_is_part_of_the_state()
    {
        for (var cut = 0; cut < 130; cut++)
        {
            var (whole, split) = (new PartitionWatermark(5, 50), new PartitionWatermark(5, 50));
            for (var i = 0; i < 130; i++)
            {
                if (i == cut) split = Restored(split);
                var time = i * 3L + (i % 7 == 0 || i > 126 ? 1_000 : 0);
                whole.Observe(time);
                split.Observe(time);
                Assert.Equal((whole.Current, whole.Claimed), (split.Current, split.Claimed));
            }
        }

        static PartitionWatermark Restored(PartitionWatermark watermark)
        {
            var w = new ByteWriter(16);
            watermark.Write(ref w);
            var r = new ByteReader(w.Written, "test");
            var restored = new PartitionWatermark(5, 50);
            restored.Restore(watermark.Current);
            restored.Read(ref r);
            r.ExpectEnd();
            return restored;
        }
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
                if (i.Idle) shard.SetIdle($"t/{i.Source}", now);
                else shard.Wake($"t/{i.Source}", now);
                sources[i.Source] = (sources[i.Source].Watermark, i.Idle);
                break;
            case Ticked:
                shard.ConfirmAll(now);
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
        shard.SetIdle("b", 10);
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
        shard.SetIdle("a", 1_000_000);
        Assert.Equal(100, shard.Current);
        shard.SetIdle("b", 2_000_000);
        Assert.Equal(500, shard.Current);
        // Time alone takes it no further than they let it go.
        Assert.False(shard.Tick(2_000_250));
        Assert.True(shard.ConfirmAll(2_000_250));
        Assert.Equal(750, shard.Current);
        Assert.False(shard.ConfirmAll(1_999_000));
        Assert.Equal(750, shard.Current);
    }

    /// <summary>A source with one partition that was silent for a night would else wait for three records of the morning.</summary>
    [Fact]
    public void A_time_far_ahead_is_believed_when_all_are_idle_and_all_claim_one()
    {
        var shard = new ShardWatermark();
        shard.AddSource("b");
        shard.Observe("a", 500, 0);
        shard.Observe("b", 100, 0);
        shard.SetIdle("a", 10, claimed: 90_000);
        Assert.Equal(100, shard.Current);
        shard.SetIdle("b", 20, claimed: 80_000);
        shard.ConfirmAll(20);
        Assert.Equal(80_000, shard.Current);

        var doubted = new ShardWatermark();
        doubted.AddSource("b");
        doubted.Observe("a", 500, 0);
        doubted.Observe("b", 100, 0);
        doubted.SetIdle("a", 10, claimed: 90_000);
        doubted.SetIdle("b", 20);
        doubted.ConfirmAll(20);
        Assert.Equal(500, doubted.Current);
    }

    [Fact]
    public void A_source_that_is_idle_is_passed_only_as_far_as_the_others_had_come_when_it_began_to_look()
    {
        var shard = new ShardWatermark();
        shard.AddSource("a");
        shard.AddSource("b");
        var ticket = shard.ConfirmIdle("b", 0, 10);
        shard.Observe("a", 500, 20);
        Assert.Equal(long.MinValue, shard.Current);
        // It looked before the batch was there.
        ticket = shard.ConfirmIdle("b", ticket, 30);
        Assert.Equal(long.MinValue, shard.Current);
        shard.Observe("a", 900, 35);
        var next = shard.ConfirmIdle("b", ticket, 40);
        Assert.Equal(500, shard.Current);
        // A ticket is good once, and only until the source wakes.
        Assert.True(shard.ConfirmIdle("b", ticket, 50) != next);
        Assert.Equal(500, shard.Current);
        shard.Wake("b", 60);
        shard.ConfirmIdle("b", next, 70);
        shard.Observe("a", 1_000, 80);
        Assert.Equal(500, shard.Current);
    }

    [Fact]
    public void A_source_that_cannot_be_asked_any_more_holds_the_watermark_where_it_let_it_go()
    {
        var shard = new ShardWatermark();
        shard.Observe("a", 500, 0);
        shard.AddSource("b");
        shard.SetIdle("b", 10);
        Assert.Equal(500, shard.Current);
        for (var now = 20; now < 5_000; now += 20) shard.Observe("a", 500 + now, now);
        Assert.Equal(500, shard.Current);
        // Nor does time alone take it further.
        shard.SetIdle("a", 5_000);
        shard.Tick(60_000);
        Assert.Equal(500, shard.Current);
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
