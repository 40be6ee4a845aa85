using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor quarantine list</c>, <c>show</c>, <c>replay</c> and <c>drop</c>.</summary>
internal static class QuarantineVerbs
{
    private const int ShownDigits = 12;

    // While a replay waits for something, the same page is asked for again so often; it goes on without being asked, too.
    private const int Patience = 4;

    public static void AddTo(KorCommand kor)
    {
        var group = kor.AddGroup("quarantine", "Looks at refused records, plays them again, or drops them.");
        AddList(kor, group);
        AddShow(kor, group);
        AddReplay(kor, group);
        AddDrop(kor, group);
    }

    private static void AddList(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        var filter = new Filter();
        var limit = new Option<int>("--limit") { Description = "At most so many, 1 to 1000. Default: 50.", HelpName = "N", DefaultValueFactory = _ => 50 };
        var after = new Option<string?>("--after") { Description = "Goes on after a page before; it said with what.", HelpName = "NEXT" };
        var verb = new Command("list", "Lists refused records, newest first, and how many there are by place and code.") { pipeline, limit, after };
        filter.AddTo(verb);
        kor.Add(verb, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline)!;
            using var api = new KorApi(context);
            var path = PathOf(name, filter.Of(context, ("limit", Text(context.Args.GetValue(limit))), ("after", context.Args.GetValue(after))));
            var answer = await api.GetAsync<QuarantinePage>(path, cancellation);
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else Write(context.Output, name, answer.Value);
            return ExitCodes.Ok;
        }, group);
    }

    private static void Write(CliOutput output, string name, QuarantinePage page)
    {
        if (page.Note is not null) output.Talk(page.Note);
        if (page.Groups.Count == 0)
        {
            output.Talk($"{name}: Nothing is in quarantine that matches.");
            return;
        }

        var groups = new TableModel(new("PLACE"), new("CODE"), new("RECORDS", true));
        foreach (var group in page.Groups) groups.Add(group.Place, group.Code, Show.Count(group.Records));
        output.Table(groups);
        output.Line();
        var table = new TableModel(new("ID"), new("ADDED", Spare: 1), new("PLACE"), new("CODE"), new("POSITION"), new("KEY", Spare: 2), new("REASON", Text: true));
        foreach (var item in page.Items)
            table.Add(item.Id[..ShownDigits], Show.Time(item.AddedAt), item.Place, item.Code, Position(item), Cut(item.Key, 24), Cut(item.Reason, 80));
        output.Table(table);
        if (page.Next is not null && page.Items.Count < page.Groups.Sum(g => g.Records))
            output.Talk($"There may be more: --after {page.Next} goes on, --limit shows more at once.");
        output.Talk($"'kor quarantine show {name} ID' shows one with its bytes; 'kor quarantine replay {name}' tries them with the pipeline as it is now.");
    }

    private static void AddShow(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        var id = Id();
        kor.Add(new Command("show", "Shows a refused record with everything it came with.") { pipeline, id }, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var path = KorApi.Path("pipelines", context.Args.GetValue(pipeline)!, "quarantine", context.Args.GetValue(id)!);
            var answer = await api.GetAsync<QuarantineDetail>(path, cancellation);
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else Write(context.Output, context.Args.GetValue(pipeline)!, answer.Value);
            return ExitCodes.Ok;
        }, group);
    }

    private static void Write(CliOutput output, string name, QuarantineDetail record)
    {
        output.Line($"Id         {record.Id}");
        output.Line($"Refused    at {record.Place} by version {Show.Count(record.Version)} of {name}, {Show.Time(record.AddedAt)}");
        output.Line($"Reason     {record.Code}: {TableModel.OneLine(record.Reason)}", Tone.Bad);
        output.Line($"Position   {Position(record)}");
        output.Line($"Time       {(record.Timestamp is { } time ? Show.Time(time) : "-")}");
        output.Line($"Held in    connection {record.Connection}");
        output.Line($"Key        {TableModel.OneLine(record.Key ?? "(none)")}");
        foreach (var (header, value) in record.Headers) output.Line($"Header     {TableModel.OneLine(header)}: {TableModel.OneLine(value ?? "(none)")}");
        output.Line($"Value      {(record.Value is null ? "(none: a tombstone)" : $"{Show.Count(record.ValueBytes)} bytes")}");
        if (record.Value is not null) output.Line(string.Join('\n', record.Value.Split('\n').Select(TableModel.OneLine)));
        output.Talk(record.Obstacle is { } obstacle
            ? $"It cannot be replayed: {obstacle}."
            : $"'kor quarantine replay {name} --id {record.Id[..ShownDigits]}' tries it with the pipeline as it is now.");
    }

    private static void AddReplay(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        var filter = new Filter();
        var (execute, dryRun) = ExecuteOptions("Plays them. Without this it only says how many would pass, and why the others would not.");
        var verb = new Command("replay", "Tries refused records with the pipeline as it is now, or with --execute plays them.") { pipeline, execute, dryRun };
        filter.AddTo(verb);
        kor.Add(verb, async (context, cancellation) =>
        {
            using var api = new KorApi(context, TimeSpan.FromMinutes(2));
            var name = context.Args.GetValue(pipeline)!;
            var report = await ReplayAsync(context, api, name, filter, context.Args.GetValue(execute), cancellation);
            if (!context.Output.ForPeople) context.Output.Data(System.Text.Json.JsonSerializer.SerializeToNode(report, JsonText.Api)!);
            else Write(context.Output, name, report);
            return report.Executed && report.Unfinished > 0 ? ExitCodes.Unavailable : ExitCodes.Ok;
        }, group);
    }

    private static async Task<ReplayReport> ReplayAsync(
        VerbContext context, KorApi api, string name, Filter filter, bool execute, CancellationToken cancellation)
    {
        var total = new ReplayReport { Executed = execute, Records = 0, Passed = 0 };
        using var bar = await BarAsync(context, api, name, filter, cancellation);
        string? after = null;
        var waits = 0;
        while (true)
        {
            var query = filter.Of(context, ("dryRun", execute ? "false" : "true"), ("after", after));
            var page = (await api.PostAsync<ReplayReport>(
                KorApi.Path("pipelines", name, "quarantine", "replay") + query, cancellation)).Value;
            if (page.Unfinished > 0 && ++waits < Patience)
            {
                // What has passed meanwhile is out of quarantine, so it is counted now and not again.
                total = total with { Records = total.Records + page.Passed, Passed = total.Passed + page.Passed };
                bar.Clear();
                context.Output.Talk($"{name}: {Show.Count(page.Unfinished)} records wait, as their partitions do; 'kor status {name}' says for what. Waiting on.");
                continue;
            }

            total = Sum(total, page);
            after = page.Next;
            if (page.Unfinished > 0 || after is null) break;
            bar.Report(total.Records + total.Skipped.Sum(g => g.Records));
            if (execute && !context.Output.ShowsProgress)
                context.Output.Talk($"{name}: {Show.Count(total.Records)} records looked at, {Show.Count(total.Passed)} passed.");
        }

        return total;
    }

    /// <summary>A bar over all records that match; they are counted only where somebody sees it.</summary>
    private static async Task<ProgressBar> BarAsync(
        VerbContext context, KorApi api, string name, Filter filter, CancellationToken cancellation)
    {
        if (!context.Output.ShowsProgress) return context.Output.Progress("records", 0);
        var page = (await api.GetAsync<QuarantinePage>(PathOf(name, filter.Of(context, ("limit", "1"))), cancellation)).Value;
        return context.Output.Progress("records", page.Groups.Sum(g => g.Records));
    }

    private static ReplayReport Sum(ReplayReport a, ReplayReport b) => a with
    {
        Records = a.Records + b.Records,
        Passed = a.Passed + b.Passed,
        AtDatabase = a.AtDatabase + b.AtDatabase,
        Unfinished = b.Unfinished,
        Refused = Merge(a.Refused, b.Refused),
        Skipped = Merge(a.Skipped, b.Skipped),
    };

    private static IReadOnlyList<ReplayGroup> Merge(IReadOnlyList<ReplayGroup> a, IReadOnlyList<ReplayGroup> b) =>
    [
        .. a.Concat(b).GroupBy(g => (g.Place, g.Code)).Select(g => g.First() with { Records = g.Sum(x => x.Records) })
            .OrderByDescending(g => g.Records),
    ];

    private static void Write(CliOutput output, string name, ReplayReport report)
    {
        if (report.Records == 0)
        {
            output.Talk($"{name}: Nothing is in quarantine that matches.");
            return;
        }

        var refused = report.Refused.Sum(g => g.Records);
        output.Line(report.Executed
            ? $"{name}: {Show.Count(report.Records)} records: {Show.Count(report.Passed)} passed and are out of quarantine, {Show.Count(refused)} refused again."
            : $"{name}: {Show.Count(report.Records)} records match: {Show.Count(report.Passed)} would pass, {Show.Count(refused)} would be refused again.");
        if (report.AtDatabase > 0)
            output.Line($"{Show.Count(report.AtDatabase)} of those that would pass were refused by a database; whether it takes them now, only writing them tells.");
        Section(output, "Refused again", report.Refused);
        Section(output, "Cannot be replayed", report.Skipped);
        if (report.Unfinished > 0)
        {
            output.Talk(
                $"{Show.Count(report.Unfinished)} records are not through yet: 'kor status {name}' says what the pipeline waits for. It goes on by itself, "
                + "and running this again changes nothing twice.");
        }
        else if (!report.Executed)
        {
            output.Talk(
                "Dry run: nothing was changed. Duplicates, late records and what a database refuses are found out when it is done. "
                + "Run again with --execute to do it.");
        }
    }

    private static void Section(CliOutput output, string title, IReadOnlyList<ReplayGroup> groups)
    {
        if (groups.Count == 0) return;
        output.Line();
        output.Line(title);
        var table = new TableModel(new("RECORDS", true), new("PLACE"), new("CODE"), new("EXAMPLE"), new("ITS REASON"));
        foreach (var g in groups)
            table.Add(Show.Count(g.Records), g.Place, g.Code.Length == 0 ? "-" : g.Code, g.Example[..Math.Min(ShownDigits, g.Example.Length)], g.Reason);
        output.Table(table);
    }

    private static void AddDrop(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        var filter = new Filter();
        var all = new Option<bool>("--all") { Description = "Every record of the pipeline." };
        var (execute, dryRun) = ExecuteOptions("Drops them for good. Without this it only says how many it would drop.");
        var verb = new Command("drop", "Says how many refused records would be dropped, or with --execute drops them for good.")
        {
            pipeline, all, execute, dryRun,
        };
        filter.AddTo(verb);
        verb.Validators.Add(result =>
        {
            var restricted = filter.Given(result);
            if (restricted == (result.GetResult(all) is { Implicit: false }))
                result.AddError("Say which records: --all, or --id, --step, --rule, --sink, --code, --topic, --partition, --offset, --since or --until.");
        });
        kor.Add(verb, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var name = context.Args.GetValue(pipeline)!;
            var path = PathOf(name, filter.Of(
                context, ("dryRun", context.Args.GetValue(execute) ? "false" : "true"), ("all", context.Args.GetValue(all) ? "true" : null)));
            var answer = await api.DeleteAsync<QuarantineDrop>(path, cancellation);
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else if (answer.Value.Executed) context.Output.Line($"{name}: {Show.Count(answer.Value.Records)} records dropped.");
            else context.Output.Line($"{name}: {Show.Count(answer.Value.Records)} records would be dropped for good; Kafka may hold them still, this would not.");
            if (context.Output.ForPeople && !answer.Value.Executed) context.Output.Talk("Dry run: nothing was changed. Run again with --execute to do it.");
            return ExitCodes.Ok;
        }, group);
    }

    private static (Option<bool> Execute, Option<bool> DryRun) ExecuteOptions(string description)
    {
        var execute = new Option<bool>("--execute", "--yes") { Description = description };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be done (the default)." };
        execute.Validators.Add(result =>
        {
            if (result.GetResult(dryRun) is { Implicit: false }) result.AddError("--execute and --dry-run exclude each other.");
        });
        return (execute, dryRun);
    }

    private static Argument<string> Id() => new("id") { Description = "The record's id, or its first digits." };

    private static string PathOf(string pipeline, string query) => KorApi.Path("pipelines", pipeline, "quarantine") + query;

    private static string Position(QuarantineItem item) => item.Topic is null
        ? "(a window's row)"
        : string.Create(CultureInfo.InvariantCulture, $"{item.Topic}/{item.Partition} @ {item.Offset}");

    private static string? Cut(string? text, int length) => text is null || text.Length <= length ? text : text[..(length - 3)] + "...";

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The options that say which records are meant.</summary>
    private sealed class Filter
    {
        private readonly Option<string?> _id = new("--id") { Description = "The record whose id begins like this.", HelpName = "ID" };
        private readonly Option<string?> _step = new("--step") { Description = "Refused by this step; 'source': by decoding.", HelpName = "STEP" };
        private readonly Option<string?> _rule = new("--rule") { Description = "Refused by this rule of a quality step.", HelpName = "RULE" };
        private readonly Option<string?> _sink = new("--sink") { Description = "Refused by the database of this sink.", HelpName = "SINK" };
        private readonly Option<string?> _code = new("--code", "--reason") { Description = "Refused with this code, e.g. KOR4042 or ORA-12899.", HelpName = "CODE" };
        private readonly Option<string?> _topic = new("--topic") { Description = "Of this topic.", HelpName = "TOPIC" };
        private readonly Option<int?> _partition = new("--partition") { Description = "Of this partition.", HelpName = "N" };
        private readonly Option<long?> _offset = new("--offset") { Description = "At this offset.", HelpName = "N" };
        private readonly Option<string?> _since = TimeOption.Create("--since", "Added at this time or later:");
        private readonly Option<string?> _until = TimeOption.Create("--until", "Added before this time:");

        private Option[] All => [_id, _step, _rule, _sink, _code, _topic, _partition, _offset, _since, _until];

        public void AddTo(Command verb)
        {
            foreach (var option in All) verb.Options.Add(option);
        }

        public bool Given(CommandResult result) => All.Any(o => result.GetResult(o) is { Implicit: false });

        /// <summary>The query of a request, with its question mark.</summary>
        public string Of(VerbContext context, params (string Name, string? Value)[] more)
        {
            var args = context.Args;
            (string Name, string? Value)[] all =
            [
                ("id", args.GetValue(_id)), ("step", args.GetValue(_step)), ("rule", args.GetValue(_rule)), ("sink", args.GetValue(_sink)),
                ("code", args.GetValue(_code)), ("topic", args.GetValue(_topic)), ("partition", args.GetValue(_partition) is { } p ? Text(p) : null),
                ("offset", args.GetValue(_offset) is { } o ? Text(o) : null), ("since", Iso(TimeOption.Get(context, _since))), ("until", Iso(TimeOption.Get(context, _until))),
                .. more,
            ];
            var given = all.Where(a => a.Value is not null).Select(a => $"{a.Name}={Uri.EscapeDataString(a.Value!)}").ToArray();
            return given.Length == 0 ? "" : "?" + string.Join('&', given);
        }

        private static string? Iso(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
    }
}
