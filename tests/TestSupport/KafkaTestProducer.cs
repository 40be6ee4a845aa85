using System.Globalization;
using Confluent.Kafka;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>Fills topics with numbered records.</summary>
public sealed class KafkaTestProducer : IDisposable
{
    private readonly IProducer<byte[]?, byte[]?> _producer;
    private string? _error;

    public KafkaTestProducer(string bootstrapServers, string? transactionalId = null, string compression = "lz4")
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            EnableIdempotence = transactionalId is not null,
            TransactionalId = transactionalId,
            LingerMs = 20,
            BatchSize = 500_000,
            QueueBufferingMaxMessages = 1_000_000,
            CompressionType = Enum.Parse<CompressionType>(compression, ignoreCase: true),
        };
        _producer = new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetKeySerializer(Serializers.ByteArray!).SetValueSerializer(Serializers.ByteArray!).Build();
    }

    public IProducer<byte[]?, byte[]?> Inner => _producer;

    /// <summary>Writes records numbered from <paramref name="first"/> to each partition.</summary>
    public void Fill(string topic, int partitions, int count, int first = 0, int valueBytes = 160)
    {
        for (var i = first; i < first + count; i++)
        {
            for (var p = 0; p < partitions; p++)
                Send(topic, p, i, valueBytes);
        }

        Flush();
    }

    public void Send(string topic, int partition, int number, int valueBytes = 160)
    {
        var text = number.ToString(CultureInfo.InvariantCulture).PadRight(Math.Max(1, valueBytes), '.');
        Send(topic, partition, BitConverter.GetBytes(number), System.Text.Encoding.ASCII.GetBytes(text));
    }

    public void Send(string topic, int partition, byte[]? key, byte[]? value, Headers? headers = null, long? time = null)
    {
        var at = time is { } ms ? new Timestamp(ms, TimestampType.CreateTime) : Timestamp.Default;
        while (true)
        {
            try
            {
                _producer.Produce(
                    new TopicPartition(topic, partition),
                    new Message<byte[]?, byte[]?> { Key = key, Value = value, Headers = headers, Timestamp = at },
                    report => _error ??= report.Error.IsError ? report.Error.Reason : null);
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                _producer.Poll(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    public void Flush()
    {
        if (_producer.Flush(TimeSpan.FromMinutes(2)) > 0)
            throw new TimeoutException("Not all records were written within two minutes.");
        if (_error is not null)
            throw new InvalidOperationException("A record was not written: " + _error);
    }

    public void Dispose() => _producer.Dispose();
}
