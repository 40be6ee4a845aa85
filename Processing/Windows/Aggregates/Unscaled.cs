using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>Decimals as whole numbers of a fixed scale, and back. Exact, or said not to be.</summary>
internal static class Unscaled
{
    private static readonly Int128[] PowersOf10 = MakePowers();

    /// <summary>10 to the power 0 to 38.</summary>
    public static Int128 Power(int exponent) => PowersOf10[exponent];

    /// <summary>The value times 10^scale; for values of at most 18 digits at that scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToLong(in decimal value, int scale)
    {
        ref readonly var parts = ref Unsafe.As<decimal, OleDecimal>(ref Unsafe.AsRef(in value));
        if (parts.Scale != scale || parts.High != 0) return ToLongSlowly(value, scale);
        return parts.Sign == 0 ? (long)parts.Low : -(long)parts.Low;
    }

    private static long ToLongSlowly(decimal value, int scale)
    {
        ref readonly var parts = ref Unsafe.As<decimal, OleDecimal>(ref value);
        if (parts.Scale > scale || parts.High != 0) return (long)ToInt128(value, scale);
        var magnitude = (long)parts.Low * (long)Decimals.Power(scale - parts.Scale);
        return parts.Sign == 0 ? magnitude : -magnitude;
    }

    /// <summary>
    /// How a decimal lies in memory: the DECIMAL of OLE Automation, as which .NET hands it to native code. Read in place, since a copy by
    /// <see cref="decimal.GetBits(decimal, Span{int})"/> costs more than all the rest.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct OleDecimal
    {
        public readonly ushort Reserved;
        public readonly byte Scale;
        public readonly byte Sign;
        public readonly uint High;
        public readonly ulong Low;
    }

    /// <summary>The value times 10^scale.</summary>
    [SkipLocalsInit]
    public static Int128 ToInt128(decimal value, int scale)
    {
        Span<int> bits = stackalloc int[4];
        if (value.Scale > scale) value = decimal.Round(value, scale, MidpointRounding.AwayFromZero);
        decimal.GetBits(value, bits);
        var own = (bits[3] >> 16) & 0x7F;
        var magnitude = new Int128((uint)bits[2], ((ulong)(uint)bits[1] << 32) | (uint)bits[0]);
        if (own != scale) magnitude *= PowersOf10[scale - own];
        return bits[3] < 0 ? -magnitude : magnitude;
    }

    /// <summary>
    /// Writes value / 10^scale into a row of a number column, rounded half away from zero where the column has fewer digits. False when the
    /// column's type cannot hold it; the row is then NULL.
    /// </summary>
    public static bool TryWrite(Int128 value, int scale, Column column, int row)
    {
        switch (column)
        {
            case DecimalColumn decimals:
                if (!TryRescale(value, scale, column.Type.Scale, out var unscaled)) break;
                if (Int128.Abs(unscaled) >= PowersOf10[column.Type.Precision]) break;
                decimals.Set(row, ToDecimal(unscaled, column.Type.Scale));
                return true;
            case LongColumn numbers:
                if (!TryRescale(value, scale, 0, out var whole) || whole < long.MinValue || whole > long.MaxValue) break;
                numbers.Set(row, (long)whole);
                return true;
            case DoubleColumn doubles:
                doubles.Set(row, ToDouble(value, scale));
                return true;
            case BooleanColumn booleans:
                booleans.Set(row, value != 0);
                return true;
            default:
                throw new InvalidOperationException($"A column of type {column.Type} holds no numbers.");
        }

        column.SetNull(row);
        return false;
    }

    /// <summary>sum / count / 10^scale into a row, rounded half away from zero; false and NULL when it does not fit.</summary>
    public static bool TryWriteQuotient(Int128 sum, long count, int scale, Column column, int row)
    {
        if (column is DoubleColumn doubles)
        {
            doubles.Set(row, ToDouble(sum, scale) / count);
            return true;
        }

        var digits = column is DecimalColumn ? column.Type.Scale : 0;
        var negative = sum < 0;
        var magnitude = Int128.Abs(sum);
        Int128 divisor = count;
        // Fewer digits wanted than the sum has: the divisor takes them.
        if (digits < scale) divisor *= PowersOf10[scale - digits];
        var (quotient, rest) = Int128.DivRem(magnitude, divisor);
        for (var i = scale; i < digits; i++)
        {
            if (quotient >= PowersOf10[37]) return Fail(column, row);
            (var digit, rest) = Int128.DivRem(rest * 10, divisor);
            quotient = (quotient * 10) + digit;
        }

        if (rest >= divisor - rest) quotient++;
        return TryWrite(negative ? -quotient : quotient, digits, column, row);
    }

    private static bool Fail(Column column, int row)
    {
        column.SetNull(row);
        return false;
    }

    private static bool TryRescale(Int128 value, int from, int to, out Int128 result)
    {
        result = value;
        if (to > from)
        {
            var factor = PowersOf10[to - from];
            if (Int128.Abs(value) > Int128.MaxValue / factor) return false;
            result = value * factor;
        }
        else if (to < from)
        {
            var divisor = PowersOf10[from - to];
            (result, var rest) = Int128.DivRem(value, divisor);
            if (Int128.Abs(rest) >= divisor - Int128.Abs(rest)) result += value < 0 ? -1 : 1;
        }

        return true;
    }

    private static decimal ToDecimal(Int128 value, int scale)
    {
        var magnitude = (UInt128)Int128.Abs(value);
        return new decimal((int)(uint)magnitude, (int)(uint)(magnitude >> 32), (int)(uint)(magnitude >> 64), value < 0, (byte)scale);
    }

    private static double ToDouble(Int128 value, int scale)
    {
        if (Int128.Abs(value) < PowersOf10[28]) return (double)ToDecimal(value, scale);
        return (double)value / (double)PowersOf10[scale];
    }

    private static Int128[] MakePowers()
    {
        var powers = new Int128[39];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
