using System.CommandLine;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using Spectre.Console;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor list</c>, <c>kor status</c> and <c>kor top</c>: how pipelines are doing.</summary>
internal static class StatusVerbs
{
    private const string AllPipelines = "pipelines";

    // At the default interval, the last minute.
    private const int KeptRates = 30;

    public static void AddTo(KorCommand kor)
    {
        kor.Add(new Command("list", "Lists the server's pipelines with their states."), ListAsync);
        AddStatus(kor);
        AddTop(kor);
    }

    private static void AddStatus(KorCommand kor)
    {
        var pipeline = new Argument<string?>("pipeline")
        {
            Description = "A pipeline; without it, all of them in a line each.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var watch = new Option<bool>("--watch", "-w") { Description = "Shows it again and again until Ctrl-C." };
        var interval = Interval();
        kor.Add(new Command("status", "Shows how a pipeline is doing, with its partitions, steps and sinks.") { pipeline, watch, interval }, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline);
            if (!context.Args.GetValue(watch)) return await StatusAsync(context, name, cancellation);
            return await RepeatAsync(context, context.Args.GetValue(interval), int.MaxValue, () => StatusAsync(context, name, cancellation), cancellation);
        });
    }

    private static void AddTop(KorCommand kor)
    {
        var interval = Interval();
        var count = new Option<int?>("--count", "-n")
        {
            Description = "Ends after so many times. Default: never on a terminal, once elsewhere.",
            HelpName = "N",
        };
        kor.Add(new Command("top", "Shows all pipelines, the busiest first, refreshed in place.") { interval, count }, (context, cancellation) =>
        {
            var times = context.Args.GetValue(count) ?? (context.Host.OutIsTerminal && context.Output.ForPeople ? int.MaxValue : 1);
            if (times < 1) throw new CliException(ExitCodes.Usage, "--count is at least 1.");
            var history = new Dictionary<string, Queue<double>>(StringComparer.Ordinal);
            return RepeatAsync(context, context.Args.GetValue(interval), times, () => TopAsync(context, history, cancellation), cancellation);
        });
    }

    private static Option<TimeSpan> Interval() => new("--interval")
    {
        Description = "The time between two refreshes, e.g. 500ms or 5s. Default: 2s.",
        HelpName = "SPAN",
        DefaultValueFactory = _ => TimeSpan.FromSeconds(2),
        CustomParser = GlobalOptions.ParseDuration,
    };

    private static async Task<int> ListAsync(VerbContext context, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await api.GetAsync<PipelineStatus[]>(AllPipelines, cancellation);
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        if (answer.Value.Length == 0) context.Output.Talk("There are no pipelines yet; put pipeline files into the server's folder.");
        else context.Output.Table(StatusText.Pipelines(answer.Value.OrderBy(p => p.Name, StringComparer.Ordinal), context.Host.Time.GetUtcNow()));
        return ExitCodes.Ok;
    }

    private static async Task<int> StatusAsync(VerbContext context, string? name, CancellationToken cancellation)
    {
        if (name is null) return await ListAsync(context, cancellation);
        using var api = new KorApi(context);
        var answer = await api.GetAsync<PipelineStatus>(KorApi.Path(AllPipelines, name), cancellation);
        if (context.Output.ForPeople) StatusText.Write(context.Output, answer.Value, context.Host.Time.GetUtcNow());
        else context.Output.Data(answer.Json);
        return ExitCodes.Ok;
    }

    private static async Task<int> TopAsync(
        VerbContext context, Dictionary<string, Queue<double>> history, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await api.GetAsync<PipelineStatus[]>(AllPipelines, cancellation);
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        var pipelines = answer.Value;
        var now = context.Host.Time.GetUtcNow();
        var silos = pipelines.SelectMany(p => p.Partitions).Select(p => p.Silo).Where(s => s is not null).Distinct().Count();
        context.Output.Line(
            $"{Show.Time(now)}   {Show.Count(pipelines.Length)} pipelines on {Show.Count(silos)} silos   "
            + $"{Show.Rate(pipelines.Sum(p => p.RecordsPerSecond))} records/s   lag {Show.Count(pipelines.Sum(p => p.Lag ?? 0))}   "
            + $"failed {Show.Count(pipelines.Count(p => p.State == PartState.Failed))}");
        context.Output.Line();
        var bars = context.Host.OutIsTerminal ? Remember(history, pipelines) : null;
        context.Output.Table(StatusText.Pipelines(pipelines.OrderByDescending(p => p.RecordsPerSecond).ThenBy(p => p.Name, StringComparer.Ordinal), now, bars));
        foreach (var p in pipelines.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            if (Verdict.Of(p).Bottleneck is { } bottleneck) context.Output.Line($"{p.Name}: bottleneck {TableModel.OneLine(bottleneck)}", Tone.Warning);
        }

        return ExitCodes.Ok;
    }

    /// <summary>The rates of the last refreshes, as bars.</summary>
    private static Dictionary<string, string> Remember(Dictionary<string, Queue<double>> history, PipelineStatus[] pipelines)
    {
        var bars = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var p in pipelines)
        {
            if (!history.TryGetValue(p.Name, out var rates)) history.Add(p.Name, rates = new Queue<double>());
            rates.Enqueue(p.RecordsPerSecond);
            if (rates.Count > KeptRates) rates.Dequeue();
            bars[p.Name] = Show.Bars(rates);
        }

        return bars;
    }

    /// <summary>Shows something again and again: in place on a terminal, one below the other elsewhere. A server that is away is waited for.</summary>
    private static async Task<int> RepeatAsync(
        VerbContext context, TimeSpan interval, int times, Func<Task<int>> show, CancellationToken cancellation)
    {
        var inPlace = context.Host.OutIsTerminal && context.Output.ForPeople && times > 1;
        try
        {
            for (var i = 1; ; i++)
            {
                if (inPlace) context.Output.Console.Clear();
                try
                {
                    var code = await show();
                    if (code != ExitCodes.Ok) return code;
                }
                catch (CliException away) when (i > 1 && i < times && away.ExitCode == ExitCodes.Unavailable)
                {
                    context.Output.Talk("kor: " + away.Message);
                }

                if (i == times) return ExitCodes.Ok;
                await Task.Delay(interval, context.Host.Time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how watching ends.
            return ExitCodes.Ok;
        }
    }
}
