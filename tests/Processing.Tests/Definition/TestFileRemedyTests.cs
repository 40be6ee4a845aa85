using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>What the error catalog advises for test files is done here: after the remedy the file runs and passes. A code without an entry fails.</summary>
public sealed class TestFileRemedyTests
{
    private const string Record = "{ value: { order_id: a, customer: { id: c1 }, amount: 2, weight: 1.5, at: 1767225600000 } }";

    private static readonly (string Code, string Said, string Before, string After)[] Remedies =
    [
        ("KOR6001", "Correct the name", Of("pipeline: bsae.yaml", Record, "{}"), Of("pipeline: base.yaml", Record, "{}")),
        ("KOR6001", "add the key 'pipeline'", Of("", Record, "{}"), Of("pipeline: base.yaml", Record, "{}")),
        ("KOR6001", "it names the pipeline file to test", Of("", Record, "{}"), Of("pipeline: base.yaml", Record, "{}")),
        ("KOR6002", "Split the entry", Given("{ value: { order_id: a }, tombstone: true }"), Given("{ value: { order_id: a } }, { tombstone: true }")),
        ("KOR6002", "remove what does not belong to it", Given("{ value: { order_id: a }, raw: x }"), Given("{ value: { order_id: a } }")),
        ("KOR6002", "the records of a batch are of one partition", Given("{ batch: [ { raw: a }, { raw: b, partition: 1 } ] }"), Given("{ batch: [ { raw: a } ] }, { batch: [ { raw: b, partition: 1 } ] }")),
        ("KOR6002", "offsets of a partition ascend; the next one is 6", Given("{ raw: a, offset: 5 }, { raw: b, offset: 5 }"), Given("{ raw: a, offset: 5 }, { raw: b, offset: 6 }")),
        ("KOR6003", "Correct the name", Expect("{ rows: { rosw: 1 } }"), Expect("{ rows: { rows: 1 } }")),
        ("KOR6003", "there are consumed, absorbed", Expect("{ counts: { taken: 1 } }"), Expect("{ counts: { absorbed: 1 } }")),
        ("KOR6003", "there are checks.paid, checks.known", Expect("{ rules: { paid: 0 } }"), Expect("{ rules: { checks.paid: 0 } }")),
        ("KOR6004", "Correct the name", Expect("{ rows: { rows: [ { totl: 4 } ] } }"), Expect("{ rows: { rows: [ { total: 4 } ] } }")),
        ("KOR6004", "a mapping, COLUMN: value", Expect("{ rows: { rows: [ a ] } }"), Expect("{ rows: { rows: [ { order_id: a } ] } }")),
        ("KOR6005", "numbers, true or false, times in ISO 8601, bytes in base64", Expect("{ rows: { rows: [ { total: four } ] } }"), Expect("{ rows: { rows: [ { total: 4 } ] } }")),
        ("KOR6005", "times in ISO 8601", Expect("{ rows: { rows: [ { at: noon } ] } }"), Expect("{ rows: { rows: [ { at: 2026-01-01T00:00:00Z } ] } }")),
        ("KOR6006", "Correct the column", Lookup("[{ IDD: c1, SEGMENT: gold }]"), Lookup("[{ ID: c1, SEGMENT: gold }]")),
        ("KOR6006", "or the value", Lookup("[{ ID: [c1], SEGMENT: gold }]"), Lookup("[{ ID: c1, SEGMENT: gold }]")),
        ("KOR6006", "a mapping, COLUMN: value", Lookup("[gold]"), Lookup("[{ ID: c1, SEGMENT: gold }]")),
    ];

    public static TheoryData<int, string> Places => [.. Remedies.Select((r, i) => (i, $"{r.Code} {r.Said}"))];

    [Theory]
    [MemberData(nameof(Places))]
    public void The_remedy_makes_the_file_run(int place, string name)
    {
        var remedy = Remedies[place];
        var before = Run(remedy.Before);
        var faults = string.Join('\n', before.Diagnostics);
        Assert.True(before.Diagnostics.Count > 0 && before.Diagnostics.All(d => d.Code == remedy.Code), $"{name}: just {remedy.Code} was expected, not\n{faults}");
        Assert.Contains(remedy.Said, ErrorCatalog.Find(remedy.Code)!.Remedy + "\n" + faults, StringComparison.Ordinal);

        var after = Run(remedy.After);
        Assert.Empty(after.Diagnostics);
        Assert.True(Assert.Single(after.Tests).Passed, string.Join('\n', after.Tests[0].Failures));
    }

    [Fact]
    public void Every_code_of_test_files_has_a_remedy_that_was_tried() => Assert.Empty(
        ErrorCatalog.All.Select(e => e.Code).Where(c => c.StartsWith("KOR6", StringComparison.Ordinal)).Except(Remedies.Select(r => r.Code)));

    /// <summary>A lookup needs a table in a test; what the failure says is what is done.</summary>
    [Fact]
    public void The_table_a_lookup_lacks_is_added_as_the_failure_says()
    {
        const string Text = "pipeline: base.yaml\ntests:\n  - name: one\n    given: [ " + Record + " ]\n    expect: {}\n";
        var said = Assert.Single(Assert.Single(Run(Text).Tests).Failures).Actual;
        const string Advice = "; add ";
        Assert.Contains(Advice, said, StringComparison.Ordinal);
        var after = Run(said[(said.IndexOf(Advice, StringComparison.Ordinal) + Advice.Length)..] + "\n" + Text);
        Assert.True(Assert.Single(after.Tests).Passed);
    }

    private static TestFileResult Run(string text) => PipelineTestRunner.Run(text, "p.test.yaml", new TestRunnerOptions
    {
        ReadPipeline = static name => name == "base.yaml" ? PipelineTexts.Base : null,
    });

    private static string Given(string given) => Of("pipeline: base.yaml", given, "{}");

    private static string Expect(string expect) => Of("pipeline: base.yaml", Record, expect);

    private static string Lookup(string rows) => Of($"pipeline: base.yaml\nlookups: {{ more: {rows} }}", Record, "{ rows: { rows: [ { segment: gold } ] } }");

    private static string Of(string head, string given, string expect) => $"{head}{(head.Contains("lookups", StringComparison.Ordinal) ? "" : "\nlookups: { more: [] }")}\ntests:\n  - name: one\n    given: [ {given} ]\n    expect: {expect}\n";
}
