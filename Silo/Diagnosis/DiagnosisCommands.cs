using System.CommandLine;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>What can be asked of a host's configuration before anything runs: plan, doctor, verify-oracle, drivers.</summary>
internal static class DiagnosisCommands
{
    private const int ExitFailed = 1;
    private const int ExitUnreadable = 3;
    private const int ExitConfiguration = 78;

    public static Command Plan(Func<Func<Task<int>>, Task<int>> guard)
    {
        var files = Files("The pipeline files.", ArgumentArity.OneOrMore);
        var output = OutputOption();
        var command = new Command("plan", "Prints the DDL that pipelines need in their databases; runs none of it.") { files, output };
        command.SetAction((args, cancellation) => guard(async () =>
        {
            var options = HostConfiguration.Load();
            await using var databases = new DatabaseConnections(options.Connections, TimeProvider.System);
            var compiler = new HostPipelineCompiler(options, []);
            var planner = new Planner(compiler, databases);
            var texts = new List<(string File, string Text)>();
            foreach (var file in args.GetValue(files)!) texts.Add((file, await ReadAsync(file, cancellation)));
            var shared = SharedTables.Find(texts.Select(t => compiler.Compile(t.Text, t.File, DefinitionOrigin.Folder).Plan).OfType<PipelinePlan>());
            var reports = new List<PipelinePlanReport>();
            foreach (var (file, text) in texts)
                reports.Add(await planner.PlanAsync(file, text, DefinitionOrigin.Folder, null, p => Task.FromResult(Of(p, shared)), cancellation));
            if (args.GetValue(output) == "json") Console.Out.WriteLine(DiagnosisText.Json(reports));
            else foreach (var report in reports) Console.Out.Write(PlanText.Of(report));
            return reports.Exists(r => r.Pipeline is null) ? ExitConfiguration : reports.Exists(r => r.Blocked) ? ExitFailed : 0;
        }));
        return command;
    }

    private static IReadOnlyList<TableRefusal> Of(PipelinePlan plan, IReadOnlyList<SharedTable> shared) =>
        [.. shared.Where(s => s.Pipeline == plan.Name).Select(s => new TableRefusal(s.Sink, $"{SharedTables.Code}: {s.Message}"))];

    public static Command Doctor(Func<Func<Task<int>>, Task<int>> guard)
    {
        var files = Files("Pipeline files; their tables and topics are checked too. Default: the folder of the configuration.", ArgumentArity.ZeroOrMore);
        var output = OutputOption();
        var command = new Command("doctor", "Checks configuration, connections, tables, topics and clocks before anything runs.") { files, output };
        command.SetAction((args, cancellation) => guard(async () =>
        {
            var findings = await ExamineAsync(args.GetValue(files) ?? [], cancellation);
            Console.Out.Write(args.GetValue(output) == "json" ? DiagnosisText.Json(findings) + "\n" : FindingText.Of(findings));
            return findings.Any(f => f.Status == FindingStatus.Failed) ? ExitFailed : 0;
        }));
        return command;
    }

    public static Command VerifyOracle(Func<Func<Task<int>>, Task<int>> guard)
    {
        var connection = new Option<string>("--connection") { Description = "The connection, to a scratch schema.", Required = true, HelpName = "NAME" };
        var output = OutputOption();
        var command = new Command("verify-oracle", "Tries every assumption about Oracle (docs/oracle.md) in a scratch schema of yours.") { connection, output };
        command.SetAction((args, cancellation) => guard(async () =>
        {
            var options = HostConfiguration.Load();
            await using var databases = new DatabaseConnections(options.Connections, TimeProvider.System);
            var report = await OracleReports.RunAsync(databases, args.GetValue(connection)!, cancellation);
            Console.Out.Write(args.GetValue(output) == "json" ? DiagnosisText.Json(report) + "\n" : DiagnosisText.Of(report));
            return report.Results.All(r => r.Passed) ? 0 : ExitFailed;
        }));
        return command;
    }

    public static Command Drivers()
    {
        var output = OutputOption();
        var command = new Command("drivers", "Lists the database drivers of this build, and how to add Oracle's.") { output };
        command.SetAction(args =>
        {
            Console.Out.Write(args.GetValue(output) == "json" ? DiagnosisText.Json(DatabaseDrivers.All()) + "\n" : DriverText.Of(DatabaseDrivers.All()));
            return 0;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Finding>> ExamineAsync(string[] files, CancellationToken cancellation)
    {
        var options = HostConfiguration.Load();
        var findings = HostConfiguration.Faults(options).Select(f => Finding.Failed("configuration", "Kor", f, "Correct appsettings.json or the environment.")).ToList();
        if (findings.Count == 0) findings.Add(Finding.Ok("configuration", "Kor", "complete and consistent"));
        findings.Add(Library());
        var plans = new List<PipelinePlan>();
        foreach (var file in files.Length > 0 ? files : Default(options))
        {
            var compiled = new HostPipelineCompiler(options, []).Compile(await ReadAsync(file, cancellation), file, DefinitionOrigin.Folder);
            if (compiled.Plan is { } plan)
            {
                plans.Add(plan);
                findings.Add(Finding.Ok(file, "pipeline", $"'{plan.Name}' is valid"));
            }
            else
            {
                findings.Add(Finding.Failed(file, "pipeline", string.Join("; ", compiled.Diagnostics), "Correct the file; 'kor validate' shows the places."));
            }
        }

        // A connection that cannot even be made hides nothing of the others.
        await using var databases = new DatabaseConnections(await UsableAsync(options, findings), TimeProvider.System);
        var doctor = new HostDoctor(options, databases, TimeProvider.System);
        foreach (var name in doctor.Names) findings.AddRange(await doctor.CheckAsync(name, plans, cancellation));
        return findings;
    }

    private static Finding Library()
    {
        try
        {
            KafkaLibrary.Check();
            return Finding.Ok("librdkafka", "library", $"{KafkaLibrary.Version.ToString(3)} from {KafkaLibrary.Path}");
        }
        catch (KafkaLibraryException e)
        {
            return Finding.Failed("librdkafka", "library", e.Message, "Deploy the application's folder as it was published.");
        }
    }

    private static async Task<Dictionary<string, ConnectionOptions>> UsableAsync(KorOptions options, List<Finding> findings)
    {
        var usable = new Dictionary<string, ConnectionOptions>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, connection) in options.Connections)
        {
            try
            {
                await using var made = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { [name] = connection }, TimeProvider.System);
                usable[name] = connection;
            }
            catch (ConnectionConfigurationException fault)
            {
                // What is wrong with the options is a finding already; a driver that is missing is not theirs to say.
                if (connection.Provider == DatabaseProvider.Oracle && DatabaseDrivers.Oracle() is { Version: null } driver)
                    findings.Add(Finding.Failed(name, "driver", $"{driver.Driver} is {driver.Note}", "Publish like that, or build the image of deploy/Dockerfile, which has it."));
                else if (!findings.Exists(f => f is { Subject: "configuration", Status: FindingStatus.Failed }))
                    findings.Add(Finding.Failed(name, "settings", fault.Message, $"Correct Kor:Connections:{name}."));
            }
        }

        return usable;
    }

    private static string[] Default(KorOptions options)
    {
        if (string.IsNullOrEmpty(options.Pipelines) || !Directory.Exists(options.Pipelines)) return [];
        return [.. Directory.EnumerateFiles(options.Pipelines).Where(PipelineFolder.IsPipeline).Order(StringComparer.Ordinal)];
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return PipelineFolder.WithSchemas(Path.GetFullPath(file), await File.ReadAllTextAsync(file, cancellation));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitUnreadable, $"'{file}' cannot be read: {e.Message}");
        }
    }

    private static Argument<string[]> Files(string description, ArgumentArity arity) => new("files") { Description = description, Arity = arity };

    private static Option<string> OutputOption()
    {
        var option = new Option<string>("--output", "-o") { Description = "table or json.", HelpName = "table|json", DefaultValueFactory = _ => "table" };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }
}

/// <summary>An expected end of a command: the text goes to stderr, the code to the caller.</summary>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
