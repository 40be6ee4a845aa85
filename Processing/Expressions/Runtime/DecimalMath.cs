using System.Numerics;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// Exact decimal arithmetic. Operands have at most 28 digits. Results that may need more are rounded half away from zero, once,
/// to the scale of their type, and fail the row when they exceed its limit; nothing here throws.
/// </summary>
internal static class DecimalMath
{
    private const int SignMask = unchecked((int)0x80000000);

    private static readonly decimal[] Powers = MakePowers();
    private static readonly ulong[] LongPowers = MakeLongPowers();

    /// <summary>10 to the power of 0 to 28.</summary>
    public static decimal PowerOfTen(int exponent) => Powers[exponent];

    public static decimal AddWide(decimal left, decimal right, int scale, decimal limit, EvaluationState state)
    {
        // Two numbers below 10^28 cannot overflow; when digits were lost the scale is smaller than that of an operand.
        var sum = left + right;
        return sum.Scale < Math.Max(left.Scale, right.Scale)
            ? AddExactly(left, right, scale, limit, state)
            : Fit(sum, scale, limit, state);
    }

    public static decimal SubtractWide(decimal left, decimal right, int scale, decimal limit, EvaluationState state) =>
        AddWide(left, -right, scale, limit, state);

    public static decimal MultiplyWide(decimal left, decimal right, int scale, decimal limit, EvaluationState state)
    {
        var a = Unsafe.BitCast<decimal, DecimalBits>(left);
        var b = Unsafe.BitCast<decimal, DecimalBits>(right);
        if ((a.High | b.High) == 0)
        {
            var high = Math.BigMul(a.Low, b.Low, out var low);
            var exactScale = a.Scale + b.Scale;
            if (high <= uint.MaxValue && exactScale <= 28)
            {
                var flags = ((a.Flags ^ b.Flags) & SignMask) | (exactScale << 16);
                return Fit(Unsafe.BitCast<DecimalBits, decimal>(new DecimalBits(flags, (uint)high, low)), scale, limit, state);
            }
        }
        return Round(Mantissa(left) * Mantissa(right), left.Scale + right.Scale, scale, limit, state);
    }

    /// <summary>Division when the integer digits of the result fit 28, as the types say.</summary>
    public static decimal Divide(decimal left, decimal right, int scale, decimal limit, EvaluationState state)
    {
        if (right == 0)
        {
            IntegerMath.DivisionByZero(state);
            return 0;
        }
        var quotient = left / right;
        if (quotient.Scale <= scale) return Within(quotient, limit, state);
        var rounded = Math.Round(quotient, scale, MidpointRounding.AwayFromZero);
        // The quotient is itself rounded to 28 digits, so that a tie may not be one.
        var isTie = Math.Abs(rounded - quotient) == new decimal(5, 0, 0, false, (byte)Math.Min(scale + 1, 28));
        return isTie ? DivideWide(left, right, scale, limit, state) : Within(rounded, limit, state);
    }

    public static decimal DivideWide(decimal left, decimal right, int scale, decimal limit, EvaluationState state)
    {
        if (right == 0)
        {
            IntegerMath.DivisionByZero(state);
            return 0;
        }
        var dividend = Mantissa(left);
        var divisor = Mantissa(right);
        var shift = scale - left.Scale + right.Scale;
        if (shift >= 0) dividend *= BigInteger.Pow(10, shift);
        else divisor *= BigInteger.Pow(10, -shift);
        return ToDecimal(DivideRounded(dividend, divisor), scale, limit, state);
    }

    /// <summary>The remainder, with the sign of the dividend.</summary>
    public static decimal Modulo(decimal left, decimal right, EvaluationState state)
    {
        if (right != 0) return left % right;
        IntegerMath.DivisionByZero(state);
        return 0;
    }

    /// <summary>Rounds half away from zero to a scale of 0 to 28.</summary>
    public static decimal RoundTo(decimal value, int scale)
    {
        var bits = Unsafe.BitCast<decimal, DecimalBits>(value);
        var drop = bits.Scale - scale;
        if (drop <= 0) return value;
        if (bits.High != 0 || drop > 18) return Math.Round(value, scale, MidpointRounding.AwayFromZero);
        var unit = LongPowers[drop];
        var (quotient, remainder) = Math.DivRem(bits.Low, unit);
        if (remainder >= unit - remainder) quotient++;
        return Unsafe.BitCast<DecimalBits, decimal>(new DecimalBits((bits.Flags & SignMask) | (scale << 16), 0, quotient));
    }

    /// <summary>Rounds to a power of ten above 1: digits is -1 to -28.</summary>
    public static decimal RoundAbovePoint(decimal value, long digits, int scale, decimal limit, EvaluationState state)
    {
        if (digits >= 0) return RoundTo(value, (int)Math.Min(digits, scale));
        if (digits < -28) return 0;
        var unit = PowerOfTen((int)-digits);
        // At most 10^28 after rounding up, which is in range for the type; the limit says whether it is for the column.
        var quotient = Math.Truncate(value / unit);
        var rest = Math.Abs(value - (quotient * unit));
        if (rest >= unit - rest) quotient += value < 0 ? -1 : 1;
        return Within(quotient * unit, limit, state);
    }

    /// <summary>Drops digits behind a scale; a negative one drops digits before the point too.</summary>
    public static decimal Truncate(decimal value, long digits)
    {
        if (digits >= value.Scale) return value;
        if (digits >= 0) return Math.Round(value, (int)digits, MidpointRounding.ToZero);
        if (digits < -28) return 0;
        var unit = PowerOfTen((int)-digits);
        return Math.Truncate(value / unit) * unit;
    }

    public static long Sign(decimal value) => Math.Sign(value);

    /// <summary>Rounds to a scale and checks against the limit of the type (exclusive).</summary>
    public static decimal Fit(decimal value, int scale, decimal limit, EvaluationState state) =>
        Within(RoundTo(value, scale), limit, state);

    private static decimal Within(decimal value, decimal limit, EvaluationState state)
    {
        if (Math.Abs(value) < limit) return value;
        state.Fail(ErrorCode.Overflow, "A decimal result does not fit the digits of its type.");
        return 0;
    }

    private static decimal AddExactly(decimal left, decimal right, int scale, decimal limit, EvaluationState state)
    {
        var common = Math.Max(left.Scale, right.Scale);
        var sum = (Mantissa(left) * BigInteger.Pow(10, common - left.Scale))
            + (Mantissa(right) * BigInteger.Pow(10, common - right.Scale));
        return Round(sum, common, scale, limit, state);
    }

    /// <summary>mantissa / 10^from, rounded once to a scale and checked against the limit of the type.</summary>
    public static decimal Round(BigInteger mantissa, int from, int scale, decimal limit, EvaluationState state)
    {
        if (from < 0) (mantissa, from) = (mantissa * BigInteger.Pow(10, -from), 0);
        if (from > scale) return ToDecimal(DivideRounded(mantissa, BigInteger.Pow(10, from - scale)), scale, limit, state);
        return ToDecimal(mantissa, from, limit, state);
    }

    /// <summary>Half away from zero.</summary>
    private static BigInteger DivideRounded(BigInteger dividend, BigInteger divisor)
    {
        var quotient = BigInteger.DivRem(dividend, divisor, out var remainder);
        if (BigInteger.Abs(remainder) * 2 < BigInteger.Abs(divisor)) return quotient;
        return quotient + (dividend.Sign * divisor.Sign);
    }

    private static decimal ToDecimal(BigInteger mantissa, int scale, decimal limit, EvaluationState state)
    {
        if (BigInteger.Abs(mantissa) >= Mantissa(limit) * BigInteger.Pow(10, scale))
            return Within(limit, limit, state);
        var bits = BigInteger.Abs(mantissa);
        var low = (ulong)(bits & ulong.MaxValue);
        var high = (uint)(bits >> 64);
        return new decimal((int)low, (int)(low >> 32), (int)high, mantissa.Sign < 0, (byte)scale);
    }

    private static BigInteger Mantissa(decimal value)
    {
        var bits = Unsafe.BitCast<decimal, DecimalBits>(value);
        var mantissa = ((BigInteger)bits.High << 64) | bits.Low;
        return bits.Flags < 0 ? -mantissa : mantissa;
    }

    private static decimal[] MakePowers()
    {
        var powers = new decimal[29];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }

    private static ulong[] MakeLongPowers()
    {
        var powers = new ulong[19];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
