using System.CommandLine;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor apply</c>: hands pipeline files to the server over the API, new ones and changed ones.</summary>
internal static class ApplyVerb
{
    private static readonly string[] States = ["running", "paused", "stopped"];

    private sealed record Report(string Pipeline, int Version, string[] Warnings, string? Held);

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
                var code = ExitCodes.Ok;
                foreach (var file in found) code = Math.Max(code, await ApplyAsync(context, api, file, context.Args.GetValue(state)!, cancellation));
                return code;
            });
    }

    private static async Task<int> ApplyAsync(VerbContext context, KorApi api, InputFile file, string state, CancellationToken cancellation)
    {
        var text = FileArguments.Read(file);
        // Its faults with their lines, before the server is asked. Over HTTP a text sees no variables.
        var plan = PipelineFiles.Load(context, file.Name, static _ => null);
        var media = file.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? "application/json" : "application/yaml";
        var at = $"?file={Uri.EscapeDataString(System.IO.Path.GetFileName(file.Path))}";
        var known = await TryGetAsync(api, plan.Name, cancellation);
        var answer = known is null
            ? await api.PostTextAsync<Report>($"pipelines{at}&initialState={state}", text, media, cancellation)
            : await api.PutTextAsync<Report>(KorApi.Path("pipelines", plan.Name) + at, text, media, known.Version, cancellation);
        var report = answer.Value;
        var what = known is null ? "created" : report.Version == known.Version ? "unchanged" : "changed";
        var code = HistoryVerbs.Tell(context, answer.Json, report.Pipeline, report.Version, report.Held, what);
        if (context.Output.ForPeople)
        {
            foreach (var warning in report.Warnings) context.Output.Talk(warning);
        }

        return code;
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
