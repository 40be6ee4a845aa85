using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Waiting batches worked off as one: the same records at the same positions, however they came.</summary>
public sealed class BatchMergerTests
{
    [Fact]
    public void What_is_merged_is_what_the_batches_held_one_after_the_other()
    {
        var random = new Random(7);
        var merger = new BatchMerger();
        for (var round = 0; round < 200; round++)
        {
            var queue = new Queue<KafkaBatch>();
            var expected = new List<(long Offset, long Timestamp, byte[]? Key, byte[]? Value)>();
            var next = random.Next(1000);
            var from = next;
            for (var b = random.Next(1, 6); b > 0; b--) queue.Enqueue(Batch(random, ref next, expected));
            var taken = new List<KafkaBatch>();
            BatchMerger.Take(queue, taken, 1_000_000);
            Assert.Empty(queue);

            var merged = merger.Merge(taken);
            Assert.Equal((from, next, expected.Count), (merged.From, merged.To, merged.Count));
            for (var i = 0; i < expected.Count; i++)
            {
                Assert.Equal((expected[i].Offset, expected[i].Timestamp), (merged.Offsets[i], merged.Timestamps[i]));
                Assert.Equal(expected[i].Key, Bytes(merged, merged.KeyStart[i], merged.KeyLength[i]));
                Assert.Equal(expected[i].Value, Bytes(merged, merged.ValueStart[i], merged.ValueLength[i]));
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(25, 2)]
    [InlineData(29, 2)]
    [InlineData(30, 3)]
    [InlineData(1000, 5)]
    public void No_more_is_taken_than_the_rows_allow_but_one_at_least(int maxRows, int batches)
    {
        var queue = new Queue<KafkaBatch>();
        for (var i = 0; i < 5; i++) queue.Enqueue(Plain(i * 10, 10));
        var taken = new List<KafkaBatch>();
        BatchMerger.Take(queue, taken, maxRows);
        Assert.Equal((batches, 5 - batches), (taken.Count, queue.Count));
    }

    [Fact]
    public void A_batch_with_headers_stays_alone()
    {
        var queue = new Queue<KafkaBatch>([Plain(0, 3), WithHeader(3), Plain(4, 3)]);
        foreach (var count in new[] { 3, 1, 3 })
        {
            var taken = new List<KafkaBatch>();
            BatchMerger.Take(queue, taken, 1000);
            Assert.Equal(count, Assert.Single(taken).Count);
        }
    }

    private static byte[]? Bytes(RawBatch batch, int start, int length) => length < 0 ? null : batch.Buffer.AsSpan(start, length).ToArray();

    private static KafkaBatch Batch(Random random, ref int next, List<(long, long, byte[]?, byte[]?)> expected)
    {
        var builder = new KafkaBatchBuilder(1, 1);
        var from = next;
        for (var r = random.Next(0, 40); r > 0; r--)
        {
            // Holes: compaction and the markers of transactions.
            next += random.Next(0, 3);
            var (offset, timestamp, key, value) = (next++, random.NextInt64(1, 1L << 42), Some(random), Some(random));
            builder.Add(offset, timestamp, key, value);
            expected.Add((offset, timestamp, key, value));
        }

        next += random.Next(0, 3);
        return builder.Build("p", "t", 0, from, next);
    }

    private static byte[]? Some(Random random)
    {
        if (random.Next(8) == 0) return null;
        var bytes = new byte[random.Next(0, 30)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static KafkaBatch Plain(int from, int count)
    {
        var builder = new KafkaBatchBuilder();
        for (var i = 0; i < count; i++) builder.Add(from + i, 1, [1], [2]);
        return builder.Build("p", "t", 0, from, from + count);
    }

    private static KafkaBatch WithHeader(int from) =>
        new KafkaBatchBuilder().AddHeader("h", [1]).Add(from, 1, [1], [2]).Build("p", "t", 0, from, from + 1);
}
