using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor key</c>, <c>kor windows</c> and <c>kor events</c>: what a pipeline holds and what happened to it.</summary>
internal static class StateVerbs
{
    public static void AddTo(KorCommand kor)
    {
        AddKey(kor);
        AddWindows(kor);
        AddEvents(kor);
    }

    public static Argument<string> Pipeline() => new("pipeline") { Description = "The pipeline's name." };

    private static Argument<string> Step() => new("step") { Description = "A window or aggregate step." };

    private static void AddKey(KorCommand kor)
    {
        var (pipeline, step) = (Pipeline(), Step());
        var key = new Argument<string>("key") { Description = "The values of groupBy, separated by commas; ~n is NULL, ~all the one group without groupBy." };
        kor.Add(
            new Command("key", "Shows the live windows or totals of a key, the ones closed last, and the positions they reflect.") { pipeline, step, key },
            async (context, cancellation) =>
            {
                var args = context.Args;
                using var api = new KorApi(context);
                var path = KorApi.Path("pipelines", args.GetValue(pipeline)!, "keys", args.GetValue(step)!, args.GetValue(key)!);
                var answer = await api.GetAsync<KeyState>(path, cancellation);
                if (context.Output.ForPeople) Write(context, answer.Value);
                else context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            });
    }

    private static void Write(VerbContext context, KeyState state)
    {
        var output = context.Output;
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{state.Pipeline}.{state.Step}   key {TableModel.OneLine(state.Key)}   shard {state.Shard}"));
        output.Line($"Watermark   {Show.Time(state.Watermark)} ({Show.Behind(state.Watermark, context.Host.Time.GetUtcNow())} behind)");
        if (state.Windows.Count == 0 && state.Closed.Count == 0) output.Line("No open window, and none closed lately.");
        Section(output, "Open", state.Windows);
        Section(output, "Closed lately", state.Closed);
        if (state.Positions.Count == 0) return;
        output.Line();
        var table = new TableModel(new("REFLECTS"), new("POSITION", true), new("DURABLE", true));
        foreach (var (source, position) in state.Positions.OrderBy(p => p.Key, StringComparer.Ordinal))
            table.Add(source, Show.Count(position), Show.Count(state.DurablePositions.TryGetValue(source, out var durable) ? durable : null));
        output.Table(table);
    }

    private static void Section(CliOutput output, string title, IReadOnlyList<WindowRow> rows)
    {
        if (rows.Count == 0) return;
        output.Line();
        output.Line(title);
        output.Table(Windows(rows, withKey: false));
    }

    /// <summary>Windows as a table; with <paramref name="watermark"/>, how much event time each still lacks until it closes.</summary>
    private static TableModel Windows(IReadOnlyList<WindowRow> rows, bool withKey, long? watermark = null)
    {
        var windowed = rows.Any(r => r.Start is not null);
        var lacks = windowed && watermark is not null;
        var generations = rows.Any(r => r.Generation != 0);
        TableColumn[] key = withKey ? [new("KEY")] : [];
        TableColumn[] times = windowed ? [new("START"), new("CLOSES AT")] : [];
        TableColumn[] lack = lacks ? [new("LACKS", true)] : [];
        TableColumn[] generation = generations ? [new("RESET", true)] : [];
        var names = rows.SelectMany(r => r.Values.Select(v => v.Key)).Distinct().ToArray();
        var table = new TableModel([.. key, .. times, .. lack, new("REVISION", true), .. generation, .. names.Select(n => new TableColumn(n.ToUpperInvariant(), true))]);
        foreach (var row in rows)
        {
            var values = row.Values.ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);
            Cell[] keyCell = withKey ? [row.Key] : [];
            Cell[] timeCells = windowed ? [Show.Time(row.Start), Show.Time(row.End)] : [];
            Cell[] lackCell = lacks ? [row.End > watermark ? Show.Seconds((row.End - watermark) / 1000.0) : "-"] : [];
            Cell[] generationCell = generations ? [Show.Count(row.Generation)] : [];
            table.Add([.. keyCell, .. timeCells, .. lackCell, Show.Count(row.Revision), .. generationCell, .. names.Select(n => new Cell(values.GetValueOrDefault(n) ?? "NULL"))]);
        }

        return table;
    }

    private static void AddWindows(KorCommand kor)
    {
        var pipeline = Pipeline();
        var step = new Argument<string?>("step") { Description = "A window or aggregate step; without it, all of them.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit") { Description = "At most so many of each kind, 1 to 1000. Default: 20.", HelpName = "N", DefaultValueFactory = _ => 20 };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var n) && n is < 1 or > 1000)
                result.AddError("--limit is from 1 to 1000.");
        });
        var key = new Option<string?>("--key") { Description = "Only keys that contain this text.", HelpName = "TEXT" };
        var from = TimeOption.Create("--from", "Only windows that end after this event time.");
        var to = TimeOption.Create("--to", "Only windows that start before this event time.");
        var after = new Option<string?>("--after") { Description = "The next page of open windows of a step, as the page before said.", HelpName = "PLACE" };
        kor.Add(
            new Command("windows", "Lists the open windows (or running totals) of a pipeline, when they close and what they wait for, and those that closed last.")
            {
                pipeline, step, limit, key, from, to, after,
            },
            async (context, cancellation) =>
            {
                var args = context.Args;
                using var api = new KorApi(context);
                var path = string.Create(
                    CultureInfo.InvariantCulture, $"{KorApi.Path("pipelines", args.GetValue(pipeline)!, "windows")}?limit={args.GetValue(limit)}");
                if (args.GetValue(step) is { } one) path += $"&step={Uri.EscapeDataString(one)}";
                if (args.GetValue(key) is { } text) path += $"&key={Uri.EscapeDataString(text)}";
                if (TimeOption.Get(context, from) is { } since) path += $"&from={TimeOption.Query(since)}";
                if (TimeOption.Get(context, to) is { } until) path += $"&to={TimeOption.Query(until)}";
                if (args.GetValue(after) is { } place) path += $"&after={Uri.EscapeDataString(place)}";
                var answer = await api.GetAsync<StepWindows[]>(path, cancellation);
                if (!context.Output.ForPeople) context.Output.Data(answer.Json);
                else if (answer.Value.Length == 0) context.Output.Talk("The pipeline has no window or aggregate step.");
                else WriteSteps(context, args.GetValue(pipeline)!, answer.Value);
                return ExitCodes.Ok;
            });
    }

    private static void WriteSteps(VerbContext context, string pipeline, StepWindows[] steps)
    {
        for (var i = 0; i < steps.Length; i++)
        {
            var step = steps[i];
            if (i > 0) context.Output.Line();
            context.Output.Line($"{step.Step}   watermark {Show.Time(step.Watermark)} ({Show.Behind(step.Watermark, context.Host.Time.GetUtcNow())} behind)");
            if (step.WaitsFor is { } hold)
                context.Output.Field("Waits for", TableModel.OneLine(hold.Sentence), hold.HoldsBack ? Tone.Warning : Tone.Plain);
            if (step.AllowedLateness > 0)
                context.Output.Field("Lateness", $"A window closes when the watermark reaches its end; records count, as a new revision, for another {Show.Seconds(step.AllowedLateness / 1000.0)}.");
            Rows(context.Output, "Open", step.Open, step.OpenTotal, step);
            if (step.Next is not null) context.Output.Talk($"More: kor windows {pipeline} {step.Step} --after {step.Next}");
            Rows(context.Output, "Closed lately", step.Closed, step.ClosedTotal, null);
        }
    }

    private static void Rows(CliOutput output, string title, IReadOnlyList<WindowRow> rows, long total, StepWindows? open)
    {
        output.Line();
        var least = open is { Complete: false } ? "at least " : "";
        // A server of before does not count them.
        var of = total <= rows.Count ? $"{Show.Count(rows.Count)}" : $"{Show.Count(rows.Count)} of {least}{Show.Count(total)}";
        output.Line(rows.Count == 0 ? $"{title}: none" : $"{title}: {of}");
        if (rows.Count != 0) output.Table(Windows(rows, withKey: true, open?.Watermark));
    }

    private static void AddEvents(KorCommand kor)
    {
        var pipeline = Pipeline();
        var follow = new Option<bool>("--follow", "-f") { Description = "Goes on with what happens, until Ctrl-C." };
        var since = TimeOption.Create("--since", "Only what happened at this time or later:");
        var limit = new Option<int?>("--limit") { Description = "At most so many, 1 to 1000, which is how many are kept. Default: 200.", HelpName = "N" };
        kor.Add(new Command("events", "Lists what happened to a pipeline, newest first. Kept across restarts.") { pipeline, since, limit, follow }, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var name = context.Args.GetValue(pipeline)!;
            var from = TimeOption.Get(context, since);
            if (context.Args.GetValue(follow)) return await FollowAsync(context, api, name, from, cancellation);
            List<string> query = [];
            if (from is { } at) query.Add($"since={TimeOption.Query(at)}");
            if (context.Args.GetValue(limit) is { } most) query.Add(string.Create(CultureInfo.InvariantCulture, $"limit={most}"));
            var path = KorApi.Path("pipelines", name, "events") + (query.Count == 0 ? "" : "?" + string.Join('&', query));
            var answer = await api.GetAsync<PipelineEvent[]>(path, cancellation);
            if (!context.Output.ForPeople)
            {
                context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            }

            var table = new TableModel(new("AT"), new("EVENT"), new("TEXT", Text: true));
            foreach (var e in answer.Value)
            {
                // A text of several lines holds a list, or a statement to copy.
                var lines = e.Text.Split('\n');
                table.Add(Show.Time(e.At), e.Kind, lines[0]);
                foreach (var line in lines.Skip(1)) table.Add("", "", line);
            }

            if (table.Rows.Count == 0) context.Output.Talk("Nothing has happened yet.");
            else context.Output.Table(table);
            return ExitCodes.Ok;
        });
    }

    /// <summary>Everything there is (since a time), oldest first, and then what comes.</summary>
    private static async Task<int> FollowAsync(VerbContext context, KorApi api, string name, DateTimeOffset? since, CancellationToken cancellation)
    {
        var path = KorApi.Path("pipelines", name, "events", "stream") + "?since=" + (since is { } at ? TimeOption.Query(at) : "2000-01-01T00:00:00Z");
        try
        {
            await foreach (var item in api.FollowAsync(path, cancellation))
            {
                if (!context.Output.ForPeople)
                {
                    context.Output.Item(item.Data);
                    continue;
                }

                var e = System.Text.Json.JsonSerializer.Deserialize<PipelineEvent>(item.Data, JsonText.Api)!;
                var lines = e.Text.Split('\n');
                context.Output.Line($"{Show.Time(e.At)}  {e.Kind,-12}  {TableModel.OneLine(lines[0])}");
                foreach (var line in lines.Skip(1)) context.Output.Line($"{"",20}  {"",-12}  {TableModel.OneLine(line)}");
            }

            return ExitCodes.Ok;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how following ends.
            return ExitCodes.Ok;
        }
    }
}
