using KafkaOracleOrleans.Processing.Expressions.CodeGen;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>Computes constant parts while compiling, with the very code that rows would run.</summary>
internal static class ConstantFolder
{
    private static readonly int[] OneRow = [0];

    /// <summary>The value of a constant part, or why it fails.</summary>
    public static ConstantNode? Evaluate(Node node, out RowError? error)
    {
        var type = node.Type.Kind is ExprKind.Interval ? FieldType.Integer : node.Type.ToFieldType();
        var output = Column.Create(type, 1);
        var errors = new RowErrors();
        LoopCompiler.Evaluate(node, interpreted: true)([], OneRow, 1, output, new EvaluationState(), errors, "");
        error = errors.Count == 0 ? null : errors.Items[0];
        return error is null ? new ConstantNode(Read(output), node.Type, node.Span) : null;
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
