using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>The pipeline of the tests: ids once, rows to a table, sums per customer and window to another.</summary>
internal sealed class TestPipeline : IPipelineCompiler
{
    public const string Name = "sales";
    public const string Topic = "sales";

    /// <summary>In the place of <c>grainPer</c>: ids are looked for across partitions, and windows go in groups.</summary>
    public const string Global = "global";

    /// <summary>No window, no dedup across partitions: nothing that asks whether a partition is idle.</summary>
    public const string RowsOnly = """
        apiVersion: kor/v1
        name: sales
        source:
          kafka: { connection: main, topics: [sales], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, customer: string, amount: integer }
        steps: []
        sinks:
          - { id: rows, from: source, connection: db, table: SALES, mode: append, create: true, flush: { rows: 50, interval: 50ms } }
        """;

    private static readonly PipelineCompilerOptions Options = new()
    {
        KafkaConnections = ["main"],
        DatabaseConnections = ["db"],
    };

    public static string Text(string grainPer = "key", string window = "{ tumbling: 2s }") => $$"""
        apiVersion: kor/v1
        name: {{Name}}
        source:
          kafka: { connection: main, topics: [{{Topic}}], start: earliest }
          format: json
          fields:
            id: { type: string, required: true }
            customer: { type: string, required: true }
            amount: integer
            at: timestamp
          eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - { id: unique, type: dedup, key: [id], within: 1h, {{Dedup(grainPer)}} }
          - id: totals
            type: window
            window: {{window}}
            allowedLateness: 1d
            groupBy: [customer]
            shards: 2
            grainPer: {{(grainPer == Global ? "group(2)" : grainPer)}}
            aggregates: { sales: count(), total: sum(amount) }
        sinks:
          - { id: rows, from: unique, connection: db, table: SALES, mode: append, create: true, flush: { rows: 500, interval: 100ms } }
          - { id: sums, from: totals, connection: db, table: TOTALS, mode: upsert, create: true, flush: { rows: 500, interval: 100ms } }
        """;

    private static string Dedup(string grainPer) => grainPer switch
    {
        Global => "scope: global, shards: 2",
        "key" => "cellBy: message_key, grainPer: key",
        _ => $"scope: partition, grainPer: {grainPer}",
    };

    public static PipelinePlan Compile(string? text = null)
    {
        var compilation = PipelineCompiler.Compile(text ?? Text(), "sales.yaml", Options);
        return compilation.Plan ?? throw new InvalidOperationException(string.Join('\n', compilation.Diagnostics));
    }

    CompiledPipeline IPipelineCompiler.Compile(string text, string fileName, DefinitionOrigin origin)
    {
        var compilation = PipelineCompiler.Compile(text, fileName, Options);
        return new CompiledPipeline(compilation.Plan, [.. compilation.Diagnostics.Select(d => d.ToString())]);
    }
}
