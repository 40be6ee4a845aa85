using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor start</c>, <c>stop</c>, <c>pause</c>, <c>resume</c>, <c>delete</c>, <c>restart</c> and <c>reset</c>.</summary>
internal static class LifecycleVerbs
{
    public static void AddTo(KorCommand kor)
    {
        Add(kor, "start", "Runs a pipeline from its checkpoint.", "It is starting from its checkpoint.");
        Add(kor, "stop", "Checkpoints a pipeline and stops it.", "It is stopped; 'kor start' goes on from its checkpoint.");
        Add(kor, "pause", "Stops reading and keeps everything in memory.", "It is paused; 'kor resume' goes on.");
        Add(kor, "resume", "Goes on reading after a pause.", "It goes on reading.");
        AddDelete(kor);
        AddRestart(kor);
        AddReset(kor, null);
        var offsets = kor.AddGroup("offsets", "Shows the positions of a pipeline, or sets them.");
        AddOffsets(kor, offsets);
        AddReset(kor, offsets);
    }

    private static void Add(KorCommand kor, string verb, string description, string done)
    {
        var pipeline = StateVerbs.Pipeline();
        kor.Add(new Command(verb, description) { pipeline }, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline)!;
            using var api = new KorApi(context);
            await context.Output.WaitAsync($"{name}: {verb} ...", () => api.PutAsync(KorApi.Path("pipelines", name, verb), cancellation));
            context.Output.Done(name, verb, $"{name}: {done}");
            return ExitCodes.Ok;
        });
    }

    private static void AddDelete(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        kor.Add(
            new Command("delete", "Stops and forgets a pipeline that was made over the API, or whose file is gone. State and tables stay.") { pipeline },
            async (context, cancellation) =>
            {
                var name = context.Args.GetValue(pipeline)!;
                using var api = new KorApi(context);
                await context.Output.WaitAsync($"{name}: delete ...", () => api.DeleteAsync(KorApi.Path("pipelines", name), cancellation));
                context.Output.Done(name, "delete", $"{name}: It is stopped and forgotten; state and tables stay.");
                return ExitCodes.Ok;
            });
    }

    private static void AddRestart(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var failed = new Option<bool>("--only-failed") { Description = "Only parts that failed or wait." };
        var partition = new Option<string?>("--partition") { Description = "Only this partition.", HelpName = "TOPIC/NUMBER" };
        var verb = new Command("restart", "Starts a running pipeline's parts over from their checkpoints.") { pipeline, failed, partition };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(failed) && result.GetValue(partition) is not null) result.AddError("Give --only-failed or --partition, not both.");
        });
        kor.Add(verb, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline)!;
            using var api = new KorApi(context);
            var path = context.Args.GetValue(partition) is { } one
                ? PartitionPath(name, one)
                : KorApi.Path("pipelines", name, "restart") + (context.Args.GetValue(failed) ? "?onlyFailed=true" : "");
            var answer = await context.Output.WaitAsync($"{name}: restart ...", () => api.PostAsync<RestartOutcome>(path, cancellation));
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else if (answer.Value.Restarted.Count == 0) context.Output.Talk($"{name}: Nothing had failed; nothing was restarted.");
            else context.Output.Talk($"{name}: Started over from their checkpoints: {string.Join(", ", answer.Value.Restarted)}.");
            return ExitCodes.Ok;
        });
    }

    private static string PartitionPath(string name, string partition)
    {
        var slash = partition.LastIndexOf('/');
        if (slash < 1 || !int.TryParse(partition.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new CliException(ExitCodes.Usage, $"'{partition}' is not TOPIC/NUMBER.");
        return KorApi.Path("pipelines", name, "partitions", partition[..slash], partition[(slash + 1)..], "restart");
    }

    private static void AddOffsets(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        kor.Add(
            new Command("show", "Shows per partition the checkpoint, and where its log begins and ends.") { pipeline },
            async (context, cancellation) =>
            {
                using var api = new KorApi(context);
                var path = KorApi.Path("pipelines", context.Args.GetValue(pipeline)!, "offsets");
                var answer = await api.GetAsync<PartitionOffsets[]>(path, cancellation);
                if (!context.Output.ForPeople)
                {
                    context.Output.Data(answer.Json);
                    return ExitCodes.Ok;
                }

                var table = new TableModel(new("PARTITION"), new("CHECKPOINT", true), new("BEGIN", true), new("END", true), new("LAG", true));
                foreach (var p in answer.Value)
                    table.Add(p.Partition, Show.Count(p.Checkpoint), Show.Count(p.Begin), Show.Count(p.End), Show.Count(p.Lag));
                context.Output.Table(table);
                return ExitCodes.Ok;
            },
            group);
    }

    private static void AddReset(KorCommand kor, Command? group)
    {
        var pipeline = StateVerbs.Pipeline();
        var earliest = new Option<bool>("--to-earliest") { Description = "To the first record there is." };
        var latest = new Option<bool>("--to-latest") { Description = "To the end: what is there now is not read." };
        var time = TimeOption.Create("--to-datetime", "To the first record whose Kafka timestamp is this time or later:");
        var offsets = new Option<Dictionary<string, long>?>("--offsets")
        {
            Description = "To given offsets, e.g. orders/0=1200,orders/1=900.",
            HelpName = "TOPIC/PARTITION=OFFSET,...",
            CustomParser = result => ParseOffsets(result.Tokens.Select(t => t.Value), result.AddError),
        };
        var execute = new Option<bool>("--execute") { Description = "Does it. Without this it only shows what would be done." };
        var force = new Option<bool>("--force") { Description = "Also where running totals would be counted from the middle of the log and written over right ones." };
        var verb = new Command("reset", "Shows, or with --execute does, a reset of positions and state. The pipeline must be stopped.")
        {
            pipeline, earliest, latest, time, offsets, execute, force,
        };
        verb.Validators.Add(result =>
        {
            var given = new Option[] { earliest, latest, time, offsets }.Count(o => result.GetResult(o) is { Implicit: false });
            if (given != 1) result.AddError("Give exactly one of --to-earliest, --to-latest, --to-datetime and --offsets.");
        });
        kor.Add(verb, (context, cancellation) =>
        {
            var args = context.Args;
            var doIt = args.GetValue(execute);
            var request = args.GetValue(earliest) ? new ResetRequest(ResetTarget.Earliest, 0, null, doIt)
                : args.GetValue(latest) ? new ResetRequest(ResetTarget.Latest, 0, null, doIt)
                : TimeOption.Get(context, time) is { } at ? new ResetRequest(ResetTarget.Timestamp, at.ToUnixTimeMilliseconds(), null, doIt)
                : new ResetRequest(ResetTarget.Offsets, 0, args.GetValue(offsets), doIt);
            return ResetAsync(context, args.GetValue(pipeline)!, request with { Force = args.GetValue(force) }, cancellation);
        }, group);
    }

    private static async Task<int> ResetAsync(VerbContext context, string name, ResetRequest request, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await context.Output.WaitAsync(
            $"{name}: reset ...", () => api.PostAsync<ResetOutcome>(KorApi.Path("pipelines", name, "reset"), request, cancellation));
        var outcome = answer.Value;
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return outcome.Refusal is null ? ExitCodes.Ok : ExitCodes.Conflict;
        }

        if (outcome.Refusal is not null) throw new CliException(ExitCodes.Conflict, outcome.Refusal);
        var table = new TableModel(new("PARTITION"), new("CURRENT", true), new("NEW", true), new("DELTA", true));
        foreach (var line in outcome.Lines)
        {
            var delta = line.Target - line.Current;
            table.Add(line.Partition, Show.Count(line.Current), Show.Count(line.Target), delta > 0 ? "+" + Show.Count(delta) : Show.Count(delta));
        }

        context.Output.Table(table);
        foreach (var note in outcome.Notes) context.Output.Talk("Note: " + note);
        var again = outcome.Lines.Sum(l => Math.Max(0, (l.Current - l.Target) ?? 0));
        var skipped = outcome.Lines.Sum(l => Math.Max(0, (l.Target - l.Current) ?? 0));
        context.Output.Talk(outcome.Executed
            ? $"{name}: It is reset; its windows, totals and remembered ids are gone. 'kor start {name}' runs it."
            : $"Preview only: {Show.Count(again)} records would be read again{(skipped > 0 ? $" and {Show.Count(skipped)} skipped" : "")}; windows, totals and remembered ids would be dropped. "
                + "Run again with --execute to do it.");
        return ExitCodes.Ok;
    }

    private static Dictionary<string, long>? ParseOffsets(IEnumerable<string> texts, Action<string> fault)
    {
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var text in texts.SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            var equals = text.LastIndexOf('=');
            var slash = equals < 0 ? -1 : text.LastIndexOf('/', equals);
            if (slash < 1 || !int.TryParse(text.AsSpan(slash + 1, equals - slash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
                || !long.TryParse(text.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            {
                fault($"'{text}' is not TOPIC/PARTITION=OFFSET.");
                return null;
            }

            if (!offsets.TryAdd(text[..equals], offset)) fault($"'{text[..equals]}' is given twice.");
        }

        return offsets;
    }
}
