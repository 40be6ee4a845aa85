using System.Numerics;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>A row failed in the model.</summary>
public sealed class ModelException(string code) : Exception(code)
{
    public string Code => Message;
}

/// <summary>An exact decimal of any size, with the digits of its static type.</summary>
public readonly record struct Exact(BigInteger Mantissa, int Scale)
{
    public static Exact Of(decimal value)
    {
        var bits = decimal.GetBits(value);
        var mantissa = ((BigInteger)(uint)bits[2] << 64) | ((BigInteger)(uint)bits[1] << 32) | (uint)bits[0];
        return new(bits[3] < 0 ? -mantissa : mantissa, value.Scale);
    }

    public Exact At(int scale)
    {
        if (scale >= Scale) return new(Mantissa * BigInteger.Pow(10, scale - Scale), scale);
        return new(Divide(Mantissa, BigInteger.Pow(10, Scale - scale)), scale);
    }

    /// <summary>Half away from zero.</summary>
    public static BigInteger Divide(BigInteger a, BigInteger b)
    {
        var negative = a.Sign * b.Sign < 0;
        var (quotient, rest) = (BigInteger.Abs(a) / BigInteger.Abs(b), BigInteger.Abs(a) % BigInteger.Abs(b));
        if (rest * 2 >= BigInteger.Abs(b)) quotient++;
        return negative ? -quotient : quotient;
    }

    public int CompareTo(Exact other)
    {
        var scale = Math.Max(Scale, other.Scale);
        return At(scale).Mantissa.CompareTo(other.At(scale).Mantissa);
    }
}

/// <summary>The digits of a decimal type, by the rules of the documentation.</summary>
public readonly record struct Digits(int Precision, int Scale)
{
    public Exact Fit(Exact value)
    {
        var fitted = value.At(Math.Min(Scale, Math.Max(value.Scale, 0)));
        if (BigInteger.Abs(fitted.At(Scale).Mantissa) >= BigInteger.Pow(10, Precision)) throw new ModelException("KOR3101");
        return fitted;
    }

    public static Digits Cap(int precision, int scale) => precision <= 28
        ? new(Math.Max(1, Math.Max(precision, scale)), scale)
        : new(28, Math.Max(28 - (precision - scale), Math.Min(scale, 6)));

    public static Digits Union(Digits a, Digits b)
    {
        var scale = Math.Max(a.Scale, b.Scale);
        return Cap(Math.Max(a.Precision - a.Scale, b.Precision - b.Scale) + scale, scale);
    }

    public static Digits Sum(Digits a, Digits b)
    {
        var scale = Math.Max(a.Scale, b.Scale);
        return Cap(Math.Max(a.Precision - a.Scale, b.Precision - b.Scale) + scale + 1, scale);
    }

    public static Digits Product(Digits a, Digits b) => Cap(a.Precision + b.Precision, a.Scale + b.Scale);

    public static Digits Quotient(Digits a, Digits b)
    {
        var scale = Math.Max(6, a.Scale + b.Precision + 1);
        return Cap(a.Precision - a.Scale + b.Scale + scale, scale);
    }

    public static Digits Remainder(Digits a, Digits b)
    {
        var scale = Math.Max(a.Scale, b.Scale);
        return Cap(Math.Min(a.Precision - a.Scale, b.Precision - b.Scale) + scale, scale);
    }
}
