using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Expressions.Syntax;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>Comparison, logic and arithmetic.</summary>
internal sealed partial class Binder
{
    private Node BindBinary(BinarySyntax binary)
    {
        var left = Bind(binary.Left);
        var right = Bind(binary.Right);
        if (left.IsError || right.IsError) return new ErrorNode(binary.Span);
        return binary.Operator switch
        {
            "+" or "-" or "*" or "/" or "%" => Arithmetic(binary.Operator, left, right, binary.Span),
            "IS DISTINCT FROM" or "IS NOT DISTINCT FROM" => Distinct(binary, left, right),
            _ => Compare(binary.Operator, left, right, binary.Span),
        };
    }

    private Node BindLogic(ChainSyntax chain)
    {
        Node[] operands = [.. chain.Operands.Select(Bind).Select(operand => Condition(operand, chain.Operator))];
        return operands.Any(operand => operand.IsError)
            ? new ErrorNode(chain.Span)
            : Fold(new LogicNode(chain.Operator == "AND", chain.Span, operands));
    }

    /// <summary>Checks that an operand is a condition; an untyped NULL becomes one.</summary>
    public Node Condition(Node node, string where)
    {
        if (node.IsError || node.Type.Kind == ExprKind.Boolean) return node;
        if (node.Type.Kind == ExprKind.Null) return Conversions.Widen(node, ExprType.Boolean);
        return Fault(node.Span, ErrorCode.OperandType, $"{where} needs a condition, not {node.Type}.");
    }

    private Node Not(Node condition, TextSpan span) => Fold(new InlineNode(
        ExprType.Boolean, span, values => Expression.Not(values[0]), condition));

    private Node BindIs(IsSyntax test)
    {
        var operand = Bind(test.Operand);
        if (operand.IsError) return operand;
        if (test.What != "NULL") operand = Condition(operand, "IS " + test.What);
        else if (operand.Type.Kind == ExprKind.Null) operand = Conversions.Widen(operand, ExprType.Boolean);
        if (operand.IsError) return operand;
        bool? what = test.What == "NULL" ? null : test.What == "TRUE";
        return Fold(new IsNode(operand, what, test.Negated, test.Span));
    }

    private Node Distinct(BinarySyntax binary, Node left, Node right)
    {
        var negated = binary.Operator == "IS NOT DISTINCT FROM";
        if (!Unify(ref left, ref right, binary.Operator, binary.Span)) return new ErrorNode(binary.Span);
        var build = ComparisonOf("=", left.Type);
        return Fold(new DistinctNode(left, right, negated, build, binary.Span));
    }

    /// <summary>A comparison; both sides are widened to one type.</summary>
    public Node Compare(string op, Node left, Node right, TextSpan span)
    {
        if (left.IsError || right.IsError) return new ErrorNode(span);
        if (!Unify(ref left, ref right, op, span)) return new ErrorNode(span);
        if (left.Type.Kind == ExprKind.Json || (left.Type.Kind == ExprKind.Boolean && op is not ("=" or "<>")))
        {
            var hint = left.Type.Kind == ExprKind.Json ? " json_value(document, path) gives text." : "";
            return Fault(span, ErrorCode.OperandType, $"'{op}' does not compare {left.Type}.{hint}");
        }
        if (left.Type.Kind == ExprKind.Decimal && DigitsAtOneScale(left.Type, right.Type) <= ScaledMath.WideDigits)
            return Fold(new ScaledCompareNode(OrderOf(op), span, left, right));
        return Fold(new InlineNode(ExprType.Boolean, span, ComparisonOf(op, left.Type), left, right));
    }

    private bool Unify(ref Node left, ref Node right, string op, TextSpan span)
    {
        if (Conversions.Common(left, right) is { } type)
        {
            if (type.Kind == ExprKind.Null) type = ExprType.Boolean;
            left = Conversions.Widen(left, type);
            right = Conversions.Widen(right, type);
            return true;
        }
        Fault(
            span, ErrorCode.OperandType, $"'{op}' does not compare {left.Type} with {right.Type}.",
            SuggestLiteral(left, right) ?? SuggestLiteral(right, left));
        return false;
    }

    /// <summary>A time compared with text was probably meant as a literal.</summary>
    private static string? SuggestLiteral(Node text, Node other)
    {
        if (text is not ConstantNode { Type.Kind: ExprKind.String, Value: Utf8Slice value }) return null;
        return other.Type.Kind switch
        {
            ExprKind.Timestamp => $"TIMESTAMP '{value}'",
            ExprKind.Date => $"DATE '{value}'",
            ExprKind.Integer or ExprKind.Decimal or ExprKind.Double
                when decimal.TryParse(value.Span, System.Globalization.CultureInfo.InvariantCulture, out _) => value.ToString(),
            ExprKind.Boolean when bool.TryParse(value.ToString(), out var flag) => flag ? "TRUE" : "FALSE",
            _ => null,
        };
    }

    private static Func<Expression, Expression, Expression> OrderOf(string op) => op switch
    {
        "=" => Expression.Equal,
        "<>" => Expression.NotEqual,
        "<" => Expression.LessThan,
        "<=" => Expression.LessThanOrEqual,
        ">" => Expression.GreaterThan,
        _ => Expression.GreaterThanOrEqual,
    };

    /// <summary>The digits that two decimals have when they are brought to one scale.</summary>
    private static int DigitsAtOneScale(ExprType left, ExprType right) =>
        Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + Math.Max(left.Scale, right.Scale);

    private static Func<Expression[], Expression> ComparisonOf(string op, ExprType type)
    {
        var compare = OrderOf(op);
        if (!type.IsBinary) return values => compare(values[0], values[1]);
        var equal = ((Func<Utf8Slice, Utf8Slice, bool>)StringOps.Equal).Method;
        var order = ((Func<Utf8Slice, Utf8Slice, int>)StringOps.Compare).Method;
        return op switch
        {
            "=" => values => Expression.Call(equal, values[0], values[1]),
            "<>" => values => Expression.Not(Expression.Call(equal, values[0], values[1])),
            _ => values => compare(Expression.Call(order, values[0], values[1]), Expression.Constant(0)),
        };
    }

    private Node BindConcat(ChainSyntax chain)
    {
        Node[] operands = [.. chain.Operands.Select(Bind)];
        if (operands.Any(operand => operand.IsError)) return new ErrorNode(chain.Span);
        var kind = operands.Any(operand => operand.Type.Kind == ExprKind.Bytes) ? ExprType.Bytes : ExprType.String;
        Node? result = null;
        foreach (var operand in operands)
        {
            if (operand.Type.Kind != kind.Kind && operand.Type.Kind != ExprKind.Null)
            {
                var message = $"'||' joins text, not {operand.Type}; use CAST(... AS string).";
                return Fault(operand.Span, ErrorCode.OperandType, message);
            }
            var next = Conversions.Widen(operand, kind);
            result = result is null ? next : Call(kind, result.Span.To(next.Span), StringOps.Concat, [result, next]);
        }
        return result!;
    }

    /// <summary>Arithmetic on numbers and times.</summary>
    public Node Arithmetic(string op, Node left, Node right, TextSpan span)
    {
        if (left.Type.Kind == ExprKind.Null && right.Type.Kind == ExprKind.Null) return left;
        if (TimeArithmetic(op, left, right, span) is { } time) return time;
        if (!IsNumberOrNull(left) || !IsNumberOrNull(right))
        {
            var suggestion = op == "+" && left.Type.Kind == ExprKind.String && right.Type.Kind == ExprKind.String ? "||" : null;
            return Fault(
                span, ErrorCode.OperandType, $"'{op}' does not take {left.Type} and {right.Type}.", suggestion);
        }
        var kind = Conversions.Common(left, right)!.Value;
        if (kind.Kind == ExprKind.Double)
        {
            left = Conversions.Widen(left, kind);
            right = Conversions.Widen(right, kind);
            return Call(kind, span, DoubleOperation(op), [left, right]);
        }
        if (kind.Kind == ExprKind.Integer && op != "/")
            return Call(
                kind, span, IntegerOperation(op), [Conversions.Widen(left, kind), Conversions.Widen(right, kind)]);
        return DecimalArithmetic(op, left, right, span);
    }

    private static bool IsNumberOrNull(Node node) => node.Type.IsNumeric || node.Type.Kind == ExprKind.Null;

    private static Delegate DoubleOperation(string op) => op switch
    {
        "+" => DoubleMath.Add,
        "-" => DoubleMath.Subtract,
        "*" => DoubleMath.Multiply,
        "/" => DoubleMath.Divide,
        _ => DoubleMath.Modulo,
    };

    private static Delegate IntegerOperation(string op) => op switch
    {
        "+" => IntegerMath.Add,
        "-" => IntegerMath.Subtract,
        "*" => IntegerMath.Multiply,
        _ => IntegerMath.Modulo,
    };

    private Node DecimalArithmetic(string op, Node left, Node right, TextSpan span)
    {
        var a = left.Type.Kind == ExprKind.Null ? ExprType.Decimal(1, 0) : Conversions.AsDecimal(left.Type, left);
        var b = right.Type.Kind == ExprKind.Null ? ExprType.Decimal(1, 0) : Conversions.AsDecimal(right.Type, right);
        Node[] operands = [Conversions.Widen(left, a), Conversions.Widen(right, b)];
        bool wide;
        ExprType type;
        switch (op)
        {
            case "+" or "-":
                type = ExprType.Sum(a, b, out wide);
                if (DigitsAtOneScale(a, b) >= ScaledMath.WideDigits)
                    return Call(type, span, op == "+" ? DecimalMath.AddWide : DecimalMath.SubtractWide, operands, Digits(type));
                var operation = op == "+" ? ScaledOperation.Add : ScaledOperation.Subtract;
                return Fold(new ScaledNode(operation, type, wide, span, operands));
            case "*":
                type = ExprType.Product(a, b, out wide);
                if (a.Precision + b.Precision > ScaledMath.WideDigits)
                    return Call(type, span, DecimalMath.MultiplyWide, operands, Digits(type));
                return Fold(new ScaledNode(ScaledOperation.Multiply, type, wide, span, operands));
            case "/":
                type = ExprType.Quotient(a, b);
                var shift = type.Scale - a.Scale + b.Scale;
                if (shift >= 0 && a.Precision + shift <= ScaledMath.WideDigits)
                    return Fold(new ScaledNode(ScaledOperation.Divide, type, false, span, operands));
                // The integer digits of a quotient are at most those of the dividend and the divisor's digits behind the point.
                var fits = a.Precision - a.Scale + b.Scale <= 28;
                return Call(type, span, fits ? DecimalMath.Divide : DecimalMath.DivideWide, operands, Digits(type));
            default:
                return Call(ExprType.Remainder(a, b), span, DecimalMath.Modulo, operands);
        }
    }

    /// <summary>What the runtime needs to bring a decimal to a type.</summary>
    public static object[] Digits(ExprType type) => [(int)type.Scale, type.Limit];

    /// <summary>Widens or rounds a result to the type that is wanted.</summary>
    private Node CoerceResult(Node node, ExprType type)
    {
        if (node.Type == type) return node;
        if (node.Type.Kind == ExprKind.Null) return Conversions.Widen(node, type);
        if (type.Kind == ExprKind.Decimal && node.Type.Kind is ExprKind.Decimal or ExprKind.Integer)
        {
            var source = Conversions.AsDecimal(node.Type, node);
            return FitDecimal(Conversions.Widen(node, source), source, type);
        }
        if (type.Kind == ExprKind.Double && node.Type.IsNumeric) return Conversions.Widen(node, type);
        if (node.Type.Kind == type.Kind) return node;
        return Fault(
            node.Span, ErrorCode.ResultType,
            type.Kind == ExprKind.Boolean
                ? $"A condition is needed here, and this is {node.Type}."
                : $"The result must be {type}, and this is {node.Type}.",
            type.Kind == ExprKind.Boolean ? null : $"CAST(... AS {type})");
    }

    /// <summary>
    /// A value that becomes the result of a form which may give one of several (CASE, COALESCE, ...): widened to their common type. A
    /// decimal is rounded to it, and fails the record when it has more digits before the point.
    /// </summary>
    public Node Result(Node node, ExprType type)
    {
        if (node.IsError || type.Kind != ExprKind.Decimal || node.Type.Kind is not (ExprKind.Decimal or ExprKind.Integer))
            return Conversions.Widen(node, type);
        var source = Conversions.AsDecimal(node.Type, node);
        return FitDecimal(Conversions.Widen(node, source), source, type);
    }

    private Node FitDecimal(Node node, ExprType source, ExprType type)
    {
        if (source == type) return node;
        var fits = source.Scale <= type.Scale && source.Precision - source.Scale <= type.Precision - type.Scale;
        if (!fits) return Call(type, node.Span, DecimalMath.Fit, [node], Digits(type));
        if (node is ConstantNode constant) return new ConstantNode(constant.Value, type, node.Span);
        return new InlineNode(type, node.Span, values => values[0], node);
    }
}
