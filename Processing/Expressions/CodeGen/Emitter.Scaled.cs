using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.CodeGen;

/// <summary>A decimal as a whole number (64 or 128 bits) of a scale, with how many digits it has at most.</summary>
internal readonly record struct ScaledOperand(Expression Value, Expression? IsNull, int Scale, int Digits)
{
    public bool IsNarrow => Value.Type == typeof(long);
}

/// <summary>Decimal arithmetic as whole numbers; see <see cref="ScaledMath"/>.</summary>
internal sealed partial class Emitter
{
    private Operand EmitAsDecimal(ScaledNode node)
    {
        var operand = EmitScaled(node);
        var value = Variable(typeof(decimal));
        Delegate convert = operand.IsNarrow ? ScaledMath.ToDecimal : ScaledMath.ToDecimalWide;
        Assign(value, Expression.Call(convert.Method, operand.Value, Expression.Constant(operand.Scale)));
        return new(value, operand.IsNull);
    }

    private Operand EmitCompare(ScaledCompareNode node)
    {
        var left = EmitScaled(node.Children[0]);
        var right = EmitScaled(node.Children[1]);
        var (a, b, _, _) = AtOneScale(left, right, 0);
        var value = Variable(typeof(bool));
        Assign(value, node.Compare(a, b));
        return new(value, Either(left.IsNull, right.IsNull));
    }

    private ScaledOperand EmitScaled(Node node)
    {
        switch (node)
        {
            case ScaledNode scaled:
                return EmitOperation(scaled);
            case IntegerAsDecimalNode integer:
                var (number, isNull) = Emit(integer.Children[0]);
                return new(number, isNull, 0, ExprType.IntegerAsDecimal.Precision);
            case ConstantNode { Value: decimal constant }:
                return EmitScaledConstant(constant, Math.Max(constant.Scale, node.Type.Scale));
            default:
                var operand = Emit(node);
                var narrow = node.Type.Precision <= ScaledMath.NarrowDigits;
                Delegate convert = narrow ? ScaledMath.Narrow : ScaledMath.Wide;
                var value = Variable(convert.Method.ReturnType);
                Assign(value, Expression.Call(convert.Method, operand.Value, Expression.Constant((int)node.Type.Scale)));
                return new(value, operand.IsNull, node.Type.Scale, node.Type.Precision);
        }
    }

    private ScaledOperand EmitScaledConstant(decimal constant, int scale)
    {
        var digits = scale;
        for (var rest = Math.Truncate(Math.Abs(constant)); rest != 0; rest = Math.Truncate(rest / 10)) digits++;
        if (digits <= ScaledMath.NarrowDigits)
            return new(Expression.Constant(ScaledMath.Narrow(constant, scale)), null, scale, digits);
        return new(Hoist(ScaledMath.Wide(constant, scale)), null, scale, digits);
    }

    private ScaledOperand EmitOperation(ScaledNode node)
    {
        var left = EmitScaled(node.Children[0]);
        switch (node.Operation)
        {
            case ScaledOperation.Negate:
                return left with { Value = Store(Expression.Negate(left.Value)) };
            case ScaledOperation.Round:
                var unit = ScaledMath.Power(left.Scale - node.Type.Scale);
                var rounded = Expression.Call(((Func<long, long, long>)ScaledMath.Round).Method, left.Value, Expression.Constant(unit));
                return new(Store(rounded), left.IsNull, node.Type.Scale, node.Type.Precision);
        }
        var right = EmitScaled(node.Children[1]);
        var isNull = Either(left.IsNull, right.IsNull);
        if (node.Operation == ScaledOperation.Divide) return Divide(node, left, right, isNull);
        if (node.Operation == ScaledOperation.Multiply)
        {
            var product = Multiply(left, right);
            return Fit(node, product, left.Scale + right.Scale, left.Digits + right.Digits, isNull);
        }
        var (a, b, scale, digits) = AtOneScale(left, right, 1);
        var sum = node.Operation == ScaledOperation.Add ? Expression.Add(a, b) : Expression.Subtract(a, b);
        return Fit(node, sum, scale, digits, isNull);
    }

    private static Expression Multiply(ScaledOperand left, ScaledOperand right)
    {
        if (left.Digits + right.Digits <= ScaledMath.NarrowDigits) return Expression.Multiply(left.Value, right.Value);
        if (left.IsNarrow && right.IsNarrow)
            return Expression.Call(((Func<long, long, Int128>)ScaledMath.MultiplyWide).Method, left.Value, right.Value);
        return Expression.Multiply(Widen(left.Value), Widen(right.Value));
    }

    private ScaledOperand Divide(ScaledNode node, ScaledOperand left, ScaledOperand right, Expression? isNull)
    {
        var type = node.Type;
        var shift = type.Scale - left.Scale + right.Scale;
        var power = Hoist(ScaledMath.WidePower(shift));
        var divide = ((Func<Int128, Int128, int, EvaluationState, Int128>)ScaledMath.Divide).Method;
        var value = Variable(typeof(Int128));
        Expression assign = Expression.Assign(value, Expression.Call(
            divide, Expression.Multiply(Widen(left.Value), power), Widen(right.Value), Expression.Constant((int)type.Precision),
            state));
        _statements.Add(isNull is null ? assign : Expression.IfThen(Expression.Not(isNull), assign));
        if (type.Precision > ScaledMath.NarrowDigits) return new(value, isNull, type.Scale, type.Precision);
        var narrow = Expression.Call(((Func<Int128, long>)ScaledMath.Shorten).Method, value);
        return new(Store(narrow), isNull, type.Scale, type.Precision);
    }

    /// <summary>Rounds and checks a result that may have more digits than its type.</summary>
    private ScaledOperand Fit(ScaledNode node, Expression exact, int scale, int digits, Expression? isNull)
    {
        var type = node.Type;
        var drop = scale - type.Scale;
        if (!node.IsCapped || (exact.Type == typeof(long) && drop <= 0)) return new(Store(exact), isNull, scale, digits);
        // The operands' own digits may be fewer than their types': then nothing can overflow, and digits behind the point can still be too many.
        if (exact.Type == typeof(long))
        {
            var round = ((Func<long, long, long>)ScaledMath.Round).Method;
            var rounded = Expression.Call(round, exact, Expression.Constant(ScaledMath.Power(drop)));
            return new(Store(rounded), isNull, type.Scale, Math.Max(1, digits - drop + 1));
        }
        var precision = Expression.Constant((int)type.Precision);
        var fitted = drop > 0
            ? Expression.Call(
                ((Func<Int128, int, int, EvaluationState, Int128>)ScaledMath.RoundAndCheck).Method, exact, Expression.Constant(drop),
                precision, state)
            : Expression.Call(((Func<Int128, int, EvaluationState, Int128>)ScaledMath.Check).Method, exact, precision, state);
        var value = Variable(typeof(Int128));
        Expression assign = Expression.Assign(value, fitted);
        _statements.Add(isNull is null ? assign : Expression.IfThen(Expression.Not(isNull), assign));
        return new(value, isNull, Math.Min(scale, type.Scale), type.Precision);
    }

    /// <summary>Both with the larger scale, in 64 bits when they and so many digits more fit.</summary>
    private static (Expression Left, Expression Right, int Scale, int Digits) AtOneScale(
        ScaledOperand left, ScaledOperand right, int more)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        var digits = Math.Max(left.Digits - left.Scale, right.Digits - right.Scale) + scale + more;
        return (Rescale(left), Rescale(right), scale, digits);

        Expression Rescale(ScaledOperand operand)
        {
            var factor = scale - operand.Scale;
            if (digits <= ScaledMath.NarrowDigits)
            {
                return factor == 0
                    ? operand.Value
                    : Expression.Multiply(operand.Value, Expression.Constant(ScaledMath.Power(factor)));
            }
            var wide = Widen(operand.Value);
            if (factor == 0) return wide;
            if (operand.IsNarrow && factor <= ScaledMath.NarrowDigits)
            {
                return Expression.Call(
                    ((Func<long, long, Int128>)ScaledMath.MultiplyWide).Method, operand.Value,
                    Expression.Constant(ScaledMath.Power(factor)));
            }
            var power = ((Func<int, Int128>)ScaledMath.WidePower).Method;
            return Expression.Multiply(wide, Expression.Call(power, Expression.Constant(factor)));
        }
    }

    private static Expression Widen(Expression value) => value.Type == typeof(Int128)
        ? value
        : Expression.Call(((Func<long, Int128>)ScaledMath.Widen).Method, value);

    private ParameterExpression Store(Expression value)
    {
        var variable = Variable(value.Type);
        Assign(variable, value);
        return variable;
    }

    private Expression? Either(Expression? left, Expression? right) =>
        left is null ? right : right is null ? left : Store(Expression.Or(left, right));
}
