namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>A record to write: the item of a producing stream (<see cref="KafkaStreamId.ForProducing"/>).</summary>
[GenerateSerializer, Immutable, Alias("kafka.Message")]
public sealed record KafkaMessage
{
    /// <summary>The key; records with equal keys go to the same partition. Null: any partition.</summary>
    [Id(0)] public byte[]? Key { get; init; }

    /// <summary>The value; null writes a tombstone.</summary>
    [Id(1)] public byte[]? Value { get; init; }

    /// <summary>Headers in order.</summary>
    [Id(2)] public IReadOnlyList<KeyValuePair<string, byte[]?>> Headers { get; init; } = [];

    /// <summary>The record's time; null: when it is written.</summary>
    [Id(3)] public DateTimeOffset? Timestamp { get; init; }

    /// <summary>The partition; null: by key.</summary>
    [Id(4)] public int? Partition { get; init; }
}

/// <summary>A record could not be written. The record may be in the log or not when the code says timed out.</summary>
[GenerateSerializer, Alias("kafka.ProduceException")]
public sealed class KafkaProduceException : Exception
{
    /// <summary>Creates the exception.</summary>
    public KafkaProduceException(string message, string code) : base(message) => Code = code;

    /// <summary>librdkafka's name of the error, for example <c>Local_MsgTimedOut</c>.</summary>
    [Id(0)]
    public string Code { get; }
}
