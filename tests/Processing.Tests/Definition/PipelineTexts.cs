using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

internal static class PipelineTexts
{
    /// <summary>A pipeline without faults that uses most of the format; tests change a piece of it.</summary>
    public const string Base = """
        apiVersion: kor/v1
        name: base
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields:
            order_id: { type: string, required: true }
            customer: { type: string, path: customer.id, default: none }
            amount:   decimal(12,2)
            weight:   double
            extra:    json
            at:       { type: timestamp, pattern: epoch_ms }
          eventTime: { field: at, maxOutOfOrder: 30s, idleAfter: 10s }
        steps:
          - { id: shape, type: map, set: { total: amount * 2 }, drop: [weight] }
          - { id: big, type: filter, where: total > 0 }
          - id: checks
            type: quality
            rules:
              paid: amount > 0
              known: { check: customer IS NOT NULL, severity: error, onFail: drop }
            onFail: quarantine
          - { id: unique, type: dedup, scope: partition, key: [order_id], within: 1h }
          - { id: more, type: lookup, connection: dwh, table: CUSTOMERS, on: { ID: customer }, add: { segment: SEGMENT } }
          - id: sums
            type: window
            window: { tumbling: 5m }
            allowedLateness: 1m
            groupBy: [customer]
            aggregates: { n: count(), revenue: sum(total) }
        sinks:
          - { id: rows, from: more, connection: dwh, table: ROWS_T, mode: append }
          - { id: totals, from: sums, connection: dwh, table: TOTALS_T }

        """;

    public static string Root { get; } = FindRoot();

    public static PipelineCompilation Compile(string text, string file = "p.yaml", Func<string, string?>? variables = null) =>
        PipelineCompiler.Compile(text, file, new PipelineCompilerOptions
        {
            Variables = variables ?? (static _ => null),
            KafkaConnections = ["main"],
            DatabaseConnections = ["dwh"],
            Transforms = ["Score"],
        });

    /// <summary>Compiles a text that must have no error.</summary>
    public static PipelinePlan PlanOf(string text, string file = "p.yaml", Func<string, string?>? variables = null)
    {
        var result = Compile(text, file, variables);
        Assert.True(result.Plan is not null, string.Join('\n', result.Diagnostics));
        return result.Plan!;
    }

    public static IEnumerable<Diagnostic> Errors(this PipelineCompilation compilation) =>
        compilation.Diagnostics.Where(d => d.Severity == Severity.Error);

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KafkaOracleOrleans.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The solution folder was not found.");
    }
}
