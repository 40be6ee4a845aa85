using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// A scanned number: (-1)^Negative * Mantissa * 10^Exponent. When <see cref="Truncated"/>, it has more than 19 digits
/// and only the text says its value.
/// </summary>
internal struct ScannedNumber
{
    public ulong Mantissa;
    public int Exponent;
    public bool Negative;
    public bool Truncated;
}

/// <summary>
/// Numbers in the grammar of RFC 8259, turned into longs, decimals and doubles without rounding unawares.
/// </summary>
internal static class NumberText
{
    // Beyond this no declared type can hold a number other than zero, and sums of exponents cannot overflow.
    private const int ExponentLimit = 100_000_000;
    private const ulong OneMoreDigit = 1_000_000_000_000_000_000;
    private const ulong EightMoreDigits = 100_000_000_000;
    private static readonly UInt128[] WidePowers = MakeWidePowers();
    private static readonly double[] DoublePowers =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    /// <summary>
    /// Scans the number that starts at <paramref name="pos"/>; gives the place after it, or -1 when it is none.
    /// </summary>
    public static int Scan(ReadOnlySpan<byte> text, int pos, out ScannedNumber number)
    {
        number = default;
        if ((uint)pos < (uint)text.Length && text[pos] == '-')
        {
            number.Negative = true;
            pos++;
        }

        if ((uint)pos >= (uint)text.Length) return -1;
        if (text[pos] == '0') pos++;
        else if (IsDigit(text[pos])) pos = Digits(text, pos, ref number);
        else return -1;
        if ((uint)pos >= (uint)text.Length || text[pos] is not ((byte)'.' or (byte)'e' or (byte)'E')) return pos;
        return ScanFraction(text, pos, ref number);
    }

    /// <summary>True when the whole text is one number.</summary>
    public static bool TryScanAll(ReadOnlySpan<byte> text, out ScannedNumber number) =>
        Scan(text, 0, out number) == text.Length;

    /// <summary>The number as a signed 64-bit integer; <paramref name="text"/> is its text.</summary>
    public static ValueFault ToLong(in ScannedNumber number, ReadOnlySpan<byte> text, out long value)
    {
        if (number is { Exponent: 0, Truncated: false }) return Signed(number.Mantissa, number.Negative, out value);
        return WideToLong(number, text, 0, out value);
    }

    /// <summary>
    /// The number times 10^<paramref name="shift"/>, digits after the point cut off towards minus infinity.
    /// </summary>
    public static ValueFault ToScaledLong(in ScannedNumber number, ReadOnlySpan<byte> text, int shift, out long value)
    {
        if (number is { Exponent: 0, Truncated: false, Mantissa: < 1_000_000_000_000 } && shift <= 6)
        {
            value = (long)(number.Mantissa * Decimals.Power(shift));
            if (number.Negative) value = -value;
            return ValueFault.None;
        }

        return WideToLong(number, text, shift, out value, floor: true);
    }

    /// <summary>
    /// The number as a decimal of a precision and scale; zeros at the end of the fraction do not count.
    /// </summary>
    public static ValueFault ToDecimal(
        in ScannedNumber number, ReadOnlySpan<byte> text, int precision, int scale, out decimal value)
    {
        var mantissa = number.Mantissa;
        var digits = -number.Exponent;
        if (number.Truncated || digits < 0 || digits > scale)
            return WideToDecimal(number, text, precision, scale, out value);
        var limit = precision - scale + digits;
        if (limit < 20 && mantissa >= Decimals.Power(limit))
        {
            value = 0;
            return ValueFault.DecimalPrecision;
        }

        value = new decimal((int)mantissa, (int)(mantissa >> 32), 0, number.Negative && mantissa != 0, (byte)digits);
        return ValueFault.None;
    }

    /// <summary>The number as the nearest double.</summary>
    public static ValueFault ToDouble(in ScannedNumber number, ReadOnlySpan<byte> text, out double value)
    {
        // Both factors are exact, so their product or quotient is rounded once: the nearest double.
        if (!number.Truncated && number.Mantissa <= 1UL << 53 && number.Exponent is >= -22 and <= 22)
        {
            value = number.Exponent < 0
                ? number.Mantissa / DoublePowers[-number.Exponent]
                : number.Mantissa * DoublePowers[number.Exponent];
            if (number.Negative) value = -value;
            return ValueFault.None;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
            return ValueFault.NotANumber;
        return double.IsFinite(value) ? ValueFault.None : ValueFault.NotFinite;
    }

    private static int ScanFraction(ReadOnlySpan<byte> text, int pos, ref ScannedNumber number)
    {
        if (text[pos] == '.')
        {
            pos++;
            if ((uint)pos >= (uint)text.Length || !IsDigit(text[pos])) return -1;
            var start = pos;
            pos = Digits(text, pos, ref number);
            number.Exponent = start - pos;
        }

        if ((uint)pos >= (uint)text.Length || (text[pos] | 0x20) != 'e') return pos;
        pos++;
        var negative = false;
        if ((uint)pos < (uint)text.Length && text[pos] is (byte)'+' or (byte)'-') negative = text[pos++] == '-';
        if ((uint)pos >= (uint)text.Length || !IsDigit(text[pos])) return -1;
        var exponent = 0;
        while ((uint)pos < (uint)text.Length && IsDigit(text[pos]))
        {
            if (exponent < ExponentLimit) exponent = exponent * 10 + (text[pos] - '0');
            pos++;
        }

        number.Exponent += negative ? -exponent : exponent;
        return pos;
    }

    // Takes digits into the mantissa; the first one it has no room for marks the number as truncated.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Digits(ReadOnlySpan<byte> text, int pos, ref ScannedNumber number)
    {
        var mantissa = number.Mantissa;
        while (pos + 8 <= text.Length && mantissa < EightMoreDigits)
        {
            var eight = BinaryPrimitives.ReadUInt64LittleEndian(text[pos..]);
            if (!AreDigits(eight)) break;
            mantissa = mantissa * 100_000_000 + EightDigits(eight);
            pos += 8;
        }

        while ((uint)pos < (uint)text.Length)
        {
            var digit = (uint)(text[pos] - '0');
            if (digit > 9) break;
            if (mantissa < OneMoreDigit) mantissa = mantissa * 10 + digit;
            else number.Truncated = true;
            pos++;
        }

        number.Mantissa = mantissa;
        return pos;
    }

    private static bool AreDigits(ulong eight) =>
        ((eight & 0xF0F0F0F0F0F0F0F0) | (((eight + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) == 0x3333333333333333;

    private static uint EightDigits(ulong eight)
    {
        eight = (eight & 0x0F0F0F0F0F0F0F0F) * 2561 >> 8;
        eight = (eight & 0x00FF00FF00FF00FF) * 6553601 >> 16;
        return (uint)((eight & 0x0000FFFF0000FFFF) * 42949672960001 >> 32);
    }

    private static bool IsDigit(byte c) => (uint)(c - '0') <= 9;

    private static ValueFault Signed(UInt128 magnitude, bool negative, out long value)
    {
        var limit = negative ? (UInt128)long.MaxValue + 1 : (UInt128)long.MaxValue;
        value = 0;
        if (magnitude > limit) return ValueFault.IntegerRange;
        value = negative ? (long)-(Int128)magnitude : (long)magnitude;
        return ValueFault.None;
    }

    private static ValueFault WideToLong(
        in ScannedNumber number, ReadOnlySpan<byte> text, int shift, out long value, bool floor = false)
    {
        value = 0;
        Widen(number, text, out var mantissa, out var exponent, out var rest);
        exponent += shift;
        if (mantissa == 0) return ValueFault.None;
        if (exponent >= 0)
        {
            if (exponent > 19 || (rest && !floor) || mantissa > UInt128.MaxValue / WidePowers[exponent]) return ValueFault.IntegerRange;
            // The digits without room are less than one, unless the number is out of range anyhow.
            var magnitude = mantissa * WidePowers[exponent];
            return Signed(rest && number.Negative ? magnitude + 1 : magnitude, number.Negative, out value);
        }

        if (!floor) return IntegerDigits(mantissa, exponent) > 19 ? ValueFault.IntegerRange : ValueFault.NotIntegral;
        var whole = -exponent > 38 ? 0 : mantissa / WidePowers[-exponent];
        return Signed(number.Negative ? whole + 1 : whole, number.Negative, out value);
    }

    private static ValueFault WideToDecimal(
        in ScannedNumber number, ReadOnlySpan<byte> text, int precision, int scale, out decimal value)
    {
        value = 0;
        Widen(number, text, out var mantissa, out var exponent, out var rest);
        if (mantissa == 0) return ValueFault.None;
        if (IntegerDigits(mantissa, exponent) > precision - scale) return ValueFault.DecimalPrecision;
        if (rest || -exponent > scale) return ValueFault.DecimalScale;
        if (exponent > 0)
        {
            mantissa *= WidePowers[exponent];
            exponent = 0;
        }

        value = new decimal(
            (int)(ulong)mantissa, (int)((ulong)mantissa >> 32), (int)(ulong)(mantissa >> 64), number.Negative,
                (byte)-exponent);
        return ValueFault.None;
    }

    private static long IntegerDigits(UInt128 mantissa, int exponent)
    {
        var digits = 0;
        while (digits < WidePowers.Length && mantissa >= WidePowers[digits]) digits++;
        return (long)digits + exponent;
    }

    // Mantissa without trailing zeros, up to 38 digits; rest is true when digits other than zero had no room.
    private static void Widen(
        in ScannedNumber number, ReadOnlySpan<byte> text, out UInt128 mantissa, out int exponent, out bool rest)
    {
        mantissa = number.Mantissa;
        exponent = number.Exponent;
        rest = false;
        if (number.Truncated) WidenText(text, out mantissa, out exponent, out rest);
        if (mantissa == 0) return;
        while (true)
        {
            var (quotient, remainder) = UInt128.DivRem(mantissa, 10);
            if (remainder != 0) return;
            mantissa = quotient;
            exponent++;
        }
    }

    private static void WidenText(
        ReadOnlySpan<byte> text, out UInt128 mantissa, out int exponent, out bool rest)
    {
        mantissa = 0;
        exponent = TextExponent(text);
        rest = false;
        var room = WidePowers[37];
        var fraction = false;
        foreach (var c in text)
        {
            if (c == '.') fraction = true;
            if (c is (byte)'-' or (byte)'.') continue;
            if (!IsDigit(c)) return;
            if (mantissa < room)
            {
                mantissa = mantissa * 10 + (uint)(c - '0');
                if (fraction) exponent--;
                continue;
            }

            if (c != '0') rest = true;
            if (!fraction) exponent++;
        }
    }

    private static int TextExponent(ReadOnlySpan<byte> text)
    {
        var at = text.IndexOfAny((byte)'e', (byte)'E');
        if (at < 0) return 0;
        var negative = text[at + 1] == '-';
        var exponent = 0;
        foreach (var c in text[(at + 1)..])
        {
            if (IsDigit(c) && exponent < ExponentLimit) exponent = exponent * 10 + (c - '0');
        }

        return negative ? -exponent : exponent;
    }

    private static UInt128[] MakeWidePowers()
    {
        var powers = new UInt128[39];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
