using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Faults of brokers, logs and subscribers, on the embedded broker.</summary>
public sealed class FaultTests : IDisposable
{
    private const string Topic = "orders";
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start(3);

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task A_log_truncated_below_the_position_fails_the_partition_until_a_seek()
    {
        Fill(1, 100);
        _kafka.DeleteRecords(Topic, 0, 80);
        var positions = new FixedPositions { ["p1/orders/0"] = 30 };
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, positions: positions);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        var status = await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.Failed);
        Assert.Equal(KafkaFailureCode.OffsetOutOfRange, status.Failure!.Code);
        Assert.Equal((30, 80, 100), (status.Failure.Position, status.Failure.LogStart, status.Failure.LogEnd));
        Assert.Contains("[80, 100)", status.Failure.Message);
        Assert.Equal(0, streams.Recorder.Records);

        await streams.Control.SeekAsync("p1", Topic, 0, 80);
        await streams.WaitForRecordsAsync(20);
        Assert.Equal(80, streams.Recorder["p1/orders/0"].FirstFrom);
        await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.AtEnd);
    }

    [Fact]
    public async Task A_position_behind_the_end_fails_the_partition()
    {
        Fill(1, 100);
        var positions = new FixedPositions { ["p1/orders/0"] = 500 };
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, positions: positions);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        var status = await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.Failed);
        Assert.Equal((500, 0, 100), (status.Failure!.Position, status.Failure.LogStart, status.Failure.LogEnd));
        Assert.Equal(0, streams.Recorder.Records);
    }

    [Fact]
    public async Task A_position_the_leader_denies_twice_fails_the_partition_until_a_seek()
    {
        Fill(1, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(100);

        // A leader of a new epoch that knows nothing of the one the records were read in.
        _kafka.DeleteRecords(Topic, 0, 100);
        _kafka.SetLeader(Topic, 0, 2);
        _kafka.SetLeader(Topic, 0, 3);
        var status = await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.Failed);
        Assert.Equal(KafkaFailureCode.OffsetOutOfRange, status.Failure!.Code);
        Assert.Equal((100, 100, 100), (status.Failure.Position, status.Failure.LogStart, status.Failure.LogEnd));
        Assert.Contains("was cut below position 100", status.Failure.Message);
        Assert.Contains(streams.Log.Lines, l => l.Contains("Backoff"));

        await streams.Control.SeekAsync("p1", Topic, 0, 100);
        Fill(1, 50, first: 100, create: false);
        await streams.WaitForRecordsAsync(150);
        streams.AssertComplete("p1", Topic, 1, 150);
    }

    [Fact]
    public async Task Brokers_down_leaders_moving_and_errors_cost_time_but_no_record()
    {
        Fill(4, 2_000);
        var numbers = new NumberCheck();
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MaxBatchRecords = 200, recorder: new Recorder { OnRecord = numbers.Check });
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(1_000);

        _kafka.InjectErrors(1, 6, 5, -195, 6, 3, 7, -195);
        _kafka.SetRoundTripTime(2, TimeSpan.FromMilliseconds(150));
        for (var round = 0; round < 6; round++)
        {
            var broker = (round % 3) + 1;
            for (var p = 0; p < 4; p++)
                _kafka.SetLeader(Topic, p, ((p + round) % 3) + 1);
            _kafka.StopBroker(broker);
            _kafka.StartBroker(broker);
            Fill(4, 2_000, first: 2_000 * (round + 1), create: false);
        }

        await streams.WaitForRecordsAsync(4 * 14_000, TimeSpan.FromSeconds(90));
        streams.AssertComplete("p1", Topic, 4, 14_000);
        Assert.Empty(numbers.Faults);
    }

    [Fact]
    public async Task With_all_brokers_down_the_state_says_so_and_reading_goes_on_when_they_are_back()
    {
        Fill(2, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(200);

        for (var broker = 1; broker <= 3; broker++)
            _kafka.StopBroker(broker);
        var status = await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.Backoff);
        Assert.Equal(KafkaFailureCode.Unreachable, status.Failure!.Code);
        for (var broker = 1; broker <= 3; broker++)
            _kafka.StartBroker(broker);
        Fill(2, 100, first: 100, create: false);
        await streams.WaitForRecordsAsync(400);

        await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.AtEnd);
        streams.AssertComplete("p1", Topic, 2, 200);
    }

    [Fact]
    public async Task Settings_that_contradict_each_other_are_named_once()
    {
        Fill(1, 10);
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MaxBackoff = TimeSpan.FromMilliseconds(250));
        streams.Use(new KafkaSource
        {
            Name = "p1", Topics = [Topic], Config = new Dictionary<string, string> { ["fetch.max.bytes"] = "1000" },
        });
        await TestStreams.WaitAsync(
            () => streams.Control.GetStatusesAsync("p1").Result
                .Any(s => s.Failure?.Message.Contains("`fetch.max.bytes` must be >= `message.max.bytes`") == true),
            () => $"{streams.Log}");

        await Task.Delay(1_500, TestContext.Current.CancellationToken);
        Assert.Equal(1, streams.Log.Lines.Count(l => l.Contains("source p1 has trouble")));
    }

    [Fact]
    public async Task Brokers_never_reached_are_named_with_the_cause()
    {
        var nobody = $"127.0.0.1:{FreePorts.Next()}";
        await using var streams = await TestStreams.StartAsync(nobody, o => o.RequestTimeout = TimeSpan.FromSeconds(1));
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        IReadOnlyList<KafkaPartitionStatus> all = [];
        await TestStreams.WaitAsync(
            () => (all = streams.Control.GetStatusesAsync("p1").Result).Count == 1, () => string.Join('\n', all));
        Assert.Equal((-1, KafkaPartitionState.Backoff), (all[0].Partition, all[0].State));
        Assert.Equal(KafkaFailureCode.Unreachable, all[0].Failure!.Code);
        Assert.Contains(nobody, all[0].Failure!.Message);
        Assert.Contains("refused", all[0].Failure!.Message);
    }

    [Fact]
    public async Task A_missing_topic_is_named_and_read_when_it_appears()
    {
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        IReadOnlyList<KafkaPartitionStatus> all = [];
        await TestStreams.WaitAsync(
            () => (all = streams.Control.GetStatusesAsync("p1").Result).Count == 1, () => string.Join('\n', all));
        Assert.Equal((-1, Topic), (all[0].Partition, all[0].Topic));
        Assert.Equal(KafkaFailureCode.UnknownTopicOrPartition, all[0].Failure!.Code);
        Fill(2, 100);
        await streams.WaitForRecordsAsync(200);

        streams.AssertComplete("p1", Topic, 2, 100);
    }

    [Fact]
    public async Task A_subscriber_that_throws_gets_the_same_batch_again_and_misses_nothing()
    {
        Fill(2, 1_000);
        var failures = 0;
        var recorder = new Recorder
        {
            BeforeBatch = batch =>
            {
                if (batch.Partition == 0 && batch.From >= 300 && Interlocked.Increment(ref failures) <= 3)
                    throw new InvalidOperationException("not now");
                return Task.CompletedTask;
            },
        };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MaxBatchRecords = 100, recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(2_000);

        Assert.True(failures > 3);
        streams.AssertComplete("p1", Topic, 2, 1_000);
    }

    [Fact]
    public async Task Slow_subscribers_keep_memory_bounded_and_see_everything_once()
    {
        const int Partitions = 64;
        const long Limit = 16L << 20;
        _kafka.CreateTopic(Topic, Partitions);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers))
            producer.Fill(Topic, Partitions, 3_000, valueBytes: 1_000);
        var until = DateTime.UtcNow + TestSize.Time(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));
        var recorder = new Recorder
        {
            BeforeBatch = _ => DateTime.UtcNow < until ? Task.Delay(1_000) : Task.CompletedTask,
        };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MaxBufferedBytes = Limit, recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        var (peak, before, resident) = (0L, Environment.WorkingSet, 0L);
        while (DateTime.UtcNow < until)
        {
            var all = await streams.Control.GetStatusesAsync("p1");
            peak = Math.Max(peak, all.Sum(s => s.BufferedBytes));
            resident = Math.Max(resident, Environment.WorkingSet - before);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        await streams.WaitForRecordsAsync(Partitions * 3_000);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"bound {Limit}, batches at most {peak}, process grew by {resident} bytes");
        Assert.InRange(peak, 1, Limit / 2);
        streams.AssertComplete("p1", Topic, Partitions, 3_000);
        Assert.All(streams.Recorder.Partitions.Values, p => Assert.Equal(0, p.Redeliveries));
    }

    [Fact]
    public async Task A_partition_without_a_leader_holds_no_other_back()
    {
        Fill(4, 100);
        for (var p = 0; p < 3; p++)
            _kafka.SetLeader(Topic, p, null);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });

        await TestStreams.WaitAsync(
            () => streams.Recorder["p1/orders/3"].Records == 100, () => $"{streams.Recorder.Describe()}\n{streams.Log}");
        Assert.Equal(100, streams.Recorder.Records);
        for (var p = 0; p < 3; p++)
            _kafka.SetLeader(Topic, p, 1);
        await streams.WaitForRecordsAsync(400);
        streams.AssertComplete("p1", Topic, 4, 100);
    }

    [Fact]
    public async Task A_position_source_that_hangs_or_fails_concerns_its_partition_only_and_a_seek_helps()
    {
        Fill(3, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, positions: new Broken());
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(100);
        await streams.WaitForStateAsync("p1", Topic, 1, KafkaPartitionState.Backoff);

        await streams.Control.SeekAsync("p1", Topic, 0, 40);
        await streams.Control.SeekAsync("p1", Topic, 1, 50);
        await streams.WaitForRecordsAsync(100 + 60 + 50);
        await streams.WaitForStateAsync("p1", Topic, 1, KafkaPartitionState.AtEnd);
        Assert.Equal(40, streams.Recorder["p1/orders/0"].FirstFrom);
    }

    [Fact]
    public async Task A_commit_the_broker_refuses_is_sent_again()
    {
        Fill(1, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic], GroupId = "g" });
        await streams.WaitForRecordsAsync(100);

        const int GroupAuthorizationFailed = 30;
        _kafka.InjectErrors(8, GroupAuthorizationFailed, GroupAuthorizationFailed);
        await streams.Control.CommitAsync("p1", Topic, 0, 42);
        using var consumer = new Confluent.Kafka.ConsumerBuilder<byte[], byte[]>(new Confluent.Kafka.ConsumerConfig
        {
            BootstrapServers = _kafka.BootstrapServers, GroupId = "g",
        }).Build();
        var partition = new Confluent.Kafka.TopicPartition(Topic, 0);
        await TestStreams.WaitAsync(
            () => consumer.Committed([partition], TimeSpan.FromSeconds(10))[0].Offset == 42, () => $"{streams.Log}");

        await TestStreams.WaitAsync(() => Count("committed again") == 1, () => $"{streams.Log}");
        Assert.Equal(1, Count("can't be committed"));

        int Count(string text) => streams.Log.Lines.Count(l => l.Contains(text));
    }

    [Fact]
    public async Task Every_change_of_state_is_one_log_line()
    {
        Fill(1, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = [Topic] });
        await streams.WaitForRecordsAsync(100);
        await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.AtEnd);

        _kafka.DeleteRecords(Topic, 0, 90);
        await streams.Control.SeekAsync("p1", Topic, 0, 10);
        await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.Failed);
        streams.Recorder["p1/orders/0"].Expect(90);
        await streams.Control.SeekAsync("p1", Topic, 0, 90);
        await streams.WaitForRecordsAsync(110);
        await streams.WaitForStateAsync("p1", Topic, 0, KafkaPartitionState.AtEnd);

        Assert.Equal(1, Count("Warning", "p1/orders/0 is Failed: OffsetOutOfRange"));
        Assert.Equal(1, Count("Information", "p1/orders/0 is well again"));
        Assert.Equal(1, Count("Information", "owns 32 of 32 slots"));

        int Count(string level, string text) =>
            streams.Log.Lines.Count(l => l.StartsWith(level, StringComparison.Ordinal) && l.Contains(text));
    }

    private void Fill(int partitions, int count, int first = 0, bool create = true)
    {
        if (create)
            _kafka.CreateTopic(Topic, partitions);
        using var producer = new KafkaTestProducer(_kafka.BootstrapServers);
        producer.Fill(Topic, partitions, count, first);
    }

    /// <summary>Partition 0 never gets an answer, partition 1 a failure, partition 2 a position.</summary>
    private sealed class Broken : IKafkaPositionSource
    {
        public async ValueTask<long?> GetPositionAsync(
            string source, string topic, int partition, CancellationToken cancellationToken)
        {
            if (partition == 0)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return partition == 1 ? throw new InvalidOperationException("no database today") : 0;
        }
    }
}
