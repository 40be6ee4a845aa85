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
        var key = new Argument<string>("key") { Description = "The values of groupBy, separated by '|'; ~n is NULL, ~all the one group without groupBy." };
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

    private static TableModel Windows(IReadOnlyList<WindowRow> rows, bool withKey)
    {
        var windowed = rows.Any(r => r.Start is not null);
        TableColumn[] key = withKey ? [new("KEY")] : [];
        TableColumn[] times = windowed ? [new("START"), new("END")] : [];
        var names = rows.SelectMany(r => r.Values.Select(v => v.Key)).Distinct().ToArray();
        var table = new TableModel([.. key, .. times, new("REVISION", true), .. names.Select(n => new TableColumn(n.ToUpperInvariant(), true))]);
        foreach (var row in rows)
        {
            var values = row.Values.ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);
            Cell[] keyCell = withKey ? [row.Key] : [];
            Cell[] timeCells = windowed ? [Show.Time(row.Start), Show.Time(row.End)] : [];
            table.Add([.. keyCell, .. timeCells, Show.Count(row.Revision), .. names.Select(n => new Cell(values.GetValueOrDefault(n) ?? "NULL"))]);
        }

        return table;
    }

    private static void AddWindows(KorCommand kor)
    {
        var (pipeline, step) = (Pipeline(), Step());
        var limit = new Option<int>("--limit") { Description = "At most so many, 1 to 1000. Default: 100.", HelpName = "N", DefaultValueFactory = _ => 100 };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var n) && n is < 1 or > 1000)
                result.AddError("--limit is from 1 to 1000.");
        });
        kor.Add(new Command("windows", "Lists the windows of a step that closed last, newest first.") { pipeline, step, limit }, async (context, cancellation) =>
        {
            var args = context.Args;
            using var api = new KorApi(context);
            var path = KorApi.Path("pipelines", args.GetValue(pipeline)!, "windows", args.GetValue(step)!);
            var answer = await api.GetAsync<WindowRow[]>(
                string.Create(CultureInfo.InvariantCulture, $"{path}?limit={args.GetValue(limit)}"), cancellation);
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else if (answer.Value.Length == 0) context.Output.Talk("No window has closed lately.");
            else context.Output.Table(Windows(answer.Value, withKey: true));
            return ExitCodes.Ok;
        });
    }

    private static void AddEvents(KorCommand kor)
    {
        var pipeline = Pipeline();
        kor.Add(new Command("events", "Lists what happened to a pipeline lately, newest first.") { pipeline }, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var answer = await api.GetAsync<PipelineEvent[]>(KorApi.Path("pipelines", context.Args.GetValue(pipeline)!, "events"), cancellation);
            if (!context.Output.ForPeople)
            {
                context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            }

            var table = new TableModel(new("AT (UTC)"), new("EVENT"), new("TEXT"));
            foreach (var e in answer.Value) table.Add(Show.Time(e.At), e.Kind, e.Text);
            if (table.Rows.Count == 0) context.Output.Talk("Nothing has happened yet.");
            else context.Output.Table(table);
            return ExitCodes.Ok;
        });
    }
}
