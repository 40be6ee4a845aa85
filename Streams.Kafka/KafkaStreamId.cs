using System.Globalization;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// Names one partition of one source. Its text form, <c>source/topic/partition</c>, is the key of the Orleans stream
/// and therefore of the grain that subscribes to it implicitly. Neither source names nor topic names may contain
/// <c>/</c> (<see cref="KafkaNames"/>), so nothing is ever escaped.
/// </summary>
/// <param name="Source">The name of the <see cref="KafkaSource"/>.</param>
/// <param name="Topic">The Kafka topic.</param>
/// <param name="Partition">The Kafka partition, from 0.</param>
[GenerateSerializer, Immutable, Alias("kafka.StreamId")]
public readonly record struct KafkaStreamId(
    [property: Id(0)] string Source,
    [property: Id(1)] string Topic,
    [property: Id(2)] int Partition)
{
    /// <summary>The stream namespace of the partitions read from Kafka: <c>[ImplicitStreamSubscription]</c>.</summary>
    public const string Namespace = "kafka";

    /// <summary>The stream namespace of topics written to, see <see cref="ForProducing"/>.</summary>
    public const string ProducerNamespace = "kafka-produce";

    /// <summary>The key of the stream and of its implicit subscriber: <c>source/topic/partition</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Source}/{Topic}/{Partition}");

    /// <summary>The Orleans identity of this partition's stream.</summary>
    public StreamId ToStreamId() => StreamId.Create(Namespace, ToString());

    /// <summary>The identity of a stream whose <c>OnNextAsync</c> writes to <paramref name="topic"/>.</summary>
    /// <param name="connection">A name in <see cref="KafkaStreamOptions.Connections"/>.</param>
    /// <param name="topic">The topic; records are spread by the hash of their key.</param>
    public static StreamId ForProducing(string connection, string topic)
    {
        KafkaNames.CheckName(connection, "connection name");
        KafkaNames.CheckTopic(topic);
        return StreamId.Create(ProducerNamespace, $"{connection}/{topic}");
    }

    /// <summary>Reads the text form back.</summary>
    /// <exception cref="FormatException">The text is not <c>source/topic/partition</c>.</exception>
    public static KafkaStreamId Parse(string key) =>
        TryParse(key, out var id)
            ? id
            : throw new FormatException($"'{key}' is not a Kafka stream key; expected source/topic/partition.");

    /// <summary>Reads the text form back; false when it is not <c>source/topic/partition</c>.</summary>
    public static bool TryParse(string? key, out KafkaStreamId id)
    {
        id = default;
        if (key is null)
            return false;
        var last = key.LastIndexOf('/');
        if (last <= 0)
            return false;
        var first = key.IndexOf('/', StringComparison.Ordinal);
        if (first <= 0 || first == last || key.IndexOf('/', first + 1) != last)
            return false;
        if (!int.TryParse(key.AsSpan(last + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
            return false;
        id = new KafkaStreamId(key[..first], key[(first + 1)..last], partition);
        return id.Topic.Length > 0;
    }
}
