using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor new</c>: a pipeline with its test, from a pattern or from what a topic holds.</summary>
internal static partial class NewVerb
{
    private const string Prefix = "templates/";
    private const string DefaultTemplate = "read-transform-write";
    private const int Samples = 500;

    public static void AddTo(KorCommand kor)
    {
        var name = new Argument<string?>("name") { Description = "The new pipeline's name; also that of its files.", Arity = ArgumentArity.ZeroOrOne };
        var template = new Option<string?>("--template", "-t") { Description = $"A pattern to begin with. Default: {DefaultTemplate}.", HelpName = "PATTERN" };
        template.CompletionSources.Add(_ => Templates().Select(t => new System.CommandLine.Completions.CompletionItem(t.Name)));
        var list = new Option<bool>("--list") { Description = "Lists the patterns instead." };
        var topic = new Option<string?>("--from-topic") { Description = "Begins with the fields of the newest records of a topic of the server's Kafka.", HelpName = "TOPIC" };
        var connection = new Option<string?>("--connection") { Description = "The server's Kafka connection, when it has several.", HelpName = "NAME" };
        var sink = new Option<string>("--sink") { Description = "The database connection the pipeline writes to. Default: dwh.", HelpName = "NAME", DefaultValueFactory = _ => "dwh" };
        var folder = new Option<string>("--dir") { Description = "Where the files go. Default: here.", HelpName = "FOLDER", DefaultValueFactory = _ => "." };
        var force = new Option<bool>("--force") { Description = "Writes over files that are there." };
        var verb = new Command("new", "Writes a pipeline file and its test: from a pattern, or with the fields of a topic's records.")
        {
            name, template, list, topic, connection, sink, folder, force,
        };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(topic) is not null && result.GetValue(template) is not null) result.AddError("Give --template or --from-topic, not both.");
            else if (!result.GetValue(list) && result.GetValue(topic) is null && result.GetValue(name) is null) result.AddError("Give the new pipeline a name.");
        });
        kor.Add(verb, async (context, cancellation) =>
        {
            var args = context.Args;
            if (args.GetValue(list)) return List(context);
            var given = args.GetValue(name) ?? NameOf(args.GetValue(topic)!);
            if (!NamePattern().IsMatch(given))
                throw new CliException(ExitCodes.Usage, $"'{given}' is no name for a pipeline; use letters, digits, '_' and '-', a letter first.");
            var files = args.GetValue(topic) is { } source
                ? await FromTopicAsync(context, given, source, args.GetValue(connection), args.GetValue(sink)!, cancellation)
                : FromTemplate(given, args.GetValue(template) ?? DefaultTemplate);
            return Write(context, args.GetValue(folder)!, files, args.GetValue(force));
        });
    }

    private static int List(VerbContext context)
    {
        var templates = Templates();
        if (context.Output.ForPeople)
        {
            var table = new TableModel(new("PATTERN"), new("WHAT IT DOES", Text: true));
            foreach (var (name, about) in templates) table.Add(name, about);
            context.Output.Table(table);
        }
        else
        {
            context.Output.Data(new JsonArray([.. templates.Select(t => (JsonNode)new JsonObject { ["name"] = t.Name, ["about"] = t.About })]));
        }

        return ExitCodes.Ok;
    }

    /// <summary>The patterns, with the first line of comment of each.</summary>
    private static List<(string Name, string About)> Templates()
    {
        var assembly = typeof(NewVerb).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(r => r.StartsWith(Prefix, StringComparison.Ordinal) && !r.EndsWith(".test.yaml", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(r => (r[Prefix.Length..^".yaml".Length], About(Resource(r)))),
        ];
    }

    private static string About(string text) => text.Split('\n')
        .FirstOrDefault(l => l.StartsWith("# ", StringComparison.Ordinal) && !l.Contains("$schema", StringComparison.Ordinal))?[2..].Trim() ?? "";

    private static string Resource(string name)
    {
        using var stream = typeof(NewVerb).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing from this build.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static Dictionary<string, string> FromTemplate(string name, string template)
    {
        var known = Templates().Select(t => t.Name).ToArray();
        if (!known.Contains(template))
        {
            var near = Processing.Text.Suggestions.Nearest(template, known);
            var hint = near is null ? "'kor new --list' lists them." : $"Did you mean '{near}'?";
            throw new CliException(ExitCodes.NotFound, $"There is no pattern '{template}'. {hint}");
        }

        var pipeline = NameLine().Replace(Resource($"{Prefix}{template}.yaml"), $"name: {name}", 1);
        var test = Resource($"{Prefix}{template}.test.yaml").Replace($"pipeline: {template}.yaml", $"pipeline: {name}.yaml", StringComparison.Ordinal);
        // The schema lies beside the patterns in the repository; here it is written beside the file.
        pipeline = SchemaLine().Replace(pipeline, $"# yaml-language-server: $schema={SchemaFile}", 1);
        return new Dictionary<string, string>(StringComparer.Ordinal) { [$"{name}.yaml"] = pipeline, [$"{name}.test.yaml"] = test };
    }

    private static async Task<Dictionary<string, string>> FromTopicAsync(
        VerbContext context, string name, string topic, string? connection, string sink, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var path = string.Create(CultureInfo.InvariantCulture, $"{KorApi.Path("topics", topic, "records")}?limit={Samples}");
        if (connection is not null) path += $"&connection={Uri.EscapeDataString(connection)}";
        var answer = await context.Output.WaitAsync($"Reading {topic} ...", () => api.GetAsync<TopicRecords>(path, cancellation));
        var draft = PipelineDraft.Of(name, answer.Value, sink);
        context.Output.Talk($"Fields guessed from {Show.Count(draft.Used)} of {Show.Count(answer.Value.Records.Count)} records: {draft.Fields}");
        context.Output.Talk("The test holds one of these records as it is; take out what must not be in a repository.");
        return new Dictionary<string, string>(StringComparer.Ordinal) { [$"{name}.yaml"] = draft.Pipeline, [$"{name}.test.yaml"] = draft.Test };
    }

    private const string SchemaFile = "pipeline.schema.json";

    private static int Write(VerbContext context, string folder, Dictionary<string, string> files, bool force)
    {
        var root = context.Host.FullPath(folder);
        Directory.CreateDirectory(root);
        if (!force && files.Keys.FirstOrDefault(f => File.Exists(Path.Combine(root, f))) is { } taken)
            throw new CliException(ExitCodes.Conflict, $"'{Path.Combine(folder, taken)}' is there already; --force writes over it.");
        foreach (var (file, text) in files) File.WriteAllText(Path.Combine(root, file), text);
        // What the first line of the pipeline names for editors; the host takes no *.schema.json for a pipeline.
        if (!File.Exists(Path.Combine(root, SchemaFile)) || force) File.WriteAllText(Path.Combine(root, SchemaFile), PipelineReader.JsonSchema());
        var names = files.Keys.Select(f => folder == "." ? f : Path.Combine(folder, f)).ToList();
        if (context.Output.ForPeople)
        {
            foreach (var written in names) context.Output.Line(written);
            context.Output.Talk($"Check and test it: kor validate {names[0]} && kor test {names[1]}");
        }
        else
        {
            context.Output.Data(new JsonArray([.. names.Select(n => (JsonNode)n)]));
        }

        return ExitCodes.Ok;
    }

    /// <summary>A pipeline's name out of a topic's.</summary>
    private static string NameOf(string topic)
    {
        var name = NoName().Replace(topic, "-").Trim('-', '_');
        return name.Length > 0 && char.IsAsciiLetter(name[0]) ? name : "p-" + name;
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("[^A-Za-z0-9_-]+")]
    private static partial Regex NoName();

    [GeneratedRegex("^name: .*$", RegexOptions.Multiline)]
    private static partial Regex NameLine();

    [GeneratedRegex(@"^# yaml-language-server: \$schema=.*$", RegexOptions.Multiline)]
    private static partial Regex SchemaLine();
}
