using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>The conversions that happen by themselves: integer to decimal to double, and NULL to anything.</summary>
internal static class Conversions
{
    /// <summary>The smallest decimal type of a number.</summary>
    public static ExprType DigitsOf(decimal value)
    {
        var digits = 0;
        for (var rest = Math.Truncate(Math.Abs(value)); rest != 0; rest = Math.Truncate(rest / 10)) digits++;
        return ExprType.Decimal(Math.Max(1, Math.Min(28, digits + value.Scale)), value.Scale);
    }

    /// <summary>The type all can be widened to, NULL when all are untyped, or null when there is none.</summary>
    public static ExprType? Common(params IReadOnlyList<Node> nodes)
    {
        ExprType? type = null;
        foreach (var node in nodes)
        {
            if (node.IsError) return ExprType.Error;
            if (node.Type.Kind == ExprKind.Null || type?.Kind == ExprKind.Double && node.Type.IsNumeric) continue;
            if (type is null || node.Type.Kind == ExprKind.Double && type.Value.IsNumeric) type = node.Type;
            else if (type.Value.IsNumeric != node.Type.IsNumeric) return null;
            else if (!type.Value.IsNumeric && type.Value.Kind != node.Type.Kind) return null;
            else if (node.Type.Kind == ExprKind.Decimal) type = node.Type;
        }
        if (type is not { Kind: ExprKind.Decimal }) return type ?? ExprType.Null;
        ExprType? union = null;
        foreach (var node in nodes)
        {
            if (node.Type.Kind == ExprKind.Null) continue;
            var digits = AsDecimal(node.Type, node);
            union = union is null ? digits : ExprType.Union(union.Value, digits);
        }
        return union;
    }

    /// <summary>The decimal type a number is treated as; an integer written out has its own digits only.</summary>
    public static ExprType AsDecimal(ExprType type, Node node) => type.Kind switch
    {
        ExprKind.Decimal => type,
        _ when node is ConstantNode { Value: long value } => DigitsOf(value),
        _ => ExprType.IntegerAsDecimal,
    };

    /// <summary>
    /// Widens a node to a type that it can be widened to. A decimal keeps its own digits, also where 28 digits do not hold those of all
    /// operands: comparisons are exact. What becomes a result goes through <see cref="Binder.Result"/>.
    /// </summary>
    public static Node Widen(Node node, ExprType type)
    {
        if (node.IsError || node.Type.Kind == type.Kind) return Retype(node, type);
        if (node.Type.Kind == ExprKind.Null) return new ConstantNode(null, type, node.Span);
        var constant = node as ConstantNode;
        switch (type.Kind)
        {
            case ExprKind.Decimal:
                if (constant is not null) return new ConstantNode((decimal?)(long?)constant.Value, type, node.Span);
                return new IntegerAsDecimalNode(node, type);
            case ExprKind.Double:
                if (constant is not null) return new ConstantNode(ToDouble(constant.Value), type, node.Span);
                return new InlineNode(type, node.Span, values => Expression.Convert(values[0], typeof(double)), node);
            default:
                throw new InvalidOperationException($"{node.Type} does not widen to {type}.");
        }
    }

    private static Node Retype(Node node, ExprType type) =>
        node is ConstantNode constant && node.Type != type ? new ConstantNode(constant.Value, type, node.Span) : node;

    private static object? ToDouble(object? value) => value switch
    {
        long integer => (double)integer,
        decimal number => (double)number,
        _ => null,
    };
}
