using System.Text;
using Confluent.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Reading from the embedded broker.</summary>
public sealed class ReadingTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task Every_record_of_every_partition_arrives_once_and_in_order()
    {
        Fill("orders", 4, 25_000);
        var numbers = new NumberCheck();
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, recorder: new Recorder { OnRecord = numbers.Check });

        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(100_000);

        streams.AssertComplete("p1", "orders", 4, 25_000);
        Assert.Empty(numbers.Faults);
        Assert.Equal(0, streams.Recorder["p1/orders/0"].FirstFrom);
        Assert.All(streams.Recorder.Partitions.Values, p => Assert.Equal(0, p.Redeliveries));
    }

    [Fact]
    public async Task Null_keys_tombstones_empty_values_headers_and_timestamps_arrive_as_written()
    {
        _kafka.CreateTopic("odd", 1);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers))
        {
            producer.Send("odd", 0, null, "v0"u8.ToArray());
            producer.Send("odd", 0, "k1"u8.ToArray(), null);
            producer.Send("odd", 0, [], []);
            producer.Send("odd", 0, "k3"u8.ToArray(), "v3"u8.ToArray(), new Headers
            {
                { "trace", "abc"u8.ToArray() },
                { "trace", null },
                { "größe", [] },
            });
            producer.Flush();
        }

        var headers = new List<string>();
        var timestamps = new List<long>();
        var recorder = new Recorder
        {
            OnRecord = (batch, i) =>
            {
                timestamps.Add(batch.TimestampsMs[i]);
                foreach (var header in batch.Headers(i))
                    headers.Add($"{batch.Offsets[i]}:{header.Key}={(header.IsNull ? "null" : Encoding.UTF8.GetString(header.Value))}");
            },
        };
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["odd"] });
        await streams.WaitForRecordsAsync(4);

        Assert.Equal(
            [(0L, null, "v0"), (1L, "k1", null), (2L, "", ""), (3L, "k3", "v3")],
            recorder["p1/odd/0"].Values);
        Assert.Equal(["3:trace=abc", "3:trace=null", "3:größe="], headers);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.All(timestamps, t => Assert.InRange(t, now - 60_000, now + 1_000));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("lz4")]
    public async Task No_header_is_missed_among_records_without(string compression)
    {
        _kafka.CreateTopic("mix", 1);
        await HeaderMix.AssertArrivesAsync(_kafka.BootstrapServers, "mix", compression);
    }

    [Fact]
    public async Task Start_positions_decide_only_when_nothing_is_known()
    {
        Fill("orders", 2, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);

        streams.Use(new KafkaSource
        {
            Name = "explicit",
            Topics = ["orders"],
            StartPosition = KafkaStartPosition.FromOffsets(new Dictionary<string, long> { ["orders/1"] = 40 }),
        });
        streams.Use(new KafkaSource
        {
            Name = "latest", Topics = ["orders"], StartPosition = KafkaStartPosition.Latest,
        });
        await streams.WaitForRecordsAsync(100 + 60);
        await streams.WaitForStateAsync("latest", "orders", 0, KafkaPartitionState.AtEnd);
        await streams.WaitForStateAsync("latest", "orders", 1, KafkaPartitionState.AtEnd);
        Fill("orders", 2, 1, first: 100, create: false);
        await streams.WaitForRecordsAsync(100 + 60 + 4);

        Assert.Equal(0, streams.Recorder["explicit/orders/0"].FirstFrom);
        Assert.Equal(40, streams.Recorder["explicit/orders/1"].FirstFrom);
        Assert.Equal(100, streams.Recorder["latest/orders/0"].FirstFrom);
    }

    [Fact]
    public async Task The_applications_position_wins_over_the_committed_one_and_that_over_the_start_position()
    {
        Fill("orders", 3, 100);
        await using (var first = await TestStreams.StartAsync(_kafka.BootstrapServers))
        {
            first.Use(new KafkaSource { Name = "p1", Topics = ["orders"], GroupId = "g" });
            await first.WaitForRecordsAsync(300);
            await first.Control.CommitAsync("p1", "orders", 0, 50);
            await first.Control.CommitAsync("p1", "orders", 1, 60);
        }

        var positions = new FixedPositions { ["p1/orders/1"] = 70 };
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, positions: positions);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"], GroupId = "g" });
        await streams.WaitForRecordsAsync(50 + 30 + 100);

        Assert.Equal(50, streams.Recorder["p1/orders/0"].FirstFrom);
        Assert.Equal(70, streams.Recorder["p1/orders/1"].FirstFrom);
        Assert.Equal(0, streams.Recorder["p1/orders/2"].FirstFrom);
    }

    [Fact]
    public async Task A_position_source_that_fails_is_asked_again_until_it_answers()
    {
        Fill("orders", 1, 10);
        var positions = new FixedPositions { ["p1/orders/0"] = 4 };
        positions.Failures = 3;
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, positions: positions);

        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        var status = await streams.WaitForStateAsync("p1", "orders", 0, KafkaPartitionState.Backoff);
        Assert.Equal(KafkaFailureCode.PositionSource, status.Failure!.Code);
        Assert.Contains("no database today", status.Failure.Message);
        await streams.WaitForRecordsAsync(6);

        Assert.Equal(4, streams.Recorder["p1/orders/0"].FirstFrom);
    }

    [Fact]
    public async Task Topics_that_match_a_pattern_appear_while_running_and_sources_come_and_go()
    {
        Fill("sales.eu", 2, 50);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [@"^sales\..+$"] });
        await streams.WaitForRecordsAsync(100);

        Fill("sales.us", 3, 50);
        Fill("other", 1, 50);
        await streams.WaitForRecordsAsync(250);
        streams.Use(new KafkaSource { Name = "p2", Topics = ["other"] });
        await streams.WaitForRecordsAsync(300);
        foreach (var silo in streams.Cluster.Silos)
            Assert.True(streams.Service<IKafkaSourceRegistry>(0).Remove("p1"));
        await TestStreams.WaitAsync(
            () => streams.Control.GetStatusesAsync("p1").Result.Count == 0, () => "p1 is still there");
        Fill("sales.us", 3, 50, first: 50, create: false);
        Fill("other", 1, 50, first: 50, create: false);
        await TestStreams.WaitAsync(
            () => streams.Recorder["p2/other/0"].Records == 100, () => streams.Recorder.Describe());

        streams.AssertComplete("p1", "sales.us", 3, 50);
        Assert.DoesNotContain("p1/other/0", streams.Recorder.Partitions.Keys);
    }

    [Fact]
    public async Task Batches_respect_their_limits_and_small_memory_still_gets_everything_through()
    {
        Fill("orders", 2, 3_000);
        var tooLarge = 0;
        var recorder = new Recorder
        {
            BeforeBatch = batch =>
            {
                if (batch.Count > 100)
                    Interlocked.Increment(ref tooLarge);
                return Task.CompletedTask;
            },
        };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers,
            o =>
            {
                o.MaxBatchRecords = 100;
                o.MaxBufferedBytes = 8 << 20;
                o.MaxBatchesInFlight = 1;
            },
            recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers))
        {
            producer.Send("orders", 0, [1, 0, 0, 0], new byte[900_000]);
            producer.Flush();
        }

        await streams.WaitForRecordsAsync(6_001);

        Assert.Equal(0, tooLarge);
        streams.AssertComplete("p1", "orders", 1, 3_001);
    }

    private void Fill(string topic, int partitions, int count, int first = 0, bool create = true)
    {
        if (create)
            _kafka.CreateTopic(topic, partitions);
        using var producer = new KafkaTestProducer(_kafka.BootstrapServers);
        producer.Fill(topic, partitions, count, first);
    }
}
