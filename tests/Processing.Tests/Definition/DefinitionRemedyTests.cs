using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>
/// What the error catalog and the messages advise for pipeline files is done here: the text before has just this fault, and the one
/// after has none. A code without an entry fails; so does a word that was probably meant and does not help.
/// </summary>
public sealed class DefinitionRemedyTests
{
    public static TheoryData<int, string> Places => [.. DefinitionRemedies.All.Select((r, i) => (i, $"{r.Code} {r.Said}"))];

    public static TheoryData<string> Names => [.. BadPipelines.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Places))]
    public void The_remedy_makes_the_pipeline_compile(int place, string name)
    {
        var remedy = DefinitionRemedies.All[place];
        var before = remedy.Compile(remedy.Before, mended: false);
        var faults = string.Join('\n', before.Diagnostics);
        // An error may come with warnings; a code that only warns comes alone.
        var severity = before.Plan is null ? Severity.Error : Severity.Warning;
        var told = before.Diagnostics.Where(d => d.Severity == severity).Select(d => d.Code).Distinct();
        Assert.True(told.SequenceEqual([remedy.Code]), $"{name}: just {remedy.Code} was expected, not\n{faults}");
        var advice = ErrorCatalog.Find(remedy.Code)!.Remedy + "\n" + faults;
        Assert.True(advice.Contains(remedy.Said, StringComparison.Ordinal), $"{name}: the advice is\n{advice}");

        var after = remedy.Compile(remedy.After, mended: true);
        Assert.True(after.Plan is not null && (remedy.AnyHost || after.Diagnostics.Count == 0), $"{name}:\n{string.Join('\n', after.Diagnostics)}\n{remedy.After[..Math.Min(3_000, remedy.After.Length)]}");
    }

    [Fact]
    public void Every_code_of_pipeline_files_has_a_remedy_that_was_tried() => Assert.Empty(
        ErrorCatalog.All.Select(e => e.Code)
            .Where(c => c.StartsWith("KOR1", StringComparison.Ordinal) || c.StartsWith("KOR2", StringComparison.Ordinal))
            .Except(DefinitionRemedies.All.Select(r => r.Code)).Except(Between.Select(b => b.Code)));

    /// <summary>'Did you mean' is a remedy too: what was meant is put where the fault is, and the fault is gone.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_probably_meant_helps(string name)
    {
        var text = BadPipelines.TextOf(BadPipelines.All.Single(c => c.Name == name)).Text;
        var before = Compile(text).Diagnostics;
        foreach (var fault in before.Where(d => d.Suggestion is not null))
        {
            var lines = text.Split('\n');
            var line = lines[fault.Line - 1];
            lines[fault.Line - 1] = line[..(fault.Column - 1)] + fault.Suggestion + line[(fault.Column - 1 + fault.Length)..];
            var mended = string.Join('\n', lines);
            var after = Compile(mended).Diagnostics;
            var left = after.Select(d => d.Code).Except(before.Where(d => d != fault).Select(d => d.Code));
            Assert.True(after.Count < before.Count && !left.Any(), $"{fault}\nleads to\n{string.Join('\n', after)}\n{lines[fault.Line - 1]}");
        }
    }

    /// <summary>Settings of pipelines that are advised for rows a sink or a lookup refuses.</summary>
    [Theory]
    [InlineData("KOR5101", "COALESCE(customer_id, '(none)')", "set: { total: amount * 2 }", "set: { total: amount * 2, customer: \"COALESCE(customer, '(none)')\" }")]
    [InlineData("KOR5106", "date_trunc('millisecond', at)", "set: { total: amount * 2 }", "set: { total: amount * 2, at: \"date_trunc('millisecond', at)\" }")]
    [InlineData("KOR5111", "keys: [KOR_TOPIC, KOR_PARTITION, KOR_OFFSET]", "mode: append", "mode: upsert, metadata: true, keys: [KOR_TOPIC, KOR_PARTITION, KOR_OFFSET]")]
    [InlineData("KOR5111", "'keys' of its own", "mode: append", "mode: append, keys: [order_id]")]
    [InlineData("KOR5112", "Give the revision a number in a map step", "mode: append", "mode: upsert, keys: [order_id], revision: total")]
    public void Settings_advised_for_sinks_compile(string code, string said, string from, string to)
    {
        Assert.Contains(said, ErrorCatalog.Find(code)!.Remedy, StringComparison.Ordinal);
        Assert.Empty(Compile(Base.Replace(from, to, StringComparison.Ordinal)).Diagnostics);
    }

    /// <summary>Faults between pipelines: the message, and the pipelines before and after what it advises.</summary>
    private static readonly BetweenRemedy[] Between =
    [
        new(QuarantineLoops.Code, "to another topic", [Loop("a", "b-bad", "{ kafka: { connection: main, topic: a-bad } }"), Loop("b", "a-bad", "{ kafka: { connection: main, topic: b-bad } }")],
            [Loop("a", "b-bad", "{ kafka: { connection: main, topic: a-bad } }"), Loop("b", "a-bad", "{ kafka: { connection: main, topic: elsewhere } }")]),
        new(QuarantineLoops.Code, "to a table", [Loop("a", "b-bad", "{ kafka: { connection: main, topic: a-bad } }"), Loop("b", "a-bad", "{ kafka: { connection: main, topic: b-bad } }")],
            [Loop("a", "b-bad", "{ kafka: { connection: main, topic: a-bad } }"), Loop("b", "a-bad", "{ connection: dwh }")]),
        new(SharedTables.Code, "Give each a table of its own", [Writer("a", "table: T"), Writer("b", "table: T")], [Writer("a", "table: T"), Writer("b", "table: U")]),
        new(SharedTables.Code, "write the schema in both", [Writer("a", "table: S1.T"), Writer("b", "table: T")], [Writer("a", "table: S1.T"), Writer("b", "table: S2.T")], Catalog: true),
        new(SharedTables.Code, "names of two schemas are told apart where both are written", [Writer("a", "table: S1.T"), Writer("b", "table: T")],
            [Writer("a", "table: S1.T"), Writer("b", "table: S2.T")]),
        new(SharedTables.Code, "declare in both sinks 'keys' that tell their rows apart", [Writer("a", "table: T, mode: upsert, keys: [id]"), Writer("b", "table: T")],
            [Writer("a", "table: T, mode: upsert, keys: [id]"), Writer("b", "table: T, mode: upsert, keys: [id]")]),
        new(SharedTables.Code, "set a field with the pipeline's name in a map step", [Writer("a", "table: T"), Writer("b", "table: T")],
            [
                Writer("a", "table: T, mode: upsert, keys: [made_by, id]", "{ id: by, type: map, set: { made_by: \"'a'\" } }"),
                Writer("b", "table: T, mode: upsert, keys: [made_by, id]", "{ id: by, type: map, set: { made_by: \"'b'\" } }"),
            ], Catalog: true),
        new(SharedTables.Code, "make it one of the keys", [Writer("a", "table: T", Sums("id", "")), Writer("b", "table: T", Sums("id", ""))],
            [
                Writer("a", "table: T, keys: [made_by, id, window_start]", Sums("made_by, id", "{ id: by, type: map, set: { made_by: \"'a'\" } }")),
                Writer("b", "table: T, keys: [made_by, id, window_start]", Sums("made_by, id", "{ id: by, type: map, set: { made_by: \"'b'\" } }")),
            ], Catalog: true),
    ];

    public static TheoryData<int> BetweenPlaces => [.. Enumerable.Range(0, Between.Length)];

    [Theory]
    [MemberData(nameof(BetweenPlaces))]
    public void The_remedy_lets_pipelines_go_together(int place)
    {
        var remedy = Between[place];
        var messages = MessagesOf(remedy.Code, remedy.Before);
        Assert.NotEmpty(messages);
        Assert.Contains(remedy.Said, remedy.Catalog ? ErrorCatalog.Find(remedy.Code)!.Remedy : string.Join('\n', messages), StringComparison.Ordinal);
        Assert.Empty(MessagesOf(remedy.Code, remedy.After));
    }

    private static List<string> MessagesOf(string code, string[] texts)
    {
        var plans = texts.Select(t => PlanOf(t)).ToList();
        return code == SharedTables.Code ? [.. SharedTables.Find(plans).Select(f => f.Message)] : [.. QuarantineLoops.Find(plans).Select(f => f.Message)];
    }

    private static string Loop(string name, string topic, string quarantine) =>
        $"apiVersion: kor/v1\nname: {name}\nsource: {{ kafka: {{ connection: main, topics: [{name}, {topic}] }}, format: json, fields: {{ id: string }} }}\n"
        + $"quarantine: {quarantine}\nsinks: [{{ id: rows, from: source, connection: dwh, table: {name.ToUpperInvariant()}_T }}]\n";

    private static string Writer(string name, string sink, string? steps = null) =>
        $"apiVersion: kor/v1\nname: {name}\nsource: {{ kafka: {{ connection: main, topics: [t] }}, format: json, eventTime: kafka, "
        + "fields: { id: { type: string, required: true } } }\n"
        + (steps is null ? "" : $"steps:\n  - {steps}\n")
        + $"sinks: [{{ id: rows, from: {(steps is null ? "source" : steps.Contains("id: sums", StringComparison.Ordinal) ? "sums" : "by")}, connection: dwh, {sink} }}]\n";

    private static string Sums(string groupBy, string before) =>
        (before.Length == 0 ? "" : before + "\n  - ") + $"{{ id: sums, type: window, window: {{ tumbling: 1m }}, groupBy: [{groupBy}], aggregates: {{ n: count() }} }}";

    /// <param name="Code">The code.</param>
    /// <param name="Said">The part of the remedy that is done.</param>
    /// <param name="Before">The pipelines before.</param>
    /// <param name="After">The pipelines after.</param>
    /// <param name="Catalog">True when the catalog says it, false when the message does.</param>
    private sealed record BetweenRemedy(string Code, string Said, string[] Before, string[] After, bool Catalog = false);
}
