using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>
/// Refused records as Kafka messages: key, value, headers and time as they were, and why in headers <c>kor.*</c>. Headers of that kind which the record came
/// with are called <c>original.kor.*</c>.
/// </summary>
internal sealed class KafkaQuarantineTopic(KorOptions options) : IQuarantineTopic, IDisposable
{
    private const string Prefix = "kor.";
    private const string Foreign = "original.";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, Lazy<IProducer<byte[]?, byte[]?>>> _producers = new(StringComparer.Ordinal);

    public async Task SendAsync(
        string connection, string topic, IReadOnlyList<(string Id, QuarantineRecord Record)> records, CancellationToken cancellation)
    {
        try
        {
            var producer = _producers.GetOrAdd(connection, Create).Value;
            var sent = new List<Task>(records.Count);
            foreach (var (id, record) in records) sent.Add(producer.ProduceAsync(topic, Message(id, record), cancellation));
            await Task.WhenAll(sent);
        }
        catch (KafkaException e)
        {
            throw new StoreUnavailableException(
                $"The quarantine topic '{topic}' of Kafka connection '{connection}' cannot take records: {e.Error.Reason}. Nothing is skipped; {Remedy(e.Error.Code)}.",
                e);
        }
    }

    public void Dispose()
    {
        foreach (var producer in _producers.Values.Where(p => p.IsValueCreated)) producer.Value.Dispose();
    }

    private static string Remedy(Confluent.Kafka.ErrorCode code) => code switch
    {
        Confluent.Kafka.ErrorCode.UnknownTopicOrPart or Confluent.Kafka.ErrorCode.Local_UnknownTopic => "create the topic",
        Confluent.Kafka.ErrorCode.TopicAuthorizationFailed => "give the user WRITE on the topic",
        Confluent.Kafka.ErrorCode.MsgSizeTooLarge => "raise max.message.bytes of the topic above that of the source's topics: reasons are added to records",
        _ => "see that the brokers run, the topic exists and the user may write to it",
    };

    internal static Message<byte[]?, byte[]?> Message(string id, QuarantineRecord record)
    {
        var headers = new Headers();
        // What is ours says so by its name: a producer must not be able to tell readers of this topic where a record failed, and why.
        foreach (var (name, value) in record.Headers) headers.Add(IsOurs(name) ? Foreign + name : name, value);
        Add("kor.id", id);
        Add("kor.pipeline", record.Pipeline);
        Add("kor.version", Number(record.PipelineVersion));
        Add("kor.place", record.Place);
        var dot = record.Place.IndexOf('.', StringComparison.Ordinal);
        if (ReplayPlan.SinkOf(record.Place) is { } sink) Add("kor.sink", sink);
        else Add("kor.step", dot < 0 ? record.Place : record.Place[..dot]);
        if (record.Code == "KOR4042" && dot >= 0) Add("kor.rule", record.Place[(dot + 1)..]);
        Add("kor.code", record.Code);
        Add("kor.reason", record.Reason);
        Add("kor.topic", record.Topic);
        Add("kor.partition", Number(record.Partition));
        Add("kor.offset", Number(record.Offset));
        var message = new Message<byte[]?, byte[]?> { Key = record.Key, Value = record.Value, Headers = headers };
        if (record.Timestamp >= 0) message.Timestamp = new Timestamp(record.Timestamp, TimestampType.CreateTime);
        return message;

        void Add(string name, string value) => headers.Add(name, Encoding.UTF8.GetBytes(value));
    }

    private static bool IsOurs(string name) => name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    private Lazy<IProducer<byte[]?, byte[]?>> Create(string connection) => new(() =>
    {
        if (!options.Kafka.TryGetValue(connection, out var kafka))
        {
            throw new KafkaException(new Error(
                Confluent.Kafka.ErrorCode.Local_InvalidArg, $"there is no Kafka connection '{connection}' in the host's configuration"));
        }

        var config = new ProducerConfig(new ClientConfig(kafka.ToClientConfig()))
        {
            EnableIdempotence = true,
            Acks = Acks.All,
            LingerMs = 5,
            // What the source's producers could send goes through here too: they compress, and the broker alone limits the size.
            CompressionType = CompressionType.Lz4,
            MessageMaxBytes = 1_000_000_000,
            MessageTimeoutMs = (int)Timeout.TotalMilliseconds,
            // Shorter than the timeout: a topic that is not there is called that, and not a message that took too long.
            TopicMetadataPropagationMaxMs = (int)Timeout.TotalMilliseconds / 3,
        };
        return new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetKeySerializer(Serializers.ByteArray!)
            .SetValueSerializer(Serializers.ByteArray!)
            .SetLogHandler((_, _) => { })
            .Build();
    });

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
