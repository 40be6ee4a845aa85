using System.Numerics;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// From an id to where its claim lies: open addressing over 4-byte slots that hold the claim's number and, in the bits left over, a part of
/// the id's hash. Claims that were dropped leave their slots behind; whoever follows such a slot sees that the claim is gone or another's.
/// </summary>
internal sealed class ClaimIndex
{
    // Full at 3/4, dropped claims included; when the live ones alone fill 5/8, it grows by half. A claim costs 5.3 to 9.6 bytes.
    private uint[] _slots = new uint[4];
    private int _numberBits = 4;
    private int _used;

    public long Bytes => 24 + (_slots.LongLength * 4);

    /// <summary>True when so many more ids would fill it too far: it must be rebuilt first.</summary>
    public bool IsFullFor(int more) => (_used + (long)more) * 4 > _slots.LongLength * 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash(ulong low, ulong high) => (low ^ BitOperations.RotateLeft(high, 32)) * 0x9E3779B97F4A7C15UL;

    /// <summary>Where the search for a hash begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Home(ulong hash) => (int)Math.BigMul(hash, (ulong)_slots.Length, out _);

    /// <summary>The slot's content; for reading ahead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Peek(int slot) => _slots[slot];

    /// <summary>
    /// The next claim from a slot on that may be that of a hash: its number, and the slot it stands in; -1 when there is none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next(ulong hash, ref int slot)
    {
        var tag = Tag(hash);
        var mask = (1u << _numberBits) - 1;
        var slots = _slots;
        while (true)
        {
            var content = slots[slot];
            if (content == 0) return -1;
            if ((content & ~mask) == tag) return (int)(content & mask) - 1;
            if (++slot == slots.Length) slot = 0;
        }
    }

    /// <summary>True when claims with numbers below a limit can be held.</summary>
    public bool Fits(long numberLimit) => numberLimit < 1L << _numberBits;

    /// <summary>The slot after a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int After(int slot) => slot + 1 == _slots.Length ? 0 : slot + 1;

    /// <summary>Adds a claim; there must be room.</summary>
    public void Add(ulong hash, int number)
    {
        var slot = Home(hash);
        while (_slots[slot] != 0)
        {
            if (++slot == _slots.Length) slot = 0;
        }

        _slots[slot] = Tag(hash) | ((uint)number + 1);
        _used++;
    }

    /// <summary>Empties the index and makes room for claims with numbers below a limit.</summary>
    public void Rebuild(long claims, long numberLimit)
    {
        var size = _slots.LongLength;
        while (claims * 8 > size * 5) size = (size * 3 / 2) + 1;
        _numberBits = Math.Max(4, BitOperations.Log2((ulong)numberLimit + 1) + 1);
        if (size > Array.MaxLength || _numberBits > 31)
            throw new InvalidOperationException($"A dedup cell cannot hold {claims} ids. Spread them over more groups or shards, or shorten 'within'.");
        if (size == _slots.Length) Array.Clear(_slots);
        else _slots = new uint[size];
        _used = 0;
    }

    // The low bits of the hash, since the high ones choose the home.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Tag(ulong hash) => (uint)hash << _numberBits;
}
