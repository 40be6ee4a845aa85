using System.Net;
using KafkaOracleOrleans.Streams.Kafka.Provider;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Slots, their owners and their caches, without a cluster.</summary>
public sealed class SlotTests
{
    [Fact]
    public void Partitions_of_a_topic_are_spread_evenly_and_always_the_same_way()
    {
        var slots = Enumerable.Range(0, 100).Select(p => SlotMap.SlotOf(new("p1", "orders", p), 32)).ToList();
        Assert.All(slots.CountBy(s => s), c => Assert.InRange(c.Value, 3, 4));
        Assert.Equal(22, SlotMap.SlotOf(new("p1", "orders", 0), 32));
        Assert.Equal(23, SlotMap.SlotOf(new("p1", "orders", 1), 32));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(40)]
    public void Slots_are_shared_evenly_over_any_number_of_silos(int count)
    {
        var silos = Enumerable.Range(0, count).Select(i => Silo(i)).ToArray();
        var shares = SlotBalancer.Share(32, silos);

        var loads = Enumerable.Range(0, count).Select(i => shares.Count(s => s == i)).ToList();
        Assert.InRange(loads.Max() - loads.Min(), 0, 1);
        Assert.Equal(shares, SlotBalancer.Share(32, silos));
        for (var start = 0; start + count <= 32; start += count)
            Assert.Equal(count, shares.Skip(start).Take(count).Distinct().Count());
    }

    [Fact]
    public void Without_silos_nobody_owns_a_slot() => Assert.All(SlotBalancer.Share(4, []), s => Assert.Equal(-1, s));

    [Fact]
    public void A_slow_stream_does_not_hold_another_one_back()
    {
        using var context = Context();
        var (slow, fast) = (Reader(0), Reader(1));
        var cache = new SlotCache(context);
        Offer(cache, slow, 0, 10);
        Offer(cache, fast, 0, 10);
        using var slowCursor = Open(cache, slow);
        using var fastCursor = Open(cache, fast);
        Assert.True(slowCursor.MoveNext());
        for (var i = 10; i < 1_000; i += 10)
        {
            Assert.True(fastCursor.MoveNext());
            Offer(cache, fast, i, i + 10);
        }

        Assert.Equal(0, From(slowCursor));
        Assert.True(fast.Describe("s", null).BufferedBytes < 10 * slow.Describe("s", null).BufferedBytes);
        Assert.False(cache.IsUnderPressure());
    }

    [Fact]
    public void A_batch_the_agent_gave_up_on_is_offered_again_in_order()
    {
        using var context = Context();
        var reader = Reader(0);
        var cache = new SlotCache(context);
        for (var i = 0; i < 3; i++)
            Offer(cache, reader, i, i + 1);
        var cursor = Open(cache, reader);
        Assert.True(cursor.MoveNext());
        Assert.True(cursor.MoveNext());
        cursor.RecordDeliveryFailure();
        Assert.False(cursor.MoveNext());

        var again = new List<long>();
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                while (reader.TryTake(8) is { } batch)
                {
                    again.Add(batch.Batch.From);
                    cache.AddToCache([batch]);
                }

                return again.Count == 2;
            },
            TimeSpan.FromSeconds(10)));
        Assert.Equal([1, 2], again);
        Assert.True(cursor.MoveNext());
        Assert.Equal(1, From(cursor));
        Assert.True(cursor.MoveNext());
        Assert.False(cursor.MoveNext());
        Assert.Equal((3, 0), (reader.Describe("s", null).Position, reader.Describe("s", null).BufferedBytes));
    }

    [Fact]
    public void Nothing_is_dropped_while_no_cursor_is_open_and_a_new_cursor_begins_at_the_oldest()
    {
        using var context = Context();
        var reader = Reader(0);
        var cache = new SlotCache(context);
        Offer(cache, reader, 0, 1);
        Offer(cache, reader, 1, 2);
        var first = Open(cache, reader);
        Assert.True(first.MoveNext());
        first.Dispose();

        using var second = Open(cache, reader);
        Assert.True(second.MoveNext());
        Assert.Equal(0, From(second));
    }

    [Fact]
    public void What_a_seek_overtook_is_passed_over_and_its_memory_freed()
    {
        using var context = Context();
        var reader = Reader(0);
        var cache = new SlotCache(context);
        Offer(cache, reader, 0, 1);
        Offer(cache, reader, 1, 2);
        reader.Add(Batch(2, 3));
        using var cursor = Open(cache, reader);
        Assert.True(cursor.MoveNext());
        reader.Restart(50);
        Offer(cache, reader, 50, 60);

        Assert.True(cursor.MoveNext());
        Assert.Equal(50, From(cursor));
        Assert.False(cursor.MoveNext());
        Assert.Equal((60, 0), (reader.Describe("s", null).Position, reader.Describe("s", null).BufferedBytes));
    }

    [Fact]
    public void Two_subscribers_both_see_every_batch()
    {
        using var context = Context();
        var reader = Reader(0);
        var cache = new SlotCache(context);
        using var one = Open(cache, reader);
        using var two = Open(cache, reader);
        Offer(cache, reader, 0, 1);
        Offer(cache, reader, 1, 2);
        Assert.True(one.MoveNext() && one.MoveNext() && !one.MoveNext());
        Assert.NotEqual(0, reader.Describe("s", null).BufferedBytes);
        Assert.True(two.MoveNext() && two.MoveNext() && !two.MoveNext());
        Assert.Equal(0, reader.Describe("s", null).BufferedBytes);
    }

    [Fact]
    public void A_partition_is_handed_out_only_as_far_as_it_may()
    {
        var reader = Reader(0);
        for (var i = 0; i < 5; i++)
            reader.Add(Batch(i, i + 1));
        var first = reader.TryTake(2);
        Assert.NotNull(reader.TryTake(2));
        Assert.Null(reader.TryTake(2));
        reader.Complete(first!);
        Assert.Equal(2, reader.TryTake(2)!.Batch.From);
        reader.SetPaused(true);
        Assert.Null(reader.TryTake(100));
        Assert.False(reader.WantsMore(long.MaxValue, moreIsWaiting: true));
    }

    private static ReaderContext Context() => new(
        "kafka",
        new KafkaStreamOptions { Connections = { ["main"] = new KafkaConnection { BootstrapServers = "x:1" } } },
        null,
        "silo",
        TimeProvider.System,
        NullLogger.Instance);

    private static PartitionReader Reader(int partition) =>
        new(new KafkaStreamId("p1", "t", partition), 0, new object(), TimeProvider.System, () => { }, new SlotSignal());

    private static KafkaBatch Batch(long from, long to)
    {
        var builder = new KafkaBatchBuilder();
        for (var offset = from; offset < to; offset++)
            builder.Add(offset, 0, null, [1, 2, 3]);
        return builder.Build("p1", "t", 0, from, to);
    }

    private static void Offer(SlotCache cache, PartitionReader reader, long from, long to)
    {
        reader.Add(Batch(from, to));
        KafkaBatchContainer? last = null;
        while (reader.TryTake(1_000) is { } taken)
            cache.AddToCache([last = taken]);
        Assert.Equal(to, last!.Batch.To);
    }

    private static StreamCache.Cursor Open(SlotCache cache, PartitionReader reader) =>
        (StreamCache.Cursor)cache.GetCacheCursor(reader.StreamId, null);

    private static long From(StreamCache.Cursor cursor) =>
        ((KafkaBatchContainer)cursor.GetCurrent(out _)!).Batch.From;

    private static SiloAddress Silo(int i) => SiloAddress.New(IPAddress.Loopback, 1_000 + i, 7);
}
