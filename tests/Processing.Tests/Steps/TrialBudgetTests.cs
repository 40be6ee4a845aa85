using System.Text;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>Tests that somebody else's server runs end where their budget does, and not after they have made everything.</summary>
public sealed class TrialBudgetTests
{
    private const string Pipeline = """
        apiVersion: kor/v1
        name: many
        source:
          kafka: { connection: main, topics: [t], start: earliest }
          format: json
          fields: { id: string, at: timestamp }
          eventTime: { field: at, maxAhead: 0s }
        steps:
          - { id: w, type: window, window: { hopping: 10000s, every: 1s }, groupBy: [id], aggregates: { n: count(), all: "collect(id, 10000)" } }
        sinks:
          - { id: out, from: w, connection: dwh, table: OUT, mode: upsert }
        """;

    [Fact]
    public void Thirty_million_windows_end_at_the_budget()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var text = Assert.Throws<WorkBudgetException>(() => Run(3_000, new WorkBudget(10_000, 64 << 20, CancellationToken.None)));
        Assert.Contains("10,000 rows", text.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 300L << 20, "It made them all.");
    }

    [Fact]
    public void Whoever_waits_no_longer_ends_a_test()
    {
        using var left = new CancellationTokenSource();
        left.CancelAfter(TimeSpan.FromMilliseconds(300));
        Assert.Throws<OperationCanceledException>(() => Run(3_000, new WorkBudget(long.MaxValue, long.MaxValue, left.Token)));
    }

    [Fact]
    public void Partitions_are_counted()
    {
        var records = string.Join('\n', Enumerable.Range(0, 1_001).Select(i => $"      - {{ partition: {i}, value: {{ id: a, at: 2026-01-01T00:00:00Z }} }}"));
        Assert.Throws<WorkBudgetException>(() => Run(records, new WorkBudget(long.MaxValue, long.MaxValue, CancellationToken.None)));
        // Without a budget it is a fault of the test.
        Assert.Contains("1000 partitions", Assert.Single(Assert.Single(Run(records, null).Tests).Failures).Actual, StringComparison.Ordinal);
    }

    /// <summary>Expected rows that leave all but a column open: comparing each with each would take memory for every pair, and a deep stack.</summary>
    [Fact]
    public void Comparing_many_rows_ends_at_the_budget_and_not_in_a_stack_overflow()
    {
        var pipeline = Pipeline[..Pipeline.IndexOf("steps:", StringComparison.Ordinal)]
            + "sinks:\n  - { id: out, from: source, connection: dwh, table: OUT, mode: append }\n";
        const int Many = 7_000;
        var text = new StringBuilder("pipeline: p.yaml\ntests:\n- name: many\n  given:\n");
        for (var i = 0; i < Many; i++) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"      - value: {{ id: a{i}, at: 2026-01-01T00:00:00Z }}\n");
        text.Append("  expect:\n    rows:\n      out:\n");
        for (var i = 0; i < Many; i++) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"        - {{ ID: a{(i + 1) % Many} }}\n");
        Assert.Throws<WorkBudgetException>(() => Run(text.ToString(), pipeline, new WorkBudget(1_000_000, 16 << 20, CancellationToken.None)));
    }

    private static TestFileResult Run(int records, WorkBudget? budget) => Run(
        string.Join('\n', Enumerable.Range(0, records).Select(i => $"      - value: {{ id: k{i}, at: 2026-01-01T00:00:00Z }}")), budget);

    private static TestFileResult Run(string records, WorkBudget? budget) => Run(
        $"pipeline: p.yaml\ntests:\n- name: many\n  given:\n{records}\n      - close: true\n  expect: {{ counts: {{ late: 0 }} }}\n", Pipeline, budget);

    private static TestFileResult Run(string test, string pipeline, WorkBudget? budget)
    {
        var result = PipelineTestRunner.Run(test, "t.test.yaml", new TestRunnerOptions { ReadPipeline = _ => pipeline, Budget = budget });
        Assert.True(result.Ran, string.Join('\n', result.Diagnostics));
        return result;
    }
}
