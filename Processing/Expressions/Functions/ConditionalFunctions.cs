using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Functions that choose.</summary>
internal static class ConditionalFunctions
{
    private const string Category = "Choosing";

    public static FunctionDefinition[] All() =>
    [
        new(Category, "coalesce(value, ...) -> the common type",
            "The first value that is not NULL. Values after it are not evaluated.", 1, int.MaxValue, Coalesce,
            new("coalesce(NULL, 'a', 'b')", "a"), new("coalesce(1, 1.50)", "1.00")),
        new(Category, "nullif(value, other) -> the type of value", "NULL when both are equal, else the first.", 2, 2, NullIf,
            new("nullif(5, 5)", null), new("nullif('x', 'y')", "x")),
        new(Category, "if(condition, then, else) -> the common type",
            "The second argument when the condition is TRUE, else the third. Only that one is evaluated.", 3, 3,
            call => call.Binder.Choose([call.Binder.Condition(call[0], "if")], [call[1], call[2]], call.Span),
            new("if(1 < 2, 'yes', 'no')", "yes"), new("if(NULL, 1, 2)", "2")),
        new(Category, "greatest(value, ...) -> the common type", "The largest value; NULL when one is NULL.", 1, int.MaxValue,
            call => Extreme(call, true), new("greatest(3, 7.5, 1)", "7.5"), new("greatest('b', 'a')", "b")),
        new(Category, "least(value, ...) -> the common type", "The smallest value; NULL when one is NULL.", 1, int.MaxValue,
            call => Extreme(call, false), new("least(3, 7.5, 1)", "1.0"), new("least(1, NULL)", null)),
        new(Category, "try(value) -> the type of value",
            "NULL instead of a failing record when the value cannot be computed.", 1, 1,
            call => call[0] is { CanFailAnywhere: true } ? call.Binder.Fold(new TryNode(call[0])) : call[0],
            new("try(1 / 0)", null), new("coalesce(try(CAST('x' AS integer)), -1)", "-1")) { KeepsFailures = true },
    ];

    private static Node Coalesce(FunctionCall call)
    {
        if (call.Binder.CommonType(call.Arguments, "COALESCE", call.Span) is not { } type) return new ErrorNode(call.Span);
        if (type.Kind == ExprKind.Null) return call[0];
        var operands = new List<Node>();
        foreach (var argument in call.Arguments)
        {
            if (argument is ConstantNode { Value: null }) continue;
            operands.Add(call.Binder.Result(argument, type));
            if (!argument.Nullable) break;
        }
        return operands.Count switch
        {
            0 => new ConstantNode(null, type, call.Span),
            1 => operands[0],
            _ => call.Binder.Fold(new CoalesceNode(type, call.Span, operands)),
        };
    }

    private static Node NullIf(FunctionCall call) => Binder.Share(call[0], value =>
        call.Binder.Choose(
            [call.Binder.Compare("=", value, call[1], call.Span)],
            [new ConstantNode(null, ExprType.Null, call.Span), value], call.Span));

    /// <summary>The digits that hold every value of both, however many they are.</summary>
    private static ExprType Larger(ExprType left, ExprType right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return ExprType.Decimal(Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + scale, scale);
    }

    private static Node Extreme(FunctionCall call, bool greatest)
    {
        if (call.Binder.CommonType(call.Arguments, greatest ? "GREATEST" : "LEAST", call.Span) is not { } type)
            return new ErrorNode(call.Span);
        Delegate? method = type.Kind switch
        {
            ExprKind.Integer or ExprKind.Timestamp or ExprKind.Date or ExprKind.Interval =>
                greatest ? (Func<long, long, long>)Math.Max : (Func<long, long, long>)Math.Min,
            ExprKind.Decimal => greatest ? (Func<decimal, decimal, decimal>)Math.Max : (Func<decimal, decimal, decimal>)Math.Min,
            ExprKind.Double => greatest ? (Func<double, double, double>)Math.Max : (Func<double, double, double>)Math.Min,
            ExprKind.String => greatest ? StringOps.Greater : StringOps.Less,
            _ => null,
        };
        if (type.Kind == ExprKind.Null) return call[0];
        if (method is null)
            return call.Binder.Fault(call.Span, ErrorCode.ArgumentType, $"Values of type {type} have no order.");
        // Chosen by their exact values; only the one chosen must fit the common type.
        var chosen = Conversions.Widen(call[0], type);
        var digits = type.Kind == ExprKind.Decimal ? Conversions.AsDecimal(call[0].Type, call[0]) : type;
        for (var i = 1; i < call.Count; i++)
        {
            chosen = call.Binder.Call(type, call.Span, method, [chosen, Conversions.Widen(call[i], type)]);
            if (type.Kind == ExprKind.Decimal) digits = Larger(digits, Conversions.AsDecimal(call[i].Type, call[i]));
        }
        return digits.Precision > FieldType.MaxPrecision
            ? call.Binder.Call(type, call.Span, DecimalMath.Fit, [chosen], Binder.Digits(type))
            : chosen;
    }
}
