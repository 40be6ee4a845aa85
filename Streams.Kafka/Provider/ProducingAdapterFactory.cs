using KafkaOracleOrleans.Streams.Kafka.Producing;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers.Streams.Common;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>What persistent streams ask for on a client: writing only.</summary>
internal sealed class ProducingAdapterFactory(string name, KafkaProducers producers)
    : IQueueAdapterFactory, IQueueAdapter
{
    private readonly SlotMap _slots = new(name, 1);

    public string Name => name;

    public bool IsRewindable => false;

    public StreamProviderDirection Direction => StreamProviderDirection.WriteOnly;

    public static IQueueAdapterFactory Create(IServiceProvider services, string name) =>
        new ProducingAdapterFactory(name, services.GetRequiredKeyedService<KafkaProducers>(name));

    public Task<IQueueAdapter> CreateAdapter() => Task.FromResult<IQueueAdapter>(this);

    public IQueueAdapterCache GetQueueAdapterCache() => throw ReadingRefused();

    public IStreamQueueMapper GetStreamQueueMapper() => _slots;

    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new NoOpStreamDeliveryFailureHandler());

    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => throw ReadingRefused();

    public Task QueueMessageBatchAsync<T>(
        StreamId streamId,
        IEnumerable<T> events,
        StreamSequenceToken? token,
        Dictionary<string, object>? requestContext) => producers.SendAsync(streamId, events);

    private static NotSupportedException ReadingRefused() =>
        new("A client can only write to Kafka streams; reading is the silos' work.");
}
