using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

public sealed class ReplayPlanTests
{
    private const string Text = """
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, n: { type: integer, required: true } }
          eventTime: kafka
        steps:
          - { id: kept, type: filter, where: n > 0 }
          - { id: unique, type: dedup, key: [id], within: 1h }
          - { id: check, type: quality, rules: { small: n < 10 }, onFail: quarantine }
          - { id: totals, type: window, window: { tumbling: 1m }, groupBy: [id], aggregates: { c: count() } }
        sinks:
          - { id: all, from: source, connection: db, table: ALL_ROWS, mode: append, create: true }
          - { id: raw, from: kept, connection: db, table: RAW, mode: append, create: true }
          - { id: again, from: unique.duplicates, connection: db, table: AGAIN, mode: append, create: true }
          - { id: clean, from: check, connection: db, table: CLEAN, mode: append, create: true }
          - { id: bad, from: quarantined, connection: db, table: BAD, mode: append, create: true }
          - { id: sums, from: totals, connection: db, table: SUMS, mode: upsert, create: true }
        """;

    [Theory]
    [InlineData(null, "kept unique check totals")]
    [InlineData("all", "")]
    [InlineData("raw", "kept")]
    [InlineData("again", "kept unique")]
    [InlineData("clean", "kept unique check")]
    [InlineData("bad", "kept unique check")]
    public void Records_for_a_sink_go_through_what_leads_to_it_and_nothing_else(string? sink, string steps)
    {
        var compilation = PipelineCompiler.Compile(Text, "p.yaml", new PipelineCompilerOptions { KafkaConnections = ["main"], DatabaseConnections = ["db"] });
        var plan = ReplayPlan.Of(compilation.Plan ?? throw new InvalidOperationException(string.Join('\n', compilation.Diagnostics)), sink);
        Assert.Equal(steps, string.Join(' ', plan.Steps.Select(s => s.Id)));
        Assert.Equal(sink is null ? 6 : 1, plan.Sinks.Count);
    }
}
