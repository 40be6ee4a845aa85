using System.IO.Hashing;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>The constants of a longer IN list.</summary>
internal sealed class ValueSet<T>(IEnumerable<T> values, bool hasNull)
    where T : notnull
{
    private readonly HashSet<T> _values = [.. values];

    /// <summary>NULL when it is not there and the list has a NULL.</summary>
    public bool Contains(T value, EvaluationState state)
    {
        if (_values.Contains(value)) return true;
        if (hasNull) state.GiveNull();
        return false;
    }
}

/// <summary>IN over sets of constants.</summary>
internal static class InOps
{
    public static bool Integer(long value, ValueSet<long> set, EvaluationState state) => set.Contains(value, state);

    public static bool Decimal(decimal value, ValueSet<decimal> set, EvaluationState state) => set.Contains(value, state);

    public static bool Double(double value, ValueSet<double> set, EvaluationState state) => set.Contains(value, state);

    public static bool Text(Utf8Slice value, TextSet set, EvaluationState state) => set.Contains(value, state);
}

/// <summary>Strings by their bytes, in open addressing.</summary>
internal sealed class TextSet
{
    private readonly byte[]?[] _slots;
    private readonly bool _hasNull;

    public TextSet(IReadOnlyCollection<byte[]> values, bool hasNull)
    {
        _hasNull = hasNull;
        _slots = new byte[]?[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(values.Count * 2) + 1)];
        foreach (var value in values) _slots[Find(value)] = value;
    }

    public bool Contains(Utf8Slice value, EvaluationState state)
    {
        if (_slots[Find(value.Span)] is not null) return true;
        if (_hasNull) state.GiveNull();
        return false;
    }

    private int Find(ReadOnlySpan<byte> value)
    {
        var mask = _slots.Length - 1;
        for (var at = (int)XxHash3.HashToUInt64(value) & mask; ; at = (at + 1) & mask)
        {
            if (_slots[at] is not { } known || value.SequenceEqual(known)) return at;
        }
    }
}
