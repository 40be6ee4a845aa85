using System.Diagnostics.Metrics;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>The provider's instruments, meter <see cref="MeterName"/>.</summary>
internal sealed class KafkaMetrics : IDisposable
{
    public const string MeterName = "KafkaOracleOrleans.Streams.Kafka";

    private readonly Meter _meter;
    private readonly Counter<long> _records;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _slotChanges;
    private readonly Counter<long> _rebalances;
    private readonly Counter<long> _consumed;
    private readonly Counter<long> _redeliveries;
    private readonly Counter<long> _produced;
    private readonly Counter<long> _produceErrors;
    private readonly Histogram<int> _batchRecords;

    public KafkaMetrics(Func<IEnumerable<KafkaPartitionStatus>> partitions)
    {
        _meter = new Meter(MeterName);
        _records = _meter.CreateCounter<long>("kafka.consumer.records", "{record}", "Records read.");
        _bytes = _meter.CreateCounter<long>("kafka.consumer.bytes", "By", "Bytes read, columns included.");
        _batchRecords = _meter.CreateHistogram<int>("kafka.consumer.poll.records", "{record}", "Records per poll.");
        _errors = _meter.CreateCounter<long>("kafka.errors", "{error}", "Errors by librdkafka code.");
        _slotChanges = _meter.CreateCounter<long>("kafka.slots.changes", "{change}", "Slots taken and given up.");
        _rebalances = _meter.CreateCounter<long>(
            "kafka.source.rebalances", "{rebalance}", "Changes of the set of a source's partitions that this silo reads.");
        _consumed = _meter.CreateCounter<long>(
            "messaging.client.consumed.messages", "{message}", "As OpenTelemetry's conventions have it: records read.");
        _redeliveries = _meter.CreateCounter<long>(
            "kafka.redeliveries", "{batch}", "Batches offered again after the subscriber failed.");
        _produced = _meter.CreateCounter<long>("kafka.producer.records", "{record}", "Records written.");
        _produceErrors = _meter.CreateCounter<long>("kafka.producer.errors", "{error}", "Records not written.");
        _meter.CreateObservableGauge(
            "kafka.partition.lag",
            () => Observe(partitions(), p => p.LagRecords),
            "{record}",
            "Records not handed out.");
        _meter.CreateObservableGauge(
            "kafka.partition.end.age", () => Observe(partitions(), p => p.HighWatermarkAgeSeconds), "s",
            "Time since the partition's leader last told the end of the log: how old the lag is.");
        _meter.CreateObservableGauge(
            "kafka.partition.lag.time", () => Observe(partitions(), p => p.LagSeconds), "s",
            "Age of the last record handed out; 0 at the end.");
        _meter.CreateObservableCounter(
            "kafka.partition.paused", () => Observe(partitions(), p => p.PausedSeconds), "s",
            "Time partitions were paused on request.");
        _meter.CreateObservableCounter(
            "kafka.partition.held_back", () => Observe(partitions(), p => p.HeldBackSeconds), "s",
            "Time reading stood still because subscribers had not taken what was read.");
        _meter.CreateObservableGauge(
            "kafka.partition.buffered", () => Observe(partitions(), p => (double)p.BufferedBytes), "By",
            "Bytes buffered.");

        // Partition -1 is here too: a topic that is missing, or brokers never reached, must show where alerts look.
        _meter.CreateObservableGauge(
            "kafka.partition.state", () => Observe(partitions(), p => (double)(int)p.State, from: -1), null,
            "0 starting, 1 running, 2 at end, 3 paused, 4 back-off, 5 failed.");
    }

    public void Received(KafkaStreamId id, int records, long bytes)
    {
        var source = new KeyValuePair<string, object?>("source", id.Source);
        var topic = new KeyValuePair<string, object?>("topic", id.Topic);
        _records.Add(records, source, topic);
        _bytes.Add(bytes, source, topic);
        _consumed.Add(
            records,
            new KeyValuePair<string, object?>("messaging.system", "kafka"),
            new KeyValuePair<string, object?>("messaging.operation.name", "poll"),
            new KeyValuePair<string, object?>("messaging.destination.name", id.Topic));
        _batchRecords.Record(records, source);
    }

    public void Error(string source, int code) => _errors.Add(
        1, new KeyValuePair<string, object?>("source", source), new KeyValuePair<string, object?>("code", code));

    public void SlotChanged(bool taken) =>
        _slotChanges.Add(1, new KeyValuePair<string, object?>("change", taken ? "taken" : "given_up"));

    public void Rebalanced(string source) => _rebalances.Add(1, new KeyValuePair<string, object?>("source", source));

    public void Redelivered(KafkaStreamId id, int batches) =>
        _redeliveries.Add(batches, new KeyValuePair<string, object?>("source", id.Source));

    public void Produced(string topic, int records) =>
        _produced.Add(records, new KeyValuePair<string, object?>("topic", topic));

    public void ProduceFailed(string topic, string code) => _produceErrors.Add(
        1, new KeyValuePair<string, object?>("topic", topic), new KeyValuePair<string, object?>("code", code));

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> Observe(
        IEnumerable<KafkaPartitionStatus> partitions, Func<KafkaPartitionStatus, double> value, int from = 0)
    {
        foreach (var partition in partitions.Where(p => p.Partition >= from))
        {
            var measured = value(partition);
            if (measured >= 0)
            {
                yield return new Measurement<double>(
                    measured,
                    new KeyValuePair<string, object?>("source", partition.Source),
                    new KeyValuePair<string, object?>("topic", partition.Topic),
                    new KeyValuePair<string, object?>("partition", partition.Partition));
            }
        }
    }
}
