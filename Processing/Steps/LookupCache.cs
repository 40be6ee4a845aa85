using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Rows found (and not found) by lookups, each for its time, at most so many. When half of them are new, the older half
/// that nobody asked for since is dropped. Time is passed in, ms.
/// </summary>
public sealed class LookupCache(int maxRows, long hitsFor, long missesFor)
{
    private readonly int _half = Math.Max(1, maxRows / 2);
    private Dictionary<UInt128, Entry> _young = [];
    private Dictionary<UInt128, Entry> _old = [];

    private readonly record struct Entry(byte[]? Values, LookupFault? Fault, long Expires);

    /// <summary>How many keys are remembered.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>
    /// True when the key is known; <paramref name="values"/> is null when the table has no row for it, or when
    /// <paramref name="fault"/> says why there is no answer.
    /// </summary>
    public bool TryGet(UInt128 key, long now, out byte[]? values, out LookupFault? fault)
    {
        values = null;
        fault = null;
        var young = _young.TryGetValue(key, out var entry);
        if (!young && !_old.TryGetValue(key, out entry)) return false;
        if (entry.Expires <= now)
        {
            _young.Remove(key);
            _old.Remove(key);
            return false;
        }

        if (!young) Put(key, entry);
        values = entry.Values;
        fault = entry.Fault;
        return true;
    }

    /// <summary>Remembers what a lookup found, or null for nothing.</summary>
    public void Set(UInt128 key, byte[]? values, long now)
    {
        Put(key, values, null, values is null ? missesFor : hitsFor, now);
    }

    /// <summary>Remembers for the time of a miss why a key has no answer.</summary>
    public void SetFault(UInt128 key, LookupFault fault, long now) => Put(key, null, fault, missesFor, now);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _young.Clear();
        _old.Clear();
    }

    private void Put(UInt128 key, byte[]? values, LookupFault? fault, long keep, long now)
    {
        if (keep > 0) Put(key, new Entry(values, fault, keep > long.MaxValue - now ? long.MaxValue : now + keep));
    }

    private void Put(UInt128 key, Entry entry)
    {
        _old.Remove(key);
        if (_young.Count >= _half && !_young.ContainsKey(key))
        {
            (_old, _young) = (_young, _old);
            _young.Clear();
        }

        _young[key] = entry;
    }
}
