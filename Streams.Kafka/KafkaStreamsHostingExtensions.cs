using KafkaOracleOrleans.Streams.Kafka.Producing;
using KafkaOracleOrleans.Streams.Kafka.Provider;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>Adds Kafka streams to silos, and writing to Kafka to clients.</summary>
public static class KafkaStreamsHostingExtensions
{
    /// <summary>
    /// Adds a stream provider that reads Kafka. Services: <see cref="IKafkaSourceRegistry"/> and
    /// <see cref="IKafkaPartitionControl"/>, keyed by <paramref name="name"/> and (of the first provider) unkeyed. An
    /// <see cref="IKafkaPositionSource"/> in the container, keyed or unkeyed, decides where partitions continue.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The stream provider's name.</param>
    /// <param name="configure">Sets the options; they are checked when the silo starts.</param>
    public static ISiloBuilder AddKafkaStreams(
        this ISiloBuilder builder, string name, Action<KafkaStreamOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.AddKafkaStreams(name, o => o.Configure(configure));
    }

    /// <summary>As the other overload, with the options pattern, for example to bind configuration.</summary>
    public static ISiloBuilder AddKafkaStreams(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<KafkaStreamOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        builder.ConfigureServices(services =>
        {
            AddOptions(services, name, configure);
            AddReading(services, name);
        });
        builder.AddPersistentStreams(name, KafkaAdapterFactory.Create, ConfigureStream);
        return builder;
    }

    /// <summary>
    /// Lets a client write to topics: <c>client.GetStreamProvider(name).GetStream&lt;KafkaMessage&gt;(
    /// KafkaStreamId.ForProducing(connection, topic)).OnNextAsync(message)</c>. Only connections and produce options
    /// are used.
    /// </summary>
    public static IClientBuilder AddKafkaProducer(
        this IClientBuilder builder, string name, Action<KafkaStreamOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        builder.ConfigureServices(services =>
        {
            AddOptions(services, name, o => o.Configure(configure));
            services.AddKeyedSingleton(name, (_, _) => new KafkaMetrics(() => []));
            services.AddKeyedSingleton(name, (sp, key) => new KafkaProducers(
                OptionsOf(sp, name), sp.GetRequiredKeyedService<KafkaMetrics>(key)));
        });
        builder.AddPersistentStreams(name, ProducingAdapterFactory.Create, stream =>
            stream.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly));
        return builder;
    }

    private static void AddOptions(
        IServiceCollection services, string name, Action<OptionsBuilder<KafkaStreamOptions>> configure)
    {
        configure(services.AddOptions<KafkaStreamOptions>(name));
        services.AddSingleton<IConfigurationValidator>(sp => new OptionsValidator(sp, name));
    }

    private static void AddReading(IServiceCollection services, string name)
    {
        if (!services.Any(d => d.ServiceType == typeof(PartitionControlClient)))
        {
            services.AddGrainService<PartitionControlService>();
            services.AddSingleton<PartitionControlClient>();
        }

        services.AddKeyedSingleton(name, (sp, _) => new SlotMap(name, OptionsOf(sp, name).Slots));
        services.AddKeyedSingleton<SlotOwners>(name);
        services.AddKeyedSingleton(name, (sp, _) => new ReaderContext(
            name,
            OptionsOf(sp, name),
            sp.GetKeyedService<IKafkaPositionSource>(name) ?? sp.GetService<IKafkaPositionSource>(),
            sp.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToString(),
            sp.GetService<TimeProvider>() ?? TimeProvider.System,
            sp.GetRequiredService<ILoggerFactory>().CreateLogger("KafkaOracleOrleans.Streams.Kafka." + name)));
        services.AddKeyedSingleton(name, (sp, key) => new KafkaProducers(
            OptionsOf(sp, name), sp.GetRequiredKeyedService<ReaderContext>(key).Metrics));
        services.AddKeyedSingleton<IKafkaSourceRegistry>(
            name, (sp, key) => sp.GetRequiredKeyedService<ReaderContext>(key));
        services.AddKeyedSingleton<IKafkaPartitionControl>(name, (sp, key) => new PartitionControl(
            sp.GetRequiredKeyedService<ReaderContext>(key),
            sp.GetRequiredKeyedService<SlotOwners>(key),
            sp.GetRequiredService<PartitionControlClient>(),
            sp.GetRequiredService<ILocalSiloDetails>().SiloAddress));
        services.TryAddSingleton(sp => sp.GetRequiredKeyedService<IKafkaSourceRegistry>(name));
        services.TryAddSingleton(sp => sp.GetRequiredKeyedService<IKafkaPartitionControl>(name));
        services.AddOptions<StreamPullingAgentOptions>(name).Configure<IServiceProvider>((agent, sp) =>
            agent.GetQueueMsgsTimerPeriod = OptionsOf(sp, name).PollInterval);
    }

    private static void ConfigureStream(ISiloPersistentStreamConfigurator stream)
    {
        stream.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly);
        stream.ConfigurePullingAgent(o => o.Configure(agent =>
        {
            // One container is one poll batch already. Orleans must neither give up on a batch nor on a stream.
            agent.BatchContainerBatchSize = 1;
            agent.MaxEventDeliveryTime = TimeSpan.FromDays(3650);
            agent.StreamInactivityPeriod = TimeSpan.FromDays(3650);
        }));
        stream.ConfigurePartitionBalancing((sp, name) => new SlotBalancer(
            sp,
            sp.GetRequiredKeyedService<SlotOwners>(name),
            sp.GetRequiredService<ILogger<SlotBalancer>>()));
    }

    private static KafkaStreamOptions OptionsOf(IServiceProvider services, string name) =>
        services.GetRequiredService<IOptionsMonitor<KafkaStreamOptions>>().Get(name);

    private sealed class OptionsValidator(IServiceProvider services, string name) : IConfigurationValidator
    {
        public void ValidateConfiguration()
        {
            try
            {
                OptionsOf(services, name).Validate();
            }
            catch (ArgumentException e)
            {
                throw new OrleansConfigurationException($"Kafka streams '{name}': {e.Message}", e);
            }
        }
    }
}
