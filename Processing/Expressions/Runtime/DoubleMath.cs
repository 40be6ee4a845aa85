namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Double arithmetic that fails the row instead of giving NaN or an infinity.</summary>
internal static class DoubleMath
{
    public static double Add(double left, double right, EvaluationState state) => Finite(left + right, state);

    public static double Subtract(double left, double right, EvaluationState state) => Finite(left - right, state);

    public static double Multiply(double left, double right, EvaluationState state) => Finite(left * right, state);

    public static double Divide(double left, double right, EvaluationState state)
    {
        if (right == 0) return IntegerMath.DivisionByZero(state);
        return Finite(left / right, state);
    }

    public static double Modulo(double left, double right, EvaluationState state)
    {
        if (right == 0) return IntegerMath.DivisionByZero(state);
        return left % right;
    }

    public static long Sign(double value) => value > 0 ? 1 : value < 0 ? -1 : 0;

    public static double Round(double value, long digits, EvaluationState state)
    {
        if (digits > 15) return value;
        if (digits >= 0) return Math.Round(value, (int)digits, MidpointRounding.AwayFromZero);
        if (digits < -308) return 0;
        var unit = Math.Pow(10, -digits);
        return Finite(Math.Round(value / unit, MidpointRounding.AwayFromZero) * unit, state);
    }

    public static double Truncate(double value, long digits, EvaluationState state)
    {
        if (digits > 15) return value;
        if (digits == 0) return Math.Truncate(value);
        if (digits < -308) return 0;
        var unit = Math.Pow(10, Math.Abs(digits));
        if (digits < 0) return Finite(Math.Truncate(value / unit) * unit, state);
        var scaled = value * unit;
        if (!double.IsFinite(scaled)) return value;
        // 0.29 * 100 is a little below 29: a value that has no more digits than wanted is what it is.
        return Math.Round(scaled) / unit == value ? value : Math.Truncate(scaled) / unit;
    }

    public static double Power(double value, double exponent, EvaluationState state)
    {
        if (value == 0 && exponent < 0) return IntegerMath.DivisionByZero(state);
        if (value < 0 && exponent != Math.Truncate(exponent))
            return Domain(state, "A negative number has no power with a fraction in the exponent.");
        return Finite(Math.Pow(value, exponent), state);
    }

    public static double SquareRoot(double value, EvaluationState state) =>
        value < 0 ? Domain(state, "A negative number has no square root.") : Math.Sqrt(value);

    public static double Ln(double value, EvaluationState state) =>
        value <= 0 ? Domain(state, "Only numbers above zero have a logarithm.") : Math.Log(value);

    public static double Exp(double value, EvaluationState state) => Finite(Math.Exp(value), state);

    public static double Finite(double value, EvaluationState state)
    {
        if (double.IsFinite(value)) return value;
        state.Fail(ErrorCode.Overflow, "A result is too large for a double.");
        return 0;
    }

    private static double Domain(EvaluationState state, string message)
    {
        state.Fail(ErrorCode.Domain, message);
        return 0;
    }
}
