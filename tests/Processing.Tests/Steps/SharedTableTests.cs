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
