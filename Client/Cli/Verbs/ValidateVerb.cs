using System.CommandLine;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor validate</c>: every fault of every file, in one run.</summary>
internal static class ValidateVerb
{
    public static void AddTo(KorCommand kor)
    {
        var files = FileArguments.Argument("Pipeline files, folders, patterns such as 'pipelines/**/*.yaml', or ./...");
        var env = PipelineFiles.EnvOption();
        var strict = new Option<bool>("--deny-warnings") { Description = "Warnings count as errors." };
        var verb = new Command("validate", "Checks pipeline files: syntax, keys, references, expressions, types, sinks.")
        {
            files, env, strict,
        };
        kor.Add(verb, (context, _) => Task.FromResult(
            Run(context, context.Args.GetValue(files)!, PipelineFiles.Variables(context, env), context.Args.GetValue(strict))));
    }

    private static int Run(VerbContext context, string[] arguments, Func<string, string?> variables, bool denyWarnings)
    {
        var (errors, warnings) = (0, 0);
        var data = new JsonArray();
        string? firstCode = null;
        var plans = new List<PipelinePlan>();
        foreach (var file in FileArguments.Find(context.Host, arguments, tests: false))
        {
            var text = FileArguments.Read(file);
            var result = PipelineFiles.Compile(text, file.Name, variables);
            errors += result.Diagnostics.Count(d => d.Severity == Severity.Error);
            warnings += result.Diagnostics.Count(d => d.Severity == Severity.Warning);
            firstCode ??= result.Diagnostics.FirstOrDefault(d => d.Severity == Severity.Error)?.Code;
            if (context.Output.ForPeople) Show(context.Output, file, text, result);
            else data.Add(ToJson(file, result));
            if (result.Plan is { } plan && !plans.Exists(p => p.Name == plan.Name)) plans.Add(plan);
        }

        foreach (var (names, message) in QuarantineLoops.Find(plans))
        {
            warnings++;
            if (context.Output.ForPeople) context.Output.Line($"warning {QuarantineLoops.Code}: {message}", Tone.Warning);
            else data.Add(AcrossToJson(names, QuarantineLoops.Code, "warning", message));
        }

        foreach (var shared in SharedTables.Find(plans))
        {
            errors++;
            firstCode ??= SharedTables.Code;
            if (context.Output.ForPeople) context.Output.Line($"error {SharedTables.Code}: {shared.Message}", Tone.Bad);
            else data.Add(AcrossToJson([shared.Other, shared.Pipeline], SharedTables.Code, "error", shared.Message));
        }

        if (!context.Output.ForPeople) context.Output.Data(data);
        else if (errors + warnings > 0) context.Output.Talk(Summary(errors, warnings, firstCode));
        return errors > 0 || (denyWarnings && warnings > 0) ? ExitCodes.Config : ExitCodes.Ok;
    }

    private static void Show(CliOutput output, InputFile file, string text, PipelineCompilation result)
    {
        foreach (var diagnostic in result.Diagnostics)
        {
            var tone = diagnostic.Severity == Severity.Error ? Tone.Bad : Tone.Warning;
            foreach (var line in DiagnosticText.WithSource(diagnostic, text).TrimEnd('\n').Split('\n'))
            {
                output.Line(line, tone);
                tone = Tone.Plain;
            }
        }

        if (result.Plan is { } plan)
            output.Line($"ok  {file.Name}  {plan.Name}: {Counted(plan.Steps.Count, "step")}, {Counted(plan.Sinks.Count, "sink")}", Tone.Good);
    }

    private static string Summary(int errors, int warnings, string? code)
    {
        var text = $"{Counted(errors, "error")}, {Counted(warnings, "warning")}.";
        return code is null ? text : $"{text} 'kor docs {code}' explains.";
    }

    private static string Counted(int count, string what) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    /// <summary>A finding about several pipelines together.</summary>
    private static JsonObject AcrossToJson(IReadOnlyList<string> names, string code, string severity, string message) => new()
    {
        ["file"] = null,
        ["pipeline"] = string.Join(", ", names),
        ["valid"] = severity != "error",
        ["diagnostics"] = new JsonArray(new JsonObject { ["code"] = code, ["severity"] = severity, ["message"] = message }),
    };

    private static JsonObject ToJson(InputFile file, PipelineCompilation result) => new()
    {
        ["file"] = file.Name,
        ["pipeline"] = result.Plan?.Name,
        ["valid"] = result.Succeeded,
        ["diagnostics"] = DiagnosticJson.Of(result.Diagnostics),
    };
}

/// <summary>Findings as JSON.</summary>
internal static class DiagnosticJson
{
    public static JsonArray Of(IEnumerable<Diagnostic> diagnostics) => new([.. diagnostics.Select(d => (JsonNode)new JsonObject
    {
        ["code"] = d.Code,
        ["severity"] = d.Severity == Severity.Error ? "error" : "warning",
        ["file"] = d.File,
        ["line"] = d.Line,
        ["column"] = d.Column,
        ["length"] = d.Length,
        ["path"] = d.Path,
        ["message"] = d.Message,
        ["suggestion"] = d.Suggestion,
    })]);
}
