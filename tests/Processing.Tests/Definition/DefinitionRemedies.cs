using KafkaOracleOrleans.Processing.Plan;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>A remedy that is tried: a text with the fault, and the text after what the catalog or the message advises.</summary>
/// <param name="Code">The code.</param>
/// <param name="Said">The part of the catalog's remedy, or of the message, that is done.</param>
/// <param name="Before">The pipeline with the fault.</param>
/// <param name="After">The pipeline after the remedy.</param>
internal sealed record DefinitionRemedy(string Code, string Said, string Before, string After)
{
    /// <summary>Variables that are set before; null: none.</summary>
    public string? Variable { get; init; }

    /// <summary>What is set after the remedy.</summary>
    public string? VariableAfter { get; init; }

    /// <summary>What the host has after the remedy: a connection or a transform of this name.</summary>
    public string? Registered { get; init; }

    /// <summary>Nothing is known of the host after the remedy: a file with connections of its own.</summary>
    public bool AnyHost { get; init; }

    public PipelineCompilation Compile(string text, bool mended)
    {
        var variable = mended ? VariableAfter ?? Variable : Variable;
        if (mended && AnyHost) return PipelineCompiler.Compile(text, "p.yaml");
        string[] more = mended && Registered is { } name ? [name] : [];
        return PipelineCompiler.Compile(text, "p.yaml", new PipelineCompilerOptions
        {
            Variables = asked => asked == "TABLE" ? variable : null,
            KafkaConnections = ["main", .. more],
            DatabaseConnections = ["dwh", .. more],
            Transforms = ["Score", .. more],
        });
    }
}

/// <summary>The remedies of KOR1xxx and KOR2xxx.</summary>
internal static partial class DefinitionRemedies
{
    public static IReadOnlyList<DefinitionRemedy> All { get; } = [.. OfTexts(), .. OfGraphs(), .. OfFields(), .. OfWindows(), .. OfSinks()];

    private static DefinitionRemedy Of(string code, string said, string before, string after) => new(code, said, before, after);

    /// <summary>The base pipeline with pieces of it replaced.</summary>
    private static string With(params (string From, string To)[] edits)
    {
        var text = Base;
        foreach (var (from, to) in edits)
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            text = text.Replace(from, to, StringComparison.Ordinal);
        }

        return text;
    }

    private static string With(string from, string to) => With((from, to));

    /// <summary>KOR1xxx.</summary>
    private static IEnumerable<DefinitionRemedy> OfTexts() =>
    [
        Of("KOR1001", "spaces, never tabs", With("  format: json", "\tformat: json"), Base),
        Of("KOR1001", "Indent with spaces, not tabs", With("  format: json", "\tformat: json"), Base),
        Of("KOR1001", "a value that contains ': '", With("where: total > 0", "where: customer <> 'a: b'"), With("where: total > 0", "where: \"customer <> 'a: b'\"")),
        Of("KOR1001", "or ' #'", With("where: total > 0", "where: customer <> 'a #b'"), With("where: total > 0", "where: \"customer <> 'a #b'\"")),
        Of("KOR1001", "[ ] { } & * ! | > % @", With("default: none", "default: @none"), With("default: none", "default: '@none'")),
        Of("KOR1001", "Between { } and [ ], a value with ${NAME} needs quotes", With("table: ROWS_T", "table: ${TABLE:T}"), With("table: ROWS_T", "table: '${TABLE:T}'")),
        Of("KOR1002", "Write a plain name before the colon", With("name: base", "name: base\n? [owner]\n: me"), With("name: base", "name: base\nowner: me")),
        Of("KOR1003", "Remove the tag", With("name: base", "name: !!str base"), Base),
        Of("KOR1004", "Split the pipeline", Many(120), Many(30)),
        Of("KOR1004", "write repeated parts less deeply", With("name: base", "name: base\ndescription: &a [x,x,x,x,x,x,x,x,x]\nowner: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nsource: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            + "steps: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\nsinks: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]"), Base),
        Of("KOR1004", "a shorter value", With("table: ROWS_T", "table: '${TABLE}'"), With("table: ROWS_T", "table: '${TABLE}'")) with { Variable = new string('T', 65_537), VariableAfter = "ROWS_T" },
        Of("KOR1005", "Define the anchor before the alias", With("key: [order_id]", "key: *ids"), With(("topics: [orders]", "topics: &ids [order_id]"), ("key: [order_id]", "key: *ids"))),
        Of("KOR1005", "correct its name", With(("topics: [orders]", "topics: &ids [order_id]"), ("key: [order_id]", "key: *isd")),
            With(("topics: [orders]", "topics: &ids [order_id]"), ("key: [order_id]", "key: *ids"))),
        Of("KOR1006", "Remove one of them", With("name: base", "name: base\nname: other"), Base),
        Of("KOR1007", "Point it at an anchored mapping", With("{ type: string, path: customer.id, default: none }", "{ <<: text, type: string, path: customer.id, default: none }"),
            With(("order_id: {", "order_id: &all {"), ("{ type: string, path: customer.id, default: none }", "{ <<: *all, path: customer.id }"))),
        Of("KOR1008", "Set the variable", With("table: ROWS_T", "table: '${TABLE}'"), With("table: ROWS_T", "table: '${TABLE}'")) with { VariableAfter = "OTHER_T" },
        Of("KOR1008", "give a default", With("table: ROWS_T", "table: '${TABLE}'"), With("table: ROWS_T", "table: '${TABLE:ROWS_T}'")),
        Of("KOR1008", "correct the name", With("table: ROWS_T", "table: '${TABEL}'"), With("table: ROWS_T", "table: '${TABLE}'")) with { Variable = "OTHER_T" },
        Of("KOR1008", "write ${TABLE:default}", With("table: ROWS_T", "table: '${TABLE}'"), With("table: ROWS_T", "table: '${TABLE:default_t}'")),
        Of("KOR1008", "write '$${' for a literal '${'", With("default: none", "default: '${none'"), With("default: none", "default: '$${none'")),
        Of("KOR1010", "Start from a sample in pipelines/", "- just\n- a list", File.ReadAllText(Path.Combine(Root, "pipelines", "orders.yaml"))) with { AnyHost = true },
        Of("KOR1010", "remove what follows '---'", Base + "---\nname: second\n", Base),
        Of("KOR1010", "a pipeline file is a mapping that begins with 'apiVersion'", "base", Base),
        Of("KOR1011", "Look at the key's form in the message", With("groupBy: [customer]", "groupBy: { customer: 1 }"), Base),
        Of("KOR1011", "expected a list", With("groupBy: [customer]", "groupBy: { customer: 1 }"), Base),
        Of("KOR1012", "Write it as the message says", With("within: 1h", "within: 1 hour"), Base),
        Of("KOR1012", "write 1h", With("within: 1h", "within: 1 hour"), Base),
        Of("KOR1012", "write 1h30m", With("within: 1h", "within: PT1H30M"), With("within: 1h", "within: 1h30m")),
        Of("KOR1012", "a unit is missing; 3600s would be seconds", With("within: 1h", "within: 3600"), With("within: 1h", "within: 3600s")),
        Of("KOR1012", "write true or false", With("required: true", "required: yes"), Base),
        Of("KOR1012", "did you mean double?", With("weight:   double", "weight:   float"), Base),
        Of("KOR1012", "did you mean integer or decimal(p,s)?", With("weight:   double", "weight:   number"), With("weight:   double", "weight: decimal(9,3)")),
        Of("KOR1012", "so this one needs quotes: \"percentile(total, 0.9)\"", With("n: count()", "n: percentile(total, 0.9)"), With("n: count()", "n: \"percentile(total, 0.9)\"")),
        Of("KOR1012", "TABLE or SCHEMA.TABLE", With("table: ROWS_T", "table: a.b.c"), With("table: ROWS_T", "table: b.c")),
        Of("KOR1013", "Use one of the words listed", With("mode: append", "mode: insert"), Base),
        Of("KOR1013", "append, upsert", With("mode: append", "mode: insert"), Base),
        Of("KOR1014", "Give it a value", With("table: ROWS_T", "table:"), Base),
        Of("KOR1014", "remove the key to get it", With(", default: none", ", default: none, from:"), Base),
        Of("KOR1015", "Add or remove entries", With("key: [order_id]", "key: []"), Base),
        Of("KOR1015", "Add or remove entries", With("path: customer.id", $"path: [{string.Join(", ", Enumerable.Repeat("id", 33))}]"), With("path: customer.id", $"path: [{string.Join(", ", Enumerable.Repeat("id", 32))}]")),
        Of("KOR1015", "at least 1 needed", With("topics: [orders]", "topics: []"), Base),
        Of("KOR1015", "a map step needs at least one of set, rename and drop", With("sinks:", "  - { id: idle, type: map, from: more }\nsinks:\n  - { id: i, from: idle, connection: dwh, table: I }"),
            With("sinks:", "  - { id: idle, type: map, from: more, drop: [extra] }\nsinks:\n  - { id: i, from: idle, connection: dwh, table: I }")),
        Of("KOR1020", "Correct or remove the key", With("mode: append", "mod: append"), Base),
        Of("KOR1020", "Correct or remove the key", With("within: 1h", "within: 1h, keep: first"), Base),
        Of("KOR1021", "Add the key", With(", within: 1h", ""), Base),
        Of("KOR1021", "needs the key 'within' (", With(", within: 1h", ""), Base),
    ];

    /// <summary>A pipeline with so many sinks of 500 columns: 1,000 values each.</summary>
    private static string Many(int sinks) => With(
        "sinks:\n", "sinks:\n  - { id: first, from: more, connection: dwh, table: F, columns: &all { "
        + string.Join(", ", Enumerable.Range(0, 500).Select(i => $"C{i}: order_id")) + " } }\n"
        + string.Concat(Enumerable.Range(0, sinks).Select(i => $"  - {{ id: s{i}, from: more, connection: dwh, table: T{i}, columns: *all }}\n")));
}
