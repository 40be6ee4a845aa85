using System.Reflection;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>
/// What the catalog advises for rows that a sink refuses: the row is refused with the code, and is not once the advice was followed, with the value or with the
/// column. A code without an entry fails.
/// </summary>
public sealed class SinkRowRemedyTests
{
    /// <summary>A code, the words of its advice, the database, the field's type, its value and column, and value and column afterwards.</summary>
    private sealed record Remedy(string Code, string Said, FieldType Type, object? Value, ColumnInfo Column, object? Mended, ColumnInfo? Wider = null)
    {
        public DatabaseProvider Database { get; init; } = DatabaseProvider.PostgreSql;

        /// <summary>The field is the guard of updates.</summary>
        public bool IsRevision { get; init; }
    }

    private static readonly DateTime Fine = new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc).AddTicks(1_234_560);

    private static IReadOnlyList<Remedy> All { get; } =
    [
        new("KOR5101", "COALESCE(customer_id, '(none)')", FieldType.String, null, Text(null), "(none)"),
        new("KOR5102", "CASE WHEN region = '' THEN '-' ELSE region END", FieldType.String, "", Text(null), "-") { Database = DatabaseProvider.Oracle },
        new("KOR5103", "Widen the column (CLOB or text)", FieldType.String, "too long", Text(5), "too long", Text(null)),
        new("KOR5103", "cut the value in a map step", FieldType.String, "too long", Text(5), "too l"),
        new("KOR5104", "Widen the column (NUMBER(19)", FieldType.Integer, 1_000_000L, Number("numeric", 5, 0), 1_000_000L, Number("numeric", 19, 0)),
        new("KOR5104", "or bigint)", FieldType.Integer, 2_147_483_648L, Number("int4", null, null, int.MinValue, int.MaxValue), 2_147_483_648L, Number("int8", null, null, long.MinValue, long.MaxValue)),
        new("KOR5105", "milliseconds read as seconds", FieldType.Timestamp, 1_767_225_600_000L * 1_000_000, Time(6), 1_767_225_600_000L * 1_000),
        new("KOR5106", "Make the column TIMESTAMP(6)", FieldType.Timestamp, Fine, Time(3), Fine, Time(6)),
        new("KOR5106", "date_trunc('millisecond', at)", FieldType.Timestamp, Fine, Time(3), Fine.AddTicks(-4_560)),
        new("KOR5106", "'second' for columns that keep fewer than three digits", FieldType.Timestamp, Fine, Time(2), Fine.AddTicks(-1_234_560)),
        new("KOR5107", "round(amount, -2)", FieldType.Decimal(12, 2), 1_234m, Number("numeric", 5, -2), 1_200m),
        new("KOR5107", "an integer or decimal column that holds the number", FieldType.Decimal(12, 2), 1_234m, Number("numeric", 5, -2), 1_234m, Number("numeric", 12, 2)),
        new("KOR5107", "an integer or decimal column that holds the number", FieldType.Integer, 9_007_199_254_740_993L, Number("float8", null, null), 9_007_199_254_740_993L, Number("int8", null, null, long.MinValue, long.MaxValue)),
        new("KOR5112", "Give the revision a number in a map step", FieldType.Double, double.NaN, Number("float8", null, null), 1.0) { IsRevision = true },
    ];

    public static TheoryData<int, string> Places => [.. All.Select((r, i) => (i, $"{r.Code} {r.Said}"))];

    [Theory]
    [MemberData(nameof(Places))]
    public void The_remedy_lets_the_row_in(int place, string name)
    {
        var remedy = All[place];
        Assert.Contains(remedy.Said, ErrorCatalog.Find(remedy.Code)!.Remedy, StringComparison.Ordinal);
        Assert.Equal(remedy.Code, Assert.Single(Refused(remedy, remedy.Value, remedy.Column)).Code);
        Assert.True(Refused(remedy, remedy.Mended, remedy.Wider ?? remedy.Column).Count == 0, name);
    }

    [Fact]
    public void Every_code_of_refused_rows_has_a_remedy_that_was_tried()
    {
        // Both need rows in a table: Another_records_row_at_the_same_place..., A_row_of_another_sink_under_the_same_key...
        string[] elsewhere = [SinkRowCodes.KeyTaken, SinkRowCodes.SharedKeyTaken];
        var known = ErrorCatalog.All.Select(e => e.Code).Where(c => c.StartsWith("KOR5", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(known, typeof(SinkRowCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetValue(null)!).Order(StringComparer.Ordinal));
        Assert.Empty(known.Except(All.Select(r => r.Code)).Except(elsewhere));
    }

    private static List<RowFailure> Refused(Remedy remedy, object? value, ColumnInfo column)
    {
        var isKey = remedy.Code is "KOR5101" or "KOR5102";
        Schema schema = isKey ? new(new Field("v", remedy.Type)) : new(new Field("id", FieldType.Integer), new Field("v", remedy.Type));
        var spec = new SinkSpec("p", "s", "dwh", "T", remedy.IsRevision ? SinkMode.Upsert : SinkMode.Append, schema, [isKey ? "v" : "id"], remedy.IsRevision ? "v" : null, true, false);
        var dialect = Dialect.For(remedy.Database);
        var table = SinkTable.From(spec, dialect);
        var id = Number("int8", null, null, long.MinValue, long.MaxValue) with { Name = dialect.Fold("id") };
        var info = new TableInfo([id, column with { Name = dialect.Fold("v") }], []);
        object?[] row = isKey ? [value] : [1L, value];
        return new RowChecks(table, info, dialect).Run(Rows.Block(schema, row), [0], null);
    }

    private static ColumnInfo Text(int? length) => new("v", "varchar", length, false, null, null, false, false);

    private static ColumnInfo Time(int digits) => new("v", "timestamp", null, false, null, digits, false, false);

    private static ColumnInfo Number(string type, int? precision, int? scale, long? least = null, long most = 0) =>
        new("v", type, null, false, precision, scale, false, false) { Range = least is { } from ? (from, most) : null };
}
