using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>
/// The most frequent values (SpaceSaving): exact while there are no more distinct values than counters. With c counters and n values every
/// value that makes up more than n / c of them is held, and no count is too large by more than n / c. When counters run out, the order of
/// the values can show in the tail.
/// </summary>
internal sealed class FrequentValues(int capacity) : IStateObject
{
    private readonly Dictionary<byte[], int> _index = new(BytesComparer.Instance);
    private Entry[] _entries = [];
    private int[] _heap = [];
    private int[] _place = [];
    private int _count;

    private struct Entry
    {
        public byte[] Text;
        public long Count;
        public long Error;
    }

    public long EstimatedBytes { get; private set; } = 200;

    /// <summary>The number of counters for the k largest: 10 per value, at least 100.</summary>
    public static int CapacityFor(int k) => Math.Max(100, 10 * k);

    /// <summary>Counts a value (as JSON text).</summary>
    public void Add(ReadOnlySpan<byte> text, long count, long error)
    {
        if (_index.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(text, out var entry))
        {
            _entries[entry].Count += count;
            _entries[entry].Error += error;
            if (_heap.Length != 0) SiftDown(_place[entry]);
            return;
        }

        if (_count < capacity)
        {
            if (_count == _entries.Length) Array.Resize(ref _entries, Math.Min(capacity, Math.Max(4, _count * 2)));
            entry = _count++;
            EstimatedBytes += 120 + text.Length;
        }
        else
        {
            if (_heap.Length == 0) MakeHeap();
            entry = _heap[0];
            ref var least = ref _entries[entry];
            _index.Remove(least.Text);
            EstimatedBytes += text.Length - least.Text.Length;
            count += least.Count;
            error += least.Count;
        }

        _entries[entry] = new Entry { Text = text.ToArray(), Count = count, Error = error };
        _index[_entries[entry].Text] = entry;
        if (_heap.Length != 0) SiftDown(_place[entry]);
    }

    /// <summary>
    /// Adds another summary's counts. A value that only one side holds may have occurred in a full other one up to its least count.
    /// </summary>
    public void Add(FrequentValues other)
    {
        var mine = Least();
        var theirs = other.Least();
        var merged = new List<Entry>(_count + other._count);
        for (var i = 0; i < _count; i++)
        {
            var entry = _entries[i];
            if (other._index.TryGetValue(entry.Text, out var twin))
            {
                entry.Count += other._entries[twin].Count;
                entry.Error += other._entries[twin].Error;
            }
            else
            {
                entry.Count += theirs;
                entry.Error += theirs;
            }

            merged.Add(entry);
        }

        for (var i = 0; i < other._count; i++)
        {
            var entry = other._entries[i];
            if (_index.ContainsKey(entry.Text)) continue;
            entry.Count += mine;
            entry.Error += mine;
            merged.Add(entry);
        }

        merged.Sort((a, b) => Compare(b, a));
        Clear();
        foreach (var entry in merged.Take(capacity)) Add(entry.Text, entry.Count, entry.Error);
    }

    /// <summary>The k most frequent values, most frequent first: <c>[{"value":..,"count":..},..]</c>.</summary>
    public byte[] ToJson(int k)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write("["u8);
        var n = 0;
        foreach (var entry in _entries.AsSpan(0, _count).ToArray().OrderByDescending(e => e, EntryOrder).Take(k))
        {
            buffer.Write(n++ == 0 ? "{\"value\":"u8 : ",{\"value\":"u8);
            buffer.Write(entry.Text);
            buffer.Write(",\"count\":"u8);
            Encoding.ASCII.GetBytes(entry.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), buffer);
            buffer.Write("}"u8);
        }

        buffer.Write("]"u8);
        return buffer.WrittenSpan.ToArray();
    }

    public void Write(ref ByteWriter w)
    {
        w.VarUInt((ulong)_count);
        foreach (var entry in _entries.AsSpan(0, _count).ToArray().OrderByDescending(e => e, EntryOrder))
        {
            w.Block(entry.Text);
            w.VarUInt((ulong)entry.Count);
            w.VarUInt((ulong)entry.Error);
        }
    }

    public static FrequentValues Read(int capacity, ref ByteReader r)
    {
        var values = new FrequentValues(capacity);
        var count = r.Count(Math.Min(capacity, r.Remaining / 3), "a number of frequent values");
        for (var i = 0; i < count; i++)
        {
            var text = r.Block();
            var times = r.VarUInt();
            var error = r.VarUInt();
            if (times > long.MaxValue || error > times) throw r.Fault("a frequency is out of range");
            values.Add(text, (long)times, (long)error);
        }

        return values;
    }

    private static readonly Comparer<Entry> EntryOrder = Comparer<Entry>.Create((a, b) => Compare(a, b));

    // By count; of equal counts the value that sorts first counts as the larger one.
    private static int Compare(in Entry a, in Entry b)
    {
        var order = a.Count.CompareTo(b.Count);
        return order != 0 ? order : b.Text.AsSpan().SequenceCompareTo(a.Text);
    }

    private long Least() => _count < capacity ? 0 : _entries.AsSpan(0, _count).ToArray().Min(e => e.Count);

    private void Clear()
    {
        _index.Clear();
        _entries = [];
        _heap = [];
        _place = [];
        _count = 0;
        EstimatedBytes = 200;
    }

    private void MakeHeap()
    {
        _heap = new int[_count];
        _place = new int[_count];
        for (var i = 0; i < _count; i++) _heap[i] = _place[i] = i;
        for (var i = (_count / 2) - 1; i >= 0; i--) SiftDown(i);
    }

    private void SiftDown(int i)
    {
        var entry = _heap[i];
        for (var child = (2 * i) + 1; child < _heap.Length; child = (2 * i) + 1)
        {
            if (child + 1 < _heap.Length && Compare(_entries[_heap[child + 1]], _entries[_heap[child]]) < 0) child++;
            if (Compare(_entries[_heap[child]], _entries[entry]) >= 0) break;
            _heap[i] = _heap[child];
            _place[_heap[i]] = i;
            i = child;
        }

        _heap[i] = entry;
        _place[entry] = i;
    }

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static BytesComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)XxHash3.HashToUInt64(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
