using System.Globalization;
using CsCheck;
using System.Text;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Writers;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Sub-batches, copies of blocks, and names.</summary>
public sealed class RowTests
{
    private static readonly Schema Fields = new(new Field("n", FieldType.Integer), new Field("s", FieldType.String));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10, 0)]
    [InlineData(11, 1)]
    [InlineData(12, 1)]
    [InlineData(13, 2)]
    [InlineData(19, 3)]
    [InlineData(20, 3)]
    public void A_shard_skips_the_rows_below_its_position(long position, int first) =>
        Assert.Equal(first, Batch(10, 20, 10, 12, 18).FirstRowAt(position));

    /// <summary>Rows that an explode step made of one record have its offset: they are applied all or none.</summary>
    [Theory]
    [InlineData(10, 0)]
    [InlineData(11, 2)]
    [InlineData(12, 2)]
    [InlineData(13, 7)]
    [InlineData(18, 7)]
    [InlineData(19, 8)]
    public void A_shard_skips_all_rows_of_a_record_or_none(long position, int first) =>
        Assert.Equal(first, Batch(10, 20, 10, 10, 12, 12, 12, 12, 12, 18).FirstRowAt(position));

    [Fact]
    public void Only_the_rows_count_not_the_room_behind_them()
    {
        var batch = Batch(10, 20, 10, 12, 18);
        var rows = batch.Rows!;
        var longer = new KeyedRows
        {
            Count = 3, KeyHashes = rows.KeyHashes, KeyStarts = rows.KeyStarts, KeyBytes = [], EventTimes = rows.EventTimes,
            Offsets = [10, 12, 18, 0, 0], Inputs = [],
        };
        Assert.Equal(2, (batch with { Rows = longer }).FirstRowAt(13));
        Assert.Equal(3, (batch with { Rows = longer }).FirstRowAt(19));
        Assert.Equal(0, (batch with { Rows = null }).FirstRowAt(13));
    }

    [Fact]
    public void A_slice_is_a_copy_of_its_rows() => Gen.Int[0, 20].SelectMany(n => Gen.Select(
        Gen.Const(n), Gen.Int[0, n])).SelectMany((n, first) => Gen.Select(Gen.Const(n), Gen.Const(first), Gen.Int[0, n - first]))
        .Sample((n, first, count) =>
        {
            var block = Block(0, n);
            var slice = RowBlocks.Slice(block, first, count);
            Assert.Equal(Text(block).Skip(first).Take(count), Text(slice));
            if (count > 0) ((LongColumn)slice.Columns[0]).Set(0, 999);
            Assert.Equal(Text(Block(0, n)), Text(block));
        });

    [Fact]
    public void Rows_are_appended_in_order()
    {
        var block = Block(0, 3);
        RowBlocks.Append(block, Block(3, 5), 1, 3);
        Assert.Equal([.. Text(Block(0, 3)), .. Text(Block(4, 3))], Text(block));
        RowBlocks.Append(block, Block(3, 5), 2, 0);
        Assert.Equal(6, block.Count);
        Assert.True(RowBlocks.EstimateBytes(block) > 0);
    }

    [Fact]
    public void Raw_records_of_batches_follow_each_other()
    {
        var merged = RowBlocks.Concat([Raw(5, "a", "bb"), Raw(9, "ccc"), Raw(12, "d", null)]);
        Assert.Equal(5, merged.Count);
        Assert.Equal(5, merged.From);
        Assert.Equal(14, merged.To);
        Assert.Equal([5, 6, 9, 12, 13], merged.Offsets);
        Assert.Equal(["a", "bb", "ccc", "d", ""], Enumerable.Range(0, 5).Select(i => Encoding.UTF8.GetString(merged.Value(i))));
        Assert.Equal(["ka", "kbb", "kccc", "kd", "k"], Enumerable.Range(0, 5).Select(i => Encoding.UTF8.GetString(merged.Key(i))));
        Assert.Equal(-1, merged.ValueLength[4]);
        Assert.Equal(["5", "6", "9", "12", "13"], Enumerable.Range(0, 5).Select(i => Assert.Single(merged.HeadersOf(i)).Key));
    }

    [Fact]
    public void One_batch_is_not_copied()
    {
        var raw = Raw(1, "a");
        Assert.Same(raw, RowBlocks.Concat([raw]));
    }

    [Fact]
    public void Names_have_three_parts_and_the_last_may_have_slashes()
    {
        Assert.Equal("p/partition/t/3", Names.PartitionOwner("p", "t", 3));
        Assert.Equal("p/shard/w/7", Names.ShardOwner("p", "w", 7));
        Assert.Equal(("p", "w", "7"), Names.Split(Names.Shard("p", "w", 7)));
        Assert.Equal(("p", "s", "t/3"), Names.Split("p/s/" + Names.Source("t", 3)));
        Assert.Throws<FormatException>(() => Names.Split("p/s"));
        Assert.Throws<FormatException>(() => Names.Split(""));
    }

    [Fact]
    public void A_reset_begins_new_lanes()
    {
        var runtime = new PipelineRuntime("p", 2, 0, TestPipeline.Compile());
        Assert.Equal("t/3", Names.PartitionLane(runtime, "t/3"));
        Assert.Equal("w/1", Names.ShardLane(runtime, "w", 1));
        Assert.Equal("t/3@2", Names.PartitionLane(runtime with { Generation = 2 }, "t/3"));
        Assert.Equal("w/1@2", Names.ShardLane(runtime with { Generation = 2 }, "w", 1));
    }

    private static SubBatch Batch(long from, long to, params long[] offsets) => new()
    {
        Source = "t/0", Partition = 0, Epoch = 1, From = from, To = to, Watermark = 0, DurablePosition = 0,
        Rows = new KeyedRows
        {
            Count = offsets.Length, KeyHashes = new ulong[offsets.Length], KeyStarts = new int[offsets.Length + 1], KeyBytes = [],
            EventTimes = new long[offsets.Length], Offsets = offsets, Inputs = [],
        },
    };

    private static RowBlock Block(int first, int count)
    {
        var block = new RowBlock(Fields, count);
        block.Reset(count);
        for (var i = 0; i < count; i++)
        {
            var value = first + i;
            if (value % 3 == 2) block.Columns[0].SetNull(i);
            else ((LongColumn)block.Columns[0]).Set(i, value);
            ((BinaryColumn)block.Columns[1]).Set(i, Encoding.UTF8.GetBytes(new string('x', value)));
        }

        return block;
    }

    private static List<string> Text(RowBlock block) =>
    [
        .. Enumerable.Range(0, block.Count).Select(i => string.Create(
            CultureInfo.InvariantCulture,
            $"{(block.Columns[0].IsNull[i] ? "null" : ((LongColumn)block.Columns[0]).Values[i].ToString(CultureInfo.InvariantCulture))}" +
            $":{Encoding.UTF8.GetString(((BinaryColumn)block.Columns[1]).Span(i))}")),
    ];

    private static RawBatch Raw(long from, params string?[] values)
    {
        var raw = new RawBatch
        {
            Topic = "t", Partition = 0, From = from, To = from + values.Length, Count = values.Length,
            Buffer = Encoding.UTF8.GetBytes(string.Concat(values.Select(v => $"k{v}{v}"))),
            KeyStart = new int[values.Length], KeyLength = new int[values.Length],
            ValueStart = new int[values.Length], ValueLength = new int[values.Length],
            Offsets = [.. Enumerable.Range(0, values.Length).Select(i => from + i)],
            Timestamps = new long[values.Length],
            Headers = row => [new((from + row).ToString(CultureInfo.InvariantCulture), null)],
        };
        var at = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var length = values[i]?.Length ?? 0;
            (raw.KeyStart[i], raw.KeyLength[i]) = (at, length + 1);
            at += length + 1;
            (raw.ValueStart[i], raw.ValueLength[i]) = (at, values[i] is null ? -1 : length);
            at += length;
        }

        return raw;
    }
}
