namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Keys by the time at which they next have something to do: a binary heap. A key may stand in it several times; only the entry whose time is
/// the key's <see cref="KeyEntry.ScheduledDue"/> counts. Equal times, the rule for aligned windows, cost no sifting.
/// </summary>
internal sealed class DueQueue
{
    private (long Due, int Entry)[] _items = [];

    public int Count { get; private set; }

    public long Bytes => _items.LongLength * 16;

    /// <summary>The earliest entry.</summary>
    public (long Due, int Entry) Top => _items[0];

    public void Push(long due, int entry)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Math.Max(1, Count * 2));
        var i = Count++;
        while (i > 0)
        {
            var parent = (i - 1) >> 1;
            if (_items[parent].Due <= due) break;
            _items[i] = _items[parent];
            i = parent;
        }

        _items[i] = (due, entry);
    }

    public void Pop()
    {
        var last = _items[--Count];
        var i = 0;
        for (var child = 1; child < Count; child = (2 * i) + 1)
        {
            if (child + 1 < Count && _items[child + 1].Due < _items[child].Due) child++;
            if (_items[child].Due >= last.Due) break;
            _items[i] = _items[child];
            i = child;
        }

        if (Count > 0) _items[i] = last;
    }

    public void Clear() => Count = 0;
}
