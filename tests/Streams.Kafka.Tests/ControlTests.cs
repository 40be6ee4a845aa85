using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Seek, pause, resume and state, from the owner and from another silo.</summary>
public sealed class ControlTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task After_a_seek_the_next_batch_begins_at_the_offset_sought(short silos)
    {
        Fill(4, 5_000);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, silos: silos);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(20_000);

        // The news of the end comes in a batch of its own, perhaps: it must not arrive between the next two lines.
        await TestStreams.WaitAsync(
            () => streams.Recorder.Partitions.Values.All(p => p.AtEnd), () => streams.Recorder.Describe());
        for (var partition = 0; partition < 4; partition++)
        {
            streams.Recorder[$"p1/orders/{partition}"].Expect(1_234);
            await streams.Control.SeekAsync("p1", "orders", partition, 1_234);
        }

        await streams.WaitForRecordsAsync(20_000 + (4 * (5_000 - 1_234)));
        streams.AssertComplete("p1", "orders", 4, 5_000 + 5_000 - 1_234);
    }

    [Fact]
    public async Task Seeking_in_the_middle_of_the_load_never_mixes_old_and_new()
    {
        Fill(1, 50_000);
        var froms = new List<long>();
        var recorder = new Recorder
        {
            BeforeBatch = batch =>
            {
                lock (froms)
                    froms.Add(batch.From);
                return Task.CompletedTask;
            },
        };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MaxBatchRecords = 50, recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        var log = streams.Recorder["p1/orders/0"];
        await streams.WaitForRecordsAsync(500);
        for (var i = 0; i < 20; i++)
        {
            var target = (i * 2_311) % 40_000;
            await streams.Control.SeekAsync("p1", "orders", 0, target);
            await TestStreams.WaitAsync(() => Seen(target), () => $"no batch from {target}; {streams.Log}");
        }

        await streams.Control.SeekAsync("p1", "orders", 0, 0);
        log.Expect(0);
        log.Gaps.Clear();
        await TestStreams.WaitAsync(() => log.Position == 50_000, () => log.ToString());
        Assert.Empty(log.Faults);

        bool Seen(long from)
        {
            lock (froms)
                return froms.Contains(from);
        }
    }

    [Fact]
    public async Task A_paused_partition_delivers_nothing_until_resumed_while_others_go_on()
    {
        Fill(2, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(200);

        await streams.Control.PauseAsync("p1", "orders", 0);
        await streams.WaitForStateAsync("p1", "orders", 0, KafkaPartitionState.Paused);
        Fill(2, 100, first: 100, create: false);
        await TestStreams.WaitAsync(
            () => streams.Recorder["p1/orders/1"].Records == 200, () => streams.Recorder.Describe());
        Assert.Equal(100, streams.Recorder["p1/orders/0"].Records);
        await streams.Control.ResumeAsync("p1", "orders", 0);
        await streams.WaitForRecordsAsync(400);

        streams.AssertComplete("p1", "orders", 2, 200);
    }

    [Fact]
    public async Task The_end_of_the_log_is_asked_for_whatever_a_partition_is_doing()
    {
        Fill(4, 100);
        _kafka.DeleteRecords("orders", 2, 50);
        var release = new TaskCompletionSource();
        var recorder = new Recorder { BeforeBatch = b => b.Partition == 1 ? release.Task : Task.CompletedTask };
        var positions = new FixedPositions { ["p1/orders/2"] = 10, ["p1/orders/3"] = -1 };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.MetadataInterval = TimeSpan.FromHours(1), recorder: recorder, positions: positions);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await TestStreams.WaitAsync(() => recorder["p1/orders/0"].Position == 100, () => recorder.Describe());
        await streams.Control.PauseAsync("p1", "orders", 0);
        await streams.WaitForStateAsync("p1", "orders", 2, KafkaPartitionState.Failed);
        await streams.WaitForStateAsync("p1", "orders", 3, KafkaPartitionState.Backoff);

        Fill(4, 100_000, first: 100, create: false);
        IReadOnlyList<KafkaPartitionStatus> all = [];
        await TestStreams.WaitAsync(
            () => (all = streams.Control.GetStatusesAsync("p1").Result).All(s => s.HighWatermark == 100_100), () => string.Join('\n', all));

        Assert.Equal(KafkaPartitionState.Paused, all[0].State);
        Assert.Equal([100_000L, 100_100L, 100_090L, -1L], all.Select(s => s.LagRecords));
        Assert.All(all, s => Assert.InRange(s.HighWatermarkAgeSeconds, 0, 30));
        release.SetResult();

        // Nobody answers any more: the figures stay, and say how old they are.
        _kafka.StopBroker(1);
        await TestStreams.WaitAsync(
            () => (all = streams.Control.GetStatusesAsync("p1").Result).All(s => s.HighWatermarkAgeSeconds > 1), () => string.Join('\n', all));
        Assert.All(all, s => Assert.Equal(100_100, s.HighWatermark));
    }

    [Fact]
    public async Task The_lag_of_a_paused_partition_grows_and_its_pause_is_measured()
    {
        Fill(1, 100);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, silos: 2);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(100);
        var other = streams.Service<IKafkaPartitionControl>(1);
        await other.PauseAsync("p1", "orders", 0);

        for (var first = 100; first < 400; first += 100)
        {
            Fill(1, 100, first, create: false);
            KafkaPartitionStatus? status = null;
            await TestStreams.WaitAsync(
                () => (status = other.GetStatusAsync("p1", "orders", 0).Result)!.LagRecords == first,
                () => $"{status}");
            Assert.Equal(KafkaPartitionState.Paused, status!.State);
            Assert.Equal(first + 100, status.HighWatermark);
            Assert.True(status is { PausedSeconds: > 0, LagSeconds: > 0 }, $"{status}");
        }

        await other.ResumeAsync("p1", "orders", 0);
        await streams.WaitForRecordsAsync(400);
        var after = (await other.GetStatusAsync("p1", "orders", 0))!;
        Assert.Equal(after.PausedSeconds, (await other.GetStatusAsync("p1", "orders", 0))!.PausedSeconds);
    }

    [Fact]
    public async Task The_status_tells_position_watermarks_and_lag_from_any_silo()
    {
        Fill(4, 1_000);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers, silos: 2);
        streams.Use(new KafkaSource { Name = "p1", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(4_000);

        for (var silo = 0; silo < 2; silo++)
        {
            var control = streams.Service<IKafkaPartitionControl>(silo);
            IReadOnlyList<KafkaPartitionStatus> all = [];
            await TestStreams.WaitAsync(
                () =>
                {
                    all = control.GetStatusesAsync("p1").Result;
                    return all.Count == 4 && all.All(s => s is { State: KafkaPartitionState.AtEnd, LagRecords: 0 });
                },
                () => string.Join("\n", all));
            Assert.Equal([0, 1, 2, 3], all.Select(s => s.Partition));
            Assert.All(all, s => Assert.Equal((1_000L, 1_000L, 0L), (s.Position, s.HighWatermark, s.LowWatermark)));
            Assert.All(all, s => Assert.Equal(0, s.LagSeconds));
            Assert.Equal(2, all.Select(s => s.Silo).Distinct().Count());
        }
    }

    [Fact]
    public async Task Controlling_a_partition_nobody_reads_says_so()
    {
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        var e = await Assert.ThrowsAsync<KafkaPartitionNotOwnedException>(
            () => streams.Control.SeekAsync("nobody", "orders", 0, 5));
        Assert.Contains("nobody/orders/0", e.Message);
        Assert.Null(await streams.Control.GetStatusAsync("nobody", "orders", 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => streams.Control.SeekAsync("p", "t", 0, -1));
    }

    private void Fill(int partitions, int count, int first = 0, bool create = true)
    {
        if (create)
            _kafka.CreateTopic("orders", partitions);
        using var producer = new KafkaTestProducer(_kafka.BootstrapServers);
        producer.Fill("orders", partitions, count, first);
    }
}
