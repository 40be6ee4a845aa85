namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>64-bit arithmetic that fails the row instead of wrapping or throwing.</summary>
internal static class IntegerMath
{
    public static long Add(long left, long right, EvaluationState state)
    {
        var result = unchecked(left + right);
        if (((left ^ result) & (right ^ result)) < 0) Overflow(state);
        return result;
    }

    public static long Subtract(long left, long right, EvaluationState state)
    {
        var result = unchecked(left - right);
        if (((left ^ right) & (left ^ result)) < 0) Overflow(state);
        return result;
    }

    public static long Multiply(long left, long right, EvaluationState state)
    {
        var high = Math.BigMul(left, right, out long low);
        if (high != low >> 63) Overflow(state);
        return low;
    }

    /// <summary>Division that drops the fraction.</summary>
    public static long Divide(long left, long right, EvaluationState state)
    {
        if (right == 0) return DivisionByZero(state);
        if (right == -1) return Negate(left, state);
        return left / right;
    }

    /// <summary>The remainder, with the sign of the dividend.</summary>
    public static long Modulo(long left, long right, EvaluationState state)
    {
        if (right == 0) return DivisionByZero(state);
        return right == -1 ? 0 : left % right;
    }

    public static long Negate(long value, EvaluationState state)
    {
        if (value == long.MinValue) Overflow(state);
        return unchecked(-value);
    }

    public static long Abs(long value, EvaluationState state) => value < 0 ? Negate(value, state) : value;

    public static long Sign(long value) => value > 0 ? 1 : value < 0 ? -1 : 0;

    /// <summary>Rounds half away from zero to a multiple of 10^-digits; digits above 0 change nothing.</summary>
    public static long Round(long value, long digits, EvaluationState state)
    {
        if (digits >= 0) return value;
        if (digits < -19) return 0;
        var unit = (Int128)PowerOfTen((int)-digits);
        var half = value < 0 ? -(unit / 2) : unit / 2;
        var result = (value + half) / unit * unit;
        if (result < long.MinValue || result > long.MaxValue) Overflow(state);
        return unchecked((long)result);
    }

    /// <summary>Drops digits: the multiple of 10^-digits next to zero.</summary>
    public static long Truncate(long value, long digits)
    {
        if (digits >= 0) return value;
        if (digits < -18) return 0;
        var unit = (long)PowerOfTen((int)-digits);
        return value / unit * unit;
    }

    public static long DivisionByZero(EvaluationState state)
    {
        state.Fail(ErrorCode.DivisionByZero, "Division by zero.");
        return 0;
    }

    public static void Overflow(EvaluationState state) =>
        state.Fail(ErrorCode.Overflow, "An integer result does not fit 64 bits.");

    private static UInt128 PowerOfTen(int exponent)
    {
        UInt128 power = 1;
        for (var i = 0; i < exponent; i++) power *= 10;
        return power;
    }
}
