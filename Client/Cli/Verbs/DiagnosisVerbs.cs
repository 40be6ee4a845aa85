using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor plan</c>, <c>doctor</c>, <c>verify-oracle</c> and <c>drivers</c>.</summary>
internal static class DiagnosisVerbs
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(2);

    public static void AddTo(KorCommand kor)
    {
        AddPlan(kor);
        AddDoctor(kor);
        AddVerify(kor);
        AddDrivers(kor);
    }

    private static void AddPlan(KorCommand kor)
    {
        var files = FileArguments.Argument("Pipeline files, folders, ./..., or patterns.");
        var dialect = new Option<string?>("--dialect")
        {
            Description = "Offline: the whole DDL for this kind of database, as if it were empty, without asking a server.",
            HelpName = "oracle|postgresql|sqlite",
        };
        dialect.AcceptOnlyFromAmong("oracle", "postgresql", "sqlite");
        var env = PipelineFiles.EnvOption();
        kor.Add(
            new Command("plan", "Prints the DDL that pipelines need in their databases, and what happens to the state of the version that runs. Runs none of it.")
            {
                files, dialect, env,
            },
            (context, cancellation) =>
            {
                var found = FileArguments.Find(context.Host, context.Args.GetValue(files)!, tests: false);
                return context.Args.GetValue(dialect) is { } kind
                    ? Task.FromResult(PlanOffline(context, found, DatabaseProviderText.Parse(kind)!.Value, PipelineFiles.Variables(context, env)))
                    : PlanOnlineAsync(context, found, PipelineFiles.Variables(context, env), cancellation);
            });
    }

    private static int PlanOffline(VerbContext context, IReadOnlyList<InputFile> files, DatabaseProvider provider, Func<string, string?> variables)
    {
        var compiled = files.Select(f => (File: f, Compilation: PipelineFiles.Compile(FileArguments.Read(f), f.Name, variables))).ToList();
        var shared = SharedTables.Find(compiled.Select(c => c.Compilation.Plan).OfType<PipelinePlan>());
        var reports = new List<PipelinePlanReport>();
        foreach (var (file, compilation) in compiled)
        {
            reports.Add(new PipelinePlanReport
            {
                File = file.Name,
                Pipeline = compilation.Plan?.Name,
                Diagnostics = [.. compilation.Diagnostics.Select(d => d.ToString())],
                Tables = compilation.Plan is { } plan ? WithShared(plan.Name, TablePlans.For(plan, provider), shared) : [],
            });
        }

        if (context.Output.ForPeople)
        {
            context.Host.Out.Write($"-- The tables around sinks, once per database (deploy/sql/{provider.ToText()}/sink.sql)\n");
            context.Host.Out.Write(TablePlans.SinkScript(provider).TrimEnd() + "\n\n");
        }

        return Write(context, reports);
    }

    private static IReadOnlyList<TablePlan> WithShared(string pipeline, IReadOnlyList<TablePlan> tables, IReadOnlyList<SharedTable> shared) => TablePlans.With(
        tables, shared.Where(s => s.Pipeline == pipeline).ToLookup(s => s.Sink, s => $"{SharedTables.Code}: {s.Message}"));

    private static async Task<int> PlanOnlineAsync(
        VerbContext context, IReadOnlyList<InputFile> files, Func<string, string?> variables, CancellationToken cancellation)
    {
        using var api = new KorApi(context, TimeSpan.FromMinutes(2));
        // The server compares each file with what it runs; the files with each other are compared here.
        var shared = files.Count < 2
            ? []
            : SharedTables.Find(files.Select(f => PipelineFiles.Compile(FileArguments.Read(f), f.Name, variables).Plan).OfType<PipelinePlan>());
        var reports = new List<PipelinePlanReport>();
        foreach (var file in files)
        {
            try
            {
                var report = (await api.PostAsync<PipelinePlanReport>("plan", new PlanRequest(file.Name, FileArguments.Read(file)), cancellation)).Value;
                var told = report.Tables.SelectMany(t => t.Differences).ToHashSet(StringComparer.Ordinal);
                reports.Add(report.Pipeline is { } name
                    ? report with { Tables = WithShared(name, report.Tables, [.. shared.Where(s => !told.Contains($"{SharedTables.Code}: {s.Message}"))]) }
                    : report);
            }
            catch (CliException e) when (e.ExitCode == ExitCodes.Unavailable)
            {
                throw new CliException(
                    e.ExitCode,
                    e.Message + "\nWithout a server: 'kor plan FILE --dialect oracle|postgresql|sqlite' prints the DDL for an empty database, and "
                    + "'dotnet run --project Silo -- plan FILE' asks the databases of the host's configuration.");
            }
        }

        return Write(context, reports);
    }

    private static int Write(VerbContext context, List<PipelinePlanReport> reports)
    {
        if (context.Output.ForPeople) foreach (var report in reports) context.Host.Out.Write(PlanText.Of(report));
        else context.Output.Data(Json(reports));
        if (reports.Exists(r => r.Pipeline is null)) return ExitCodes.Config;
        return reports.Exists(r => r.Blocked) ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static void AddDoctor(KorCommand kor)
    {
        var only = new Option<string[]>("--connection") { Description = "Only this connection; may be repeated.", HelpName = "NAME", DefaultValueFactory = _ => [] };
        kor.Add(
            new Command("doctor", "Lets the server check its connections, tables, topics, privileges and clocks; each failing line says how to fix it.") { only },
            async (context, cancellation) =>
            {
                var findings = await ExamineAsync(context, context.Args.GetValue(only)!, cancellation);
                if (context.Output.ForPeople) Write(context.Output, findings);
                else context.Output.Data(Json(findings));
                return findings.Exists(f => f.Status == FindingStatus.Failed) ? ExitCodes.Failed : ExitCodes.Ok;
            });
    }

    private static async Task<List<Finding>> ExamineAsync(VerbContext context, string[] only, CancellationToken cancellation)
    {
        using var api = new KorApi(context, TimeSpan.FromMinutes(2));
        var findings = new List<Finding>();
        ConnectionSummary[] connections;
        try
        {
            var before = context.Host.Time.GetUtcNow();
            var (answer, date) = await api.GetDatedAsync<ConnectionSummary[]>("connections", cancellation);
            connections = answer.Value;
            findings.Add(Finding.Ok("server", "reachable", context.Url.ToString()));
            if (date is { } server) findings.Add(Clock(before, context.Host.Time.GetUtcNow(), server));
        }
        catch (CliException e) when (e.ExitCode is ExitCodes.Unavailable or ExitCodes.Denied)
        {
            findings.Add(Finding.Failed(
                "server", "reachable", e.Message,
                e.ExitCode == ExitCodes.Denied
                    ? "Give a key that the server knows: KOR_API_KEY or --api-key-file FILE."
                    : "Start it, or name it with --url or KOR_URL. 'dotnet run --project Silo -- doctor' checks its configuration without it."));
            return findings;
        }

        foreach (var missing in only.Except(connections.Select(c => c.Name), StringComparer.Ordinal))
            findings.Add(Finding.Failed(missing, "configured", "The server has no connection of this name.", $"It has {string.Join(", ", connections.Select(c => c.Name).Distinct())}."));
        foreach (var name in connections.Select(c => c.Name).Distinct(StringComparer.Ordinal).Where(n => only.Length == 0 || only.Contains(n)))
            findings.AddRange((await api.PostAsync<Finding[]>(KorApi.Path("connections", name, "check"), cancellation)).Value);
        if (only.Length == 0) findings.AddRange((await api.GetAsync<PipelineStatus[]>("pipelines", cancellation)).Value.SelectMany(HealthOf));
        return findings;
    }

    /// <summary>What pipelines met when they ran: no connection that can be opened proves that a lookup, a topic or a sink does what a pipeline wants of it.</summary>
    private static IEnumerable<Finding> HealthOf(PipelineStatus status)
    {
        if (status.Health.Count == 0) yield return Finding.Ok($"pipeline {status.Name}", "health", status.Condition.ToString().ToLowerInvariant());
        foreach (var issue in status.Health)
        {
            var remedy = $"The text says what to do; 'kor status {status.Name}' shows all parts. Since {Show.Time(issue.Since)}.";
            yield return issue.Severity == PartState.Failed
                ? Finding.Failed($"pipeline {status.Name}", issue.Kind, issue.Text, remedy)
                : Finding.Warning($"pipeline {status.Name}", issue.Kind, issue.Text, remedy);
        }
    }

    private static Finding Clock(DateTimeOffset before, DateTimeOffset after, DateTimeOffset server)
    {
        // The header has whole seconds, cut.
        var skew = server.AddSeconds(1) < before ? server.AddSeconds(1) - before : server > after ? server - after : TimeSpan.Zero;
        var text = skew.Duration() < Skew
            ? "in step with this machine"
            : string.Create(CultureInfo.InvariantCulture, $"the server is {skew.Duration().TotalSeconds:0} s {(skew > TimeSpan.Zero ? "ahead of" : "behind")} this machine");
        return skew.Duration() < Skew
            ? Finding.Ok("server", "clock", text)
            : Finding.Warning("server", "clock", text, "Synchronise both machines by NTP; what this command shows as ages is off by that much.");
    }

    private static void Write(CliOutput output, List<Finding> findings)
    {
        foreach (var line in FindingText.Of(findings).TrimEnd('\n').Split('\n'))
        {
            var tone = line.StartsWith("FAIL", StringComparison.Ordinal) ? Tone.Bad : line.StartsWith("warn", StringComparison.Ordinal) ? Tone.Warning : Tone.Plain;
            output.Line(line, tone);
        }
    }

    private static void AddVerify(KorCommand kor)
    {
        var connection = new Option<string>("--connection") { Description = "The server's connection, to a scratch schema.", Required = true, HelpName = "NAME" };
        kor.Add(
            new Command("verify-oracle", "Lets the server try every assumption about Oracle (docs/oracle.md) in a scratch schema of yours.") { connection },
            async (context, cancellation) =>
            {
                using var api = new KorApi(context, TimeSpan.FromMinutes(10));
                var answer = await api.PostAsync<OracleReport>(
                    KorApi.Path("connections", context.Args.GetValue(connection)!, "verify"), cancellation);
                if (context.Output.ForPeople) context.Host.Out.Write(OracleReportText.Of(answer.Value));
                else context.Output.Data(answer.Json);
                return answer.Value.Results.All(r => r.Passed) ? ExitCodes.Ok : ExitCodes.Failed;
            });
    }

    private static void AddDrivers(KorCommand kor) => kor.Add(
        new Command("drivers", "Lists the database drivers of the server, and how to add Oracle's."),
        async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var answer = await api.GetAsync<DriverInfo[]>("drivers", cancellation);
            if (context.Output.ForPeople) context.Host.Out.Write(DriverText.Of(answer.Value));
            else context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        });

    private static JsonNode Json<T>(T value) => System.Text.Json.JsonSerializer.SerializeToNode(value, JsonText.Api)!;
}
