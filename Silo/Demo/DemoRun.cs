using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>The demo: broker, generator, silo and screen in one process.</summary>
internal static class DemoRun
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(30);

    private const string Sample = "orders.yaml";

    /// <summary>Puts the pipeline into the folder that is watched: a file of the user's, or the sample in this assembly, which is there wherever the demo runs.</summary>
    private static async Task PlaceAsync(string? file, string folder, CancellationToken cancellation)
    {
        if (file is not null)
        {
            if (!File.Exists(file)) throw new KorConfigurationException([$"There is no file '{file}' (--pipeline); without --pipeline the sample runs that is built in."]);
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            return;
        }

        await using var sample = typeof(DemoRun).Assembly.GetManifestResourceStream(Sample)
            ?? throw new InvalidOperationException($"The resource {Sample} is missing from this build.");
        await using var target = File.Create(Path.Combine(folder, Sample));
        await sample.CopyToAsync(target, cancellation);
    }

    public static async Task<int> RunAsync(DemoOptions demo, CancellationToken cancellation)
    {
        var folder = MakeFolder();
        try
        {
            using var broker = demo.Kafka is null ? EmbeddedKafka.Start() : null;
            broker?.CreateTopic(demo.Topic, demo.Partitions);
            if (demo.Kafka is not null)
                await DemoTopic.EnsureAsync(new KafkaConnection { BootstrapServers = demo.Kafka }, demo.Topic, demo.Partitions);
            await RunAsync(demo, demo.Kafka ?? broker!.BootstrapServers, folder.FullName, cancellation);
            return 0;
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static DirectoryInfo MakeFolder()
    {
        try
        {
            return Directory.CreateTempSubdirectory("kor-demo-");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KorConfigurationException(
                [$"The demo keeps its files in {Path.GetTempPath()}, which cannot be written ({e.Message}). Set TMPDIR to a folder that can be."]);
        }
    }

    private static async Task RunAsync(DemoOptions demo, string bootstrap, string folder, CancellationToken cancellation)
    {
        var pipelines = Directory.CreateDirectory(Path.Combine(folder, "pipelines")).FullName;
        await PlaceAsync(demo.PipelineFile, pipelines, cancellation);
        var gateway = DemoGateway.Open(demo.GatewayPort);
        var builder = SiloHost.CreateBuilder([], options =>
        {
            options.Kafka["main"] = new KafkaConnection { BootstrapServers = bootstrap };
            options.Connections["state"] = DemoDatabases.Parse("--state", demo.State ?? Path.Combine(folder, "state.db"));
            options.Connections["dwh"] = DemoDatabases.Parse("--sink", demo.Sink ?? Path.Combine(folder, "dwh.db"));
            options.State = new StateOptions { Connection = "state", Create = true };
            options.Cluster.SiloPort = 0;
            (options.Cluster.GatewayPort, options.Cluster.SecretFile) = (gateway.Port, gateway.SecretFile);
            options.Pipelines = pipelines;
            options.Url = demo.Url;
        });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(demo);
        builder.Services.AddSingleton<DemoProducer>();
        await using var app = SiloHost.Build(builder);
        await DemoCustomers.CreateAsync(app.Services.GetRequiredService<ISinkFactory>(), cancellation);
        await app.StartAsync(cancellation);
        var producer = app.Services.GetRequiredService<DemoProducer>();
        await producer.StartAsync(CancellationToken.None);

        using var until = CancellationTokenSource.CreateLinkedTokenSource(cancellation, app.Lifetime.ApplicationStopping);
        if (demo.Duration is { } duration) until.CancelAfter(duration);
        var screen = new DemoScreen(app.Services.GetRequiredService<IGrainFactory>(), demo, bootstrap, gateway);
        await screen.ShowAsync(until.Token);

        await producer.StopAsync(CancellationToken.None);
        await SummariseAsync(screen, producer);
        await app.StopAsync(CancellationToken.None);
    }

    /// <summary>Lets what was produced go through, stops in order, and shows that every record is accounted for.</summary>
    private static async Task SummariseAsync(DemoScreen screen, DemoProducer producer)
    {
        using var deadline = new CancellationTokenSource(Drain);
        var status = await screen.DrainAsync(producer.Produced, deadline.Token);
        DemoScreen.Summarise(status, producer.Produced);
    }
}
