using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Diagnosis;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Proof;
using KafkaOracleOrleans.Silo.Quarantine;
using KafkaOracleOrleans.Silo.Registries;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Hosting;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Everything the Silo does, for a host of one's own: <c>builder.AddKafkaOracleOrleans()</c>.</summary>
public static class KorHostingExtensions
{
    private const string StreamProvider = "kafka";

    /// <summary>
    /// Adds the engine, its silo and its services. Configuration comes from the section <see cref="KorOptions.Section"/>;
    /// <paramref name="configure"/> has the last word.
    /// </summary>
    public static IHostApplicationBuilder AddKafkaOracleOrleans(
        this IHostApplicationBuilder builder, Action<KorOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new KorOptions();
        options.Unread = KorConfiguration.Read(builder.Configuration, options);
        configure?.Invoke(options);
        KorOptionsValidation.Check(options);

        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<ShutdownWatchdog>();
        // Before all others: it watches them.
        builder.Services.AddHostedService(sp => sp.GetRequiredService<ShutdownWatchdog>());
        AddServices(builder.Services, options);
        builder.UseOrleans(silo =>
        {
            ConfigureSilo(silo, options);
            // It takes part in every call of every grain.
            if (Telemetry.IsExporting(builder.Configuration)) silo.AddActivityPropagation();
        });
        // After the silo, so that they begin when there is one that takes calls, and end before it does.
        AddWork(builder.Services);
        return builder;
    }

    /// <summary>
    /// Registers a C# transform, which pipelines then name in steps of type <c>custom</c>. Every silo of a cluster must register the same ones.
    /// </summary>
    public static IHostApplicationBuilder AddRecordTransform<T>(this IHostApplicationBuilder builder) where T : class, IRecordTransform
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IRecordTransform, T>();
        return builder;
    }

    private static void AddServices(IServiceCollection services, KorOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(Options.Create(options.Engine));
        services.AddSingleton(sp => new DatabaseConnections(options.Connections, sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IStateStore>(sp => new AdoStateStore(StateDatabase(sp)));
        services.AddSingleton<ISinkFactory>(sp => new AdoSinkFactory(sp.GetRequiredService<DatabaseConnections>()));
        services.AddSingleton(sp => new AuditStore(StateDatabase(sp)));
        services.AddSingleton(sp => new StateInventory(StateDatabase(sp)));
        services.AddQuarantine(options);
        services.AddSingleton<HostDoctor>();
        services.AddSingleton<Planner>();
        services.AddSingleton<ILookupSource>(sp => new AdoLookup(sp.GetRequiredService<DatabaseConnections>()));
        services.AddSingleton<ISchemaRegistries, SchemaRegistries>();
        services.AddSingleton<HostPipelineCompiler>();
        services.AddSingleton<IPipelineCompiler>(sp => sp.GetRequiredService<HostPipelineCompiler>());
        services.AddSingleton<TopicReader>();
        services.AddSingleton<ProofDesk>();
        services.AddSingleton<KnownSources>();
        services.AddSingleton<PlanProvider>();
        services.AddSingleton<LocalPartitions>();
        services.AddSingleton<MemoryWatch>();
        services.AddHostedService(sp => sp.GetRequiredService<MemoryWatch>());
        services.AddSingleton<IKafkaLogs, KafkaLogs>();
        services.AddSingleton<IKafkaPositionSource, GrainPositionSource>();
        services.AddHostedService<StateSchemaCheck>();
        services.AddSingleton<HostState>();
        if (options.Cluster.Connection.Length == 0)
        {
            services.AddSingleton<SoleSilo>();
            // Registered before the silo: it gives the database back when all else has ended.
            services.AddHostedService(sp => sp.GetRequiredService<SoleSilo>());
        }

        services.AddSingleton<RefusedFiles>();
        services.AddSingleton<LoopWatch>();
        services.AddSingleton<PipelineSupervisor>();
        services.AddSingleton<PipelineStatuses>();
        services.AddSingleton<PipelineEvents>();
        services.AddSingleton<FieldMask>();
        services.AddSingleton<FolderAudit>();
        services.AddSingleton<PipelineFolder>();
    }

    private static void AddWork(IServiceCollection services)
    {
        services.AddHostedService(sp => sp.GetRequiredService<HostState>());
        services.AddHostedService(sp => sp.GetRequiredService<PipelineSupervisor>());
        services.AddHostedService(sp => sp.GetRequiredService<PipelineFolder>());
        services.AddQuarantineWork();
        services.AddHostedService<AuditSweeper>();
        services.AddHostedService<CertificateWatch>();
        services.AddHostedService<StartSummary>();
    }

    /// <summary>The database of the state store.</summary>
    internal static Database StateDatabase(IServiceProvider services) =>
        services.GetRequiredService<DatabaseConnections>().Get(services.GetRequiredService<KorOptions>().State.Connection);

    private static void ConfigureSilo(ISiloBuilder silo, KorOptions options)
    {
        var cluster = options.Cluster;
        silo.Configure<Orleans.Configuration.ClusterOptions>(o =>
        {
            o.ClusterId = cluster.ClusterId;
            o.ServiceId = cluster.ServiceId;
        });
        if (cluster.Connection.Length == 0) UseOneSilo(silo, cluster);
        else UseAdoNet(silo, cluster, options.Connections[cluster.Connection]);
        silo.Services.AddSingleton<FormerControlState>();
        silo.Services.AddKeyedSingleton<IGrainStorage, StateStoreGrainStorage>(PipelineGrainStorage.Name);
        silo.Services.AddSingleton<IGeneralizedCodec, ForeignExceptionCodec>();
        if (cluster.Tls.Certificate.Length != 0) SiloTls.Use(silo, cluster.Tls);
        // After TLS, and so inside it.
        ClusterSecret.Use(silo, cluster);
        if (options.Http.Dashboard) silo.AddDashboard(o => o.HideTrace = true);
        silo.Configure<GrainCollectionOptions>(o => o.CollectionAge = TimeSpan.FromMinutes(15));
        silo.AddKafkaStreams(StreamProvider, o =>
        {
            foreach (var (name, connection) in options.Kafka) o.Connections[name] = connection;
            o.Slots = options.Reading.Slots;
            o.MetadataInterval = options.Reading.MetadataInterval;
            o.MaxBatchRecords = options.Reading.MaxBatchRecords;
            o.MaxBufferedBytes = options.Reading.MaxBufferedBytes;
        });
    }

    private static void UseOneSilo(ISiloBuilder silo, ClusterOptions cluster)
    {
        silo.UseLocalhostClustering(
            cluster.SiloPort == 0 ? FreePorts.Next() : cluster.SiloPort,
            cluster.GatewayPort,
            null, cluster.ServiceId, cluster.ClusterId);
        silo.UseInMemoryReminderService();
    }

    private static void UseAdoNet(ISiloBuilder silo, ClusterOptions cluster, Storage.Connections.ConnectionOptions connection)
    {
        // Orleans opens its connections through this: each reads the password anew, so that a rotated one takes effect.
        var source = OrleansSchema.DataSource(cluster.Connection, connection);
        silo.Services.AddSingleton(source);
        var invariant = OrleansSchema.Invariant(connection.Provider);
        silo.ConfigureEndpoints(
            ClusterAddress.Resolve(cluster.Address, out _)!,
            cluster.SiloPort == 0 ? FreePorts.Next() : cluster.SiloPort,
            cluster.GatewayPort);
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            // A killed silo's partitions move within about 10 s instead of Orleans' 15 s and more.
            o.ProbeTimeout = TimeSpan.FromSeconds(2);
            o.NumMissedProbesLimit = 3;
            o.NumVotesForDeathDeclaration = 1;
            o.TableRefreshTimeout = TimeSpan.FromSeconds(10);
            // A silo that starts while all others are dead (and nobody is left to say so) waits for their last sign of life to be this old.
            o.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
            o.NumMissedTableIAmAliveLimit = 3;
        });
        silo.UseAdoNetClustering(o => (o.Invariant, o.DataSource) = (invariant, source));
        silo.UseAdoNetReminderService(o => (o.Invariant, o.DataSource) = (invariant, source));
    }
}
