using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>Sinks that write one table: refused without keys of their own, and one table to <c>kor test</c>.</summary>
public sealed class SharedTableTests
{
    private static readonly PipelineCompilerOptions Options = new() { KafkaConnections = ["main"], DatabaseConnections = ["dwh"] };

    [Theory]
    [InlineData("", "", "KOR2041")]
    [InlineData("keys: [id, kind], ", "", "KOR2041")]
    [InlineData("keys: [id, kind], ", "keys: [id, kind], ", null)]
    public void Two_sinks_of_one_table_declare_keys_or_are_refused(string first, string second, string? code)
    {
        var compilation = PipelineCompiler.Compile(Fanout(first, second, "Fan_T"), "p.yaml", Options);
        Assert.Equal(code, compilation.Diagnostics.SingleOrDefault(d => d.Severity == Diagnostics.Severity.Error)?.Code);
    }

    /// <summary>Two pipelines; each: topics, mode and keys of its sink, table.</summary>
    [Theory]
    [InlineData("[a]", "", "T", "[a]", "", "T", true)]
    [InlineData("[a]", "", "T", "[b]", "", "T", false)]
    [InlineData("[a, c]", "", "T", "[b, c]", "", "t", true)]
    [InlineData("[a]", "", "T", "['^.$']", "", "T", true)]
    [InlineData("['^.$']", "", "T", "[a]", "", "T", true)]
    [InlineData("[aa]", "", "T", "['^.$']", "", "T", false)]
    [InlineData("['^a']", "", "T", "['^b']", "", "T", true)]
    [InlineData("[a]", "", "T", "[a]", "", "S.T", true)]
    [InlineData("[a]", "", "s.t", "[a]", "", "S.T", true)]
    [InlineData("[a]", "", "R.T", "[a]", "", "S.T", false)]
    [InlineData("[a]", "keys: [id], ", "T", "[b]", "", "T", true)]
    [InlineData("[a]", "", "T", "[b]", "keys: [id], ", "T", true)]
    [InlineData("[a]", "keys: [id], ", "T", "[a]", "keys: [kind], ", "T", false)]
    [InlineData("[a]", "mode: upsert, keys: [id], ", "T", "[b]", "", "t", true)]
    [InlineData("[a]", "mode: upsert, keys: [id], ", "T", "[a]", "mode: upsert, keys: [id], ", "T", false)]
    [InlineData("[a]", "from: w, ", "T", "[b]", "from: w, ", "T", true)]
    [InlineData("[a]", "from: w, mode: append, ", "T", "[b]", "from: w, mode: append, ", "T", true)]
    [InlineData("[a]", "from: w, keys: [id, window_start], ", "T", "[b]", "from: w, keys: [id, window_start], ", "T", false)]
    [InlineData("[a]", "", "T", "[b]", "from: w, ", "T", true)]
    public void Two_pipelines_share_a_table_only_where_rows_cannot_meet_or_both_declare_keys(
        string topics, string sink, string table, string otherTopics, string otherSink, string otherTable, bool refused)
    {
        var plans = new[] { Plan("one", topics, sink, table), Plan("two", otherTopics, otherSink, otherTable) };
        foreach (var found in new[] { SharedTables.Find(plans), SharedTables.Find(plans.Reverse()) })
        {
            Assert.Equal(refused, found.Count == 1);
            Assert.All(found, f => Assert.Equal(("two", "out", "one"), (f.Pipeline, f.Sink, f.Other)));
        }

        // A pipeline is no stranger to itself: its new version may write what the old one does.
        Assert.Empty(SharedTables.Refusals(SharedTables.UsesOf(plans[0]), SharedTables.UsesOf(plans[0])));
    }

    [Theory]
    [InlineData("t", "T", true)]
    [InlineData("t", "\"T\"", true)]
    [InlineData("t", "\"t\"", true)]
    [InlineData("t", "\"tT\"", false)]
    [InlineData("tt", "\"tT\"", false)]
    [InlineData("\"a.t\"", "t", false)]
    [InlineData("s.t", "\"S\".t", true)]
    [InlineData("s.t", "r.t", false)]
    public void Names_may_be_of_one_table(string one, string other, bool may)
    {
        Assert.Equal(may, SharedTables.MayBeOne(one, other));
        Assert.Equal(may, SharedTables.MayBeOne(other, one));
    }

    [Fact]
    public void Connections_of_two_names_may_lead_to_one_database()
    {
        TableUse one = new("p", "s", "a", "T", false, false, []), other = new("q", "s", "b", "T", false, false, []);
        Assert.Empty(SharedTables.Refusals([one], [other]));
        Assert.Empty(SharedTables.Refusals([one with { Database = "d" }], [other with { Database = "e" }]));
        Assert.Contains("(as T of 'b';", Assert.Single(SharedTables.Refusals([one with { Database = "d" }], [other with { Database = "d" }])).Message, StringComparison.Ordinal);
        Assert.Single(SharedTables.Refusals([one with { Database = "d" }], [other with { Connection = "A" }]));
    }

    [Theory]
    [InlineData("T", "S.T", "KOR2041")]
    [InlineData("R.T", "S.T", null)]
    public void Two_sinks_of_one_pipeline_name_the_schema_where_there_are_two(string first, string second, string? code)
    {
        var text = Fanout("", "", second).Replace("table: fan_t", $"table: {first}", StringComparison.Ordinal);
        var found = PipelineCompiler.Compile(text, "p.yaml", Options).Diagnostics.SingleOrDefault(d => d.Severity == Diagnostics.Severity.Error);
        Assert.Equal(code, found?.Code);
        if (found is not null) Assert.Contains("write the schema in each", found.Message, StringComparison.Ordinal);
    }

    private static PipelinePlan Plan(string name, string topics, string sink, string table)
    {
        var from = sink.Contains("from:", StringComparison.Ordinal) ? "" : "from: source, ";
        var compilation = PipelineCompiler.Compile($$"""
            apiVersion: kor/v1
            name: {{name}}
            source:
              kafka: { connection: main, topics: {{topics}}, start: earliest }
              format: json
              fields: { id: { type: string, required: true }, kind: { type: string, required: true } }
              eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
            steps:
              - { id: w, type: window, window: { tumbling: 1m }, groupBy: [id], aggregates: { n: count() } }
            sinks:
              - { id: out, {{from}}{{sink}}connection: dwh, table: '{{table}}' }
              - { id: own, from: w, connection: dwh, table: OWN_{{name}} }
            """, "p.yaml", Options);
        return compilation.Plan ?? throw new InvalidOperationException(string.Join('\n', compilation.Diagnostics));
    }

    [Fact]
    public void A_table_of_two_sinks_is_one_table()
    {
        Run(Fanout("keys: [id, kind], ", "keys: [id, kind], "), """
            - { value: { id: x, a: 1, b: 2 } }
            - { value: { id: y, a: 3, b: 4 } }
            """, """
            s1:
              - { ID: x, KIND: debit, AMOUNT: 1 }
              - { ID: x, KIND: credit, AMOUNT: 2 }
              - { ID: y, KIND: debit, AMOUNT: 3 }
              - { ID: y, KIND: credit, AMOUNT: 4 }
            s2: 4
            """);
        // With a key that does not tell them apart the first one's rows stay.
        Run(Fanout("keys: [id], ", "keys: [id], "), "- { value: { id: x, a: 1, b: 2 } }", """
            s1: [ { ID: x, KIND: debit, AMOUNT: 1 } ]
            s2: [ { ID: x, KIND: debit, AMOUNT: 1 } ]
            """);
    }

    [Fact]
    public void Revisions_count_as_in_a_database() => Run(Revisions, """
            - { value: { id: b, v: first, rev: 5 } }
            - { value: { id: b, v: second, rev: 6 } }
            - { value: { id: b, v: norev } }
            - { value: { id: c, v: only } }
            - { value: { id: c, v: later, rev: 1 } }
            - { value: { id: d, v: first, rev: 1 } }
            - { value: { id: d, v: second, rev: 1 } }
            - { value: { id: e, v: first } }
            - { value: { id: e, v: second } }
            """, """
            out:
              - { ID: b, V: second, REV: 6 }
              - { ID: c, V: later, REV: 1 }
              - { ID: d, V: second, REV: 1 }
              - { ID: e, V: second, REV: null }
            """);

    private const string Revisions = """
        apiVersion: kor/v1
        name: rev
        source:
          kafka: { connection: main, topics: [rev], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, v: string, rev: integer }
        steps: []
        sinks:
          - { id: out, from: source, connection: dwh, table: rev_t, mode: upsert, keys: [id], revision: rev }
        """;

    private static string Fanout(string first, string second, string table = "fan_t") => $$"""
        apiVersion: kor/v1
        name: fanout
        source:
          kafka: { connection: main, topics: [fanout], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, a: integer, b: integer }
        steps:
          - { id: m1, type: map, from: source, set: { kind: "coalesce('debit', '')", amount: a }, drop: [a, b] }
          - { id: m2, type: map, from: source, set: { kind: "coalesce('credit', '')", amount: b }, drop: [a, b] }
        sinks:
          - { id: s1, from: m1, connection: dwh, table: fan_t, {{first}}mode: append, create: true }
          - { id: s2, from: m2, connection: dwh, table: {{table}}, {{second}}mode: append, create: true }
        """;

    private static void Run(string pipeline, string given, string rows)
    {
        var text = $"pipeline: p.yaml\ntests:\n  - name: t\n    given:\n{Indent(given, 6)}\n    expect:\n      rows:\n{Indent(rows, 8)}\n";
        var result = PipelineTestRunner.Run(text, "t.test.yaml", new TestRunnerOptions { ReadPipeline = _ => pipeline });
        Assert.True(result.Ran, string.Join('\n', result.Diagnostics));
        var test = Assert.Single(result.Tests);
        Assert.True(test.Passed, string.Join('\n', test.Failures));
    }

    private static string Indent(string text, int by) => string.Join('\n', text.Split('\n').Select(l => new string(' ', by) + l));
}
