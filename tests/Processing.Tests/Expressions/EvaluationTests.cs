using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

public sealed class EvaluationTests
{
    private static readonly Schema Orders = new(
        new Field("order_id", FieldType.String),
        new Field("amount", FieldType.Decimal(12, 2)),
        new Field("qty", FieldType.Integer),
        new Field("ratio", FieldType.Double),
        new Field("vip", FieldType.Boolean),
        new Field("created_at", FieldType.Timestamp),
        new Field("due", FieldType.Date),
        new Field("payload", FieldType.Json),
        new Field("raw", FieldType.Bytes),
        new Field("customer.city", FieldType.String),
        new Field("odd name", FieldType.String),
        new Field("none", FieldType.String),
        new Field("small", FieldType.Integer, Nullable: false));

    private static readonly object?[] Row =
    [
        "A-1", 10.25m, 3L, 0.5, true, 1_772_706_127_000_000L, 20_517L, """{"a":{"b":[1,"x",true,null]}}""", "kor"u8.ToArray(),
        "Wien", "odd", null, 7L,
    ];

    [Theory]
    [InlineData("amount + 1", "11.25")]
    [InlineData("amount * 0.1", "1.025")]
    [InlineData("round(amount * 0.1, 2)", "1.03")]
    [InlineData("amount / qty", "3.416666666666666667")]
    [InlineData("qty / 2", "1.500000")]
    [InlineData("7 / 2", "3.500000")]
    [InlineData("qty % 2", "1")]
    [InlineData("-qty", "-3")]
    [InlineData("- -qty", "3")]
    [InlineData("qty + ratio", "3.5")]
    [InlineData("amount * ratio", "5.125")]
    [InlineData("amount > 10 AND vip", "true")]
    [InlineData("amount > 10 AND none = 'x'", null)]
    [InlineData("amount < 10 AND none = 'x'", "false")]
    [InlineData("amount > 10 OR none = 'x'", "true")]
    [InlineData("NOT vip", "false")]
    [InlineData("none IS NULL", "true")]
    [InlineData("none IS NOT NULL", "false")]
    [InlineData("(none = 'x') IS TRUE", "false")]
    [InlineData("(none = 'x') IS NOT FALSE", "true")]
    [InlineData("none IS DISTINCT FROM 'x'", "true")]
    [InlineData("none IS NOT DISTINCT FROM NULL", "true")]
    [InlineData("order_id IS NOT DISTINCT FROM 'A-1'", "true")]
    [InlineData("qty BETWEEN 1 AND 3", "true")]
    [InlineData("qty NOT BETWEEN 1 AND 3", "false")]
    [InlineData("qty BETWEEN NULL AND 2", "false")]
    [InlineData("qty IN (1, 2, 3)", "true")]
    [InlineData("qty IN (1, 2, 3, 4, 5, 6)", "true")]
    [InlineData("qty IN (1, 2, 4, 5, 6, NULL)", null)]
    [InlineData("qty NOT IN (1, 2, 4, 5, 6)", "true")]
    [InlineData("order_id IN ('A-0', 'A-2', 'A-3', 'A-4', 'A-1')", "true")]
    [InlineData("amount IN (1, 2, 3, 4, 10.25)", "true")]
    [InlineData("order_id LIKE 'A%'", "true")]
    [InlineData("order_id LIKE '_-_'", "true")]
    [InlineData("order_id NOT LIKE '%1'", "false")]
    [InlineData("'50%' LIKE '50!%' ESCAPE '!'", "true")]
    [InlineData("order_id || '/' || CAST(qty AS string)", "A-1/3")]
    [InlineData("order_id || none", null)]
    [InlineData("concat(order_id, none)", "A-1")]
    [InlineData("CASE WHEN qty > 5 THEN 'many' WHEN qty > 1 THEN 'some' ELSE 'one' END", "some")]
    [InlineData("CASE qty WHEN 1 THEN 'one' WHEN 3 THEN 'three' END", "three")]
    [InlineData("CASE qty WHEN 1 THEN 'one' END", null)]
    [InlineData("CASE WHEN vip THEN 1 ELSE 2.5 END", "1.0")]
    [InlineData("coalesce(none, order_id)", "A-1")]
    [InlineData("nullif(qty, 3)", null)]
    [InlineData("nullif(qty + 1, 3)", "4")]
    [InlineData("if(vip, amount, 0)", "10.25")]
    [InlineData("customer.city", "Wien")]
    [InlineData("\"odd name\"", "odd")]
    [InlineData("CAST(amount AS integer)", "10")]
    [InlineData("CAST('12.345' AS decimal(10,2))", "12.35")]
    [InlineData("CAST(qty AS decimal(5,1))", "3.0")]
    [InlineData("TRY_CAST(order_id AS integer)", null)]
    [InlineData("TRY_CAST('4' AS integer)", "4")]
    [InlineData("CAST(raw AS string)", "kor")]
    [InlineData("CAST(vip AS integer)", "1")]
    [InlineData("created_at + INTERVAL '90' MINUTE", "2026-03-05T11:52:07Z")]
    [InlineData("created_at - INTERVAL '1h30m'", "2026-03-05T08:52:07Z")]
    [InlineData("created_at - TIMESTAMP '2026-03-05 10:00:00' > INTERVAL '1h'", "false")]
    [InlineData("created_at >= TIMESTAMP '2026-03-05T10:22:07Z'", "true")]
    [InlineData("due + 1", "2026-03-06")]
    [InlineData("due - DATE '2026-03-01'", "4")]
    [InlineData("due = CAST(created_at AS date)", "true")]
    [InlineData("EXTRACT(YEAR FROM created_at)", "2026")]
    [InlineData("extract(dow from due)", "4")]
    [InlineData("processing_time() = created_at", "true")]
    [InlineData("json_value(payload, '$.a.b[1]')", "x")]
    [InlineData("json_value(payload, '$.a.b[3]')", null)]
    [InlineData("json_value(CAST('{\"a\":1,\"a\":2}' AS json), '$.a')", "2")]
    [InlineData("json_value(CAST('{\"a\":{\"b\":1},\"c\":0,\"a\":{\"d\":2}}' AS json), '$.a.b')", null)]
    [InlineData("TRY_CAST('{\"a\":\"\\u0000\"}' AS json)", null)]
    [InlineData("TRY_CAST('[\"\\ud800\"]' AS json)", null)]
    [InlineData("json_exists(payload, '$.a.b[3]')", "true")]
    [InlineData("CAST(json_query(payload, '$.a.b') AS string)", """[1,"x",true,null]""")]
    [InlineData("regexp_extract(order_id, '[0-9]+')", "1")]
    [InlineData("greatest(small, qty, 5)", "7")]
    [InlineData("small = 7 -- a comment\n", "true")]
    [InlineData("to_hex(raw || from_base64('AA=='))", "6b6f7200")]
    [InlineData("upper(order_id) = lower(upper(order_id))", "false")]
    [InlineData("amount <> 10.250", "false")]
    [InlineData("2 + 3 * 4 - 10 / 5", "12.000000")]
    [InlineData("NOT qty = 3 OR vip", "true")]
    [InlineData("1e3 + 1", "1001")]
    [InlineData(".5 + 1.", "1.5")]
    [InlineData("'it''s'", "it's")]
    [InlineData("-9223372036854775808", "-9223372036854775808")]
    [InlineData("9223372036854775808", "9223372036854775808")]
    public void Gives(string text, string? expected) =>
        Assert.Equal((expected, null), Run.One($"CAST({text} AS string)", Orders, Row));

    [Theory]
    [InlineData("qty / (qty - 3)", "KOR3102")]
    [InlineData("qty % (qty - 3)", "KOR3102")]
    [InlineData("ratio / (ratio - ratio)", "KOR3102")]
    [InlineData("qty + 9223372036854775807", "KOR3101")]
    [InlineData("-9223372036854775807 - qty", "KOR3101")]
    [InlineData("qty * 4611686018427387904", "KOR3101")]
    [InlineData("ratio * 1e308 * 10", "KOR3101")]
    [InlineData("CAST(amount * 1000 AS decimal(5,2))", "KOR3101")]
    [InlineData("CAST(1e30 * ratio AS integer)", "KOR3101")]
    [InlineData("CAST(1e30 * ratio AS decimal(10,2))", "KOR3101")]
    [InlineData("CAST(order_id AS integer)", "KOR3103")]
    [InlineData("CAST(order_id AS decimal(4,1))", "KOR3103")]
    [InlineData("CAST(order_id AS double)", "KOR3103")]
    [InlineData("CAST(order_id AS boolean)", "KOR3103")]
    [InlineData("CAST(order_id AS timestamp)", "KOR3103")]
    [InlineData("CAST(order_id AS date)", "KOR3103")]
    [InlineData("CAST(order_id AS json)", "KOR3103")]
    [InlineData("to_timestamp(order_id, 'yyyyMMdd')", "KOR3103")]
    [InlineData("from_base64(order_id)", "KOR3103")]
    [InlineData("CAST(from_base64(replace(order_id, 'A-1', '/w==')) AS string)", "KOR3103")]
    [InlineData("sqrt(-ratio)", "KOR3104")]
    [InlineData("ln(ratio - ratio)", "KOR3104")]
    [InlineData("power(-ratio, ratio)", "KOR3104")]
    [InlineData("lpad(order_id, 10000000)", "KOR3105")]
    [InlineData("created_at + INTERVAL '3650d' * 1000", "KOR3106")]
    [InlineData("timestamp_add('year', 8000 + qty, created_at)", "KOR3106")]
    [InlineData("due - 1000000", "KOR3106")]
    [InlineData("from_epoch_ms(qty * 1000000000000000)", "KOR3106")]
    [InlineData("CASE WHEN qty / (qty - 3) > 1 THEN 1 ELSE 2 END", "KOR3102")]
    [InlineData("vip AND qty / (qty - 3) > 1", "KOR3102")]
    public void Fails_the_row_and_nothing_else(string text, string code) =>
        Assert.Equal((null, code), Run.One(text, Orders, Row));

    [Theory]
    [InlineData("qty = 3 OR qty / (qty - 3) > 1", "true")]
    [InlineData("qty <> 3 AND qty / (qty - 3) > 1", "false")]
    [InlineData("CASE WHEN qty = 3 THEN 0 ELSE qty / (qty - 3) END", "0.000000000")]
    [InlineData("coalesce(order_id, CAST(order_id || none AS string), CAST(qty / (qty - 3) AS string))", "A-1")]
    [InlineData("if(qty = 3, 1, CAST(order_id AS integer))", "1")]
    [InlineData("coalesce(try(qty / (qty - 3)), -1)", "-1.000000000")]
    [InlineData("qty IN (3, div(qty, qty - 3))", "true")]
    [InlineData("qty BETWEEN 5 AND div(qty, qty - 3)", "false")]
    public void What_is_decided_is_not_computed(string text, string expected) =>
        Assert.Equal((expected, null), Run.One($"CAST({text} AS string)", Orders, Row));

    [Fact]
    public void A_failing_row_is_reported_once_with_its_place_and_the_others_go_on()
    {
        var schema = new Schema(new Field("a", FieldType.Integer), new Field("b", FieldType.Integer));
        var rows = Run.Rows(schema, [6L, 2L], [1L, 0L], [null, 0L], [9L, 3L]);
        var (values, errors) = Run.Evaluate(Run.Compile("div(a, b)", schema), rows);
        Assert.Equal([3L, null, null, 3L], values);
        var error = Assert.Single(errors.Items);
        Assert.Equal((1, "KOR3102", "step.field"), (error.Row, error.Code, error.Place));
    }

    [Fact]
    public void Only_selected_rows_are_touched()
    {
        var schema = new Schema(new Field("a", FieldType.Integer));
        var rows = Run.Rows(schema, [1L], [2L], [3L]);
        var output = new LongColumn(FieldType.Integer);
        output.EnsureCapacity(3);
        for (var i = 0; i < 3; i++) output.Set(i, -1);
        var selection = new Selection();
        selection.Add(1);
        Run.Compile("a * 10", schema).Evaluate(rows, selection, output, new EvaluationContext(0, new RowErrors(), ""));
        Assert.Equal([-1L, 20L, -1L], output.Values[..3]);
    }

    [Fact]
    public void A_filter_sorts_true_from_false_and_null_and_leaves_failures_out()
    {
        var schema = new Schema(new Field("a", FieldType.Integer), new Field("b", FieldType.Integer));
        var rows = Run.Rows(schema, [6L, 2L], [1L, 0L], [null, 1L], [1L, 3L]);
        var selection = new Selection();
        selection.SetAll(4);
        var (matching, rest, errors) = (new Selection(), new Selection(), new RowErrors());
        matching.Add(3);
        var filter = Run.Compile("div(a, b) > 1", schema);
        filter.Filter(rows, selection, matching, rest, new EvaluationContext(0, errors, "q"));
        Assert.Equal([0], matching.Span.ToArray());
        Assert.Equal([2, 3], rest.Span.ToArray());
        Assert.True(errors.Contains(1));
        filter.Filter(rows, selection, selection, null, new EvaluationContext(0, errors, "q"));
        Assert.Equal([0], selection.Span.ToArray());
    }

    [Theory]
    [InlineData("amount", "decimal(12,2)")]
    [InlineData("amount + amount", "decimal(13,2)")]
    [InlineData("amount * 0.1", "decimal(13,3)")]
    [InlineData("round(amount * 0.1, 2)", "decimal(13,2)")]
    [InlineData("amount * qty", "decimal(28,2)")]
    [InlineData("amount / 3", "decimal(16,6)")]
    [InlineData("qty / qty", "decimal(28,9)")]
    [InlineData("qty + 1", "integer")]
    [InlineData("qty + 1.5", "decimal(21,1)")]
    [InlineData("qty + ratio", "double")]
    [InlineData("coalesce(qty, 1.25)", "decimal(21,2)")]
    [InlineData("amount % 3", "decimal(3,2)")]
    [InlineData("created_at - INTERVAL '1s'", "timestamp")]
    [InlineData("floor(amount)", "decimal(11,0)")]
    [InlineData("trunc(amount, 1)", "decimal(11,1)")]
    [InlineData("1.25", "decimal(3,2)")]
    [InlineData("payload", "json")]
    [InlineData("json_query(payload, '$.a')", "json")]
    public void Has_the_type(string text, string type) => Assert.Equal(type, Run.Compile(text, Orders).Type.ToString());

    [Fact]
    public void An_expected_type_is_widened_and_rounded_to()
    {
        var fitted = Run.Compile("amount * 1.005", Orders, FieldType.Decimal(12, 2));
        Assert.Equal(FieldType.Decimal(12, 2), fitted.Type);
        Assert.Equal([10.30m], Run.Evaluate(fitted, Run.Rows(Orders, Row)).Values);
        Assert.Equal([3.0], Run.Evaluate(Run.Compile("qty", Orders, FieldType.Double), Run.Rows(Orders, Row)).Values);
        Assert.Equal([null], Run.Evaluate(Run.Compile("NULL", Orders, FieldType.Date), Run.Rows(Orders, Row)).Values);
        var narrow = Run.Compile("amount", Orders, FieldType.Decimal(3, 2));
        Assert.Equal("KOR3101", Run.Evaluate(narrow, Run.Rows(Orders, Row)).Errors.Items[0].Code);
    }

    [Fact]
    public void Says_which_fields_it_reads_and_whether_it_can_be_null()
    {
        Assert.Equal([1, 2], Run.Compile("amount * qty + amount", Orders).Fields);
        Assert.True(Run.Compile("amount", Orders).Nullable);
        Assert.False(Run.Compile("small + 1", Orders).Nullable);
        Assert.False(Run.Compile("coalesce(qty, small)", Orders).Nullable);
        Assert.True(Run.Compile("1 + 2 * 3", Orders).IsConstant);
        Assert.False(Run.Compile("processing_time()", Orders).IsConstant);
    }

    [Fact]
    public void Long_chains_compile_and_long_lists_are_sets()
    {
        var chain = string.Join(" AND ", Enumerable.Repeat("qty > 0", 1000));
        Assert.Equal((true, null), Run.One(chain, Orders, Row));
        var list = string.Join(", ", Enumerable.Range(0, 3000));
        Assert.Equal((true, null), Run.One($"qty IN ({list})", Orders, Row));
    }

    [Theory]
    [InlineData("round(amount * 0.1, 2)")]
    [InlineData("amount * qty > 100 AND order_id LIKE 'A%'")]
    [InlineData("upper(order_id) || '-' || CAST(amount AS string)")]
    [InlineData("CASE WHEN order_id IN ('a', 'b', 'c', 'd', 'e') THEN 1 ELSE amount / qty END")]
    [InlineData("json_value(payload, '$.a.b[1]')")]
    [InlineData("date_trunc('day', created_at) + INTERVAL '1h'")]
    public void Nothing_is_allocated_once_warm(string text)
    {
        var expression = Run.Compile(text, Orders);
        var rows = Run.Rows(Orders, [.. Enumerable.Repeat(Row, 500)]);
        var output = Column.Create(expression.Type, 500);
        var selection = new Selection();
        selection.SetAll(500);
        var context = new EvaluationContext(0, new RowErrors(), "");
        for (var i = 0; i < 3; i++) Evaluate();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Evaluate();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Evaluate()
        {
            output.Reset();
            expression.Evaluate(rows, selection, output, context);
        }
    }

    [Fact]
    public void One_expression_serves_many_threads()
    {
        var expression = Run.Compile("upper(order_id) || CAST(qty AS string)", Orders);
        Parallel.For(0, 64, i =>
        {
            object?[] row = [.. Row];
            row[2] = (long)i;
            var values = Run.Evaluate(expression, Run.Rows(Orders, [.. Enumerable.Repeat(row, 200)])).Values;
            Assert.All(values, value => Assert.Equal($"A-1{i}", value));
        });
    }
}
