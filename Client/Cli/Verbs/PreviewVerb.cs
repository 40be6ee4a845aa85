using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor preview</c>: what a pipeline file would write of what its topics hold now.</summary>
internal static class PreviewVerb
{
    private sealed record Source(string Partition, long From, int Records);

    private sealed record SinkRows(string Sink, string Connection, string Table, int Total, JsonElement[] Rows);

    private sealed record Refusal(string Place, string Code, string Reason, string Partition, long Offset);

    private sealed record Report(
        string Pipeline, Source[] Sources, RecordCounts Counts, string? Stopped, Dictionary<string, long> Rules, SinkRows[] Sinks, Refusal[] Quarantined);

    public static void AddTo(KorCommand kor)
    {
        var file = new Argument<string>("file") { Description = "A pipeline file; it need not be deployed." };
        var limit = new Option<int>("--limit") { Description = "At most so many records, 1 to 10000. Default: 200.", HelpName = "N", DefaultValueFactory = _ => 200 };
        var since = new Option<string?>("--since") { Description = "Records since so long ago, e.g. 10m, instead of the newest.", HelpName = "SPAN" };
        var rows = new Option<int>("--rows") { Description = "At most so many rows of each sink are shown. Default: 10.", HelpName = "N", DefaultValueFactory = _ => 10 };
        kor.Add(
            new Command("preview", "Runs a pipeline file on records its topics hold now and shows what it would write. Writes and commits nothing.")
            {
                file, limit, since, rows,
            },
            async (context, cancellation) =>
            {
                var args = context.Args;
                var input = new InputFile(args.GetValue(file)!, context.Host.FullPath(args.GetValue(file)!));
                var query = string.Create(
                    CultureInfo.InvariantCulture,
                    $"preview?limit={args.GetValue(limit)}&rows={args.GetValue(rows)}&file={Uri.EscapeDataString(input.Name)}");
                if (args.GetValue(since) is { } span)
                {
                    if (!Durations.TryParse(span, out var ms)) throw new CliException(ExitCodes.Usage, $"'{span}' is not a span of time such as 10m.");
                    query += "&since=" + Uri.EscapeDataString(context.Host.Time.GetUtcNow().AddMilliseconds(-ms).ToString("O", CultureInfo.InvariantCulture));
                }

                using var api = new KorApi(context);
                var text = FileArguments.Read(input);
                var json = input.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
                var answer = await context.Output.WaitAsync(
                    "Reading and running ...",
                    () => api.PostTextAsync<Report>(query, text, json ? "application/json" : "application/yaml", cancellation));
                if (context.Output.ForPeople) Write(context.Output, answer.Value);
                else context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            });
    }

    private static void Write(CliOutput output, Report report)
    {
        var c = report.Counts;
        output.Line($"{report.Pipeline}: {Show.Count(c.Consumed)} records of {Show.Count(report.Sources.Length)} partitions");
        output.Line(
            $"{Show.Count(c.Absorbed)} absorbed, {Show.Count(c.Duplicate)} duplicate, {Show.Count(c.Late)} late, {Show.Count(c.Filtered)} filtered, "
            + $"{Show.Count(c.Quarantined)} quarantined");
        if (report.Stopped is not null) output.Line($"A stop rule would stop it: {TableModel.OneLine(report.Stopped)}", Tone.Bad);
        foreach (var sink in report.Sinks) Write(output, sink);
        if (report.Quarantined.Length == 0) return;
        output.Line();
        output.Line($"Quarantined: {Show.Count(c.Quarantined)}");
        var table = new TableModel(new("RECORD"), new("PLACE"), new("CODE"), new("REASON", Text: true));
        foreach (var q in report.Quarantined) table.Add(string.Create(CultureInfo.InvariantCulture, $"{q.Partition}@{q.Offset}"), q.Place, q.Code, q.Reason);
        output.Table(table);
    }

    private static void Write(CliOutput output, SinkRows sink)
    {
        output.Line();
        var shown = sink.Rows.Length < sink.Total ? $", the first {Show.Count(sink.Rows.Length)}" : "";
        output.Line($"Sink {sink.Sink} would write {Show.Count(sink.Total)} rows into {sink.Table} ({sink.Connection}){shown}");
        if (sink.Rows.Length == 0) return;
        var names = sink.Rows[0].EnumerateObject().Select(p => p.Name).ToArray();
        var table = new TableModel([.. names.Select(n => new TableColumn(n, sink.Rows[0].GetProperty(n).ValueKind == JsonValueKind.Number))]);
        foreach (var row in sink.Rows) table.Add([.. names.Select(n => new Cell(Text(row.GetProperty(n))))]);
        output.Table(table);
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "NULL",
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };
}
