using System.Collections.Concurrent;
using Confluent.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka.Producing;

/// <summary>
/// Writes what is put on producing streams. One idempotent producer per connection; a call returns when all its
/// records are acknowledged by all in-sync replicas, or throws the first error.
/// </summary>
internal sealed class KafkaProducers(KafkaStreamOptions options, KafkaMetrics metrics) : IDisposable
{
    private static readonly TimeSpan QueueFullPause = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<string, Lazy<IProducer<byte[]?, byte[]?>>> _producers =
        new(StringComparer.Ordinal);

    public async Task SendAsync<T>(StreamId streamId, IEnumerable<T> events)
    {
        var (connection, topic) = Parse(streamId);
        var entry = _producers.GetOrAdd(connection, Create);
        var producer = entry.Value;
        var sent = new List<Task<DeliveryResult<byte[]?, byte[]?>>>();
        foreach (var item in events)
            sent.Add(await SendAsync(producer, topic, ToMessage(item, streamId)).ConfigureAwait(false));
        try
        {
            await Task.WhenAll(sent).ConfigureAwait(false);
            metrics.Produced(topic, sent.Count);
        }
        catch (ProduceException<byte[]?, byte[]?> e)
        {
            metrics.ProduceFailed(topic, e.Error.Code.ToString());
            if (e.Error.IsFatal || e.Error.Code == Confluent.Kafka.ErrorCode.Local_Fatal)
                Replace(connection, entry);
            throw new KafkaProduceException(
                $"Writing to topic '{topic}' of connection '{connection}' failed: {e.Error.Reason}",
                e.Error.Code.ToString());
        }
    }

    public void Dispose()
    {
        foreach (var producer in _producers.Values.Where(p => p.IsValueCreated))
        {
            producer.Value.Flush(TimeSpan.FromSeconds(5));
            producer.Value.Dispose();
        }

        _producers.Clear();
    }

    /// <summary>
    /// An idempotent producer that can't tell any more what the log holds refuses all further work. The caller knows
    /// which record failed; the next one gets a new producer.
    /// </summary>
    private void Replace(string connection, Lazy<IProducer<byte[]?, byte[]?>> broken)
    {
        if (_producers.TryRemove(new KeyValuePair<string, Lazy<IProducer<byte[]?, byte[]?>>>(connection, broken)))
            _ = Task.Run(broken.Value.Dispose);
    }

    /// <summary>A full local queue is back-pressure: wait for room instead of failing.</summary>
    private async Task<Task<DeliveryResult<byte[]?, byte[]?>>> SendAsync(
        IProducer<byte[]?, byte[]?> producer, string topic, KafkaMessage message)
    {
        var record = ToRecord(message);
        var deadline = Environment.TickCount64 + (long)options.ProduceTimeout.TotalMilliseconds;
        while (true)
        {
            var task = message.Partition is { } partition
                ? producer.ProduceAsync(new TopicPartition(topic, partition), record)
                : producer.ProduceAsync(topic, record);
            if (!IsQueueFull(task) || Environment.TickCount64 > deadline)
                return task;
            await Task.Delay(QueueFullPause).ConfigureAwait(false);
        }
    }

    private static bool IsQueueFull(Task task) =>
        task.IsFaulted
        && task.Exception!.InnerException is ProduceException<byte[]?, byte[]?>
        {
            Error.Code: Confluent.Kafka.ErrorCode.Local_QueueFull,
        };

    private Lazy<IProducer<byte[]?, byte[]?>> Create(string connection) => new(() =>
    {
        if (!options.Connections.TryGetValue(connection, out var settings))
        {
            throw new KafkaProduceException(
                $"Kafka connection '{connection}' is not configured; configured are: " +
                string.Join(", ", options.Connections.Keys.Order(StringComparer.Ordinal)),
                "UnknownConnection");
        }

        return new ProducerBuilder<byte[]?, byte[]?>(ClientConfigs.Producer(settings, options))
            .SetKeySerializer(Serializers.ByteArray!)
            .SetValueSerializer(Serializers.ByteArray!)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) => metrics.Error("producer:" + connection, (int)error.Code))
            .Build();
    });

    private static KafkaMessage ToMessage<T>(T item, StreamId streamId) => item switch
    {
        KafkaMessage message => message,
        byte[] value => new KafkaMessage { Value = value },
        _ => throw new KafkaProduceException(
            $"Stream {streamId} takes {nameof(KafkaMessage)} or byte[]; it was given {typeof(T).Name}.", "BadItem"),
    };

    private static Message<byte[]?, byte[]?> ToRecord(KafkaMessage message)
    {
        var record = new Message<byte[]?, byte[]?> { Key = message.Key, Value = message.Value };
        if (message.Timestamp is { } time)
            record.Timestamp = new Timestamp(time.ToUnixTimeMilliseconds(), TimestampType.CreateTime);
        if (message.Headers.Count > 0)
        {
            record.Headers = [];
            foreach (var (name, value) in message.Headers)
                record.Headers.Add(name, value);
        }

        return record;
    }

    private static (string Connection, string Topic) Parse(StreamId streamId)
    {
        var key = streamId.GetKeyAsString();
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (streamId.GetNamespace() == KafkaStreamId.ProducerNamespace && slash > 0)
            return (key[..slash], key[(slash + 1)..]);
        throw new KafkaProduceException(
            $"Stream {streamId} can't be written to; use {nameof(KafkaStreamId)}.{nameof(KafkaStreamId.ForProducing)}" +
            "(connection, topic) as its id.",
            "NotAProducingStream");
    }
}
