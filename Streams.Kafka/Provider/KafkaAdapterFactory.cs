using KafkaOracleOrleans.Streams.Kafka.Producing;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers.Streams.Common;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>What Orleans' persistent streams ask a provider for, in a silo.</summary>
internal sealed class KafkaAdapterFactory(ReaderContext context, KafkaProducers producers, SlotMap slots)
    : IQueueAdapterFactory, IQueueAdapterCache, IQueueAdapter
{
    public string Name => context.Name;

    /// <summary>Seeking is <see cref="IKafkaPartitionControl"/>'s; subscribers' tokens are not used.</summary>
    public bool IsRewindable => false;

    public StreamProviderDirection Direction => StreamProviderDirection.ReadWrite;

    public static IQueueAdapterFactory Create(IServiceProvider services, string name) => new KafkaAdapterFactory(
        services.GetRequiredKeyedService<ReaderContext>(name),
        services.GetRequiredKeyedService<KafkaProducers>(name),
        services.GetRequiredKeyedService<SlotMap>(name));

    public Task<IQueueAdapter> CreateAdapter()
    {
        context.Start();
        return Task.FromResult<IQueueAdapter>(this);
    }

    public IQueueAdapterCache GetQueueAdapterCache() => this;

    public IStreamQueueMapper GetStreamQueueMapper() => slots;

    /// <summary>Only logs: a failed batch goes back to its reader, see <see cref="SlotCache"/>.</summary>
    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new NoOpStreamDeliveryFailureHandler());

    public IQueueCache CreateQueueCache(QueueId queueId) => new SlotCache(context);

    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) =>
        new SlotReceiver(context, (int)queueId.GetNumericId());

    public Task QueueMessageBatchAsync<T>(
        StreamId streamId,
        IEnumerable<T> events,
        StreamSequenceToken? token,
        Dictionary<string, object>? requestContext) => producers.SendAsync(streamId, events);
}
