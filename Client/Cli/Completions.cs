using System.CommandLine;
using System.CommandLine.Completions;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>
/// Names that a shell completes and only the server knows: pipelines, steps and keys. They are asked for while somebody holds the Tab key, so a server that does
/// not answer at once has none.
/// </summary>
internal sealed class Completions(CliHost host, GlobalOptions globals)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private const int Keys = 200;

    /// <summary>Adds them to every argument that is such a name.</summary>
    public void AddTo(Command command)
    {
        foreach (var argument in command.Arguments)
        {
            switch (argument.Name)
            {
                case "pipeline":
                    argument.CompletionSources.Add(context => Ask(context, PipelinesAsync));
                    break;
                case "pipeline[.step]":
                    argument.CompletionSources.Add(context => Ask(context, (api, _) => TargetsAsync(api, context.WordToComplete)));
                    break;
                case "step":
                    argument.CompletionSources.Add(context => Ask(context, async (api, args) =>
                        [.. (await WindowsAsync(api, args, 1)).Select(w => w.Step)]));
                    break;
                case "key":
                    argument.CompletionSources.Add(context => Ask(context, async (api, args) =>
                        [.. (await WindowsAsync(api, args, Keys)).SelectMany(w => w.Open.Concat(w.Closed)).Select(r => r.Key).Distinct().Order(StringComparer.Ordinal)]));
                    break;
                default:
                    break;
            }
        }

        foreach (var verb in command.Subcommands) AddTo(verb);
    }

    private static async Task<IReadOnlyList<string>> PipelinesAsync(KorApi api, ParseResult args) =>
        [.. (await api.GetAsync<PipelineStatus[]>("pipelines", CancellationToken.None)).Value.Select(p => p.Name)];

    /// <summary>Pipelines; behind a dot, the pipeline's steps.</summary>
    private static async Task<IReadOnlyList<string>> TargetsAsync(KorApi api, string word)
    {
        var dot = word.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return [.. (await api.GetAsync<PipelineStatus[]>("pipelines", CancellationToken.None)).Value.Select(p => p.Name)];
        var config = (await api.GetAsync<PipelineConfig>(KorApi.Path("pipelines", word[..dot], "config"), CancellationToken.None)).Value;
        var plan = PipelineFiles.Compile(config.Text, config.File, static _ => null).Plan;
        return [.. (plan?.Steps ?? []).Where(s => s is not WindowPlan).Select(s => $"{word[..dot]}.{s.Id}")];
    }

    private static async Task<StepWindows[]> WindowsAsync(KorApi api, ParseResult args, int limit)
    {
        if (args.GetValue<string?>("pipeline") is not { Length: > 0 } pipeline) return [];
        var step = limit == 1 ? null : args.GetValue<string?>("step");
        var path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{KorApi.Path("pipelines", pipeline, "windows")}?limit={limit}");
        if (step is { Length: > 0 }) path += $"&step={Uri.EscapeDataString(step)}";
        return (await api.GetAsync<StepWindows[]>(path, CancellationToken.None)).Value;
    }

    private IEnumerable<CompletionItem> Ask(CompletionContext context, Func<KorApi, ParseResult, Task<IReadOnlyList<string>>> ask)
    {
        var output = new CliOutput(host, OutputFormat.Json, noColor: true);
        try
        {
            using var api = new KorApi(new VerbContext(host, output, context.ParseResult, globals), Patience);
            // The parser asks synchronously; nothing else runs in this process meanwhile.
            var names = Task.Run(() => ask(api, context.ParseResult)).GetAwaiter().GetResult();
            return [.. names.Where(n => n.StartsWith(context.WordToComplete, StringComparison.Ordinal)).Select(n => new CompletionItem(n))];
        }
        catch (Exception e) when (e is CliException or InvalidOperationException or OperationCanceledException)
        {
            // Whoever presses Tab must not be shown a fault in the middle of a line; there is nothing to complete.
            return [];
        }
    }
}
