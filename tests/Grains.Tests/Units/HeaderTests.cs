using CsCheck;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>The stored headers of partitions and shards: they read what they wrote, for ever, and nothing else.</summary>
public sealed class HeaderTests
{
    private const string GoldenPartitionVersion1 = "01A41380CABEB482677864080604020203712E610203712E62D80403070809";

    // Before the times of records were part of it.
    private const string GoldenPartitionVersion2 = "02A41380CABEB482677864080604020203712E610203712E62D804030708090469642D31";

    private const string GoldenPartition = "03A41380CABEB482677864080604020203712E610203712E62D804030708090469642D31D0CABEB48267BCCABEB48267";

    private const string GoldenShard =
        "041A01880E0203742F30880E0003742F31FFFFFFFFFFFFFFFFFF010054049A0106080203742F30C80112D0CABEB4826702B401" +
        "14280A00BE01283C020103742F3101000000";

    private const string GoldenShardVersion3 =
        "031A01880E0203742F30880E0003742F31FFFFFFFFFFFFFFFFFF010054049A0106080203742F30C8011202B401" +
        "14280A00BE01283C020103742F31010000";

    private const string GoldenShardVersion2 =
        "021A01880E0203742F30880E0003742F31FFFFFFFFFFFFFFFFFF010054049A010203742F30C8011202B401" +
        "14280ABE01283C0203742F31010000";

    // Before epochs were part of it.
    private const string GoldenShardVersion1 =
        "011A01880E0203742F30880E0003742F31FFFFFFFFFFFFFFFFFF010054049A010203742F30C80102B401" +
        "14280ABE01283C0203742F310100";

    private const string GoldenReplay =
        "0102010573696E6B310001036162630490038813066368656B2E610543303030310377687901020102000201680101070000";

    [Fact]
    public void A_replay_reads_what_it_wrote()
    {
        var state = Replay();
        var read = ReplayState.Decode(state.Encode(), "p", "t", 3);
        Assert.Equal((1L, ReplayStage.Begun, "sink1"), (read.Number, read.Stage, read.Sink));
        var record = Assert.Single(read.Records);
        Assert.Equal(("abc", "p", "t", 3, 200L, 1220L), (record.Id, record.Record.Pipeline, record.Record.Topic, record.Record.Partition, record.Record.Offset, record.Record.Timestamp));
        Assert.Equal([1, 2], record.Record.Key);
        Assert.Null(record.Record.Value);
        Assert.Equal(2, record.Record.Headers.Count);
        Assert.Equal([7], record.Record.Headers[0].Value);
        Assert.Null(record.Record.Headers[1].Value);

        state.Applied(["abc", "def"]);
        read = ReplayState.Decode(state.Encode(), "p", "t", 3);
        Assert.Equal((ReplayStage.Applied, 0), (read.Stage, read.Records.Count));
        Assert.Equal(["abc", "def"], read.Leaving);
        state.End();
        read = ReplayState.Decode(state.Encode(), "p", "t", 3);
        Assert.Equal((2L, ReplayStage.None, (string?)null), (read.Number, read.Stage, read.Sink));
    }

    [Fact]
    public void The_format_of_replays_does_not_change_by_accident() =>
        Assert.Equal(GoldenReplay, Convert.ToHexString(Replay().Encode()));

    private static ReplayState Replay()
    {
        var state = new ReplayState();
        state.End();
        state.Begin("sink1", [new("abc", default, new("p", 2, "chek.a", "C0001", "why", "t", 3, 200, 1220, [1, 2], null, [new("h", [7]), new("", null)]))]);
        return state;
    }

    [Fact]
    public void A_partition_header_reads_what_it_wrote()
    {
        var read = PartitionHeader.Decode(Partition().Encode());
        Assert.Equal(1234, read.Position);
        Assert.Equal(1_769_850_000_000, read.Watermark);
        Assert.Equal(new RecordCounts(60, 50, 4, 3, 2, 1), read.Counts);
        Assert.Equal(new Dictionary<string, long> { ["q.a"] = 1, ["q.b"] = 300 }, read.Rules);
        Assert.Equal([7, 8, 9], read.Steps);
        Assert.Equal("id-1", read.TopicId);
        Assert.Equal((1_769_850_000_040, 1_769_850_000_030), (read.NewestAt, read.LastAt));
    }

    [Fact]
    public void A_partition_header_of_version_2_is_read_and_knows_no_times()
    {
        var read = PartitionHeader.Decode(Convert.FromHexString(GoldenPartitionVersion2));
        Assert.Equal((1234L, "id-1", 0L, 0L), (read.Position, read.TopicId, read.NewestAt, read.LastAt));
    }

    [Fact]
    public void A_partition_header_of_version_1_is_read_and_knows_no_topic()
    {
        var read = PartitionHeader.Decode(Convert.FromHexString(GoldenPartitionVersion1));
        Assert.Equal((1234L, "", 0L, 0L), (read.Position, read.TopicId, read.NewestAt, read.LastAt));
        Assert.Equal([7, 8, 9], read.Steps);
    }

    [Fact]
    public void A_new_partition_header_has_no_watermark()
    {
        var read = PartitionHeader.Decode(new PartitionHeader().Encode());
        Assert.Equal(long.MinValue, read.Watermark);
        Assert.Equal(RecordCounts.Zero, read.Counts);
        Assert.Empty(read.Rules);
        Assert.Empty(read.Steps);
    }

    [Fact]
    public void The_format_of_partition_headers_does_not_change_by_accident() =>
        Assert.Equal(GoldenPartition, Convert.ToHexString(Partition().Encode()));

    [Fact]
    public void The_format_of_shard_headers_does_not_change_by_accident() =>
        Assert.Equal(GoldenShard, Convert.ToHexString(Shard().Encode()));

    [Fact]
    public void A_shard_header_reads_what_it_wrote()
    {
        var read = ShardHeader.Decode(Shard().Encode());
        Assert.Equal(42, read.OutboxNext);
        Assert.Equal(2, read.LateTotal);
        Assert.Equal(77, read.ClosedTotal);
        Assert.Equal(900, read.Watermark.Current);
        Assert.Equal(["t/0", "t/1"], read.Sources.Keys.Order(StringComparer.Ordinal));
        var source = read.Sources["t/0"];
        Assert.Equal(100, source.Applied);
        Assert.Equal(100, source.Durable);
        Assert.Equal((9, 1_769_850_000_040), (source.Epoch, source.NewestAt));
        Assert.Equal([new LateRecord(90, 10, 20, 5), new LateRecord(95, 20, 30, 1, LateReason.Idle)], source.Late);
        Assert.Equal((3L, 4L), (read.LateByIdleTotal, read.PartlyLateTotal));
        Assert.Equal(-1, read.Sources["t/1"].Applied);
    }

    [Fact]
    public void A_shard_header_of_version_1_is_read()
    {
        var read = ShardHeader.Decode(Convert.FromHexString(GoldenShardVersion1));
        Assert.Equal((100L, 0L), (read.Sources["t/0"].Applied, read.Sources["t/0"].Epoch));
        Assert.Equal(2, read.Sources["t/0"].Late.Count);
        Assert.Equal(-1, read.Sources["t/1"].Applied);
    }

    [Fact]
    public void A_shard_header_of_version_2_is_read()
    {
        var read = ShardHeader.Decode(Convert.FromHexString(GoldenShardVersion2));
        Assert.Equal((100L, 9L, 77L), (read.Sources["t/0"].Applied, read.Sources["t/0"].Epoch, read.ClosedTotal));
        Assert.All(read.Sources["t/0"].Late, l => Assert.Equal(LateReason.Watermark, l.Reason));
    }

    [Fact]
    public void A_shard_header_of_version_3_is_read()
    {
        var read = ShardHeader.Decode(Convert.FromHexString(GoldenShardVersion3));
        Assert.Equal((100L, 9L, 0L, 3L), (read.Sources["t/0"].Applied, read.Sources["t/0"].Epoch, read.Sources["t/0"].NewestAt, read.LateByIdleTotal));
        Assert.Equal([LateReason.Watermark, LateReason.Idle], read.Sources["t/0"].Late.Select(l => l.Reason));
    }

    [Fact]
    public void A_shard_that_never_was_has_an_empty_header()
    {
        var read = ShardHeader.Decode(null);
        Assert.Empty(read.Sources);
        Assert.Equal(long.MinValue, read.Watermark.Current);
    }

    [Fact]
    public void Every_truncation_and_every_longer_text_is_refused()
    {
        Check(Partition().Encode(), b => PartitionHeader.Decode(b));
        Check(Shard().Encode(), b => ShardHeader.Decode(b));

        static void Check(byte[] whole, Action<byte[]> decode)
        {
            for (var length = 0; length < whole.Length; length++)
                Assert.Throws<CorruptStateException>(() => decode(whole[..length]));
            Assert.Throws<CorruptStateException>(() => decode([.. whole, 0]));
            Assert.Throws<CorruptStateException>(() => decode([99, .. whole[1..]]));
        }
    }

    [Fact]
    public void Any_bytes_give_a_header_or_are_refused_as_corrupt() => Gen.Byte.Array[0, 60].Sample(bytes =>
    {
        if (bytes.Length > 0) bytes[0] = (byte)(1 + (bytes[0] % 4));
        Try(() => PartitionHeader.Decode(bytes));
        Try(() => ShardHeader.Decode(bytes));

        static void Try(Action decode)
        {
            try
            {
                decode();
            }
            catch (CorruptStateException)
            {
                // Refused, as it should be.
            }
        }
    });

    [Fact]
    public void A_changed_byte_gives_a_header_or_is_refused_as_corrupt()
    {
        var whole = Shard().Encode();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            var bytes = whole.ToArray();
            bytes[at] = value;
            try
            {
                ShardHeader.Decode(bytes);
            }
            catch (CorruptStateException)
            {
                // Refused, as it should be.
            }
        });
    }

    [Fact]
    public void Late_rows_are_kept_until_they_cannot_be_replayed()
    {
        var source = Shard().Sources["t/0"];
        Assert.Equal([90L], source.LateIn(90, 95).Select(l => l.Offset));
        Assert.Equal([90L, 95L], source.LateIn(0, 96).Select(l => l.Offset));
        source.Prune(91);
        Assert.Equal([95L], source.LateIn(0, 200).Select(l => l.Offset));
        source.Prune(96);
        Assert.Empty(source.LateIn(0, 200));
    }

    private static PartitionHeader Partition() => new()
    {
        Position = 1234,
        Watermark = 1_769_850_000_000,
        Counts = new RecordCounts(60, 50, 4, 3, 2, 1),
        Rules = new Dictionary<string, long> { ["q.b"] = 300, ["q.a"] = 1 },
        Steps = [7, 8, 9],
        TopicId = "id-1",
        NewestAt = 1_769_850_000_040,
        LastAt = 1_769_850_000_030,
    };

    private static ShardHeader Shard()
    {
        var header = new ShardHeader { OutboxNext = 42, LateTotal = 2, ClosedTotal = 77, LateByIdleTotal = 3, PartlyLateTotal = 4 };
        var source = header.Source("t/0");
        source.Applied = 100;
        source.Durable = 80;
        source.Epoch = 9;
        source.NewestAt = 1_769_850_000_040;
        source.Late.Add(new LateRecord(90, 10, 20, 5));
        source.Late.Add(new LateRecord(95, 20, 30, 1, LateReason.Idle));
        header.Watermark.Observe("t/0", 900, 0);
        header.Source("t/1");
        return header;
    }
}
