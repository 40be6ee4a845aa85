using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>The instruments operators watch.</summary>
public sealed class MetricsTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task Records_bytes_lag_and_state_are_measured_per_source()
    {
        const string Source = "metered";
        _kafka.CreateTopic("orders", 2);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers))
            producer.Fill("orders", 2, 500);
        var totals = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "KafkaOracleOrleans.Streams.Kafka")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags, sum: true));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(i, value, tags, sum: false));
        listener.Start();
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        streams.Use(new KafkaSource { Name = Source, Topics = ["orders"] });
        await streams.WaitForRecordsAsync(1_000);

        await TestStreams.WaitAsync(
            () =>
            {
                listener.RecordObservableInstruments();
                return totals.GetValueOrDefault("kafka.partition.state/1") == (int)KafkaPartitionState.AtEnd;
            },
            () => string.Join(", ", totals));
        Assert.Equal(1_000, totals["kafka.consumer.records/"]);
        Assert.True(totals["kafka.consumer.bytes/"] > 1_000 * 160);
        Assert.Equal(0, totals["kafka.partition.lag/0"]);
        Assert.Equal(0, totals["kafka.partition.lag.time/1"]);
        Assert.True(totals.ContainsKey("kafka.partition.held_back/0"));
        Assert.Equal(0, totals["kafka.partition.paused/0"]);

        await streams.Control.PauseAsync(Source, "orders", 0);
        _kafka.StopBroker(1);
        await TestStreams.WaitAsync(
            () =>
            {
                listener.RecordObservableInstruments();
                return totals["kafka.partition.paused/0"] > 0 && totals.GetValueOrDefault("kafka.errors/") > 0;
            },
            () => string.Join(", ", totals));

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, bool sum)
        {
            var (source, partition) = ("", "");
            foreach (var tag in tags)
            {
                source = tag.Key == "source" ? (string)tag.Value! : source;
                partition = tag.Key == "partition" ? tag.Value!.ToString()! : partition;
            }

            if (source == Source)
                totals.AddOrUpdate($"{instrument.Name}/{partition}", value, (_, old) => sum ? old + value : value);
        }
    }
}
