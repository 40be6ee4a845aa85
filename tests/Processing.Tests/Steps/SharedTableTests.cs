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
    }

    /// <summary>With a key that does not tell them apart the first one's rows stay, and the others are refused; where that is not certain, the data show it.</summary>
    [Fact]
    public void Rows_whose_key_another_sink_has_taken_are_refused()
    {
        var maybe = Fanout("keys: [id], ", "keys: [id], ").Replace(
            "sinks:", "  - { id: f1, type: filter, from: m1, where: amount > 0 }\n  - { id: f2, type: filter, from: m2, where: amount > 0 }\nsinks:", StringComparison.Ordinal)
            .Replace("from: m1, connection", "from: f1, connection", StringComparison.Ordinal).Replace("from: m2, connection", "from: f2, connection", StringComparison.Ordinal);
        Assert.Contains("sink 's2' refused 1 rows (KOR5113)", Failure(maybe, "- { value: { id: x, a: 1, b: 2 } }", "s1: 2"), StringComparison.Ordinal);
        // What is equal is one row.
        Run(maybe.Replace("'credit'", "'debit'", StringComparison.Ordinal), "- { value: { id: x, a: 1, b: 1 } }", "s1: 1");
    }

    /// <summary>The second sink's way from the source s to the table that the first writes from step m, and the keys of both.</summary>
    [Theory]
    [InlineData("from: m, keys: [id]", "from: m, keys: [id]", true)]
    [InlineData("from: m, keys: [id]", "from: source, keys: [id]", true)]
    [InlineData("from: m, keys: [id]", "from: l, keys: [id]", true)]
    [InlineData("from: m, keys: [id]", "from: f, keys: [id]", true)]
    [InlineData("from: g, keys: [id]", "from: f, keys: [id]", false)]
    [InlineData("from: f, keys: [id]", "from: f, keys: [id]", true)]
    [InlineData("from: q, keys: [id]", "from: q.routed, keys: [id]", false)]
    [InlineData("from: m, keys: [id]", "from: q.routed, keys: [id]", true)]
    [InlineData("from: d, keys: [id]", "from: d.duplicates, keys: [id]", true)]
    [InlineData("from: m, keys: [id]", "from: d.duplicates, keys: [id]", true)]
    [InlineData("from: d, keys: [id, v]", "from: d.duplicates, keys: [id, v]", false)]
    [InlineData("from: d, keys: [id, kind]", "from: d, keys: [id, kind]", true)]
    [InlineData("from: one, keys: [id, kind]", "from: two, keys: [id, kind]", false)]
    [InlineData("from: one, keys: [id, kind]", "from: one, keys: [id, kind]", true)]
    [InlineData("from: one, keys: [id, kind]", "from: again, keys: [id, kind]", true)]
    [InlineData("from: one, keys: [id]", "from: two, keys: [id]", true)]
    [InlineData("from: renamed, columns: { id: key, v: v }, keys: [id]", "from: m, keys: [id]", true)]
    [InlineData("from: m, columns: { id: v, v: id }, keys: [id]", "from: m, keys: [id]", false)]
    [InlineData("from: m, metadata: true, keys: [KOR_TOPIC, KOR_PARTITION, KOR_OFFSET]", "from: source, metadata: true, keys: [KOR_TOPIC, KOR_PARTITION, KOR_OFFSET]", true)]
    [InlineData("from: m, mode: upsert, keys: [id], columns: { id: id, v: v }", "from: m, mode: upsert, keys: [id], columns: { id: id, kind: kind }", false)]
    [InlineData("from: m, mode: upsert, keys: [id], columns: { id: id, v: v }", "from: source, mode: upsert, keys: [id], columns: { id: id, v: v }", true)]
    [InlineData("from: w5, keys: [id, window_start]", "from: w60, keys: [id, window_start]", true)]
    [InlineData("from: w5, keys: [id, window_start]", "from: ws, keys: [id, window_start]", false)]
    [InlineData("from: w5, mode: append, keys: [id, window_start, revision]", "from: w60, mode: append, keys: [id, window_start, revision]", true)]
    [InlineData("from: w5, keys: [id, window_start]", "from: wkind, keys: [kind, window_start]", false)]
    public void Keys_that_cannot_tell_rows_apart_are_refused(string first, string second, bool refused)
    {
        var text = $$"""
            apiVersion: kor/v1
            name: keyed
            source:
              kafka: { connection: main, topics: [a], start: earliest }
              format: json
              fields: { id: { type: string, required: true }, kind: { type: string, required: true }, v: { type: string, required: true } }
              eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
            steps:
              - { id: m, type: map, from: source, set: { extra: "upper(v)" } }
              - { id: l, type: lookup, from: m, connection: dwh, table: L, on: { ID: id }, add: { seg: SEG }, cache: 1m }
              - { id: f, type: filter, from: m, where: v > 'a' }
              - { id: g, type: filter, from: m, where: v <= 'a' }
              - { id: q, type: quality, from: m, rules: { known: v > 'b' }, onFail: { route: bad } }
              - { id: d, type: dedup, from: m, key: [id, kind], within: 1h }
              - { id: one, type: map, from: m, set: { kind: "'one'" } }
              - { id: again, type: map, from: m, set: { kind: "'one'" } }
              - { id: two, type: map, from: m, set: { kind: "'two'" } }
              - { id: renamed, type: map, from: m, rename: { id: key } }
              - { id: w5, type: window, from: m, window: { tumbling: 5m }, groupBy: [id], aggregates: { n: count() } }
              - { id: w60, type: window, from: source, window: { hopping: 1h, every: 10m }, groupBy: [id], aggregates: { n: count() } }
              - { id: ws, type: window, from: m, window: { session: 5m }, groupBy: [id], aggregates: { n: count() } }
              - { id: wkind, type: window, from: m, window: { tumbling: 5m }, groupBy: [kind], aggregates: { n: count() } }
            sinks:
              - { id: s1, connection: dwh, table: t, {{first}} }
              - { id: s2, connection: dwh, table: S.T, {{second}} }
              - { id: bad, connection: dwh, table: BAD }
              {{string.Join("\n  ", new[] { "l", "f", "g", "d", "one", "again", "two", "renamed", "w5", "w60", "ws", "wkind" }.Select(s => $"- {{ id: o_{s}, from: {s}, connection: dwh, table: O_{s} }}"))}}
            """;
        var faults = PipelineCompiler.Compile(second.Contains("q.routed", StringComparison.Ordinal)
            ? text.Replace("onFail: { route: bad }", "onFail: { route: s2 }", StringComparison.Ordinal).Replace("  - { id: bad, connection: dwh, table: BAD }\n", "", StringComparison.Ordinal)
            : text, "p.yaml", Options).Diagnostics.Where(d => d.Severity == Diagnostics.Severity.Error).ToList();
        Assert.Equal(refused ? ["KOR2041"] : [], faults.Select(f => f.Code));
        Assert.All(faults, f => Assert.Contains("'s1' and 's2' write one table, S.T, and get rows of the same records with the same", f.Message, StringComparison.Ordinal));
    }

    /// <summary>What `kor test` takes for one table is what pipelines are refused for.</summary>
    [Fact]
    public void A_table_with_and_without_its_schema_is_one_to_a_test()
    {
        Run(Fanout("keys: [id, kind], ", "keys: [id, kind], ", "S.FAN_T"), "- { value: { id: x, a: 1, b: 2 } }", "s1: 2\ns2: 2");
        Run(Fanout("keys: [id, kind], ", "keys: [id, kind], ", "R.FAN_T").Replace("table: fan_t", "table: S.FAN_T", StringComparison.Ordinal), "- { value: { id: x, a: 1, b: 2 } }", "s1: 1");
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

    private static string Failure(string pipeline, string given, string rows)
    {
        var text = $"pipeline: p.yaml\ntests:\n  - name: t\n    given:\n{Indent(given, 6)}\n    expect:\n      rows:\n{Indent(rows, 8)}\n";
        var result = PipelineTestRunner.Run(text, "t.test.yaml", new TestRunnerOptions { ReadPipeline = _ => pipeline });
        Assert.True(result.Ran, string.Join('\n', result.Diagnostics));
        var test = Assert.Single(result.Tests);
        Assert.False(test.Passed);
        return string.Join('\n', [.. test.Failures, .. test.Hints]);
    }

    private static string Indent(string text, int by) => string.Join('\n', text.Split('\n').Select(l => new string(' ', by) + l));
}
