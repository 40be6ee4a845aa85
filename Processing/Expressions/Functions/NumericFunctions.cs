using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Functions of numbers.</summary>
internal static class NumericFunctions
{
    private const string Category = "Numbers";

    public static FunctionDefinition[] All() =>
    [
        new(Category, "abs(number) -> the type of number", "Without its sign.", 1, 1, Abs,
            new("abs(-1.5)", "1.5"), new("abs(3)", "3")),
        new(Category, "sign(number) -> integer", "-1, 0 or 1.", 1, 1, Sign, new("sign(-2.5)", "-1"), new("sign(0)", "0")),
        new(Category, "round(number [, digits]) -> the type of number",
            "Rounded half away from zero to so many digits behind the point (0); before it when negative. "
            + "A decimal gets that scale when digits is constant.", 1, 2, Round,
            new("round(2.345, 2)", "2.35"), new("round(-2.5)", "-3"), new("round(1250, -2)", "1300")),
        new(Category, "trunc(number [, digits]) -> the type of number", "Cut off, rather than rounded.", 1, 2, Truncate,
            new("trunc(2.349, 2)", "2.34"), new("trunc(-2.9)", "-2")),
        new(Category, "floor(number) -> the type of number", "The next whole number not above it.", 1, 1,
            call => Whole(call, (Func<decimal, decimal>)Math.Floor, (Func<double, double>)Math.Floor),
            new FunctionExample("floor(-1.5)", "-2")),
        new(Category, "ceil(number) -> the type of number", "The next whole number not below it.", 1, 1,
            call => Whole(call, (Func<decimal, decimal>)Math.Ceiling, (Func<double, double>)Math.Ceiling),
            new FunctionExample("ceil(1.2)", "2")),
        new(Category, "mod(number, divisor) -> number", "The remainder, as the operator %: with the sign of the number.", 2, 2,
            call => call.Binder.Arithmetic("%", call[0], call[1], call.Span),
            new("mod(7, 3)", "1"), new("mod(-7.5, 2)", "-1.5")),
        new(Category, "div(integer, divisor) -> integer", "Division of integers that drops the fraction. (The operator / keeps it.)", 2, 2,
            call => call.Call(ExprType.Integer, IntegerMath.Divide, [call.Integer(0), call.Integer(1)]),
            new("div(7, 2)", "3"), new("div(-7, 2)", "-3")),
        new(Category, "power(number, exponent) -> double", "Raised to a power.", 2, 2,
            call => call.Call(ExprType.Double, DoubleMath.Power, [call.Of(0, ExprKind.Double), call.Of(1, ExprKind.Double)]),
            new FunctionExample("power(2, 10)", "1024")),
        new(Category, "sqrt(number) -> double", "The square root; fails the record below zero.", 1, 1,
            call => call.Call(ExprType.Double, DoubleMath.SquareRoot, [call.Of(0, ExprKind.Double)]),
            new FunctionExample("sqrt(16)", "4")),
        new(Category, "ln(number) -> double", "The natural logarithm; fails the record unless above zero.", 1, 1,
            call => call.Call(ExprType.Double, DoubleMath.Ln, [call.Of(0, ExprKind.Double)]), new FunctionExample("ln(1)", "0")),
        new(Category, "exp(number) -> double", "e to the power of it.", 1, 1,
            call => call.Call(ExprType.Double, DoubleMath.Exp, [call.Of(0, ExprKind.Double)]), new FunctionExample("exp(0)", "1")),
    ];

    private static Node Number(FunctionCall call) =>
        call.Of(0, ExprKind.Integer, ExprKind.Decimal, ExprKind.Double);

    private static Node Abs(FunctionCall call)
    {
        var number = Number(call);
        return number.Type.Kind switch
        {
            ExprKind.Decimal => call.Call(number.Type, (Func<decimal, decimal>)Math.Abs, [number]),
            ExprKind.Double => call.Call(number.Type, (Func<double, double>)Math.Abs, [number]),
            _ => call.Call(number.Type, IntegerMath.Abs, [number]),
        };
    }

    private static Node Sign(FunctionCall call)
    {
        var number = Number(call);
        Delegate method = number.Type.Kind switch
        {
            ExprKind.Decimal => DecimalMath.Sign,
            ExprKind.Double => DoubleMath.Sign,
            _ => IntegerMath.Sign,
        };
        return call.Call(ExprType.Integer, method, [number]);
    }

    private static Node Round(FunctionCall call)
    {
        var number = Number(call);
        var digits = call.Integer(1, 0);
        var type = number.Type;
        if (type.Kind == ExprKind.Double) return call.Call(type, DoubleMath.Round, [number, digits]);
        if (type.Kind != ExprKind.Decimal) return call.Call(type, IntegerMath.Round, [number, digits]);
        var constant = (digits as ConstantNode)?.Value as long?;
        if (constant >= type.Scale) return number;
        // Rounding up may need one digit more before the point.
        var scale = constant is null ? type.Scale : (int)Math.Max(constant.Value, 0);
        var rounded = ExprType.Cap(type.Precision - type.Scale + 1 + scale, scale, out _);
        if (constant >= 0 && type.Precision <= ScaledMath.NarrowDigits && !number.IsError)
            return call.Binder.Fold(new ScaledNode(ScaledOperation.Round, rounded, false, call.Span, number));
        return constant >= 0
            ? call.Call(rounded, DecimalMath.RoundTo, [number], scale)
            : call.Call(rounded, DecimalMath.RoundAbovePoint, [number, digits], Binder.Digits(rounded));
    }

    private static Node Truncate(FunctionCall call)
    {
        var number = Number(call);
        var digits = call.Integer(1, 0);
        var type = number.Type;
        if (type.Kind == ExprKind.Double) return call.Call(type, DoubleMath.Truncate, [number, digits]);
        if (type.Kind != ExprKind.Decimal) return call.Call(type, IntegerMath.Truncate, [number, digits]);
        if ((digits as ConstantNode)?.Value is long constant)
        {
            if (constant >= type.Scale) return number;
            var scale = (int)Math.Max(constant, 0);
            type = ExprType.Cap(Math.Max(1, type.Precision - type.Scale + scale), scale, out _);
        }
        return call.Call(type, DecimalMath.Truncate, [number, digits]);
    }

    private static Node Whole(FunctionCall call, Delegate ofDecimal, Delegate ofDouble)
    {
        var number = Number(call);
        var type = number.Type;
        if (type.Kind == ExprKind.Double) return call.Call(type, ofDouble, [number]);
        if (type.Kind != ExprKind.Decimal || type.Scale == 0) return number;
        return call.Call(ExprType.Cap(type.Precision - type.Scale + 1, 0, out _), ofDecimal, [number]);
    }
}
