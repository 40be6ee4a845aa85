using System.Runtime.InteropServices;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Native;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Benchmarks.Kafka;

/// <summary>The least one can do: librdkafka's batch call over all partitions, adding up record lengths.</summary>
internal sealed unsafe class BareRun : INativeEvents, IDisposable
{
    private const int BatchSize = 4096;
    private readonly NativeConsumer _consumer;
    private readonly string _topic;
    private readonly int _records;
    private readonly nint[] _queues = new nint[Load.Partitions];
    private readonly AutoResetEvent _filled = new(false);
    private readonly Message** _messages = (Message**)NativeMemory.Alloc(BatchSize, (nuint)sizeof(Message*));

    public BareRun(string bootstrap, string topic, int records)
    {
        _topic = topic;
        _records = records;
        var options = new KafkaStreamOptions();
        _consumer = new NativeConsumer(
            ClientConfigs.Consumer(
                new KafkaConnection { BootstrapServers = bootstrap },
                new KafkaSource { Name = "bare", Topics = [topic] },
                options,
                Load.Partitions),
            this);
        for (var i = 0; i < _queues.Length; i++)
            _queues[i] = _consumer.OpenQueue(topic, i);
    }

    public long Bytes { get; private set; }

    public void Run()
    {
        for (var i = 0; i < _queues.Length; i++)
            _consumer.Assign(_topic, i, 0);
        var left = _records;
        while (left > 0)
        {
            var before = left;
            foreach (var queue in _queues)
                left -= Drain(queue);
            if (left == before)
                _filled.WaitOne(10);
        }

        for (var i = 0; i < _queues.Length; i++)
            _consumer.Unassign(_topic, i);
    }

    public void OnQueueFilled() => _filled.Set();

    public void OnError(int code, string reason) => Console.Error.WriteLine(reason);

    public void OnCommitted(IReadOnlyList<CommitResult> results)
    {
    }

    public void OnLog(int level, string facility, string text) => Console.Error.WriteLine(text);

    public void OnTopicReplaced(string topic, string newId) =>
        throw new InvalidOperationException($"Topic {topic} was created anew during the run.");

    public void Dispose()
    {
        foreach (var queue in _queues)
            NativeConsumer.CloseQueue(queue);
        _consumer.Dispose();
        _filled.Dispose();
        NativeMemory.Free(_messages);
    }

    private int Drain(nint queue)
    {
        var records = 0;
        var received = (int)ConsumeBatchQueue(queue, 0, _messages, BatchSize);
        for (var i = 0; i < received; i++)
        {
            if (_messages[i]->Error == 0)
            {
                records++;
                Bytes += (long)_messages[i]->Length;
            }

            MessageDestroy(_messages[i]);
        }

        return records;
    }
}
