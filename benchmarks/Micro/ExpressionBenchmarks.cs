using System.Text;
using BenchmarkDotNet.Attributes;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Benchmarks.Micro;

/// <summary>Expressions over a batch of 1,000 rows; the times are per row.</summary>
[MemoryDiagnoser]
public class ExpressionBenchmarks
{
    private const int RowCount = 1_000;

    private readonly Selection _all = new();
    private readonly Selection _matching = new();
    private readonly RowErrors _errors = new();
    private RowBlock _rows = null!;
    private CompiledExpression _expression = null!;
    private Column _output = null!;

    /// <summary>The expression measured.</summary>
    [Params(
        "round(amount * 0.1, 2)",
        "amount + tax",
        "price * qty > 100",
        "amount > 0 AND order_id IS NOT NULL",
        "qty * 2 + 1",
        "ratio * 1.5 + 2",
        "amount / qty",
        "CASE WHEN amount > 100 THEN 'large' ELSE 'small' END",
        "currency = 'EUR'",
        "currency IN ('EUR', 'USD', 'GBP', 'CHF', 'SEK', 'NOK')",
        "order_id LIKE 'order-%7'",
        "date_trunc('hour', created_at)",
        "upper(currency)")]
    public string Text { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var schema = new Schema(
            new Field("order_id", FieldType.String), new Field("currency", FieldType.String),
            new Field("amount", FieldType.Decimal(12, 2)), new Field("tax", FieldType.Decimal(14, 2)),
            new Field("price", FieldType.Decimal(10, 2)), new Field("qty", FieldType.Integer),
            new Field("ratio", FieldType.Double), new Field("created_at", FieldType.Timestamp));
        _rows = new RowBlock(schema, RowCount);
        _rows.Reset(RowCount);
        var random = new Random(42);
        string[] currencies = ["EUR", "USD", "JPY"];
        for (var row = 0; row < RowCount; row++)
        {
            ((BinaryColumn)_rows.Columns[0]).Set(row, Encoding.UTF8.GetBytes($"order-{random.Next(1_000_000)}"));
            ((BinaryColumn)_rows.Columns[1]).Set(row, Encoding.UTF8.GetBytes(currencies[random.Next(3)]));
            ((DecimalColumn)_rows.Columns[2]).Set(row, random.Next(1, 100_000_00) / 100m);
            ((DecimalColumn)_rows.Columns[3]).Set(row, random.Next(1, 10_000_00) / 100m);
            ((DecimalColumn)_rows.Columns[4]).Set(row, random.Next(1, 10_000) / 100m);
            ((LongColumn)_rows.Columns[5]).Set(row, random.Next(1, 10));
            ((DoubleColumn)_rows.Columns[6]).Set(row, random.NextDouble());
            ((LongColumn)_rows.Columns[7]).Set(row, 1_772_706_127_000_000 + random.NextInt64(86_400_000_000));
        }
        _all.SetAll(RowCount);
        _expression = ExpressionCompiler.Compile(Text, schema).Expression!;
        _output = Column.Create(_expression.Type, RowCount);
    }

    [Benchmark(OperationsPerInvoke = RowCount)]
    public void Evaluate()
    {
        _output.Reset();
        _expression.Evaluate(_rows, _all, _output, new EvaluationContext(0, _errors, "bench"));
    }

    [Benchmark(OperationsPerInvoke = RowCount)]
    public void Filter()
    {
        if (_expression.Type.Kind == FieldKind.Boolean)
            _expression.Filter(_rows, _all, _matching, null, new EvaluationContext(0, _errors, "bench"));
    }
}
