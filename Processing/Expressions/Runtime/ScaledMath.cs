using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// Decimals as whole numbers of a scale known when compiling: 12.34 of decimal(12,2) is 1234. Up to 18 digits in 64 bits, more in
/// 128. That makes sums, products and comparisons machine instructions. Nothing here throws, whatever the operands.
/// </summary>
internal static class ScaledMath
{
    /// <summary>The most digits that any 64-bit number of them holds.</summary>
    public const int NarrowDigits = 18;

    /// <summary>The most digits that any 128-bit number of them holds.</summary>
    public const int WideDigits = 38;

    private static readonly long[] Powers = MakePowers();
    private static readonly Int128[] WidePowers = MakeWidePowers();

    public static long Power(int exponent) => Powers[exponent];

    public static Int128 WidePower(int exponent) => WidePowers[exponent];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Narrow(decimal value, int scale)
    {
        var bits = Unsafe.BitCast<decimal, DecimalBits>(value);
        var missing = scale - bits.Scale;
        if ((uint)missing > NarrowDigits || bits.High != 0) return NarrowRescaled(value, scale);
        // Values of one column may have fewer digits than declared: multiplying always is cheaper than asking.
        var mantissa = unchecked((long)bits.Low * Powers[missing]);
        var sign = (long)bits.Flags >> 63;
        return (mantissa ^ sign) - sign;
    }

    public static Int128 Wide(decimal value, int scale)
    {
        var bits = Unsafe.BitCast<decimal, DecimalBits>(value);
        if (bits.Scale > scale)
            bits = Unsafe.BitCast<decimal, DecimalBits>(DecimalMath.RoundTo(value, scale));
        var mantissa = (Int128)new UInt128(bits.High, bits.Low);
        if (bits.Scale < scale) mantissa *= WidePowers[scale - bits.Scale];
        return bits.Flags < 0 ? -mantissa : mantissa;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static decimal ToDecimal(long value, int scale)
    {
        var sign = value >> 63;
        var flags = (scale << 16) | ((int)sign & int.MinValue);
        return Unsafe.BitCast<DecimalBits, decimal>(new DecimalBits(flags, 0, (ulong)((value ^ sign) - sign)));
    }

    public static decimal ToDecimalWide(Int128 value, int scale)
    {
        var magnitude = (UInt128)(value < 0 ? -value : value);
        var flags = (scale << 16) | (value < 0 ? int.MinValue : 0);
        return Unsafe.BitCast<DecimalBits, decimal>(
            new DecimalBits(flags, (uint)(ulong)(magnitude >> 64), (ulong)magnitude));
    }

    public static Int128 Widen(long value) => value;

    public static long Shorten(Int128 value) => unchecked((long)value);

    public static Int128 MultiplyWide(long left, long right)
    {
        var high = Math.BigMul(left, right, out long low);
        return new Int128((ulong)high, (ulong)low);
    }

    /// <summary>Half away from zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Round(long value, long unit)
    {
        var half = unit / 2;
        return (value + (value < 0 ? -half : half)) / unit;
    }

    /// <summary>A quotient rounded half away from zero, of at most so many digits.</summary>
    public static Int128 Divide(Int128 dividend, Int128 divisor, int digits, EvaluationState state)
    {
        if (divisor == 0) return IntegerMath.DivisionByZero(state);
        var negative = (dividend < 0) != (divisor < 0);
        var top = (UInt128)(dividend < 0 ? -dividend : dividend);
        var bottom = (UInt128)(divisor < 0 ? -divisor : divisor);
        UInt128 quotient;
        UInt128 rest;
        if (top <= ulong.MaxValue && bottom <= ulong.MaxValue)
        {
            var (q, r) = Math.DivRem((ulong)top, (ulong)bottom);
            (quotient, rest) = (q, r);
        }
        else
        {
            quotient = top / bottom;
            rest = top - (quotient * bottom);
        }
        if (rest >= bottom - rest) quotient++;
        return Check(negative ? -(Int128)quotient : (Int128)quotient, digits, state);
    }

    /// <summary>Fails the row when a number has more digits than its type.</summary>
    public static Int128 Check(Int128 value, int digits, EvaluationState state)
    {
        var limit = WidePowers[digits];
        if (value < limit && value > -limit) return value;
        state.Fail(ErrorCode.Overflow, "A decimal result does not fit the digits of its type.");
        return 0;
    }

    /// <summary>Drops digits, rounding half away from zero, and checks those that remain.</summary>
    public static Int128 RoundAndCheck(Int128 value, int drop, int digits, EvaluationState state)
    {
        var unit = WidePowers[drop];
        var (quotient, rest) = Int128.DivRem(value, unit);
        if ((rest < 0 ? -rest : rest) >= unit / 2) quotient += value < 0 ? -1 : 1;
        return Check(quotient, digits, state);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long NarrowRescaled(decimal value, int scale) => unchecked((long)Wide(value, scale));

    private static long[] MakePowers()
    {
        var powers = new long[NarrowDigits + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }

    private static Int128[] MakeWidePowers()
    {
        var powers = new Int128[WideDigits + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
