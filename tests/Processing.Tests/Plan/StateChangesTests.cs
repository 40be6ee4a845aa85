using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Tests.Plan;

/// <summary>A change that state does not survive is told by what changed; and nothing is left out that the fingerprint sees.</summary>
public sealed class StateChangesTests
{
    private const string Text = """
        apiVersion: kor/v1
        name: sales
        source:
          kafka: { connection: main, topics: [sales], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, customer: { type: string, required: true }, country: { type: string, required: true }, amount: integer, at: timestamp }
          eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - { id: unique, type: dedup, key: [id], within: 1h, scope: global, shards: 2 }
          - id: totals
            type: window
            window: { tumbling: 10s }
            groupBy: [customer]
            shards: 2
            grainPer: group(2)
            aggregates: { sales: count(), total: sum(amount) }
        sinks:
          - { id: sums, from: totals, connection: db, table: TOTALS, mode: upsert, create: true }
        """;

    [Theory]
    [InlineData("totals", "tumbling: 10s", "tumbling: 20s", "window: tumbling 10s -> tumbling 20s")]
    [InlineData("totals", "{ tumbling: 10s }", "{ hopping: 20s, every: 10s }", "window: tumbling 10s -> hopping 20s every 10s")]
    [InlineData("totals", "groupBy: [customer]", "groupBy: [customer, country]", "groupBy: customer string -> customer string, country string")]
    [InlineData("totals", "shards: 2\n    grainPer", "shards: 4\n    grainPer", "shards: 2 -> 4")]
    [InlineData("totals", "grainPer: group(2)", "grainPer: key", "grainPer: group(2) -> key")]
    [InlineData("totals", "sum(amount)", "max(amount)", "aggregate total: Sum(amount as integer) at place 2 -> Max(amount as integer) at place 2")]
    [InlineData("totals", "total: sum(amount)", "total: sum(amount), most: max(amount)", "aggregate most: new, Max(amount as integer) at place 3")]
    [InlineData("totals", "sales: count(), ", "", "aggregate total: Sum(amount as integer) at place 2 -> Sum(amount as integer) at place 1; aggregate sales: Count() at place 1 -> none")]
    [InlineData("unique", "within: 1h", "within: 3h", "within: 1h -> 3h")]
    [InlineData("unique", "key: [id]", "key: [id, country]", "key: id string -> id string, country string")]
    [InlineData("unique", "scope: global, shards: 2", "scope: partition", "cellBy: new, id; scope: global -> partition; shards: 2 -> none")]
    [InlineData("source", "topics: [sales]", "topics: [sales, returns]", "topics: sales -> returns, sales")]
    public void What_changed_is_named(string step, string before, string after, string expected)
    {
        var (old, now) = (Compile(Text), Compile(Text.Replace(before, after, StringComparison.Ordinal)));
        Assert.NotEqual(old.StateFingerprints[step], now.StateFingerprints[step]);
        Assert.Equal(expected, string.Join("; ", StateChanges.Between(old, now, step)));
        Assert.Empty(StateChanges.Between(old, old, step));
    }

    [Fact]
    public void A_step_that_was_not_there_has_not_changed()
    {
        var plan = Compile(Text);
        Assert.Empty(StateChanges.Between(plan, plan, "nobody"));
    }

    private static PipelinePlan Compile(string text)
    {
        var compiled = PipelineCompiler.Compile(text, "sales.yaml", new PipelineCompilerOptions { KafkaConnections = ["main"], DatabaseConnections = ["db"] });
        Assert.True(compiled.Plan is not null, string.Join('\n', compiled.Diagnostics));
        return compiled.Plan!;
    }
}
