using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>What a plan writes, in the catalog's words.</summary>
public static class TableClaims
{
    /// <summary>The tables of a plan's sinks.</summary>
    public static IReadOnlyList<TableClaim> Of(PipelinePlan plan) =>
        [.. SharedTables.UsesOf(plan).Select(u => new TableClaim(u.Sink, u.Connection, u.Table, u.KeysDeclared, u.ByPlace, u.Topics))];
}
