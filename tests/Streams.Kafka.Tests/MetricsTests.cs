using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>The instruments operators watch.</summary>
public sealed class MetricsTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();
    private readonly ConcurrentDictionary<string, double> _totals = new();
    private readonly MeterListener _listener = new();
    private string _source = "";

    public void Dispose()
    {
        _listener.Dispose();
        _kafka.Dispose();
    }

    [Fact]
    public async Task Records_bytes_lag_and_state_are_measured_per_source()
    {
        Listen("metered");
        Fill("orders", 2, 500);
        await using var streams = await StartAsync();
        streams.Use(new KafkaSource { Name = "metered", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(1_000);

        await WaitForAsync(t => t.GetValueOrDefault("kafka.partition.state/1") == (int)KafkaPartitionState.AtEnd);
        Assert.Equal(1_000, _totals["kafka.consumer.records/"]);
        Assert.True(_totals["kafka.consumer.bytes/"] > 1_000 * 160);
        Assert.Equal(1_000, _totals["kafka.consumer.poll.records/"]);
        Assert.Equal(0, _totals["kafka.partition.lag/0"]);
        Assert.Equal(0, _totals["kafka.partition.lag.time/1"]);
        Assert.True(_totals.ContainsKey("kafka.partition.held_back/0"));
        Assert.True(_totals.ContainsKey("kafka.partition.buffered/0"));
        Assert.Equal(0, _totals["kafka.partition.paused/0"]);
        Assert.True(_totals["kafka.slots.changes/taken"] >= 32);

        await streams.Control.PauseAsync("metered", "orders", 0);
        _kafka.StopBroker(1);
        const int Transport = -195;
        await WaitForAsync(t =>
            t["kafka.partition.paused/0"] > 0 && t.GetValueOrDefault($"kafka.errors/{Transport}") > 0);
    }

    [Fact]
    public async Task The_lag_of_a_slow_subscriber_is_measured_in_records_and_seconds()
    {
        Listen("slow");
        Fill("orders", 1, 1_000);
        var gate = new TaskCompletionSource();
        await using var streams = await StartAsync(o => o.MaxBatchRecords = 100, new Recorder
        {
            BeforeBatch = batch => batch.From >= 200 ? gate.Task : Task.CompletedTask,
        });
        streams.Use(new KafkaSource { Name = "slow", Topics = ["orders"] });
        await streams.WaitForRecordsAsync(200);

        // How the log falls into batches is the reader's affair; what is not delivered is behind.
        await WaitForAsync(t => t.GetValueOrDefault("kafka.partition.lag/0") == 1_000 - streams.Recorder.Records
            && t.GetValueOrDefault("kafka.partition.lag.time/0") > 1
            && t.GetValueOrDefault("kafka.partition.held_back/0") > 1);
        gate.SetResult();
        await WaitForAsync(t => t["kafka.partition.lag/0"] == 0 && t["kafka.partition.lag.time/0"] == 0);
    }

    [Fact]
    public async Task What_keeps_a_source_from_having_partitions_shows_as_partition_minus_one()
    {
        Listen("waiting");
        await using var streams = await StartAsync();
        streams.Use(new KafkaSource { Name = "waiting", Topics = ["orders"] });

        await WaitForAsync(t => t.GetValueOrDefault("kafka.partition.state/-1") == (int)KafkaPartitionState.Backoff);
        Assert.False(_totals.ContainsKey("kafka.partition.lag/-1"));
        Fill("orders", 1, 10);
        await WaitForAsync(t => t.GetValueOrDefault("kafka.partition.state/0") == (int)KafkaPartitionState.AtEnd);
        Assert.False(_totals.ContainsKey("kafka.partition.state/-1"));
    }

    private Task<TestStreams> StartAsync(Action<KafkaStreamOptions>? configure = null, Recorder? recorder = null) =>
        TestStreams.StartAsync(
            _kafka.BootstrapServers,
            o =>
            {
                o.RequestTimeout = TimeSpan.FromSeconds(1);
                configure?.Invoke(o);
            },
            recorder: recorder);

    private void Fill(string topic, int partitions, int count)
    {
        _kafka.CreateTopic(topic, partitions);
        using var producer = new KafkaTestProducer(_kafka.BootstrapServers);
        producer.Fill(topic, partitions, count);
    }

    /// <summary>Keeps what is measured of a source, by instrument and partition, error code or kind of change.</summary>
    private void Listen(string source)
    {
        _source = source;
        _listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "KafkaOracleOrleans.Streams.Kafka")
                self.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(i, value, tags));
        _listener.Start();
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (source, detail) = (_source, "");
        foreach (var tag in tags)
        {
            source = tag.Key == "source" ? (string)tag.Value! : source;
            detail = tag.Key is "partition" or "code" or "change" ? tag.Value!.ToString()! : detail;
        }

        if (source == _source)
        {
            _totals.AddOrUpdate(
                $"{instrument.Name}/{detail}", value, (_, old) => instrument.IsObservable ? value : old + value);
        }
    }

    private Task WaitForAsync(Func<ConcurrentDictionary<string, double>, bool> condition) => TestStreams.WaitAsync(
        () =>
        {
            // What is not observed any more must not be seen either.
            foreach (var key in _totals.Keys.Where(k => k.StartsWith("kafka.partition.", StringComparison.Ordinal)))
                _totals.TryRemove(key, out _);
            _listener.RecordObservableInstruments();
            return condition(_totals);
        },
        () => string.Join(", ", _totals),
        TimeSpan.FromSeconds(20));
}
