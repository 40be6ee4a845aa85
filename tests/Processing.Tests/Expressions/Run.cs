using System.Text;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>Compiles and evaluates expressions for tests.</summary>
internal static class Run
{
    public const long Now = 1_772_706_127_000_000;

    /// <summary>Compiles, and fails the test with all faults when it does not.</summary>
    public static CompiledExpression Compile(string text, Schema? schema = null, FieldType? expected = null)
    {
        var result = ExpressionCompiler.Compile(text, schema ?? Schema.Empty, expected);
        if (result.Expression is { } expression) return expression;
        throw new Xunit.Sdk.XunitException(
            string.Join('\n', result.Errors.Select(error => ExpressionErrors.Describe(error) + "\n" + ExpressionErrors.Caret(text, error))));
    }

    /// <summary>A block with one row per array of values (null, bool, long, int, decimal, double, string, byte[]).</summary>
    public static RowBlock Rows(Schema schema, params object?[][] rows)
    {
        var block = new RowBlock(schema, rows.Length);
        block.Reset(rows.Length);
        for (var row = 0; row < rows.Length; row++)
        {
            for (var i = 0; i < schema.Count; i++) Set(block.Columns[i], row, rows[row][i]);
        }
        return block;
    }

    /// <summary>All rows' values, and the errors.</summary>
    public static (object?[] Values, RowErrors Errors) Evaluate(CompiledExpression expression, RowBlock rows)
    {
        var output = Column.Create(expression.Type, rows.Count);
        var errors = new RowErrors();
        var selection = new Selection();
        selection.SetAll(rows.Count);
        expression.Evaluate(rows, selection, output, new EvaluationContext(Now, errors, "step.field"));
        return ([.. Enumerable.Range(0, rows.Count).Select(row => Get(output, row))], errors);
    }

    /// <summary>The value of an expression over one row.</summary>
    public static (object? Value, string? Error) One(string text, Schema? schema = null, params object?[] values)
    {
        schema ??= Schema.Empty;
        var (results, errors) = Evaluate(Compile(text, schema), Rows(schema, values));
        return (results[0], errors.Count == 0 ? null : errors.Items[0].Code);
    }

    public static object? Get(Column column, int row) => column.IsNull[row] ? null : column switch
    {
        BooleanColumn booleans => booleans.Values[row],
        LongColumn longs => longs.Values[row],
        DecimalColumn decimals => decimals.Values[row],
        DoubleColumn doubles => doubles.Values[row],
        BinaryColumn { Type.Kind: FieldKind.Bytes } bytes => bytes.Span(row).ToArray(),
        BinaryColumn text => Encoding.UTF8.GetString(text.Span(row)),
        _ => throw new InvalidOperationException(),
    };

    private static void Set(Column column, int row, object? value)
    {
        switch (column, value)
        {
            case (_, null):
                column.SetNull(row);
                break;
            case (BooleanColumn booleans, bool flag):
                booleans.Set(row, flag);
                break;
            case (LongColumn longs, _):
                longs.Set(row, Convert.ToInt64(value));
                break;
            case (DecimalColumn decimals, _):
                decimals.Set(row, Convert.ToDecimal(value));
                break;
            case (DoubleColumn doubles, _):
                doubles.Set(row, Convert.ToDouble(value));
                break;
            case (BinaryColumn binary, string text):
                binary.Set(row, Encoding.UTF8.GetBytes(text));
                break;
            case (BinaryColumn binary, byte[] bytes):
                binary.Set(row, bytes);
                break;
            default:
                throw new InvalidOperationException($"{value} does not fit {column.Type}.");
        }
    }
}
