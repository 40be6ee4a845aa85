using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor wait</c>: for scripts that go on when a pipeline is where they need it.</summary>
internal static class WaitVerb
{
    private const string CaughtUp = "caught-up";
    private static readonly string[] Goals = [CaughtUp, "running", "paused", "stopped"];
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    public static void AddTo(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var goal = new Option<string>("--for")
        {
            Description = "What for: caught-up (it runs, nothing is unread and nothing waits to be written; the default), running, paused or stopped.",
            HelpName = string.Join('|', Goals),
            DefaultValueFactory = _ => CaughtUp,
        };
        goal.AcceptOnlyFromAmong(Goals);
        var within = new Option<TimeSpan>("--within")
        {
            Description = "How long to wait, e.g. 30s or 10m; then it ends with 1. Default: 2m.",
            HelpName = "SPAN",
            DefaultValueFactory = _ => TimeSpan.FromMinutes(2),
            CustomParser = GlobalOptions.ParseDuration,
        };
        kor.Add(
            new Command("wait", "Waits until a pipeline has caught up, runs, is paused or is stopped. Ends with 1 at once when it has failed.") { pipeline, goal, within },
            (context, cancellation) => WaitAsync(
                context, context.Args.GetValue(pipeline)!, context.Args.GetValue(goal)!, context.Args.GetValue(within), cancellation));
    }

    private static async Task<int> WaitAsync(VerbContext context, string name, string goal, TimeSpan within, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var time = context.Host.Time;
        var began = time.GetTimestamp();
        return await context.Output.WaitAsync($"{name}: waiting for {goal} ...", async () =>
        {
            while (true)
            {
                var (status, missing) = await TryGetAsync(api, name, cancellation);
                if (status is not null && Is(status, goal))
                {
                    context.Output.Done(name, "wait", Text($"{name}: {goal} after {Show.Span(time.GetElapsedTime(began))}."));
                    return ExitCodes.Ok;
                }

                if (status is { Condition: PipelineCondition.Failed } && goal != "stopped")
                    throw new CliException(ExitCodes.Failed, $"{name} has failed: {status.Reason}");
                if (time.GetElapsedTime(began) >= within) throw missing ?? new CliException(ExitCodes.Failed, Late(status!, goal, within));
                await Task.Delay(Look, time, cancellation);
            }
        });
    }

    /// <summary>A file that was just saved is taken within seconds: a pipeline that is not there may come.</summary>
    private static async Task<(PipelineStatus? Status, CliException? Missing)> TryGetAsync(KorApi api, string name, CancellationToken cancellation)
    {
        try
        {
            return ((await api.GetAsync<PipelineStatus>(KorApi.Path("pipelines", name), cancellation)).Value, null);
        }
        catch (CliException e) when (e.ExitCode == ExitCodes.NotFound)
        {
            return (null, e);
        }
    }

    private static bool Is(PipelineStatus status, string goal) => goal switch
    {
        CaughtUp => status is { Condition: PipelineCondition.Running, Lag: 0 } && status.Sinks.All(s => s.Buffered == 0),
        "running" => status.Condition == PipelineCondition.Running,
        "paused" => status.Condition == PipelineCondition.Paused,
        _ => status.Condition == PipelineCondition.Stopped,
    };

    private static string Late(PipelineStatus status, string goal, TimeSpan within)
    {
        var verdict = Verdict.Of(status);
        return Text($"{status.Name} is not {goal} after {Show.Span(within)}. {verdict.Word}: {verdict.Sentence} --within gives it longer.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
