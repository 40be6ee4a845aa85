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

    private static readonly TimeSpan KeyLook = TimeSpan.FromMilliseconds(50);

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
        kor.Add(new Command("top", $"Shows all pipelines, the busiest first, refreshed in place. Keys: {TopView.Keys}.") { interval, count }, (context, cancellation) =>
        {
            var times = context.Args.GetValue(count) ?? (context.Host.OutIsTerminal && context.Output.ForPeople ? int.MaxValue : 1);
            if (times < 1) throw new CliException(ExitCodes.Usage, "--count is at least 1.");
            var view = new TopView();
            return RepeatAsync(
                context, context.Args.GetValue(interval), times, () => TopAsync(context, view, times > 1, cancellation), cancellation,
                (left, end) => PressAsync(context, view, left, end));
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

    private static async Task<int> TopAsync(VerbContext context, TopView view, bool repeats, CancellationToken cancellation)
    {
        if (!view.Paused)
        {
            using var api = new KorApi(context);
            var answer = await api.GetAsync<PipelineStatus[]>(AllPipelines, cancellation);
            if (!context.Output.ForPeople)
            {
                context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            }

            view.Take(answer.Value);
        }

        view.Write(context.Output, context.Host.Time.GetUtcNow(), repeats && context.Host.OutIsTerminal);
        return ExitCodes.Ok;
    }

    /// <summary>Takes keys for as long as a refresh is away; false: the user has had enough.</summary>
    private static async Task<bool> PressAsync(VerbContext context, TopView view, TimeSpan left, CancellationToken cancellation)
    {
        var time = context.Host.Time;
        var began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < left)
        {
            if (context.Host.ReadKey() is { } key)
            {
                if (!view.Press(key)) return false;
                context.Output.Console.Clear();
                view.Write(context.Output, time.GetUtcNow(), true);
                continue;
            }

            await Task.Delay(KeyLook < left ? KeyLook : left, time, cancellation);
        }

        return true;
    }

    /// <summary>Shows something again and again: in place on a terminal, one below the other elsewhere. A server that is away is waited for.</summary>
    private static async Task<int> RepeatAsync(
        VerbContext context, TimeSpan interval, int times, Func<Task<int>> show, CancellationToken cancellation,
        Func<TimeSpan, CancellationToken, Task<bool>>? keys = null)
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
                if (keys is null || !inPlace) await Task.Delay(interval, context.Host.Time, cancellation);
                else if (!await keys(interval, cancellation)) return ExitCodes.Ok;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how watching ends.
            return ExitCodes.Ok;
        }
    }
}
