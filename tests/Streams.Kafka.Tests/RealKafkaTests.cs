using Confluent.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>One Apache Kafka for the tests that need what a mock can't do.</summary>
public sealed class SharedKafka : IAsyncLifetime
{
    private KafkaBroker? _broker;

    public KafkaBroker Broker
    {
        get
        {
            Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
            return _broker!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (KafkaBroker.SkipReason is null)
            _broker = await KafkaBroker.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
    }
}

/// <summary>Reading from Apache Kafka.</summary>
public sealed class RealKafkaTests(SharedKafka shared) : IClassFixture<SharedKafka>
{
    private KafkaBroker Kafka => shared.Broker;

    [Fact]
    public async Task All_records_of_eight_partitions_arrive_in_order()
    {
        var perPartition = TestSize.Records(500_000, 5_000_000) / 8;
        await FillAsync("large", 8, perPartition);
        var numbers = new NumberCheck();
        await using var streams = await TestStreams.StartAsync(
            Kafka.BootstrapServers, recorder: new Recorder { OnRecord = numbers.Check });

        streams.Use(new KafkaSource { Name = "p1", Topics = ["large"] });
        await streams.WaitForRecordsAsync(perPartition * 8, TimeSpan.FromMinutes(3));

        streams.AssertComplete("p1", "large", 8, perPartition);
        Assert.Empty(numbers.Faults);
        Assert.All(streams.Recorder.Partitions.Values, p => Assert.Equal(0, p.Redeliveries));
    }

    [Fact]
    public async Task Topics_are_told_apart_however_many_ask_at_once()
    {
        var topics = Enumerable.Range(0, 30).Select(i => $"told-apart-{i}").ToArray();
        foreach (var topic in topics) await Kafka.CreateTopicAsync(topic, 1);
        using var catalog = new TopicCatalog(new KafkaConnection { BootstrapServers = Kafka.BootstrapServers }, TimeSpan.FromSeconds(30), _ => { });
        await AskAllAsync();
        // The first answer may come later than one waits for it; from then on it is waited for.
        while (catalog.IsAskingForIds) await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("", await AskAllAsync());
        Assert.Equal(topics.Length, (await AskAllAsync()).Distinct().Count());

        Task<string[]> AskAllAsync() => Task.WhenAll(topics.Select(async t => (await catalog.FindAsync(new KafkaSource { Name = t, Topics = [t] }))[0].Id));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task No_header_is_missed_among_records_without(string compression)
    {
        await Kafka.CreateTopicAsync("mix-" + compression, 1);
        await HeaderMix.AssertArrivesAsync(Kafka.BootstrapServers, "mix-" + compression, compression);
    }

    [Fact]
    public async Task Aborted_transactions_and_control_records_are_holes_not_gaps()
    {
        await Kafka.CreateTopicAsync("tx", 1);
        using (var producer = new KafkaTestProducer(Kafka.BootstrapServers, transactionalId: "tx-1"))
        {
            producer.Inner.InitTransactions(TimeSpan.FromSeconds(30));
            for (var i = 0; i < 10; i++)
            {
                producer.Inner.BeginTransaction();
                for (var j = 0; j < 10; j++)
                    producer.Send("tx", 0, (i * 10) + j);
                producer.Flush();
                if (i % 2 == 0)
                    producer.Inner.CommitTransaction();
                else
                    producer.Inner.AbortTransaction();
            }
        }

        // 100 records and 10 markers; the last transaction is aborted, so the log ends in a hole.
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "committed", Topics = ["tx"] });
        streams.Use(new KafkaSource
        {
            Name = "all", Topics = ["tx"], IsolationLevel = KafkaIsolationLevel.ReadUncommitted,
        });
        var committed = streams.Recorder["committed/tx/0"];
        var all = streams.Recorder["all/tx/0"];
        await TestStreams.WaitAsync(
            () => committed.Position == 110 && all.Position == 110, () => streams.Recorder.Describe());

        Assert.Equal((50, 100), (committed.Records, all.Records));
        Assert.True(committed.AtEnd);
        Assert.Empty(committed.Gaps);
        Assert.Empty(all.Gaps);
        Assert.Equal(Enumerable.Range(0, 100).Where(i => i / 10 % 2 == 0), committed.Values.Select(Number));
        var status = await streams.WaitForStateAsync("committed", "tx", 0, KafkaPartitionState.AtEnd);
        Assert.Equal((110, 0), (status.Position, status.LagRecords));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_partition_with_an_open_transaction_is_not_at_its_end_and_has_lag(bool commits)
    {
        var topic = commits ? "open-committed" : "open-aborted";
        await Kafka.CreateTopicAsync(topic, 1);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [topic] });
        await streams.WaitForStateAsync("p1", topic, 0, KafkaPartitionState.AtEnd);

        using var producer = new KafkaTestProducer(Kafka.BootstrapServers, transactionalId: topic);
        producer.Inner.InitTransactions(TimeSpan.FromSeconds(30));
        for (var round = 0; round < 2; round++)
        {
            // Five records and, once it is over, a marker.
            var first = round * 6;
            producer.Inner.BeginTransaction();
            for (var i = 0; i < 5; i++)
                producer.Send(topic, 0, (round * 5) + i);
            producer.Flush();
            KafkaPartitionStatus? status = null;
            await TestStreams.WaitAsync(
                () => (status = streams.Control.GetStatusAsync("p1", topic, 0).Result)!.OpenTransactionAt == first, () => $"{status}");
            Assert.Equal((KafkaPartitionState.Running, 5, first + 5), (status!.State, status.LagRecords, status.HighWatermark));
            Assert.Equal(first, status.Position);

            if (commits)
                producer.Inner.CommitTransaction();
            else
                producer.Inner.AbortTransaction();
            var end = await streams.WaitForStateAsync("p1", topic, 0, KafkaPartitionState.AtEnd);
            await TestStreams.WaitAsync(() => streams.Recorder[$"p1/{topic}/0"].Position == first + 6, () => streams.Recorder.Describe());
            end = await streams.WaitForStateAsync("p1", topic, 0, KafkaPartitionState.AtEnd);
            Assert.Equal((first + 6, 0, -1), (end.Position, end.LagRecords, end.OpenTransactionAt));
            Assert.Equal(commits ? (round + 1) * 5 : 0, streams.Recorder.Records);
            Assert.True(streams.Recorder[$"p1/{topic}/0"].AtEnd);
        }
    }

    [Fact]
    public async Task A_reader_that_begins_in_an_open_transaction_is_not_at_the_end()
    {
        await Kafka.CreateTopicAsync("begun", 1);
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers, transactionalId: "begun");
        producer.Inner.InitTransactions(TimeSpan.FromSeconds(30));
        producer.Inner.BeginTransaction();
        producer.Fill("begun", 1, 5);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["begun"] });
        streams.Use(new KafkaSource { Name = "all", Topics = ["begun"], IsolationLevel = KafkaIsolationLevel.ReadUncommitted });
        KafkaPartitionStatus? status = null;
        await TestStreams.WaitAsync(
            () => (status = streams.Control.GetStatusAsync("p1", "begun", 0).Result) is { OpenTransactionAt: 0 }, () => $"{status}\n{streams.Log}");
        Assert.Equal((KafkaPartitionState.Running, 5), (status!.State, status.LagRecords));

        // The news of the stop comes as a batch; it does not say that this is the end.
        await TestStreams.WaitAsync(() => streams.Recorder["p1/begun/0"].Batches > 0, () => streams.Recorder.Describe());
        Assert.False(streams.Recorder["p1/begun/0"].AtEnd);
        var uncommitted = await streams.WaitForStateAsync("all", "begun", 0, KafkaPartitionState.AtEnd);
        Assert.Equal((0, -1), (uncommitted.LagRecords, uncommitted.OpenTransactionAt));
        producer.Inner.AbortTransaction();
        await streams.WaitForStateAsync("p1", "begun", 0, KafkaPartitionState.AtEnd);
    }

    [Fact]
    public async Task Compaction_leaves_holes_not_gaps()
    {
        await Kafka.CreateTopicAsync(
            "compacted",
            1,
            ("cleanup.policy", "compact"),
            ("segment.ms", "100"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("min.compaction.lag.ms", "0"),
            ("max.compaction.lag.ms", "100"));
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers);
        for (var round = 0; round < 20; round++)
        {
            for (var key = 0; key < 50; key++)
                producer.Send("compacted", 0, [(byte)key], BitConverter.GetBytes(round));
            producer.Flush();
            await Task.Delay(120, TestContext.Current.CancellationToken);
        }

        await WaitForCompactionAsync(producer);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["compacted"] });
        var log = streams.Recorder["p1/compacted/0"];
        await TestStreams.WaitAsync(() => log.AtEnd && log.Position >= 1_000, () => streams.Recorder.Describe());

        Assert.Empty(log.Gaps);
        Assert.Equal(0, log.FirstFrom);
        Assert.True(log.Records < log.Position, $"nothing was compacted: {log}");
        Assert.Equal(50, log.Values.Select(v => v.Key).Where(k => k!.Length == 1 && k[0] < 50).Distinct().Count());
    }

    [Fact]
    public async Task A_partition_added_while_running_is_read()
    {
        await FillAsync("growing", 2, 100);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["growing"] });
        await streams.WaitForRecordsAsync(200);

        await Kafka.AddPartitionsAsync("growing", 5);
        using (var producer = new KafkaTestProducer(Kafka.BootstrapServers))
        {
            for (var p = 2; p < 5; p++)
            {
                for (var i = 0; i < 100; i++)
                    producer.Send("growing", p, i);
            }

            producer.Flush();
        }

        await streams.WaitForRecordsAsync(500);
        streams.AssertComplete("p1", "growing", 5, 100);
    }

    [Fact]
    public async Task A_topic_deleted_and_created_again_fails_its_partitions_until_a_seek()
    {
        await FillAsync("again", 1, 100);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["again"] });
        await streams.WaitForRecordsAsync(100);
        await Task.Delay(1_200, TestContext.Current.CancellationToken);

        await Kafka.DeleteTopicAsync("again");
        await streams.WaitForStateAsync("p1", "again", 0, KafkaPartitionState.Backoff, KafkaPartitionState.Failed);
        await FillAsync("again", 1, 200);
        var status = await streams.WaitForStateAsync("p1", "again", 0, KafkaPartitionState.Failed);
        Assert.True(
            status.Failure!.Code is KafkaFailureCode.TopicRecreated or KafkaFailureCode.OffsetOutOfRange,
            status.ToString());
        Assert.Equal(100, streams.Recorder.Records);

        streams.Recorder["p1/again/0"].Expect(0);
        await streams.Control.SeekAsync("p1", "again", 0, 0);
        await streams.WaitForRecordsAsync(300);
        Assert.Empty(streams.Recorder["p1/again/0"].Gaps);
    }

    [Fact]
    public async Task A_topic_recreated_between_two_looks_fails_before_its_records_are_taken_for_the_next_ones()
    {
        await FillAsync("swapped", 1, 100);
        await using var streams = await TestStreams.StartAsync(
            Kafka.BootstrapServers, o => o.MetadataInterval = TimeSpan.FromSeconds(3));
        streams.Use(new KafkaSource { Name = "p1", Topics = ["swapped"] });
        for (var round = 1; round <= 2; round++)
        {
            await streams.WaitForRecordsAsync(100 * round * round);
            await Kafka.DeleteTopicAsync("swapped");
            await FillAsync("swapped", 1, 300);
            var status = await streams.WaitForStateAsync("p1", "swapped", 0, KafkaPartitionState.Failed);
            Assert.Equal(KafkaFailureCode.TopicRecreated, status.Failure!.Code);
            Assert.Equal(100 * round * round, streams.Recorder.Records);
            streams.Recorder["p1/swapped/0"].Expect(0);
            await streams.Control.SeekAsync("p1", "swapped", 0, 0);
        }

        // The looks that follow know the new topic already.
        await streams.WaitForRecordsAsync(700);
        await Task.Delay(3_500, TestContext.Current.CancellationToken);
        await streams.WaitForStateAsync("p1", "swapped", 0, KafkaPartitionState.AtEnd);
        Assert.Equal(2, streams.Log.Lines.Count(l => l.Contains("is Failed: TopicRecreated")));
        Assert.DoesNotContain(streams.Log.Lines, l => l.Contains("METADATA"));
    }

    [Fact]
    public async Task A_record_larger_than_may_be_received_is_not_stepped_over_and_the_remedy_is_named()
    {
        await Kafka.CreateTopicAsync("huge", 1, ("max.message.bytes", "10000000"));
        using (var producer = new KafkaTestProducer(Kafka.BootstrapServers, compression: "none"))
        {
            producer.Send("huge", 0, 1);
            producer.Flush();
            producer.Send("huge", 0, [1], new byte[900_000]);
            producer.Flush();
            producer.Send("huge", 0, 2);
            producer.Flush();
        }

        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource
        {
            Name = "p1",
            Topics = ["huge"],
            Config = new Dictionary<string, string>
            {
                ["receive.message.max.bytes"] = "500512",
                ["fetch.max.bytes"] = "400000",
                ["message.max.bytes"] = "400000",
            },
        });
        await TestStreams.WaitAsync(
            () => streams.Control.GetStatusesAsync("p1").Result
                .Any(s => s.Failure?.Message.Contains("increase receive.message.max.bytes") == true),
            () => $"{streams.Log}");
        Assert.True(streams.Recorder.Records < 2, "something behind the large record was read");

        streams.Use(new KafkaSource { Name = "p1", Topics = ["huge"] });
        await TestStreams.WaitAsync(
            () => streams.Recorder["p1/huge/0"].Position == 3, () => $"{streams.Recorder.Describe()}\n{streams.Log}");
        streams.AssertComplete("p1", "huge", 1, 3);
    }

    [Fact]
    public async Task Records_deleted_below_the_position_fail_the_partition()
    {
        await FillAsync("trimmed", 1, 1_000);
        await Kafka.DeleteRecordsAsync("trimmed", 0, 600);
        var positions = new FixedPositions { ["p1/trimmed/0"] = 200 };
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers, positions: positions);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["trimmed"] });

        var status = await streams.WaitForStateAsync("p1", "trimmed", 0, KafkaPartitionState.Failed);
        Assert.Equal(KafkaFailureCode.OffsetOutOfRange, status.Failure!.Code);
        Assert.Equal((200, 600, 1_000), (status.Failure.Position, status.Failure.LogStart, status.Failure.LogEnd));
        Assert.Equal(0, streams.Recorder.Records);
    }

    [Fact]
    public async Task Reading_can_start_at_a_time()
    {
        await FillAsync("timed", 1, 10);
        await Task.Delay(1_100, TestContext.Current.CancellationToken);
        var middle = DateTimeOffset.UtcNow;
        await Task.Delay(1_100, TestContext.Current.CancellationToken);
        using (var producer = new KafkaTestProducer(Kafka.BootstrapServers))
            producer.Fill("timed", 1, 5, first: 10);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);

        streams.Use(new KafkaSource
        {
            Name = "middle", Topics = ["timed"], StartPosition = KafkaStartPosition.At(middle),
        });
        streams.Use(new KafkaSource
        {
            Name = "past",
            Topics = ["timed"],
            StartPosition = KafkaStartPosition.At(middle.AddHours(-1)),
        });
        streams.Use(new KafkaSource
        {
            Name = "future",
            Topics = ["timed"],
            StartPosition = KafkaStartPosition.At(middle.AddHours(1)),
        });
        await streams.WaitForRecordsAsync(20);
        var status = await streams.WaitForStateAsync("future", "timed", 0, KafkaPartitionState.AtEnd);

        Assert.Equal(10, streams.Recorder["middle/timed/0"].FirstFrom);
        Assert.Equal(0, streams.Recorder["past/timed/0"].FirstFrom);
        Assert.Equal(15, status.FetchPosition);
    }

    [Fact]
    public async Task Committed_offsets_show_in_kafkas_own_tool()
    {
        await FillAsync("lagging", 2, 100);
        await using var streams = await TestStreams.StartAsync(Kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["lagging"], GroupId = "visible" });
        await streams.WaitForRecordsAsync(200);
        await streams.Control.CommitAsync("p1", "lagging", 0, 42);
        await streams.Control.CommitAsync("p1", "lagging", 1, 100);

        var text = "";
        await TestStreams.WaitAsync(
            () =>
            {
                text = Kafka.RunToolAsync("kafka-consumer-groups", "--describe", "--group", "visible").Result;
                return HasRow(text, "lagging", "0", "42", "100", "58")
                    && HasRow(text, "lagging", "1", "100", "100", "0");
            },
            () => text);
    }

    [Fact]
    public async Task A_broker_killed_in_the_middle_of_the_load_costs_no_record()
    {
        // Its own broker: others must not notice.
        _ = Kafka;
        await using var broker = await KafkaBroker.StartAsync();
        const int Partitions = 4;
        var perPartition = TestSize.Records(50_000, 500_000);
        await broker.CreateTopicAsync("load", Partitions);
        var half = perPartition / 2;
        using (var producer = new KafkaTestProducer(broker.BootstrapServers))
            producer.Fill("load", Partitions, half);
        var numbers = new NumberCheck();
        await using var streams = await TestStreams.StartAsync(
            broker.BootstrapServers, o => o.MaxBatchRecords = 500, recorder: new Recorder { OnRecord = numbers.Check });
        streams.Use(new KafkaSource { Name = "p1", Topics = ["load"] });
        await streams.WaitForRecordsAsync(half);

        await broker.KillAsync();
        await streams.WaitForStateAsync("p1", "load", 0, KafkaPartitionState.Backoff);
        await broker.RestartAsync();
        using (var producer = new KafkaTestProducer(broker.BootstrapServers))
            producer.Fill("load", Partitions, half, first: half);
        await streams.WaitForRecordsAsync(Partitions * perPartition, TimeSpan.FromMinutes(2));

        streams.AssertComplete("p1", "load", Partitions, perPartition);
        Assert.Empty(numbers.Faults);
    }

    [Fact]
    public async Task Wrong_credentials_are_named_without_the_secret_and_right_ones_read()
    {
        _ = Kafka;
        await using var broker = await KafkaBroker.StartWithSaslAsync("reader", "right-secret");
        await broker.CreateTopicAsync("private", 1);
        using (var producer = new KafkaTestProducer(broker.BootstrapServers))
            producer.Fill("private", 1, 10);
        await using var streams = await TestStreams.StartAsync(broker.BootstrapServers, o =>
        {
            o.Connections["wrong"] = Login("wrong-secret");
            o.Connections["right"] = Login("right-secret");
        });
        streams.Use(new KafkaSource { Name = "wrong", Topics = ["private"], ConnectionName = "wrong" });
        streams.Use(new KafkaSource { Name = "right", Topics = ["private"], ConnectionName = "right" });
        await streams.WaitForRecordsAsync(10);

        IReadOnlyList<KafkaPartitionStatus> wrong = [];
        await TestStreams.WaitAsync(
            () => (wrong = streams.Control.GetStatusesAsync("wrong").Result)
                .Any(s => s.Failure?.Code == KafkaFailureCode.Authentication),
            () => string.Join('\n', wrong));
        Assert.DoesNotContain("wrong-secret", wrong[0].Failure!.Message);
        Assert.DoesNotContain("-secret", string.Join('\n', streams.Log.Lines));
        streams.AssertComplete("right", "private", 1, 10);

        KafkaConnection Login(string password) => new()
        {
            BootstrapServers = broker.SaslBootstrapServers!,
            SecurityProtocol = "sasl_plaintext",
            AllowPlaintextPassword = true,
            SaslMechanism = "PLAIN",
            SaslUsername = "reader",
            SaslPassword = password,
        };
    }

    private static int Number((long Offset, string? Key, string? Value) record) =>
        int.Parse(record.Value!.TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);

    private static bool HasRow(string text, string topic, params string[] values) => text.Split('\n').Any(line =>
    {
        var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return columns.Length > 5 && columns[1] == topic && columns.Skip(2).Take(4).SequenceEqual(values);
    });

    /// <summary>New segments are needed for the cleaner to take the old ones; it runs every 15 s.</summary>
    private async Task WaitForCompactionAsync(KafkaTestProducer producer)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = Kafka.BootstrapServers, GroupId = "compaction-watch", EnablePartitionEof = true,
        }).Build();
        var partition = new TopicPartition("compacted", 0);
        for (var attempt = 0; attempt < 120; attempt++)
        {
            producer.Send("compacted", 0, [100], [1]);
            producer.Flush();
            consumer.Assign(new TopicPartitionOffset(partition, 0));
            var records = 0;
            var end = 0L;
            while (consumer.Consume(TimeSpan.FromSeconds(5)) is { } result)
            {
                end = result.Offset.Value;
                if (result.IsPartitionEOF)
                    break;
                records++;
            }

            if (records < end / 2)
                return;
            await Task.Delay(500, TestContext.Current.CancellationToken);
        }

        Assert.Fail("The topic was not compacted in time.");
    }

    private async Task FillAsync(string topic, int partitions, int count)
    {
        await Kafka.CreateTopicAsync(topic, partitions);
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers);
        producer.Fill(topic, partitions, count);
    }
}
