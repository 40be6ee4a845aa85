using System.IO.Hashing;
using System.Text;

namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>
/// The stored cells of a shard that no grain holds: their names and when each has something to do next, in about 100 bytes a cell. A shard may have
/// millions of keys and memory for a part of their cells; this is what it has to know of the others. Not thread-safe.
/// </summary>
internal sealed class ColdKeys
{
    private const int ChunkSize = 1 << 16;
    private const int Slack = 1024;
    private const long Free = -1;

    private readonly List<byte[]> _chunks = [];
    private Slot[] _slots = [];
    private int[] _buckets = [];
    private int _slotCount;
    private int _freeSlot = -1;
    private int _tail = ChunkSize;
    private long _usedBytes;
    private long _liveBytes;
    private PriorityQueue<int, long> _queue = new();
    private int _withDue;

    private struct Slot
    {
        public ulong Hash;
        public long Due;
        public long At;
        public int Next;
        public ushort Length;
    }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>One of them has something to do some day.</summary>
    public bool HasDue => _withDue > 0;

    /// <summary>The memory this takes, bytes.</summary>
    public long Bytes => (_chunks.Count * (long)ChunkSize) + (_slots.Length * 32L) + (_buckets.Length * 4L) + (_queue.Count * 16L);

    /// <summary>How many entries stand in the queue of due times, stale ones included; for tests.</summary>
    internal int Queued => _queue.Count;

    public void Clear()
    {
        _chunks.Clear();
        (_slots, _buckets, _queue) = ([], [], new PriorityQueue<int, long>());
        (_slotCount, _freeSlot, _tail, _usedBytes, _liveBytes, _withDue, Count) = (0, -1, ChunkSize, 0, 0, 0, 0);
    }

    /// <summary>Adds a cell; one that is there already keeps the earlier of the two times. <see cref="long.MaxValue"/>: never due.</summary>
    public void Add(string name, long due)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(name.Length)];
        text = text[..Encoding.UTF8.GetBytes(name, text)];
        var hash = XxHash3.HashToUInt64(text);
        var index = Find(hash, text);
        if (index >= 0 && _slots[index].Due <= due) return;
        if (index < 0) index = Insert(hash, text);
        else if (_slots[index].Due != long.MaxValue) _withDue--;
        _slots[index].Due = due;
        if (due == long.MaxValue) return;
        _withDue++;
        _queue.Enqueue(index, due);
        if (_queue.Count > (2 * _withDue) + Slack) Requeue();
    }

    public bool Contains(string name)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(name.Length)];
        text = text[..Encoding.UTF8.GetBytes(name, text)];
        return Find(XxHash3.HashToUInt64(text), text) >= 0;
    }

    /// <summary>Takes a cell out: from now on its owner knows of it otherwise.</summary>
    public bool TryTake(string name, out long due)
    {
        due = long.MaxValue;
        if (Count == 0) return false;
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(name.Length)];
        text = text[..Encoding.UTF8.GetBytes(name, text)];
        var index = Find(XxHash3.HashToUInt64(text), text);
        if (index < 0) return false;
        due = _slots[index].Due;
        Remove(index);
        return true;
    }

    /// <summary>Takes the cell out that is due first, if it is due.</summary>
    public bool TryTakeDue(long now, out string name, out long due)
    {
        (name, due) = ("", 0);
        if (!IsDue(now)) return false;
        _queue.TryDequeue(out var index, out due);
        name = NameOf(_slots[index]);
        Remove(index);
        return true;
    }

    /// <summary>A cell is due.</summary>
    public bool IsDue(long now)
    {
        while (_queue.TryPeek(out var index, out var due) && due <= now)
        {
            if (_slots[index].At != Free && _slots[index].Due == due) return true;
            _queue.Dequeue();
        }

        return false;
    }

    /// <summary>The names of those that are due first, and of others where there are not so many.</summary>
    public IReadOnlyList<string> Soonest(int limit)
    {
        // Keeps the smallest: the largest of those kept is on top.
        var kept = new PriorityQueue<int, long>();
        for (var i = 0; i < _slotCount && limit > 0; i++)
        {
            if (_slots[i].At == Free) continue;
            if (kept.Count < limit) kept.Enqueue(i, -_slots[i].Due);
            else kept.EnqueueDequeue(i, -_slots[i].Due);
        }

        return [.. kept.UnorderedItems.OrderByDescending(k => k.Priority).Select(k => NameOf(_slots[k.Element]))];
    }

    private int Find(ulong hash, ReadOnlySpan<byte> name)
    {
        if (_buckets.Length == 0) return -1;
        for (var i = _buckets[hash & (uint)(_buckets.Length - 1)] - 1; i >= 0; i = _slots[i].Next)
        {
            if (_slots[i].Hash == hash && BytesOf(_slots[i]).SequenceEqual(name)) return i;
        }

        return -1;
    }

    private int Insert(ulong hash, ReadOnlySpan<byte> name)
    {
        if (_freeSlot < 0 && _slotCount == _slots.Length) Grow();
        var index = _freeSlot;
        if (index >= 0) _freeSlot = _slots[index].Next;
        else index = _slotCount++;
        ref var bucket = ref _buckets[hash & (uint)(_buckets.Length - 1)];
        _slots[index] = new Slot { Hash = hash, Due = long.MaxValue, At = Store(name), Length = (ushort)name.Length, Next = bucket - 1 };
        bucket = index + 1;
        Count++;
        return index;
    }

    private long Store(ReadOnlySpan<byte> name)
    {
        if (_tail + name.Length > ChunkSize)
        {
            _chunks.Add(new byte[ChunkSize]);
            _tail = 0;
        }

        name.CopyTo(_chunks[^1].AsSpan(_tail));
        var at = ((long)(_chunks.Count - 1) * ChunkSize) + _tail;
        _tail += name.Length;
        _usedBytes += name.Length;
        _liveBytes += name.Length;
        return at;
    }

    private void Remove(int index)
    {
        ref var slot = ref _slots[index];
        ref var bucket = ref _buckets[slot.Hash & (uint)(_buckets.Length - 1)];
        if (bucket - 1 == index) bucket = slot.Next + 1;
        else
        {
            var before = bucket - 1;
            while (_slots[before].Next != index) before = _slots[before].Next;
            _slots[before].Next = slot.Next;
        }

        if (slot.Due != long.MaxValue) _withDue--;
        _liveBytes -= slot.Length;
        Count--;
        slot = new Slot { At = Free, Next = _freeSlot };
        _freeSlot = index;
        if (_usedBytes > ChunkSize && _liveBytes < _usedBytes / 2) Compact();
    }

    private void Grow()
    {
        var size = Math.Max(64, _slots.Length * 2);
        Array.Resize(ref _slots, size);
        _buckets = new int[size];
        for (var i = 0; i < _slotCount; i++)
        {
            ref var bucket = ref _buckets[_slots[i].Hash & (uint)(size - 1)];
            _slots[i].Next = bucket - 1;
            bucket = i + 1;
        }
    }

    /// <summary>Names that are gone leave holes: those that stay move together.</summary>
    private void Compact()
    {
        var old = _chunks.ToArray();
        _chunks.Clear();
        (_tail, _usedBytes, _liveBytes) = (ChunkSize, 0, 0);
        for (var i = 0; i < _slotCount; i++)
        {
            if (_slots[i].At != Free) _slots[i].At = Store(BytesOf(old, _slots[i]));
        }
    }

    /// <summary>Drops what no longer holds: a cell that came and went many times stood there each time.</summary>
    private void Requeue() => _queue = new PriorityQueue<int, long>(
        Enumerable.Range(0, _slotCount).Where(i => _slots[i].At != Free && _slots[i].Due != long.MaxValue).Select(i => (i, _slots[i].Due)));

    private string NameOf(in Slot slot) => Encoding.UTF8.GetString(BytesOf(slot));

    private ReadOnlySpan<byte> BytesOf(in Slot slot) =>
        _chunks[(int)(slot.At / ChunkSize)].AsSpan((int)(slot.At % ChunkSize), slot.Length);

    private static ReadOnlySpan<byte> BytesOf(byte[][] chunks, in Slot slot) =>
        chunks[(int)(slot.At / ChunkSize)].AsSpan((int)(slot.At % ChunkSize), slot.Length);
}
