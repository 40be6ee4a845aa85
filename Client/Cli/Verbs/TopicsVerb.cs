using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor topics</c>: the topics of the server's Kafka, and the records of one.</summary>
internal static class TopicsVerb
{
    public static void AddTo(KorCommand kor)
    {
        var topic = new Argument<string?>("topic") { Description = "A topic, whose records are shown; without it, the topics are listed.", Arity = ArgumentArity.ZeroOrOne };
        var connection = new Option<string?>("--connection") { Description = "The server's Kafka connection, when it has several.", HelpName = "NAME" };
        var partition = new Option<int?>("--partition") { Description = "Only this partition.", HelpName = "N" };
        var offset = new Option<long?>("--offset") { Description = "From this offset on, of --partition. Default: the newest records.", HelpName = "N" };
        var since = TimeOption.Create("--since", "From the first record whose Kafka timestamp is this time or later:");
        var contains = new Option<string?>("--contains") { Description = "Only records whose key or value contains this text.", HelpName = "TEXT" };
        var where = new Option<string?>("--where") { Description = "Only JSON records for which this is true, e.g. \"amount > 100\"; fields are guessed from the records looked at.", HelpName = "EXPR" };
        var limit = new Option<int>("--limit", "-n") { Description = "At most so many, 1 to 1000. Default: 20. With a condition, up to 10,000 records are looked at.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var verb = new Command("topics", "Lists the topics of the server's Kafka, or shows records of one: the newest, from an offset, or since a time. Joins no group, commits nothing.")
        {
            topic, connection, partition, offset, since, contains, where, limit,
        };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(topic) is null && new Option[] { partition, offset, since, contains, where }.Any(o => result.GetResult(o) is { Implicit: false }))
                result.AddError("Name the topic whose records are to be shown.");
            // Whether they are there: what they are may be no number, which is said elsewhere.
            var fromOffset = result.GetResult(offset) is { Implicit: false };
            if (fromOffset && result.GetResult(partition) is null) result.AddError("--offset is of a partition: give --partition too.");
            if (fromOffset && result.GetResult(since) is { Implicit: false }) result.AddError("Give --offset or --since, not both.");
        });
        kor.Add(verb, (context, cancellation) =>
        {
            var args = context.Args;
            if (args.GetValue(topic) is not { } name) return ListAsync(context, args.GetValue(connection), cancellation);
            var query = new List<string> { string.Create(CultureInfo.InvariantCulture, $"limit={args.GetValue(limit)}") };
            void Add(string key, string? value)
            {
                if (value is not null) query.Add($"{key}={Uri.EscapeDataString(value)}");
            }

            Add("connection", args.GetValue(connection));
            Add("partition", args.GetValue(partition)?.ToString(CultureInfo.InvariantCulture));
            Add("offset", args.GetValue(offset)?.ToString(CultureInfo.InvariantCulture));
            if (TimeOption.Get(context, since) is { } at) query.Add($"since={TimeOption.Query(at)}");
            Add("contains", args.GetValue(contains));
            Add("where", args.GetValue(where));
            return ShowAsync(context, $"{KorApi.Path("topics", name, "records")}?{string.Join('&', query)}", cancellation);
        });
    }

    private static async Task<int> ListAsync(VerbContext context, string? connection, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var path = "topics" + (connection is null ? "" : $"?connection={Uri.EscapeDataString(connection)}");
        var answer = await context.Output.WaitAsync("Asking the brokers ...", () => api.GetAsync<TopicSummary[]>(path, cancellation));
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        var table = new TableModel(new("TOPIC"), new("CONNECTION"), new("PARTITIONS", true), new("RECORDS", true));
        foreach (var t in answer.Value) table.Add(t.Topic, t.Connection, Show.Count(t.Partitions), Show.Count(t.Records));
        if (table.Rows.Count == 0) context.Output.Talk("There are no topics yet.");
        else context.Output.Table(table);
        return ExitCodes.Ok;
    }

    private static async Task<int> ShowAsync(VerbContext context, string path, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await context.Output.WaitAsync("Reading ...", () => api.GetAsync<TopicRecords>(path, cancellation));
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        foreach (var r in answer.Value.Records)
        {
            var at = r.Timestamp is { } time ? Show.Time(time) : "-";
            context.Output.Line(string.Create(
                CultureInfo.InvariantCulture, $"{at}  {answer.Value.Topic}/{r.Partition}@{r.Offset}  {TableModel.OneLine(r.Key ?? "-")}  {TableModel.OneLine(r.Value ?? "(none: a tombstone)")}"));
        }

        var kind = answer.Value.Records.All(r => r.Value?.StartsWith('{') == true) ? null : ValueKinds.Describe(answer.Value.Records);
        context.Output.Talk(
            $"{Show.Count(answer.Value.Records.Count)} of {Show.Count(Math.Max(answer.Value.Looked, answer.Value.Records.Count))} records looked at are shown."
            + (kind is null ? "" : $" Of these values: {kind}."));
        return ExitCodes.Ok;
    }
}
