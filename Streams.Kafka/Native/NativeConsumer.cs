using System.Runtime.InteropServices;
using System.Text;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Streams.Kafka.Native;

/// <summary>What librdkafka reports outside of partition queues. Called on its threads.</summary>
internal interface INativeEvents
{
    /// <summary>A queue went from empty to filled.</summary>
    void OnQueueFilled();

    /// <summary>An error of the client as a whole.</summary>
    void OnError(int code, string reason);

    /// <summary>What became of offsets sent by <see cref="NativeConsumer.CommitAsync"/>; on the polling thread.</summary>
    void OnCommitted(IReadOnlyList<CommitResult> results);

    /// <summary>A log line; level as in syslog.</summary>
    void OnLog(int level, string facility, string text);

    /// <summary>A topic was deleted and created again. Nothing of the new one is in a queue before this returns.</summary>
    void OnTopicReplaced(string topic, string newId);
}

/// <summary>A partition and an offset for calls that take lists.</summary>
internal readonly record struct TopicOffset(string Topic, int Partition, long Offset);

/// <summary>One offset and the error its commit met, 0: none.</summary>
internal readonly record struct CommitResult(string Topic, int Partition, long Offset, int Error);

/// <summary>A librdkafka consumer with partitions assigned by hand and consumed from queues of their own.</summary>
internal sealed unsafe partial class NativeConsumer : IDisposable
{
    public const long NoOffset = -1001;
    private const int ProducerType = 0;
    private const int ConsumerType = 1;
    private const int DestroyWithoutClose = 0x8;
    private const int TextSize = 512;

    private readonly INativeEvents _events;
    private readonly GCHandle _self;
    private readonly ReaderWriterLockSlim _disposal = new();
    private readonly int _logLevel;
    private nint _handle;
    private nint _mainQueue;
    private Exception? _fault;

    public NativeConsumer(IReadOnlyDictionary<string, string> config, INativeEvents events)
    {
        _events = events;
        _logLevel = ClientConfigs.LogLevel(config);
        _self = GCHandle.Alloc(this);
        try
        {
            _handle = Create(config, GCHandle.ToIntPtr(_self));
        }
        catch
        {
            _self.Free();
            throw;
        }

        ThrowIfError(PollSetConsumer(_handle), "rd_kafka_poll_set_consumer");
        _mainQueue = QueueGetConsumer(_handle);
        QueueCallbackEnable(_mainQueue, &QueueFilled, GCHandle.ToIntPtr(_self));
    }

    /// <summary>Checks settings without connecting.</summary>
    public static void CheckConfig(IReadOnlyDictionary<string, string> config)
    {
        var conf = CreateConf(config);
        ConfDestroy(conf);
    }

    /// <summary>Why librdkafka does not take a setting; null when it does. Never holds a secret's value.</summary>
    public static string? RefusalOf(string name, string value)
    {
        var conf = ConfNew();
        try
        {
            var error = stackalloc byte[TextSize];
            if (ConfSet(conf, name, value, error, TextSize) == 0)
                return null;
            return KafkaConfigRules.IsSecret(name) ? "the value is not accepted" : Text(error).TrimEnd('.');
        }
        finally
        {
            ConfDestroy(conf);
        }
    }

    /// <summary>
    /// Why librdkafka does not take settings together, or cannot use what they name (a certificate's file); null when it can. Makes a client of them, one
    /// that connects to nothing.
    /// </summary>
    public static string? RefusalOf(IReadOnlyDictionary<string, string> config, bool producer)
    {
        var alone = config.Where(c => c.Key is not ("bootstrap.servers" or "metadata.broker.list")).ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal);
        // It would say that it has no brokers.
        alone["log_level"] = "0";
        alone.Remove("debug");
        var conf = CreateConf(alone);
        var error = stackalloc byte[TextSize];
        var handle = New(producer ? ProducerType : ConsumerType, conf, error, TextSize);
        if (handle != 0)
        {
            DestroyFlags(handle, DestroyWithoutClose);
            return null;
        }

        ConfDestroy(conf);
        var text = Text(error);
        foreach (var secret in config.Where(c => c.Value.Length > 2 && KafkaConfigRules.IsSecret(c.Key)))
            text = text.Replace(secret.Value, "***", StringComparison.Ordinal);
        return text;
    }

    /// <summary>The partition's own queue, cut off from the main one. Destroy it by <see cref="CloseQueue"/>.</summary>
    public nint OpenQueue(string topic, int partition)
    {
        var queue = QueueGetPartition(_handle, topic, partition);
        if (queue == 0)
            throw new KafkaNativeException(ErrorCodes.UnknownPartition, $"no queue for {topic}/{partition}");
        QueueForward(queue, 0);
        QueueCallbackEnable(queue, &QueueFilled, GCHandle.ToIntPtr(_self));
        return queue;
    }

    public static void CloseQueue(nint queue)
    {
        QueueCallbackEnable(queue, null, 0);
        QueueDestroy(queue);
    }

    public void Assign(string topic, int partition, long offset)
    {
        var list = ToList([new TopicOffset(topic, partition, offset)]);
        try
        {
            ThrowIfError(IncrementalAssign(_handle, list), $"assign {topic}/{partition}");
        }
        finally
        {
            PartitionListDestroy(list);
        }
    }

    /// <summary>
    /// Moves a partition that is assigned to an offset and has the leader confirm, before anything is fetched, that the
    /// epoch the record before it was read in reaches that far. What was fetched until now is never handed out.
    /// Blocks for a moment.
    /// </summary>
    public void SeekChecked(string topic, int partition, long offset, int leaderEpoch, TimeSpan timeout)
    {
        var what = $"seek {topic}/{partition}";
        var list = ToList([new TopicOffset(topic, partition, offset)]);
        try
        {
            SetLeaderEpoch(list->Elements, leaderEpoch);
            ThrowIfError(SeekPartitions(_handle, list, (int)timeout.TotalMilliseconds), what);
            ThrowIfError(list->Elements->Error, what);
        }
        finally
        {
            PartitionListDestroy(list);
        }
    }

    /// <summary>When this returns, what the partition's queue still holds is outdated and never handed out.</summary>
    public void Unassign(string topic, int partition)
    {
        var list = ToList([new TopicOffset(topic, partition, NoOffset)]);
        try
        {
            ThrowIfError(IncrementalUnassign(_handle, list), $"unassign {topic}/{partition}");
        }
        finally
        {
            PartitionListDestroy(list);
        }
    }

    /// <summary>Serves errors, statistics and token refresh.</summary>
    public void ServeMain()
    {
        var message = default(Message*);
        while (ConsumeBatchQueue(_mainQueue, 0, &message, 1) == 1)
        {
            if (message->Error != 0)
                _events.OnError(message->Error, Describe(message->Error));
            MessageDestroy(message);
        }

        if (Volatile.Read(ref _fault) is not null && Interlocked.Exchange(ref _fault, null) is { } fault)
            throw new InvalidOperationException("Handling an event of librdkafka failed.", fault);
    }

    /// <summary>Committed offsets in the order asked; <see cref="NoOffset"/> where there is none. Blocks.</summary>
    public long[] GetCommitted(IReadOnlyList<TopicOffset> partitions, TimeSpan timeout) =>
        Query(
            partitions, "committed offsets", list => Committed(_handle, list, (int)timeout.TotalMilliseconds));

    /// <summary>Offsets for times (ms) given as the offset; the end where none is later: -1. Blocks.</summary>
    public long[] GetOffsetsForTimes(IReadOnlyList<TopicOffset> partitions, TimeSpan timeout) =>
        Query(partitions, "offsets for times", list => OffsetsForTimes(
            _handle, list, (int)timeout.TotalMilliseconds));

    /// <summary>Sends a commit in the background.</summary>
    public void CommitAsync(IReadOnlyList<TopicOffset> offsets)
    {
        var list = ToList(offsets);
        try
        {
            ThrowIfError(Commit(_handle, list, 1), "commit");
        }
        finally
        {
            PartitionListDestroy(list);
        }
    }

    /// <summary>Asks the leader for the log's limits. Blocks.</summary>
    public (long Low, long High) QueryWatermarks(string topic, int partition, TimeSpan timeout)
    {
        long low, high;
        Enter();
        try
        {
            ThrowIfError(
                QueryWatermarkOffsets(_handle, topic, partition, &low, &high, (int)timeout.TotalMilliseconds),
                $"watermarks of {topic}/{partition}");
        }
        finally
        {
            _disposal.ExitReadLock();
        }

        return (low, high);
    }

    /// <summary>The log's limits as of the last fetch; (-1, -1) when unknown. Cheap.</summary>
    public (long Low, long High) CachedWatermarks(string topic, int partition)
    {
        _disposal.EnterReadLock();
        try
        {
            return _handle == 0 ? (-1, -1) : CachedWatermarks(Encoding.UTF8.GetBytes(topic + '\0'), partition);
        }
        finally
        {
            _disposal.ExitReadLock();
        }
    }

    /// <summary>As the other; for the polling thread only, which is the one that disposes.</summary>
    public (long Low, long High) CachedWatermarks(byte[] topicUtf8, int partition)
    {
        long low, high;
        fixed (byte* topic = topicUtf8)
        {
            if (GetWatermarkOffsets(_handle, topic, partition, &low, &high) != 0)
                return (-1, -1);
        }

        return (low < 0 ? -1 : low, high < 0 ? -1 : high);
    }

    public void Dispose()
    {
        _disposal.EnterWriteLock();
        try
        {
            if (_handle == 0)
                return;
            CloseQueue(_mainQueue);
            _mainQueue = 0;
            DestroyFlags(_handle, DestroyWithoutClose);
            _handle = 0;
            _self.Free();
        }
        finally
        {
            _disposal.ExitWriteLock();
        }
    }

    /// <summary>Blocking queries come from other threads than the one that disposes; they hold it off.</summary>
    private void Enter()
    {
        _disposal.EnterReadLock();
        if (_handle != 0)
            return;
        _disposal.ExitReadLock();
        throw new ObjectDisposedException(nameof(NativeConsumer));
    }

    private static nint Create(IReadOnlyDictionary<string, string> config, nint self)
    {
        var conf = CreateConf(config);
        ConfSetOpaque(conf, self);
        ConfSetErrorCallback(conf, &ErrorRaised);
        ConfSetLogCallback(conf, &Logged);
        ConfSetCommitCallback(conf, &OffsetsCommitted);
        var error = stackalloc byte[TextSize];
        var handle = New(ConsumerType, conf, error, TextSize);
        if (handle != 0)
            return handle;
        ConfDestroy(conf);
        throw new ArgumentException("librdkafka refused the settings: " + Text(error));
    }

    private static nint CreateConf(IReadOnlyDictionary<string, string> config)
    {
        var conf = ConfNew();
        var error = stackalloc byte[TextSize];
        foreach (var (name, value) in config)
        {
            if (ConfSet(conf, name, value, error, TextSize) == 0)
                continue;
            ConfDestroy(conf);
            var reason = KafkaConfigRules.IsSecret(name) ? "the value is not accepted" : Text(error);
            throw new ArgumentException($"librdkafka setting '{name}': {reason}");
        }

        return conf;
    }

    private static PartitionList* ToList(IReadOnlyList<TopicOffset> partitions)
    {
        var list = PartitionListNew(partitions.Count);
        foreach (var partition in partitions)
            PartitionListAdd(list, partition.Topic, partition.Partition)->Offset = partition.Offset;
        return list;
    }

    private long[] Query(IReadOnlyList<TopicOffset> partitions, string what, ListCall call)
    {
        Enter();
        var list = ToList(partitions);
        try
        {
            ThrowIfError(call(list), what);
            var offsets = new long[partitions.Count];
            for (var i = 0; i < offsets.Length; i++)
            {
                ThrowIfError(list->Elements[i].Error, $"{what} of {partitions[i].Topic}/{partitions[i].Partition}");
                offsets[i] = list->Elements[i].Offset;
            }

            return offsets;
        }
        finally
        {
            PartitionListDestroy(list);
            _disposal.ExitReadLock();
        }
    }

    private delegate int ListCall(PartitionList* list);
}
