using System.CommandLine;
using System.CommandLine.Parsing;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Silo.Demo;
using KafkaOracleOrleans.Silo.Diagnosis;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.Tls;

namespace KafkaOracleOrleans.Silo;

/// <summary>The silo's command line.</summary>
internal static class SiloCommand
{
    private const int ExitUnreachable = 69;
    private const int ExitConfiguration = 78;

    public static RootCommand Create()
    {
        var root = new RootCommand("Kafka topics, cleaned, deduplicated and windowed, into Oracle - on Microsoft Orleans.")
        {
            Demo(),
            ApiKey(),
            Secret(),
        };
        var run = new Command("run", "Runs a silo with the configuration of appsettings.json and the environment (the default).")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        run.SetAction((result, cancellation) => GuardAsync(() => RunAsync([.. result.UnmatchedTokens], cancellation)));
        root.Add(run);
        root.Add(RunOne());
        root.Add(ConfigCommands.Create(GuardAsync));
        root.Add(DiagnosisCommands.Doctor(GuardAsync));
        root.Add(DiagnosisCommands.Plan(GuardAsync));
        root.Add(DiagnosisCommands.VerifyOracle(GuardAsync));
        root.Add(DiagnosisCommands.Drivers());
        root.SetAction((_, cancellation) => GuardAsync(() => RunAsync([], cancellation)));
        return root;
    }

    private static Command ApiKey()
    {
        var command = new Command("api-key", "Makes an API key and prints it with the hash that goes into the configuration.");
        command.SetAction(_ =>
        {
            var (key, hash) = ApiKeyRing.Create();
            Console.WriteLine($"key   {key}");
            Console.WriteLine($"hash  {hash}");
            Console.WriteLine();
            Console.WriteLine("Keep the key; it cannot be had again. On the silo: Kor__Http__ApiKeys__NAME__Hash=HASH and Kor__Http__ApiKeys__NAME__Role=viewer|operator|admin.");
            return 0;
        });
        return command;
    }

    private static Command Secret()
    {
        var file = new Argument<string>("file") { Description = "The file to write; it must not be there yet." };
        var command = new Command("secret", "Writes a secret for Kor:Cluster:SecretFile into a file that only this user can read.") { file };
        command.SetAction((result, _) => GuardAsync(() =>
        {
            var path = Path.GetFullPath(result.GetValue(file)!);
            try
            {
                SharedSecret.Create(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new KorConfigurationException([$"{path} cannot be written: {e.Message}"]);
            }

            Console.WriteLine($"Written to {path}. On every silo: Kor__Cluster__SecretFile=FILE; clients: KorClientOptions.SecretFile.");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command RunOne()
    {
        var file = new Argument<string>("file") { Description = "The pipeline file; changes to it take effect while it runs." };
        var state = new Option<string?>("--state") { Description = "A SQLite file that keeps the state. Default: state that is gone at the end." };
        var url = new Option<string?>("--url") { Description = "Where the API listens. Default: the configuration's." };
        var untilEnd = new Option<bool>("--until-end") { Description = "Stop with exit code 0 when all that the topics held at the start is durable in the sinks." };
        var close = new Option<bool>("--close-windows") { Description = "With --until-end: write the windows that are open at the end. Always so without --state." };
        var within = new Option<TimeSpan?>("--within")
        {
            Description = "With --until-end: how long it may take, e.g. 30m; then it ends with 1. Default: as long as it takes.",
            HelpName = "SPAN",
            CustomParser = ParseSpan,
        };
        var run = new Command("run-file", "Runs one pipeline file in this process, with the host's connections and state of its own.")
        {
            file, state, url, untilEnd, close, within,
        };
        run.Validators.Add(result =>
        {
            if (result.GetValue(untilEnd)) return;
            foreach (var option in (Option[])[close, within])
            {
                if (result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} goes with --until-end only.");
            }
        });
        run.SetAction((result, cancellation) => GuardAsync(() => RunFile.RunAsync(
            result.GetValue(file)!,
            result.GetValue(state),
            result.GetValue(url),
            result.GetValue(untilEnd) ? new RunToEndOptions(result.GetValue(close), result.GetValue(state) is not null, result.GetValue(within)) : null,
            cancellation)));
        return run;
    }

    private static TimeSpan? ParseSpan(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (Durations.TryParse(text, out var ms) && ms > 0) return TimeSpan.FromMilliseconds(ms);
        result.AddError($"'{text}' is not a span of time such as 30s, 30m or 2h.");
        return null;
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
        var gateway = new Option<int>("--gateway")
        {
            Description = "The port of the gateway for the client library (samples/LiveKeys); 0: none.", DefaultValueFactory = _ => DemoOptions.DefaultGatewayPort,
        };
        var file = new Option<string?>("--pipeline") { Description = "The pipeline file. Default: the sample orders, which is built in." };
        var demo = new Command("demo", "Everything in one process, nothing to install: orders flow into windows and a database.")
        {
            kafka, state, sink, rate, seed, url, gateway, seconds, file,
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
                GatewayPort = result.GetValue(gateway),
                Duration = result.GetValue(seconds) is { } s ? TimeSpan.FromSeconds(s) : null,
                PipelineFile = result.GetValue(file),
            },
            cancellation)));
        return demo;
    }

    private static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        await using var app = SiloHost.Build(SiloHost.CreateBuilder(args, null));
        StartSummary.Begin(app.Services);
        await ShutdownWatchdog.RunAsync(app, cancellation);
        return 0;
    }

    /// <summary>Configuration that cannot work is told in its own words, without a stack trace.</summary>
    internal static async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (CommandException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return e.ExitCode;
        }
        catch (Exception e) when (e is KorConfigurationException or Storage.Connections.ConnectionConfigurationException or KafkaLibraryException
            or Orleans.Runtime.OrleansConfigurationException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ExitConfiguration;
        }
        catch (Exception e) when (DatabaseFault(e) is { } fault)
        {
            // Ours, or the driver's own: Orleans reads its membership right after our checks, and a database may go away in between.
            await Console.Error.WriteLineAsync(fault.Message);
            await Console.Error.WriteLineAsync("'doctor' looks at every connection and says what to do.");
            return ExitUnreachable;
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync(
                $"{e.Message} Something else listens there: stop it, or choose another address with --url (demo) or Kor__Url (run).");
            return ExitConfiguration;
        }
    }

    /// <summary>What a database said behind a failure, if one did.</summary>
    private static Exception? DatabaseFault(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is Storage.Connections.DatabaseException or System.Data.Common.DbException) return e;
        }

        return null;
    }
}
