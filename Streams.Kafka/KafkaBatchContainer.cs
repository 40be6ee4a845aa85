using KafkaOracleOrleans.Streams.Kafka.Reading;
using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>One <see cref="KafkaBatch"/> on its way through Orleans.</summary>
[GenerateSerializer, Alias("kafka.BatchContainer")]
internal sealed class KafkaBatchContainer : IBatchContainer
{
    [NonSerialized]
    private readonly PartitionReader? _reader;

    [NonSerialized]
    private readonly int _generation;

    [NonSerialized]
    private StreamId? _streamId;

    [NonSerialized]
    private EventSequenceTokenV2? _token;

    public KafkaBatchContainer(KafkaBatch batch, PartitionReader? reader, int generation)
    {
        Batch = batch;
        _reader = reader;
        _generation = generation;
        _streamId = reader?.StreamId;
    }

    [Id(0)]
    public KafkaBatch Batch { get; }

    public StreamId StreamId =>
        _streamId ??= new KafkaStreamId(Batch.Source, Batch.Topic, Batch.Partition).ToStreamId();

    public StreamSequenceToken SequenceToken => _token ??= new EventSequenceTokenV2(Batch.From);

    /// <summary>The reader this container came from; null on the far side of a silo boundary.</summary>
    public PartitionReader? Reader => _reader;

    /// <summary>Whether a seek has overtaken it.</summary>
    public bool IsStale => _reader is { } reader && reader.Generation != _generation;

    public int Generation => _generation;

    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>()
    {
        if (IsStale)
            return [];
        if (Batch is not T item)
        {
            throw new InvalidOperationException(
                $"Stream {StreamId} carries {nameof(KafkaBatch)}, but its subscriber asks for {typeof(T).Name}; " +
                $"subscribe with IAsyncObserver<{nameof(KafkaBatch)}>.");
        }

        Batch.AddReference();
        return [Tuple.Create(item, SequenceToken)];
    }

    public bool ImportRequestContext() => false;

    public override string ToString() => Batch.ToString();
}
