using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Native;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>
/// The least any .NET program could do with the workload: librdkafka's batch call and one thread that reads id, key, ts, value and unit of every record
/// with <see cref="Utf8JsonReader"/> into a struct. No quality, dedup, windows, state or sink.
/// </summary>
internal sealed unsafe class Floor : INativeEvents, IDisposable
{
    private const int BatchSize = 4096;
    private readonly NativeConsumer _consumer;
    private readonly string _topic;
    private readonly nint[] _queues = new nint[LoadedTopic.Partitions];
    private readonly AutoResetEvent _filled = new(false);
    private readonly Message** _messages = (Message**)NativeMemory.Alloc(BatchSize, (nuint)sizeof(Message*));
    private long _cents;
    private long _malformed;

    private struct Reading
    {
        public Guid Id;
        public int Key;
        public long Time;
        public decimal? Value;
        public int UnitLength;
    }

    public Floor(string bootstrap, string topic)
    {
        _topic = topic;
        _consumer = new NativeConsumer(
            ClientConfigs.Consumer(
                new KafkaConnection { BootstrapServers = bootstrap },
                new KafkaSource { Name = "floor", Topics = [topic] },
                new KafkaStreamOptions(),
                LoadedTopic.Partitions),
            this);
        for (var i = 0; i < _queues.Length; i++) _queues[i] = _consumer.OpenQueue(topic, i);
    }

    void INativeEvents.OnCommitted(IReadOnlyList<CommitResult> results)
    {
    }

    /// <summary>Reads so many records.</summary>
    public void Run(long records)
    {
        for (var i = 0; i < _queues.Length; i++) _consumer.Assign(_topic, i, 0);
        var left = records;
        while (left > 0)
        {
            var before = left;
            foreach (var queue in _queues) left -= Drain(queue);
            if (left == before) _filled.WaitOne(10);
        }

        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"floor: {_malformed} malformed, {_cents} cents"));
    }

    public void OnQueueFilled() => _filled.Set();

    public void OnError(int code, string reason) => Console.Error.WriteLine(reason);

    public void OnLog(int level, string facility, string text) => Console.Error.WriteLine(text);

    public void OnTopicReplaced(string topic, string newId) =>
        throw new InvalidOperationException($"Topic {topic} was created anew during the run.");

    public void Dispose()
    {
        foreach (var queue in _queues) NativeConsumer.CloseQueue(queue);
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
            var message = _messages[i];
            if (message->Error == 0)
            {
                records++;
                if (TryParse(new ReadOnlySpan<byte>(message->Payload, (int)message->Length), out var reading)) _cents += (long)((reading.Value ?? 0) * 100);
                else _malformed++;
            }

            MessageDestroy(message);
        }

        return records;
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out Reading reading)
    {
        reading = default;
        var json = new Utf8JsonReader(text);
        try
        {
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName) Take(ref json, ref reading);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Take(ref Utf8JsonReader json, ref Reading reading)
    {
        var name = json.ValueSpan;
        if (name.SequenceEqual("id"u8))
        {
            json.Read();
            if (!Utf8Parser.TryParse(json.ValueSpan, out reading.Id, out _)) reading.Id = Guid.Empty;
        }
        else if (name.SequenceEqual("key"u8))
        {
            json.Read();
            if (json.ValueSpan.Length < 4 || !Utf8Parser.TryParse(json.ValueSpan[4..], out reading.Key, out _)) reading.Key = -1;
        }
        else if (name.SequenceEqual("ts"u8))
        {
            json.Read();
            reading.Time = json.GetInt64();
        }
        else if (name.SequenceEqual("value"u8))
        {
            json.Read();
            reading.Value = json.TokenType == JsonTokenType.Number ? json.GetDecimal() : null;
        }
        else if (name.SequenceEqual("unit"u8))
        {
            json.Read();
            reading.UnitLength = json.ValueSpan.Length;
        }
        else
        {
            json.Read();
        }
    }
}
