using System.Text;
using CsCheck;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

public sealed class BadExpressionTests
{
    private static readonly Schema Orders = new(
        new Field("order_id", FieldType.String), new Field("amountEur", FieldType.Decimal(12, 2)),
        new Field("qty", FieldType.Integer), new Field("ratio", FieldType.Double), new Field("vip", FieldType.Boolean),
        new Field("created_at", FieldType.Timestamp), new Field("due", FieldType.Date), new Field("payload", FieldType.Json),
        new Field("raw", FieldType.Bytes), new Field("odd name", FieldType.String));

    [Theory]
    [InlineData("", "KOR3001", 0, 0, null)]
    [InlineData("   ", "KOR3001", 0, 3, null)]
    [InlineData("-- only a comment", "KOR3001", 0, 17, null)]
    [InlineData("qty # 2", "KOR3003", 4, 1, null)]
    [InlineData("qty ; 2", "KOR3003", 4, 1, null)]
    [InlineData("`qty` + 1", "KOR3003", 0, 1, "\"name\"")]
    [InlineData("order_id = 'abc", "KOR3004", 11, 4, null)]
    [InlineData("\"odd name", "KOR3004", 0, 9, null)]
    [InlineData("'a\0b'", "KOR3003", 0, 5, null)]
    [InlineData("\"\" = 1", "KOR3006", 0, 2, "''")]
    [InlineData("created_at - 5m", "KOR3005", 13, 2, "INTERVAL '5m'")]
    [InlineData("qty + 5x", "KOR3005", 6, 2, null)]
    [InlineData("qty + 1e999", "KOR3005", 6, 5, null)]
    [InlineData("qty + 12345678901234567890123456789", "KOR3005", 6, 29, null)]
    [InlineData("qty +", "KOR3006", 5, 0, null)]
    [InlineData("qty qty", "KOR3006", 4, 3, null)]
    [InlineData("(qty + 1", "KOR3006", 8, 0, null)]
    [InlineData("qty + 1)", "KOR3006", 7, 1, null)]
    [InlineData("* 2", "KOR3006", 0, 1, null)]
    [InlineData("qty > 1 AND", "KOR3006", 11, 0, null)]
    [InlineData("qty BETWEEN 1", "KOR3006", 13, 0, null)]
    [InlineData("qty NOT 5", "KOR3006", 8, 1, null)]
    [InlineData("qty IS 5", "KOR3006", 7, 1, null)]
    [InlineData("qty IN 5", "KOR3006", 7, 1, null)]
    [InlineData("qty IN ()", "KOR3006", 8, 1, null)]
    [InlineData("CASE WHEN vip THEN 1", "KOR3006", 20, 0, null)]
    [InlineData("CASE vip END", "KOR3006", 9, 3, null)]
    [InlineData("CAST(qty string)", "KOR3006", 9, 6, null)]
    [InlineData("CAST(qty AS decimal(x))", "KOR3006", 20, 1, null)]
    [InlineData("EXTRACT(YEAR created_at)", "KOR3006", 13, 10, null)]
    [InlineData("round(qty,)", "KOR3006", 10, 1, null)]
    [InlineData("order_id. = 1", "KOR3006", 10, 1, null)]
    [InlineData("qty IS DISTINCT 5", "KOR3006", 16, 1, null)]
    [InlineData("qty == 1", "KOR3007", 4, 2, "=")]
    [InlineData("vip && vip", "KOR3007", 4, 2, "AND")]
    [InlineData("!vip", "KOR3007", 0, 1, "NOT")]
    [InlineData("amountEuro > 1", "KOR3010", 0, 10, "amountEur")]
    [InlineData("AMOUNTEUR > 1", "KOR3010", 0, 9, "amountEur")]
    [InlineData("odd_name = 'x'", "KOR3010", 0, 8, "\"odd name\"")]
    [InlineData("order_id = \"DE\"", "KOR3010", 11, 4, "'DE'")]
    [InlineData("zzz > 1", "KOR3010", 0, 3, null)]
    [InlineData("customer.city = 'x'", "KOR3010", 0, 13, null)]
    [InlineData("lenght(order_id)", "KOR3011", 0, 6, "length")]
    [InlineData("nvl(order_id, 'x')", "KOR3011", 0, 3, "coalesce")]
    [InlineData("now()", "KOR3011", 0, 3, "processing_time")]
    [InlineData("round()", "KOR3012", 0, 7, null)]
    [InlineData("upper(order_id, 'x')", "KOR3012", 0, 20, null)]
    [InlineData("length(qty)", "KOR3013", 7, 3, "CAST(... AS string)")]
    [InlineData("round(order_id)", "KOR3013", 6, 8, null)]
    [InlineData("date_trunc('day', order_id)", "KOR3013", 18, 8, null)]
    [InlineData("year(qty)", "KOR3013", 5, 3, null)]
    [InlineData("greatest(vip, vip)", "KOR3013", 0, 18, null)]
    [InlineData("order_id + 1", "KOR3014", 0, 12, null)]
    [InlineData("order_id + order_id", "KOR3014", 0, 19, "||")]
    [InlineData("created_at > '2026-01-01'", "KOR3014", 0, 25, "TIMESTAMP '2026-01-01'")]
    [InlineData("due = '2026-01-01'", "KOR3014", 0, 18, "DATE '2026-01-01'")]
    [InlineData("qty = '5'", "KOR3014", 0, 9, "5")]
    [InlineData("created_at > due", "KOR3014", 0, 16, null)]
    [InlineData("qty AND vip", "KOR3014", 0, 3, null)]
    [InlineData("NOT qty", "KOR3014", 4, 3, null)]
    [InlineData("-order_id", "KOR3014", 0, 9, null)]
    [InlineData("vip > TRUE", "KOR3014", 0, 10, null)]
    [InlineData("payload = payload", "KOR3014", 0, 17, null)]
    [InlineData("1 < qty < 3", "KOR3014", 0, 11, null)]
    [InlineData("qty LIKE '5%'", "KOR3014", 0, 3, null)]
    [InlineData("order_id || qty", "KOR3014", 12, 3, null)]
    [InlineData("qty IN (1, 'x')", "KOR3014", 11, 3, null)]
    [InlineData("CASE WHEN qty THEN 1 END", "KOR3014", 10, 3, null)]
    [InlineData("CASE WHEN vip THEN 1 ELSE 'no' END", "KOR3015", 26, 4, null)]
    [InlineData("coalesce(order_id, qty)", "KOR3015", 19, 3, null)]
    [InlineData("CAST(qty AS strnig)", "KOR3016", 12, 6, "string")]
    [InlineData("CAST(qty AS decimal)", "KOR3016", 12, 7, "decimal(18,2)")]
    [InlineData("CAST(qty AS decimal(40,2))", "KOR3016", 12, 13, null)]
    [InlineData("CAST(qty AS decimal(5,6))", "KOR3016", 12, 12, null)]
    [InlineData("CAST(qty AS string(5))", "KOR3016", 12, 9, "string")]
    [InlineData("CAST(vip AS timestamp)", "KOR3017", 0, 22, null)]
    [InlineData("CAST(qty AS bytes)", "KOR3017", 0, 18, null)]
    [InlineData("DATE '2026-02-30'", "KOR3018", 5, 12, null)]
    [InlineData("TIMESTAMP 'yesterday'", "KOR3018", 10, 11, null)]
    [InlineData("created_at + INTERVAL 'x' MINUTE", "KOR3018", 22, 3, null)]
    [InlineData("created_at + INTERVAL '1' MONTH", "KOR3018", 13, 18, "timestamp_add('month', 1, ...)")]
    [InlineData("created_at + INTERVAL '1' MINUET", "KOR3018", 13, 19, "MINUTE")]
    [InlineData("created_at + INTERVAL 'soon'", "KOR3018", 22, 6, null)]
    [InlineData("regexp_like(order_id, order_id)", "KOR3019", 22, 8, null)]
    [InlineData("order_id LIKE order_id", "KOR3019", 14, 8, null)]
    [InlineData("date_trunc(order_id, created_at)", "KOR3019", 11, 8, null)]
    [InlineData("date_trunc('fortnight', created_at)", "KOR3020", 11, 11, null)]
    [InlineData("date_trunc('huor', created_at)", "KOR3020", 11, 6, "hour")]
    [InlineData("EXTRACT(YAER FROM created_at)", "KOR3020", 8, 4, "YEAR")]
    [InlineData("regexp_like(order_id, '(a')", "KOR3020", 22, 4, null)]
    [InlineData("regexp_like(order_id, '(a)\\1')", "KOR3020", 22, 7, null)]
    [InlineData("regexp_like(order_id, '(?=a)')", "KOR3020", 22, 7, null)]
    [InlineData("regexp_extract(order_id, 'a', 2)", "KOR3020", 30, 1, null)]
    [InlineData("order_id LIKE 'a!' ESCAPE '!'", "KOR3020", 14, 4, null)]
    [InlineData("order_id LIKE 'a' ESCAPE '!!'", "KOR3020", 25, 4, null)]
    [InlineData("json_value(payload, 'a.b')", "KOR3020", 20, 5, null)]
    [InlineData("json_value(payload, '$.a[x]')", "KOR3020", 20, 8, null)]
    [InlineData("to_date(order_id, 'q')", "KOR3020", 18, 3, "yyyy-MM-dd HH:mm:ss")]
    [InlineData("qty / 0", null, 0, 0, null)]
    [InlineData("qty + 1 / 0", "KOR3021", 6, 5, null)]
    [InlineData("CAST('x' AS integer)", "KOR3021", 0, 20, null)]
    [InlineData("NULL", "KOR3023", 0, 4, "CAST(NULL AS string)")]
    [InlineData("coalesce(NULL, NULL)", "KOR3023", 9, 4, "CAST(NULL AS string)")]
    [InlineData("created_at - created_at", "KOR3022", 0, 23, null)]
    public void Is_refused_with_code_and_place(string text, string? code, int position, int length, string? suggestion)
    {
        var result = ExpressionCompiler.Compile(text, Orders);
        if (code is null)
        {
            Assert.NotNull(result.Expression);
            return;
        }
        Assert.Null(result.Expression);
        var error = result.Errors[0];
        Assert.Equal((code, position, length, suggestion), (error.Code, error.Position, error.Length, error.Suggestion));
        Assert.NotNull(ErrorCatalog.Find(error.Code));
        Assert.EndsWith(".", error.Message.TrimEnd('\'', ')'));
    }

    [Fact]
    public void All_faults_are_found_in_one_run_in_the_order_of_the_text()
    {
        var result = ExpressionCompiler.Compile("amuontEur + lenght(x) > 'a' AND NOT qty OR created_at == 5 AND (", Orders);
        Assert.Equal(
            ["KOR3010", "KOR3011", "KOR3010", "KOR3014", "KOR3014", "KOR3007", "KOR3006"],
            result.Errors.Select(error => error.Code));
        Assert.Equal(result.Errors.OrderBy(error => error.Position), result.Errors);
    }

    [Theory]
    [InlineData("amountEur", "boolean", "KOR3022")]
    [InlineData("order_id", "integer", "KOR3022")]
    [InlineData("ratio", "decimal", "KOR3022")]
    [InlineData("created_at", "date", "KOR3022")]
    public void A_result_of_another_type_is_refused(string text, string expected, string code)
    {
        var type = expected switch
        {
            "boolean" => FieldType.Boolean,
            "integer" => FieldType.Integer,
            "decimal" => FieldType.Decimal(10, 2),
            _ => FieldType.Date,
        };
        Assert.Equal(code, Assert.Single(ExpressionCompiler.Compile(text, Orders, type).Errors).Code);
    }

    [Fact]
    public void Large_texts_are_refused_not_run_into()
    {
        Assert.Equal("KOR3002", Only(new string(' ', 40_000)));
        Assert.Equal("KOR3002", Only(new string('(', 10_000) + "1" + new string(')', 10_000)));
        Assert.Equal("KOR3002", Only(string.Join(" + ", Enumerable.Repeat("1", 1_000))));
        Assert.Equal("KOR3002", Only(string.Concat(Enumerable.Repeat("NOT ", 5_000)) + "vip"));
        Assert.Equal("KOR3002", Only(string.Concat(Enumerable.Repeat("+ -", 5_000)) + "qty"));
        Assert.Equal("KOR3002", Only($"qty IN ({string.Join(",", Enumerable.Range(0, 6_000))})"));
        Assert.Equal("KOR3002", Only(string.Concat(Enumerable.Repeat("abs(", 300)) + "1" + new string(')', 300)));

        static string Only(string text) => ExpressionCompiler.Compile(text, Orders).Errors[0].Code;
    }

    [Fact]
    public void The_caret_stands_under_the_fault()
    {
        const string Text = "amountEur > 1\n  AND amuontEur < 5";
        var error = ExpressionCompiler.Compile(Text, Orders).Errors[0];
        Assert.Equal("KOR3010: Unknown field 'amuontEur'. Did you mean 'amountEur'?", ExpressionErrors.Describe(error));
        Assert.Equal("  AND amuontEur < 5\n      ^^^^^^^^^", ExpressionErrors.Caret(Text, error));
        var atEnd = ExpressionCompiler.Compile("qty +", Orders).Errors[0];
        Assert.Equal("qty +\n     ^", ExpressionErrors.Caret("qty +", atEnd));
    }

    [Fact]
    public void Random_text_never_throws()
    {
        string[] pieces =
        [
            "qty", "amountEur", "order_id", "vip", "created_at", "due", "payload", "raw", "ratio", "1", "2.50", "1e3", "0", "'a'", "''", "NULL",
            "TRUE", "FALSE", "+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "(", ")", ",", "AND", "OR", "NOT", "IS", "IN", "BETWEEN", "LIKE",
            "ESCAPE", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST(", "TRY_CAST(", "AS", "string", "integer", "decimal(5,2)", "DATE '2026-01-01'",
            "TIMESTAMP '2026-01-01'", "INTERVAL '5m'", "EXTRACT(", "YEAR", "FROM", "DISTINCT", "round(", "substring(", "coalesce(", "try(", "if(",
            "date_trunc('day',", "json_value(", "'$.a'", "regexp_like(", ".", "\"", "'", "é", "\ud83d", "\0", "lpad(", "greatest(", "nullif(",
        ];
        Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]).Array[1, 25].Sample(
            words =>
            {
                var text = string.Join(' ', words);
                var result = ExpressionCompiler.Compile(text, Orders);
                Assert.True(result.Expression is null != (result.Errors.Count == 0));
                foreach (var error in result.Errors)
                {
                    Assert.InRange(error.Position, 0, text.Length);
                    Assert.InRange(error.Position + error.Length, error.Position, text.Length);
                    Assert.NotEmpty(ExpressionErrors.Caret(text, error));
                }
            },
            iter: 8_000);
        Gen.String.Sample(text => ExpressionCompiler.Compile(text, Orders), iter: 2_000);
        Gen.Byte.Array[0, 60].Sample(bytes => ExpressionCompiler.Compile(Encoding.Latin1.GetString(bytes), Orders), iter: 2_000);
    }
}
