using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor reconcile</c>: proves that a pipeline's tables are what its log says.</summary>
internal static class ReconcileVerb
{
    private sealed record Example(string Verdict, string Reason, JsonElement Key, JsonElement? Expected, JsonElement? Found);

    private sealed record SinkLine(
        string Sink, string Connection, string Table, long Matched, long Missing, long Extra, long Wrong, long Undecidable, long Open, string? NotCompared,
        Dictionary<string, long> Reasons, string[] OpenColumns, Example[] Examples);

    private sealed record Report(
        string Pipeline, int Version, string Result, long Records, RecordCounts? Log, RecordCounts Counted, bool? CountsAgree, SinkLine[] Sinks, string[] Notes, double Seconds);

    public static void AddTo(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var since = TimeOption.Create("--since", "Only windows that begin then or later, and rows of records from then on.");
        var until = TimeOption.Create("--until", "Only windows that end then or earlier, and rows of records before then.");
        var rate = new Option<int>("--rate")
        {
            Description = "At most so many records are read per second. Default: 200000.",
            HelpName = "N",
            DefaultValueFactory = _ => 200_000,
        };
        var examples = new Option<int>("--examples")
        {
            Description = "So many rows of each kind are shown, 0 to 100. Default: 5.",
            HelpName = "N",
            DefaultValueFactory = _ => 5,
        };
        var fresh = new Option<bool>("--fresh") { Description = "Begins anew where a proof was broken off. Default: goes on there." };
        kor.Add(
            new Command(
                "reconcile",
                "Proves a pipeline's tables: reads its topics again, computes what must be in the tables, and compares. Ends with 0 when they are equal, 3 when they are not, 4 when it cannot be proved.")
            {
                pipeline, since, until, rate, examples, fresh,
            },
            (context, cancellation) =>
            {
                var args = context.Args;
                var query = new List<string>
                {
                    string.Create(CultureInfo.InvariantCulture, $"rate={args.GetValue(rate)}"), string.Create(CultureInfo.InvariantCulture, $"examples={args.GetValue(examples)}"),
                };
                if (TimeOption.Get(context, since) is { } from) query.Add("since=" + TimeOption.Query(from));
                if (TimeOption.Get(context, until) is { } to) query.Add("until=" + TimeOption.Query(to));
                if (args.GetValue(fresh)) query.Add("fresh=true");
                return RunAsync(context, $"{KorApi.Path("pipelines", args.GetValue(pipeline)!, "reconcile")}?{string.Join('&', query)}", cancellation);
            });
    }

    private static async Task<int> RunAsync(VerbContext context, string path, CancellationToken cancellation)
    {
        using var api = new KorApi(context, TimeSpan.FromMinutes(2));
        string? json = null;
        ProgressBar? bar = null;
        var all = -1L;
        try
        {
            await foreach (var item in api.FollowAsync(path, cancellation))
            {
                using var document = JsonDocument.Parse(item.Data);
                switch (item.EventType)
                {
                    case "progress":
                        var (done, total) = (document.RootElement.GetProperty("done").GetInt64(), document.RootElement.GetProperty("total").GetInt64());
                        if (total > 1 && total != all) bar = context.Output.Progress("offsets", all = total);
                        bar?.Report(total > 1 ? done : all, document.RootElement.GetProperty("phase").GetString()!);
                        break;
                    case "report":
                        json = item.Data;
                        break;
                    case "refused":
                        throw new CliException(ExitCodes.Conflict, $"It cannot be proved: {document.RootElement.GetProperty("reason").GetString()}");
                    default:
                        // A newer server may say more.
                        break;
                }
            }
        }
        finally
        {
            bar?.Dispose();
        }

        if (json is null) throw new CliException(ExitCodes.Unavailable, "The server ended without a report; the next 'kor reconcile' goes on where it stood.");
        var report = JsonSerializer.Deserialize<Report>(json, JsonText.Api)!;
        if (context.Output.ForPeople) Write(context.Output, report);
        else context.Output.Data(json);
        return report.Result == "equal" ? ExitCodes.Ok : ExitCodes.Different;
    }

    private static void Write(CliOutput output, Report report)
    {
        output.Line($"{report.Pipeline}, version {report.Version}: {Show.Count(report.Records)} records read in {Show.Seconds(report.Seconds)}");
        output.Line();
        var table = new TableModel(
            new("SINK"), new("MATCHED", true), new("MISSING", true), new("EXTRA", true), new("WRONG", true), new("UNDECIDABLE", true), new("NOT DUE", true));
        foreach (var sink in report.Sinks)
        {
            if (sink.NotCompared is not null) table.Add(sink.Sink, "-", "-", "-", "-", "-", "-");
            else
            {
                table.Add(
                    sink.Sink, Show.Count(sink.Matched), Bad(sink.Missing), Bad(sink.Extra), Bad(sink.Wrong), Show.Count(sink.Undecidable), Show.Count(sink.Open));
            }
        }

        output.Table(table);
        foreach (var sink in report.Sinks) Write(output, sink);
        output.Line();
        if (report.CountsAgree == false)
        {
            output.Line($"The log says:        {Counts(report.Log!)}", Tone.Bad);
            output.Line($"The pipeline counts: {Counts(report.Counted)}", Tone.Bad);
        }

        foreach (var note in report.Notes) output.Sentence(note);
        var undecidable = report.Sinks.Sum(s => s.Undecidable);
        if (report.Result != "equal") output.Line("The tables are not what the log says.", Tone.Bad);
        else if (undecidable > 0) output.Line($"As far as the log decides, the tables are what it says; of {Show.Count(undecidable)} rows it does not decide.", Tone.Warning);
        else output.Line("The tables are what the log says.", Tone.Good);
    }

    private static void Write(CliOutput output, SinkLine sink)
    {
        if (sink.NotCompared is not null) output.Sentence($"{sink.Sink} was not compared: {sink.NotCompared}.");
        if (sink.OpenColumns.Length != 0 && sink.NotCompared is null) output.Sentence($"{sink.Sink}: {string.Join(", ", sink.OpenColumns)} prove nothing, as they do not follow from the log alone.");
        foreach (var (reason, count) in sink.Reasons) output.Sentence($"{sink.Sink}: {Show.Count(count)} undecidable: {reason}.");
        foreach (var example in sink.Examples.Where(e => e.Verdict != "Undecidable"))
        {
            output.Line();
            output.Line($"{sink.Sink}: {example.Verdict.ToUpperInvariant()} {Text(example.Key)}: {example.Reason}", Tone.Bad);
            if (example.Expected is { ValueKind: JsonValueKind.Object } expected) output.Line($"  log    {Text(expected)}");
            if (example.Found is { ValueKind: JsonValueKind.Object } found) output.Line($"  table  {Text(found)}");
        }
    }

    private static Cell Bad(long count) => new(Show.Count(count), count > 0 ? Tone.Bad : Tone.Plain);

    private static string Counts(RecordCounts c) =>
        $"{Show.Count(c.Consumed)} records: {Show.Count(c.Absorbed)} absorbed, {Show.Count(c.Duplicate)} duplicate, {Show.Count(c.Late)} late, "
        + $"{Show.Count(c.Filtered)} filtered, {Show.Count(c.Quarantined)} quarantined";

    private static string Text(JsonElement row) => TableModel.OneLine(string.Join(", ", row.EnumerateObject().Select(p => $"{p.Name}={Value(p.Value)}")));

    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "NULL",
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };
}
