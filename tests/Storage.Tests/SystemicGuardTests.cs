using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Which refusals of whole writes are the table's fault.</summary>
public sealed class SystemicGuardTests
{
    private static readonly SinkSpec Spec = new(
        "orders", "out", "dwh", "DWH.ORDERS", SinkMode.Append, new Schema(new Field("id", FieldType.String, false), new Field("amount", FieldType.Integer)),
        ["id"], null, true, false);

    /// <summary>A column that the pipeline writes and left empty is the rows' fault; one it does not know of is the table's.</summary>
    [Theory]
    [InlineData(DatabaseProvider.PostgreSql, "SQLSTATE 23502", "null value in column \"{0}\" of relation \"orders\" violates not-null constraint", "amount", "added")]
    [InlineData(DatabaseProvider.Sqlite, "SQLITE 1299", "NOT NULL constraint failed: ORDERS.{0}", "amount", "added")]
    [InlineData(DatabaseProvider.Sqlite, "SQLITE 1299", "SQLite Error 19: 'NOT NULL constraint failed: ORDERS.{0}'.", "amount", "amount_added")]
    [InlineData(DatabaseProvider.Oracle, "ORA-01400", "ORA-01400: cannot insert NULL into (\"DWH\".\"ORDERS\".\"{0}\")", "AMOUNT", "ADDED")]
    public void Only_a_mandatory_column_of_others_is_the_tables_fault(DatabaseProvider provider, string code, string message, string ours, string others)
    {
        var guard = Guard(provider);
        Assert.Null(guard.CommonCode(Failures(10, code, message.Replace("{0}", ours, StringComparison.Ordinal)), 10));
        Assert.Equal(code, guard.CommonCode(Failures(10, code, message.Replace("{0}", others, StringComparison.Ordinal)), 10));
        // One row that went in shows that it is not the table.
        Assert.Null(guard.CommonCode(Failures(9, code, message.Replace("{0}", others, StringComparison.Ordinal)), 10));
    }

    [Fact]
    public void Eight_rows_of_one_write_or_twenty_of_several_in_a_row_with_one_code_are_no_accident()
    {
        var guard = Guard(DatabaseProvider.PostgreSql);
        Assert.False(guard.IsSystemic("P0001", 7));
        Assert.True(guard.IsSystemic("P0001", 8));
        Assert.False(guard.IsSystemic(null, 1_000));
        for (var i = 0; i < 6; i++) guard.Note("P0001", 3);
        Assert.Equal(18, guard.Alike);
        Assert.False(guard.IsSystemic("P0001", 1));
        Assert.True(guard.IsSystemic("P0001", 2));
        // With another code, or after a write that went in, counting begins anew.
        Assert.False(guard.IsSystemic("P0002", 2));
        guard.Note(null, 3);
        Assert.Equal(0, guard.Alike);
        Assert.False(guard.IsSystemic("P0001", 2));
        guard.Note("P0001", 3);
        guard.Note("P0002", 3);
        Assert.Equal(3, guard.Alike);
    }

    private static SystemicGuard Guard(DatabaseProvider provider) => new(SinkTable.From(Spec, Dialect.For(provider)), Dialect.For(provider));

    private static List<RowFailure> Failures(int count, string code, string message) => [.. Enumerable.Range(0, count).Select(i => new RowFailure(i, code, message))];
}
