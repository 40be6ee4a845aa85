using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>A cluster of silos in this process that read a Kafka cluster into a <see cref="Recorder"/>.</summary>
public sealed class TestStreams : IAsyncDisposable
{
    private TestStreams(InProcessTestCluster cluster, Recorder recorder, LogLines log)
    {
        Log = log;
        Cluster = cluster;
        Recorder = recorder;
    }

    public InProcessTestCluster Cluster { get; }

    public Recorder Recorder { get; }

    public LogLines Log { get; }

    public IKafkaPartitionControl Control => Service<IKafkaPartitionControl>(0);

    public static async Task<TestStreams> StartAsync(
        string bootstrapServers,
        Action<KafkaStreamOptions>? configure = null,
        short silos = 1,
        IKafkaPositionSource? positions = null,
        Recorder? recorder = null)
    {
        recorder ??= new Recorder();
        var log = new LogLines();
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(recorder);
            if (positions is not null)
                silo.Services.AddSingleton(positions);
            silo.Services.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                o.NumMissedProbesLimit = 2;
            });
            silo.AddKafkaStreams("kafka", (KafkaStreamOptions o) =>
            {
                o.Connections["main"] = new KafkaConnection { BootstrapServers = bootstrapServers };
                o.MetadataInterval = TimeSpan.FromMilliseconds(500);
                o.EndInterval = TimeSpan.FromMilliseconds(300);
                o.MaxBackoff = TimeSpan.FromSeconds(1);
                configure?.Invoke(o);
            });
            silo.Services.AddLogging(l => l.AddProvider(log)
                .SetMinimumLevel(LogLevel.Debug)
                .AddFilter("Orleans", LogLevel.Warning)
                .AddFilter("Microsoft", LogLevel.Warning)
                .AddFilter("Polly", LogLevel.Warning));
        });
        builder.ConfigureClient(client => client.AddKafkaProducer("kafka", o =>
        {
            o.Connections["main"] = new KafkaConnection { BootstrapServers = bootstrapServers };
            configure?.Invoke(o);
        }));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new TestStreams(cluster, recorder, log);
    }

    public T Service<T>(int silo)
        where T : notnull => Cluster.Silos[silo].ServiceProvider.GetRequiredService<T>();

    /// <summary>Adds or replaces a source on every silo.</summary>
    public void Use(KafkaSource source)
    {
        foreach (var silo in Cluster.Silos)
            silo.ServiceProvider.GetRequiredService<IKafkaSourceRegistry>().Update(source);
    }

    /// <summary>Waits until all records wanted have arrived; fails with what is there when it takes too long.</summary>
    public Task WaitForRecordsAsync(long records, TimeSpan? limit = null) => WaitAsync(
        () => Recorder.Records >= records, () => $"{records} records wanted; {Recorder.Describe()}\n{Log}", limit);

    public static async Task WaitAsync(Func<bool> condition, Func<string> describe, TimeSpan? limit = null)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > (limit ?? TimeSpan.FromSeconds(60)))
                Assert.Fail("Waited in vain: " + describe());
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public async Task<KafkaPartitionStatus> WaitForStateAsync(
        string source, string topic, int partition, params KafkaPartitionState[] states)
    {
        KafkaPartitionStatus? status = null;
        var clock = Stopwatch.StartNew();
        while (true)
        {
            status = await Control.GetStatusAsync(source, topic, partition);
            if (status is not null && states.Contains(status.State))
                return status;
            if (clock.Elapsed > TimeSpan.FromSeconds(60))
                Assert.Fail($"Waited in vain for {string.Join("/", states)}: {status}; {Recorder.Describe()}\n{Log}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>No gap, no fault, and every partition ends where it should.</summary>
    public void AssertComplete(string source, string topic, int partitions, long recordsPerPartition)
    {
        for (var i = 0; i < partitions; i++)
        {
            var log = Recorder[$"{source}/{topic}/{i}"];
            Assert.Empty(log.Gaps);
            Assert.Empty(log.Faults);
            Assert.Equal(recordsPerPartition, log.Records);
        }
    }

    public async ValueTask DisposeAsync() => await Cluster.DisposeAsync();
}
