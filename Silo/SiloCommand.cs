using System.CommandLine;
using KafkaOracleOrleans.Silo.Demo;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo;

/// <summary>The silo's command line.</summary>
internal static class SiloCommand
{
    private const int ExitConfiguration = 78;

    public static RootCommand Create()
    {
        var root = new RootCommand("Kafka topics, cleaned, deduplicated and windowed, into Oracle - on Microsoft Orleans.")
        {
            Demo(),
        };
        var run = new Command("run", "Runs a silo with the configuration of appsettings.json and the environment (the default).")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        run.SetAction((result, cancellation) => GuardAsync(() => RunAsync([.. result.UnmatchedTokens], cancellation)));
        root.Add(run);
        root.SetAction((_, cancellation) => GuardAsync(() => RunAsync([], cancellation)));
        return root;
    }

    private static Command Demo()
    {
        var kafka = new Option<string?>("--kafka") { Description = "host:port of a real broker instead of the embedded one." };
        var state = new Option<string?>("--state")
        {
            Description = "State database: postgresql://user:password@host:port/database, or a SQLite file. Default: a SQLite file of the demo's.",
        };
        var sink = new Option<string?>("--sink") { Description = "Sink database, likewise." };
        var rate = new Option<int>("--rate") { Description = "Records per second.", DefaultValueFactory = _ => 1000 };
        var seed = new Option<int>("--seed") { Description = "Seed of the generator.", DefaultValueFactory = _ => 1 };
        var url = new Option<string>("--url") { Description = "Where the API listens.", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        var seconds = new Option<int?>("--seconds") { Description = "Stop by itself after so many seconds." };
        var file = new Option<string?>("--pipeline") { Description = "The pipeline file. Default: pipelines/orders.yaml." };
        var demo = new Command("demo", "Everything in one process, nothing to install: orders flow into windows and a database.")
        {
            kafka, state, sink, rate, seed, url, seconds, file,
        };
        demo.SetAction((result, cancellation) => GuardAsync(() => DemoRun.RunAsync(
            new DemoOptions
            {
                Kafka = result.GetValue(kafka),
                State = result.GetValue(state),
                Sink = result.GetValue(sink),
                Rate = result.GetValue(rate),
                Seed = result.GetValue(seed),
                Url = result.GetValue(url)!,
                Duration = result.GetValue(seconds) is { } s ? TimeSpan.FromSeconds(s) : null,
                PipelineFile = result.GetValue(file) ?? DemoRun.DefaultPipeline(),
            },
            cancellation)));
        return demo;
    }

    private static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        await using var app = SiloHost.Build(SiloHost.CreateBuilder(args, null));
        await app.RunAsync(cancellation);
        return 0;
    }

    /// <summary>Configuration that cannot work is told in its own words, without a stack trace.</summary>
    private static async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is KorConfigurationException or Storage.Connections.ConnectionConfigurationException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ExitConfiguration;
        }
    }
}
