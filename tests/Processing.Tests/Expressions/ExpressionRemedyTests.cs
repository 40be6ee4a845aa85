using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>What the error catalog advises for expressions is done here, and the expression compiles. A code without an entry fails.</summary>
public sealed class ExpressionRemedyTests
{
    private static readonly Schema Fields = new(
        new Field("name", FieldType.String), new Field("region", FieldType.String), new Field("customer_id", FieldType.String),
        new Field("amount", FieldType.Decimal(12, 2)), new Field("qty", FieldType.Integer), new Field("vip", FieldType.Boolean),
        new Field("at", FieldType.Timestamp), new Field("odd name", FieldType.String));

    [Theory]
    [InlineData("KOR3001", "Write an expression", "", "qty")]
    [InlineData("KOR3003", "Remove it", "amount # 2", "amount + 2")]
    [InlineData("KOR3003", "an odd name in double quotes", "`odd name` = 'x'", "\"odd name\" = 'x'")]
    [InlineData("KOR3004", "'it''s'", "name = 'its", "name = 'it''s'")]
    [InlineData("KOR3005", "INTERVAL '5m'", "at - 5m", "at - INTERVAL '5m'")]
    [InlineData("KOR3006", "Complete the expression", "amount + ", "amount + 1")]
    [InlineData("KOR3007", "Use SQL's", "amount == 2", "amount = 2")]
    [InlineData("KOR3007", "Use SQL's", "vip && vip", "vip AND vip")]
    [InlineData("KOR3010", "text in single quotes", "name = \"DE\"", "name = 'DE'")]
    [InlineData("KOR3010", "Correct the name", "amuont > 0", "amount > 0")]
    [InlineData("KOR3011", "lists the functions", "lenght(name)", "length(name)")]
    [InlineData("KOR3012", "Give the arguments", "round()", "round(amount)")]
    [InlineData("KOR3013", "Convert the argument with CAST", "length(42)", "length(CAST(42 AS string))")]
    [InlineData("KOR3014", "TIMESTAMP '2026-01-01'", "at > '2026-01-01'", "at > TIMESTAMP '2026-01-01'")]
    [InlineData("KOR3015", "with CAST", "CASE WHEN vip THEN 1 ELSE 'no' END", "CASE WHEN vip THEN CAST(1 AS string) ELSE 'no' END")]
    [InlineData("KOR3016", "Types are boolean", "CAST(qty AS varchar2)", "CAST(qty AS string)")]
    [InlineData("KOR3017", "lists what CAST converts", "CAST(TRUE AS timestamp)", "CAST('2026-01-01T00:00:00Z' AS timestamp)")]
    [InlineData("KOR3018", "DATE '2026-01-31'", "DATE '2026-02-30'", "DATE '2026-01-31'")]
    [InlineData("KOR3018", "INTERVAL '1h30m'", "at + INTERVAL '1x'", "at + INTERVAL '1h30m'")]
    [InlineData("KOR3019", "Write the argument as a literal", "regexp_like(name, region)", "regexp_like(name, 'a+')")]
    [InlineData("KOR3020", "Correct it", "date_trunc('fortnight', at)", "date_trunc('week', at)")]
    [InlineData("KOR3021", "Correct the constant", "amount + 1 / 0", "amount + 1 / 2")]
    [InlineData("KOR3023", "CAST(NULL AS string)", "NULL", "CAST(NULL AS string)")]
    public void The_remedy_makes_the_expression_compile(string code, string said, string faulty, string mended)
    {
        Assert.Contains(said, ErrorCatalog.Find(code)!.Remedy, StringComparison.Ordinal);
        Assert.Contains(code, ExpressionCompiler.Compile(faulty, Fields).Errors.Select(e => e.Code));
        Assert.Empty(ExpressionCompiler.Compile(mended, Fields).Errors);
    }

    /// <summary>Expressions that are advised for rows a sink refuses.</summary>
    [Theory]
    [InlineData("KOR5101", "COALESCE(customer_id, '(none)')")]
    [InlineData("KOR5102", "CASE WHEN region = '' THEN '-' ELSE region END")]
    [InlineData("KOR5106", "date_trunc('millisecond', at)")]
    [InlineData("KOR5107", "round(amount, -2)")]
    public void An_expression_advised_for_a_sink_compiles(string code, string expression)
    {
        Assert.Contains(expression, ErrorCatalog.Find(code)!.Remedy, StringComparison.Ordinal);
        Assert.Empty(ExpressionCompiler.Compile(expression, Fields).Errors);
        Assert.Empty(ExpressionCompiler.Compile("date_trunc('second', at)", Fields).Errors);
    }

    [Fact]
    public void Every_code_of_expressions_has_a_remedy_that_was_tried()
    {
        // Too large: ExpressionModelTests; the type of a result: BadExpressionTests.
        string[] elsewhere = ["KOR3002", "KOR3022"];
        var tried = typeof(ExpressionRemedyTests).GetMethod(nameof(The_remedy_makes_the_expression_compile))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(a => (string)a.Data[0]!);
        Assert.Empty(ErrorCatalog.All.Select(e => e.Code).Where(c => c.StartsWith("KOR30", StringComparison.Ordinal)).Except(tried).Except(elsewhere));
    }
}
