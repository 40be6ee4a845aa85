using KafkaOracleOrleans.Processing.Expressions.CodeGen;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>Computes constant parts while compiling, with the very code that rows would run.</summary>
internal static class ConstantFolder
{
    private static readonly int[] OneRow = [0];

    /// <summary>
    /// The value of a constant part, or why it fails; neither when it is better computed row by row, because its value is long or takes much work.
    /// </summary>
    /// <param name="node">The part.</param>
    /// <param name="work">What work is left; what was done is taken away.</param>
    /// <param name="error">Why it fails, or null.</param>
    public static ConstantNode? Evaluate(Node node, ref long work, out RowError? error)
    {
        error = null;
        if (work <= 0) return null;
        var type = node.Type.Kind is ExprKind.Interval ? FieldType.Integer : node.Type.ToFieldType();
        var output = Column.Create(type, 1);
        var errors = new RowErrors();
        var state = new EvaluationState { MaxWork = work };
        LoopCompiler.Evaluate(node, interpreted: true)([], OneRow, 1, output, state, errors, "");
        work -= state.TotalWork;
        if (errors.Count != 0)
        {
            if (errors.Items[0].Code != ErrorCode.TooMuchWork) error = errors.Items[0];
            return null;
        }

        if (output is BinaryColumn text && text.Used > ExpressionLimits.MaxFoldedBytes) return null;
        return new ConstantNode(Read(output), node.Type, node.Span);
    }

    private static object? Read(Column column) => column.IsNull[0] ? null : column switch
    {
        BooleanColumn booleans => booleans.Values[0],
        LongColumn longs => longs.Values[0],
        DecimalColumn decimals => decimals.Values[0],
        DoubleColumn doubles => doubles.Values[0],
        BinaryColumn binary => Utf8Slice.Of(binary.Span(0).ToArray()),
        _ => throw new InvalidOperationException($"No constant of {column.Type}."),
    };
}
