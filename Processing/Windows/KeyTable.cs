using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>A key of a cell.</summary>
internal struct KeyEntry
{
    public ulong Hash;
    public int KeyStart;

    /// <summary>Bytes of the key; -1: the entry is free.</summary>
    public int KeyLength;

    /// <summary>The newest pane, or -1. Of a free entry: the next free one.</summary>
    public int FirstPane;

    private readonly int _reserved;

    /// <summary>The due time under which the key stands in the cell's queue; <see cref="long.MaxValue"/>: it does not.</summary>
    public long ScheduledDue;
}

/// <summary>
/// The keys of a cell: open addressing with linear probing over slots of 32 hash bits and an entry number, entries in one array, key bytes
/// in another. The slot of a key is given by the top bits of its mixed hash, and so is its part: the keys of a part lie together.
/// </summary>
internal sealed class KeyTable
{
    private ulong[] _slots = new ulong[2];
    private int _shift = 63;
    private KeyEntry[] _entries = [];
    private byte[] _bytes = [];
    private int _used;
    private int _free = -1;
    private int _byteCount;
    private int _deadBytes;

    /// <summary>How many keys there are.</summary>
    public int Count { get; private set; }

    /// <summary>One more than the largest entry number in use.</summary>
    public int EntryLimit => _used;

    /// <summary>The memory held, bytes.</summary>
    public long Bytes => (_slots.LongLength * 8) + (_entries.LongLength * Unsafe.SizeOf<KeyEntry>()) + _bytes.LongLength;

    /// <summary>All entries, by number. Valid until keys are added.</summary>
    public ReadOnlySpan<KeyEntry> Entries => _entries;

    public ref KeyEntry this[int entry] => ref _entries[entry];

    /// <summary>The bytes of a key. Valid until keys are added or removed.</summary>
    public ReadOnlySpan<byte> Key(int entry)
    {
        ref var e = ref _entries[entry];
        return _bytes.AsSpan(e.KeyStart, e.KeyLength);
    }

    /// <summary>A hash whose top bits are usable even when all keys have been chosen by the low bits of theirs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong hash) => (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15UL;

    /// <summary>
    /// The entries of the keys of some rows, -1 where there is none or it is not in one of its first two slots. First the slots of all rows are
    /// read, then the entries: each loop does one dependent read per row, so that the cache misses of many rows overlap. Between the two slots it
    /// is chosen without a branch, which would be guessed wrong too often.
    /// </summary>
    public void Find(KeyedRows source, ReadOnlySpan<int> rows, Span<int> entries)
    {
        var hashes = source.KeyHashes;
        var slots = _slots;
        var shift = _shift;
        entries = entries[..rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var hash = hashes[rows[i]];
            var home = (int)(Mix(hash) >> shift);
            var slot = slots[home];
            var next = slots[(home + 1) & (slots.Length - 1)];
            slot = (uint)(slot >> 32) == (uint)hash ? slot : next;
            entries[i] = (uint)(slot >> 32) == (uint)hash ? (int)(uint)slot - 1 : -1;
        }

        var bytes = source.KeyBytes.AsSpan();
        var starts = source.KeyStarts;
        for (var i = 0; i < rows.Length; i++)
        {
            var row = rows[i];
            var start = starts[row];
            if (!Is(entries[i], hashes[row], bytes[start..starts[row + 1]])) entries[i] = -1;
        }
    }

    /// <summary>True when an entry (or -1) is that of a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Is(int entry, ulong hash, ReadOnlySpan<byte> key)
    {
        if (entry < 0) return false;
        ref var e = ref _entries[entry];
        if (e.Hash != hash || e.KeyLength != key.Length) return false;
        // Most keys are a few bytes long: two reads that may overlap, and no call.
        if ((uint)(key.Length - 8) > 8) return _bytes.AsSpan(e.KeyStart, e.KeyLength).SequenceEqual(key);
        ref var mine = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bytes), e.KeyStart);
        ref var other = ref MemoryMarshal.GetReference(key);
        var last = key.Length - 8;
        return Unsafe.ReadUnaligned<ulong>(ref mine) == Unsafe.ReadUnaligned<ulong>(ref other)
            && Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref mine, last)) == Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref other, last));
    }

    /// <summary>The entry of a key, or -1.</summary>
    public int Find(ulong hash, ReadOnlySpan<byte> key)
    {
        var mask = _slots.Length - 1;
        for (var i = (int)(Mix(hash) >> _shift); ; i = (i + 1) & mask)
        {
            var slot = _slots[i];
            if (slot == 0) return -1;
            if ((uint)(slot >> 32) == (uint)hash && Is((int)(uint)slot - 1, hash, key)) return (int)(uint)slot - 1;
        }
    }

    /// <summary>Adds a key that is not there and returns its entry.</summary>
    public int Add(ulong hash, ReadOnlySpan<byte> key)
    {
        // At most half full: then nine keys in ten stand in one of their first two slots.
        if ((Count + 1) * 2L > _slots.Length) Rehash(_slots.Length * 2);
        int entry;
        if (_free >= 0)
        {
            entry = _free;
            _free = _entries[entry].FirstPane;
        }
        else
        {
            entry = _used++;
            if (entry == _entries.Length) Array.Resize(ref _entries, Math.Max(1, entry * 2));
        }

        Count++;
        _entries[entry] = new KeyEntry
        {
            Hash = hash,
            KeyStart = AppendKey(key),
            KeyLength = key.Length,
            FirstPane = -1,
            ScheduledDue = long.MaxValue,
        };
        Place(hash, entry);
        return entry;
    }

    /// <summary>Removes a key.</summary>
    public void Remove(int entry)
    {
        ref var e = ref _entries[entry];
        var mask = _slots.Length - 1;
        var hole = (int)(Mix(e.Hash) >> _shift);
        while ((int)(uint)_slots[hole] - 1 != entry) hole = (hole + 1) & mask;
        for (var i = (hole + 1) & mask; _slots[i] != 0; i = (i + 1) & mask)
        {
            var home = (int)(Mix(_entries[(int)(uint)_slots[i] - 1].Hash) >> _shift);
            // An entry may fill the hole unless its home lies after the hole (seen around the ring).
            if (((i - home) & mask) < ((i - hole) & mask)) continue;
            _slots[hole] = _slots[i];
            hole = i;
        }

        _slots[hole] = 0;
        _deadBytes += e.KeyLength;
        e = new KeyEntry { KeyLength = -1, FirstPane = _free, ScheduledDue = long.MaxValue };
        _free = entry;
        Count--;
        if (Count == 0) Empty();
    }

    /// <summary>Appends the entries of the keys whose mixed hash begins with the bits of a part.</summary>
    public void EntriesOfPart(int part, int partBits, List<int> entries)
    {
        var mask = _slots.Length - 1;
        var slotBits = 64 - _shift;
        var first = slotBits >= partBits ? part << (slotBits - partBits) : part >> (partBits - slotBits);
        var regular = slotBits >= partBits ? 1 << (slotBits - partBits) : 1;
        for (var n = 0; n < _slots.Length; n++)
        {
            var slot = _slots[(first + n) & mask];
            if (slot == 0)
            {
                // Keys pushed out of their slots never lie behind an empty one.
                if (n >= regular) return;
                continue;
            }

            var entry = (int)(uint)slot - 1;
            if (PartOf(_entries[entry].Hash, partBits) == part) entries.Add(entry);
        }
    }

    /// <summary>The part of a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PartOf(ulong hash, int partBits) => partBits == 0 ? 0 : (int)(Mix(hash) >> (64 - partBits));

    private void Empty()
    {
        _used = 0;
        _free = -1;
        _byteCount = 0;
        _deadBytes = 0;
    }

    private int AppendKey(ReadOnlySpan<byte> key)
    {
        if (_bytes.Length - _byteCount < key.Length)
        {
            if (_deadBytes > _byteCount / 2) CompactKeys();
            if (_bytes.Length - _byteCount < key.Length)
            {
                var size = Math.Max((long)_byteCount + key.Length, _bytes.Length * 2L);
                Array.Resize(ref _bytes, (int)Math.Min(size, Array.MaxLength));
            }
        }

        key.CopyTo(_bytes.AsSpan(_byteCount));
        _byteCount += key.Length;
        return _byteCount - key.Length;
    }

    private void CompactKeys()
    {
        var target = new byte[_bytes.Length];
        var used = 0;
        for (var i = 0; i < _used; i++)
        {
            ref var e = ref _entries[i];
            if (e.KeyLength < 0) continue;
            _bytes.AsSpan(e.KeyStart, e.KeyLength).CopyTo(target.AsSpan(used));
            e.KeyStart = used;
            used += e.KeyLength;
        }

        _bytes = target;
        _byteCount = used;
        _deadBytes = 0;
    }

    private void Rehash(int size)
    {
        var old = _slots;
        _slots = new ulong[size];
        _shift = 64 - BitOperations.Log2((uint)size);
        foreach (var slot in old)
        {
            if (slot != 0) Place(_entries[(int)(uint)slot - 1].Hash, (int)(uint)slot - 1);
        }
    }

    private void Place(ulong hash, int entry)
    {
        var mask = _slots.Length - 1;
        var i = (int)(Mix(hash) >> _shift);
        while (_slots[i] != 0) i = (i + 1) & mask;
        _slots[i] = ((ulong)(uint)hash << 32) | (uint)(entry + 1);
    }
}
