using System.CommandLine;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor apply</c>: hands pipeline files to the server over the API, new ones and changed ones.</summary>
internal static class ApplyVerb
{
    private static readonly string[] States = ["running", "paused", "stopped"];

    private sealed record Report(string Pipeline, int Version, string[] Warnings);

    public static void AddTo(KorCommand kor)
    {
        var files = FileArguments.Argument("Pipeline files or folders; see 'kor validate'.");
        var state = new Option<string>("--initial-state")
        {
            Description = "What a pipeline that is new does: running, paused or stopped. Default: running.",
            HelpName = string.Join('|', States),
            DefaultValueFactory = _ => "running",
        };
        state.AcceptOnlyFromAmong(States);
        kor.Add(
            new Command("apply", "Creates or replaces pipelines on the server from files. The server keeps them; files of its own folder it takes by itself.") { files, state },
            async (context, cancellation) =>
            {
                var found = FileArguments.Find(context.Host, context.Args.GetValue(files)!, tests: false);
                using var api = new KorApi(context);
                foreach (var file in found) await ApplyAsync(context, api, file, context.Args.GetValue(state)!, cancellation);
                return ExitCodes.Ok;
            });
    }

    private static async Task ApplyAsync(VerbContext context, KorApi api, InputFile file, string state, CancellationToken cancellation)
    {
        var text = FileArguments.Read(file);
        // Its faults with their lines, before the server is asked. Over HTTP a text sees no variables.
        var plan = PipelineFiles.Load(context, file.Name, static _ => null);
        var media = file.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? "application/json" : "application/yaml";
        var at = $"?file={Uri.EscapeDataString(System.IO.Path.GetFileName(file.Path))}";
        var known = await TryGetAsync(api, plan.Name, cancellation);
        var report = known is null
            ? (await api.PostTextAsync<Report>($"pipelines{at}&initialState={state}", text, media, cancellation)).Value
            : (await api.PutTextAsync<Report>(KorApi.Path("pipelines", plan.Name) + at, text, media, known.Version, cancellation)).Value;
        var what = known is null ? "created" : report.Version == known.Version ? "unchanged" : "changed";
        if (context.Output.ForPeople)
        {
            context.Output.Line($"{report.Pipeline}   {what}   version {Show.Count(report.Version)}");
            foreach (var warning in report.Warnings) context.Output.Talk(warning);
        }
        else
        {
            context.Output.Data(new JsonObject
            {
                ["pipeline"] = report.Pipeline, ["did"] = what, ["version"] = report.Version, ["warnings"] = new JsonArray([.. report.Warnings.Select(w => (JsonNode)w)]),
            });
        }
    }

    private static async Task<PipelineConfig?> TryGetAsync(KorApi api, string name, CancellationToken cancellation)
    {
        try
        {
            return (await api.GetAsync<PipelineConfig>(KorApi.Path("pipelines", name, "config"), cancellation)).Value;
        }
        catch (CliException e) when (e.ExitCode == ExitCodes.NotFound)
        {
            return null;
        }
    }
}
