using System.Numerics;
using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>An aggregate over all values of a window, in the order of event time, offset and partition. Shares nothing with the engine's aggregates.</summary>
internal sealed class NaiveAggregate(AggregateSpec spec)
{
    /// <summary>The most values kept for a percentile; with more it is not compared.</summary>
    private const int MaxKept = 1_000_000;

    private static readonly BigInteger Bound = BigInteger.Pow(10, FieldType.MaxPrecision);

    private readonly HashSet<object> _distinct = [];
    private readonly List<double> _kept = [];
    private long _count;
    private BigInteger _sum;
    private double _doubles, _lost, _size, _squares;
    private object? _least, _most, _first, _last;
    private bool _tooMany;

    /// <summary>Takes a value; for <c>count()</c> whatever it is.</summary>
    public void Add(object? value)
    {
        if (spec.Kind == AggregateKind.Count)
        {
            _count++;
            return;
        }

        if (value is null) return;
        _count++;
        switch (spec.Kind)
        {
            case AggregateKind.Sum or AggregateKind.Avg when value is not double: _sum += Unscaled(value); break;
            case AggregateKind.Sum or AggregateKind.Avg: AddDouble((double)value); break;
            case AggregateKind.StdDev or AggregateKind.Variance or AggregateKind.Percentile: Keep(AsDouble(value)); break;
            case AggregateKind.Min or AggregateKind.Max: AddExtreme(value); break;
            case AggregateKind.First or AggregateKind.Last: (_first, _last) = (_first ?? value, value); break;
            case AggregateKind.CountDistinct: AddDistinct(value); break;
            default: break;
        }
    }

    public object? Result() => spec.Kind switch
    {
        AggregateKind.Count or AggregateKind.CountValues => _count,
        AggregateKind.CountDistinct => _tooMany ? AnyValue.Instance : (long)_distinct.Count,
        // Their texts are made by the engine's own JSON writer; sketches differ by design.
        AggregateKind.TopK or AggregateKind.Collect => AnyValue.Instance,
        _ when _count == 0 => null,
        AggregateKind.Min => _least,
        AggregateKind.Max => _most,
        AggregateKind.First => _first,
        AggregateKind.Last => _last,
        AggregateKind.Sum when spec.InputType.Kind == FieldKind.Double => Sum(_doubles + _lost, 1),
        AggregateKind.Avg when spec.InputType.Kind == FieldKind.Double => Sum(_doubles + _lost, _count),
        AggregateKind.Sum => Decimal(_sum * BigInteger.Pow(10, spec.ResultType.Scale - spec.InputType.Scale)),
        AggregateKind.Avg => Decimal(Quotient(_sum * BigInteger.Pow(10, spec.ResultType.Scale - spec.InputType.Scale), _count)),
        AggregateKind.Variance or AggregateKind.StdDev => Spread(),
        AggregateKind.Percentile => Percentile(),
        _ => throw new NotSupportedException($"The aggregate {spec.Kind} is not known."),
    };

    private BigInteger Unscaled(object value) => value is long n ? n : new BigInteger((decimal)value * Power(spec.InputType.Scale, (decimal)value, out var rest)) * rest;

    /// <summary>As much of a power of ten as a decimal can be multiplied by without overflow; the rest is for whole numbers.</summary>
    private static decimal Power(int scale, decimal value, out BigInteger rest)
    {
        rest = 1;
        var own = Math.Min(scale, value.Scale);
        if (scale > own) rest = BigInteger.Pow(10, scale - own);
        var power = 1m;
        for (var i = 0; i < own; i++) power *= 10;
        return power;
    }

    private static BigInteger Quotient(BigInteger sum, long count)
    {
        var half = BigInteger.DivRem(BigInteger.Abs(sum) * 2, count, out _);
        return ((half + 1) / 2) * sum.Sign;
    }

    private decimal? Decimal(BigInteger unscaled)
    {
        if (BigInteger.Abs(unscaled) >= Bound) return null;
        var whole = (decimal)BigInteger.Abs(unscaled);
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(whole, bits);
        return new decimal(bits[0], bits[1], bits[2], unscaled.Sign < 0, spec.ResultType.Scale);
    }

    private void AddDouble(double value)
    {
        var sum = _doubles + value;
        _lost += Math.Abs(_doubles) >= Math.Abs(value) ? _doubles - sum + value : value - sum + _doubles;
        _doubles = sum;
        _size += Math.Abs(value);
    }

    private Approximate? Sum(double value, long count) =>
        double.IsFinite(value) ? new Approximate(value / count, 1e-12 * Math.Max(_size / count, double.Epsilon)) : null;

    private void Keep(double value)
    {
        AddDouble(value);
        _squares += value * value;
        if (_kept.Count < MaxKept) _kept.Add(value);
        else _tooMany = true;
    }

    private object? Spread()
    {
        if (_count < 2) return null;
        if (_tooMany) return AnyValue.Instance;
        var mean = (_doubles + _lost) / _count;
        var variance = _kept.Sum(v => (v - mean) * (v - mean)) / (_count - 1);
        var value = spec.Kind == AggregateKind.StdDev ? Math.Sqrt(variance) : variance;
        if (!double.IsFinite(value)) return AnyValue.Instance;
        return new Approximate(value, (1e-9 * value) + (spec.Kind == AggregateKind.StdDev ? 1e-9 * Math.Sqrt(_squares / _count) : 1e-12 * _squares / _count));
    }

    private object Percentile()
    {
        if (_tooMany) return AnyValue.Instance;
        _kept.Sort();
        var value = _kept[(int)Math.Floor(spec.Parameter * (_kept.Count - 1))];
        return new Approximate(value, 0.0101 * Math.Abs(value));
    }

    private void AddDistinct(object value)
    {
        if (_tooMany) return;
        _distinct.Add(value switch { byte[] b => Convert.ToBase64String(b), decimal d => d / 1.0000000000000000000000000000m, double d => d + 0.0, _ => value });
        _tooMany = _distinct.Count > spec.Parameter;
    }

    private void AddExtreme(object value)
    {
        if (_least is null || Compare(value, _least) < 0) _least = value;
        if (_most is null || Compare(value, _most) > 0) _most = value;
    }

    private static int Compare(object a, object b) => a is string x && b is string y
        ? Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y))
        : Comparer<object>.Default.Compare(a, b);

    private static double AsDouble(object value) => value is double d ? d : Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture);
}
