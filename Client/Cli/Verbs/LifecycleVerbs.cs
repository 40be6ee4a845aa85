using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor start</c>, <c>stop</c>, <c>pause</c>, <c>resume</c> and <c>reset</c>.</summary>
internal static class LifecycleVerbs
{
    public static void AddTo(KorCommand kor)
    {
        Add(kor, "start", "Runs a pipeline from its checkpoint.", "It is starting from its checkpoint.");
        Add(kor, "stop", "Checkpoints a pipeline and stops it.", "It is stopped; 'kor start' goes on from its checkpoint.");
        Add(kor, "pause", "Stops reading and keeps everything in memory.", "It is paused; 'kor resume' goes on.");
        Add(kor, "resume", "Goes on reading after a pause.", "It goes on reading.");
        AddReset(kor);
    }

    private static void Add(KorCommand kor, string verb, string description, string done)
    {
        var pipeline = StateVerbs.Pipeline();
        kor.Add(new Command(verb, description) { pipeline }, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline)!;
            using var api = new KorApi(context);
            await api.PostAsync(KorApi.Path("pipelines", name, verb), cancellation);
            context.Output.Talk($"{name}: {done}");
            return ExitCodes.Ok;
        });
    }

    private static void AddReset(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var earliest = new Option<bool>("--to-earliest") { Description = "To the first record there is." };
        var latest = new Option<bool>("--to-latest") { Description = "To the end: what is there now is not read." };
        var time = new Option<DateTimeOffset?>("--to-datetime")
        {
            Description = "To the first record of a time or after it, e.g. 2026-01-31T00:00:00Z.",
            HelpName = "TIME",
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)) return at;
                result.AddError($"'{text}' is not a time such as 2026-01-31T00:00:00Z.");
                return null;
            },
        };
        var offsets = new Option<Dictionary<string, long>?>("--offsets")
        {
            Description = "To given offsets, e.g. orders/0=1200,orders/1=900.",
            HelpName = "TOPIC/PARTITION=OFFSET,...",
            CustomParser = result => ParseOffsets(result.Tokens.Select(t => t.Value), result.AddError),
        };
        var execute = new Option<bool>("--execute") { Description = "Does it. Without this it only shows what would be done." };
        var verb = new Command("reset", "Shows, or with --execute does, a reset of positions and state. The pipeline must be stopped.")
        {
            pipeline, earliest, latest, time, offsets, execute,
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
                : args.GetValue(time) is { } at ? new ResetRequest(ResetTarget.Timestamp, at.ToUnixTimeMilliseconds(), null, doIt)
                : new ResetRequest(ResetTarget.Offsets, 0, args.GetValue(offsets), doIt);
            return ResetAsync(context, args.GetValue(pipeline)!, request, cancellation);
        });
    }

    private static async Task<int> ResetAsync(VerbContext context, string name, ResetRequest request, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await api.PostAsync<ResetOutcome>(KorApi.Path("pipelines", name, "reset"), request, cancellation);
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
        var again = outcome.Lines.Sum(l => Math.Max(0, (l.Current - l.Target) ?? 0));
        context.Output.Talk(outcome.Executed
            ? $"{name}: It is reset; its windows, totals and remembered ids are gone. 'kor start {name}' runs it."
            : $"Preview only: {Show.Count(again)} records would be read again; windows, totals and remembered ids would be dropped. "
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
