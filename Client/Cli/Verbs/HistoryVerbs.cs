using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Storage.Audit;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor history</c>, <c>kor rollback</c> and <c>kor audit</c>: which definitions a pipeline had, going back to one, and who did what.</summary>
internal static class HistoryVerbs
{
    private const int ShownDigits = 12;

    private sealed record Report(string Pipeline, int Version, string[] Warnings, string? Held);

    public static void AddTo(KorCommand kor)
    {
        AddHistory(kor);
        AddRollback(kor);
        AddAudit(kor);
    }

    private static void AddHistory(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var show = new Option<int?>("--show") { Description = "Prints the text of this version.", HelpName = "VERSION" };
        var diff = new Option<int?>("--diff") { Description = "Prints what has changed since this version.", HelpName = "VERSION" };
        var to = new Option<int?>("--to") { Description = "With --diff: up to this version. Default: the one in force.", HelpName = "VERSION" };
        var verb = new Command("history", "Lists the definitions a pipeline had, shows one, or what changed between two.") { pipeline, show, diff, to };
        verb.Validators.Add(result =>
        {
            // Whether they are there: what they are may be no number, which is said elsewhere.
            if (result.GetResult(show) is not null && result.GetResult(diff) is not null) result.AddError("Give --show or --diff, not both.");
            if (result.GetResult(to) is not null && result.GetResult(diff) is null) result.AddError("--to goes with --diff.");
        });
        kor.Add(verb, async (context, cancellation) =>
        {
            var name = context.Args.GetValue(pipeline)!;
            using var api = new KorApi(context);
            if (context.Args.GetValue(show) is { } one)
            {
                var found = await VersionAsync(api, name, one, cancellation);
                if (context.Output.ForPeople) context.Host.Out.Write(found.Value.Text!.EndsWith('\n') ? found.Value.Text : found.Value.Text + "\n");
                else context.Output.Data(found.Json);
                return ExitCodes.Ok;
            }

            if (context.Args.GetValue(diff) is { } from)
            {
                var before = (await VersionAsync(api, name, from, cancellation)).Value.Text!;
                var after = context.Args.GetValue(to) is { } until
                    ? (await VersionAsync(api, name, until, cancellation)).Value.Text!
                    : (await api.GetAsync<PipelineConfig>(KorApi.Path("pipelines", name, "config"), cancellation)).Value.Text;
                WriteDiff(context.Output, before, after);
                return ExitCodes.Ok;
            }

            var versions = await api.GetAsync<DefinitionVersion[]>(KorApi.Path("pipelines", name, "history"), cancellation);
            if (!context.Output.ForPeople) context.Output.Data(versions.Json);
            else if (versions.Value.Length == 0) context.Output.Talk($"{name}: No version is kept yet; the next change is.");
            else Write(context.Output, versions.Value);
            return ExitCodes.Ok;
        });
    }

    private static void Write(CliOutput output, DefinitionVersion[] versions)
    {
        var table = new TableModel(new("VERSION", true), new("SINCE"), new("CAME FROM"), new("FILE"), new("SHA-256", Spare: 1));
        foreach (var v in versions)
            table.Add(Show.Count(v.Version), Show.Time(v.At), v.Origin == DefinitionOrigin.Folder ? "folder" : "API", v.File, v.Sha256[..Math.Min(ShownDigits, v.Sha256.Length)]);
        output.Table(table);
    }

    private static void WriteDiff(CliOutput output, string before, string after)
    {
        var lines = TextDiff.Of(before, after);
        if (lines.Count == 0) output.Talk("Nothing differs.");
        foreach (var (mark, text) in lines)
            output.Line(mark == '.' ? text : $"{mark} {text}", mark switch { '-' => Tone.Bad, '+' => Tone.Good, '.' => Tone.Faint, _ => Tone.Plain });
    }

    private static Task<ApiAnswer<DefinitionVersion>> VersionAsync(KorApi api, string name, int version, CancellationToken cancellation) =>
        api.GetAsync<DefinitionVersion>(KorApi.Path("pipelines", name, "history", version.ToString(CultureInfo.InvariantCulture)), cancellation);

    private static void AddRollback(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        var version = new Option<int>("--to") { Description = "The version whose text is to be in force again; 'kor history' lists them.", HelpName = "VERSION", Required = true };
        var execute = new Option<bool>("--execute") { Description = "Does it. Without this it only shows what would change." };
        kor.Add(
            new Command("rollback", "Shows, or with --execute does, a return of a pipeline to an earlier definition. It gets a new version.") { pipeline, version, execute },
            async (context, cancellation) =>
            {
                var name = context.Args.GetValue(pipeline)!;
                var to = context.Args.GetValue(version);
                using var api = new KorApi(context);
                var text = (await VersionAsync(api, name, to, cancellation)).Value.Text!;
                if (!context.Args.GetValue(execute))
                {
                    WriteDiff(context.Output, (await api.GetAsync<PipelineConfig>(KorApi.Path("pipelines", name, "config"), cancellation)).Value.Text, text);
                    context.Output.Talk("Preview only. Run again with --execute to do it.");
                    return ExitCodes.Ok;
                }

                var path = KorApi.Path("pipelines", name, "rollback") + string.Create(CultureInfo.InvariantCulture, $"?version={to}");
                var answer = await api.PostAsync<Report>(path, cancellation);
                return Tell(context, answer.Json, name, answer.Value.Version, answer.Value.Held, string.Create(CultureInfo.InvariantCulture, $"has the text of version {to} again"));
            });
    }

    /// <summary>Says what became of a definition; one that is held ends with <see cref="ExitCodes.Conflict"/>.</summary>
    public static int Tell(VerbContext context, string json, string name, int version, string? held, string what)
    {
        if (!context.Output.ForPeople) context.Output.Data(json);
        else if (held is null) context.Output.Line($"{name}   {what}   version {Show.Count(version)}");
        else context.Output.Line($"{name}   held   version {Show.Count(version)} goes on", Tone.Warning);
        if (held is null) return ExitCodes.Ok;
        if (context.Output.ForPeople) context.Output.Talk(held);
        return ExitCodes.Conflict;
    }

    private static void AddAudit(KorCommand kor)
    {
        var limit = new Option<int>("--limit") { Description = "At most so many, 1 to 1000. Default: 50.", HelpName = "N", DefaultValueFactory = _ => 50 };
        var before = new Option<string?>("--before") { Description = "Goes on to older entries than this one; the page before said with what.", HelpName = "ID" };
        kor.Add(new Command("audit", "Lists who changed, looked at or was refused what, newest first. For admins.") { limit, before }, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var path = string.Create(CultureInfo.InvariantCulture, $"audit?limit={context.Args.GetValue(limit)}");
            if (context.Args.GetValue(before) is { } id) path += $"&before={Uri.EscapeDataString(id)}";
            var answer = await api.GetAsync<AuditEntry[]>(path, cancellation);
            if (!context.Output.ForPeople)
            {
                context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            }

            var table = new TableModel(new("AT"), new("WHO"), new("ROLE", Spare: 1), new("FROM", Spare: 2), new("STATUS", true), new("ACTION"), new("WHAT", Text: true));
            foreach (var e in answer.Value)
            {
                var change = string.Join(" -> ", new[] { e.Before, e.After }.Where(t => !string.IsNullOrEmpty(t)));
                table.Add(Show.Time(e.At), e.Actor, e.Role, e.Origin, e.Status?.ToString(CultureInfo.InvariantCulture), e.Action, change.Length == 0 ? e.Target : $"{e.Target}: {change}");
            }

            if (table.Rows.Count == 0) context.Output.Talk("There are no entries.");
            else context.Output.Table(table);
            if (answer.Value.Length == context.Args.GetValue(limit)) context.Output.Talk($"Older ones: kor audit --before {answer.Value[^1].Id}");
            return ExitCodes.Ok;
        });
    }
}
