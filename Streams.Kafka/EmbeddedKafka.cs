using KafkaOracleOrleans.Streams.Kafka.Native;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// A Kafka cluster inside this process: librdkafka's mock cluster, reachable by any Kafka client at
/// <see cref="BootstrapServers"/> (loopback). For demos and tests. Its limits: it keeps only the newest 5 MiB
/// (compressed) and 100,000 record sets of each partition; clients can't create topics (topics they name appear with
/// 4 partitions); offsets can't be looked up by time (the end is answered); <c>read_committed</c> is not observed; no
/// topic ids, so a topic created anew is noticed only by its offsets; no TLS, no SASL; nothing outlives the process.
/// </summary>
public sealed unsafe class EmbeddedKafka : IDisposable
{
    private const int ProducerType = 0;
    private const int TextSize = 512;
    private readonly Lock _lock = new();
    private nint _handle;
    private nint _cluster;

    private EmbeddedKafka(nint handle, nint cluster, int brokers)
    {
        _handle = handle;
        _cluster = cluster;
        Brokers = brokers;
        BootstrapServers = Text(MockClusterBootstraps(cluster));
    }

    /// <summary>Comma-separated <c>127.0.0.1:port</c> list of the brokers.</summary>
    public string BootstrapServers { get; }

    /// <summary>Number of brokers; their ids are 1 to this.</summary>
    public int Brokers { get; }

    /// <summary>Starts a cluster on free loopback ports.</summary>
    /// <param name="brokers">1 to 10 brokers, default 1.</param>
    /// <exception cref="InvalidOperationException">librdkafka could not start it.</exception>
    public static EmbeddedKafka Start(int brokers = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(brokers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(brokers, 10);
        var error = stackalloc byte[TextSize];
        var conf = ConfNew();

        // Errors only: the handle is no client, and says at start that it has no brokers.
        if (ConfSet(conf, "log_level", "3", error, TextSize) != 0)
            throw new InvalidOperationException("The embedded Kafka cluster could not start: " + Text(error));
        var handle = New(ProducerType, conf, error, TextSize);
        if (handle == 0)
        {
            ConfDestroy(conf);
            throw new InvalidOperationException("The embedded Kafka cluster could not start: " + Text(error));
        }

        var cluster = MockClusterNew(handle, brokers);
        if (cluster == 0)
        {
            DestroyFlags(handle, 0);
            throw new InvalidOperationException("The embedded Kafka cluster could not open its loopback ports.");
        }

        MockGroupInitialRebalanceDelay(cluster, 0);
        return new EmbeddedKafka(handle, cluster, brokers);
    }

    /// <summary>Creates a topic.</summary>
    /// <param name="topic">Its name.</param>
    /// <param name="partitions">1 or more.</param>
    /// <exception cref="InvalidOperationException">It exists already.</exception>
    public void CreateTopic(string topic, int partitions)
    {
        KafkaNames.CheckTopic(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        Call(() => MockTopicCreate(_cluster, topic, partitions, Brokers), $"create topic {topic}");
    }

    /// <summary>Deletes a topic with its records. A client that names it later makes it appear again.</summary>
    public void DeleteTopic(string topic) => Call(() => MockTopicDelete(_cluster, topic), $"delete topic {topic}");

    /// <summary>Makes metadata requests for the topic answer an error (a Kafka protocol code); 0 ends it.</summary>
    public void SetTopicError(string topic, int error) => Call(
        () =>
        {
            MockTopicSetError(_cluster, topic, error);
            return 0;
        },
        "set topic error");

    /// <summary>Removes all records below an offset, as retention does.</summary>
    public void DeleteRecords(string topic, int partition, long before) =>
        Call(() => MockPartitionDeleteRecords(_cluster, topic, partition, before), "delete records");

    /// <summary>Makes a broker the partition's leader, or leaves it without one (null).</summary>
    public void SetLeader(string topic, int partition, int? broker) =>
        Call(() => MockPartitionSetLeader(_cluster, topic, partition, broker ?? -1), "set leader");

    /// <summary>Closes a broker's port and connections.</summary>
    public void StopBroker(int broker) => Call(() => MockBrokerSetDown(_cluster, broker), "stop broker");

    /// <summary>Opens a broker's port again.</summary>
    public void StartBroker(int broker) => Call(() => MockBrokerSetUp(_cluster, broker), "start broker");

    /// <summary>Delays every answer of a broker.</summary>
    public void SetRoundTripTime(int broker, TimeSpan delay) =>
        Call(() => MockBrokerSetRtt(_cluster, broker, (int)delay.TotalMilliseconds), "set round-trip time");

    /// <summary>Answers the next requests of a kind with errors, one each.</summary>
    /// <param name="apiKey">Kafka's API key: 0 Produce, 1 Fetch, 2 ListOffsets, 3 Metadata, 8 OffsetCommit ...</param>
    /// <param name="errors">Kafka protocol error codes; -195 drops the connection.</param>
    public void InjectErrors(short apiKey, params int[] errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        Call(
            () =>
            {
                fixed (int* codes = errors)
                    MockPushRequestErrors(_cluster, apiKey, (nuint)errors.Length, codes);
                return 0;
            },
            "inject errors");
    }

    /// <summary>Drops injected errors not used yet.</summary>
    public void ClearErrors(short apiKey) => Call(
        () =>
        {
            MockClearRequestErrors(_cluster, apiKey);
            return 0;
        },
        "clear errors");

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_handle == 0)
                return;
            MockClusterDestroy(_cluster);
            DestroyFlags(_handle, 0);
            _handle = _cluster = 0;
        }
    }

    private void Call(Func<int> call, string what)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            var error = call();
            if (error != 0)
                throw new InvalidOperationException($"Embedded Kafka, {what}: {Describe(error)} ({error}).");
        }
    }
}
