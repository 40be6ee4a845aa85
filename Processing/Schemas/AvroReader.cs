using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>
/// Reads Avro's binary encoding. It never throws and never reads beyond the bytes: what does not fit sets <see cref="Fault"/>, and from then on every
/// number is zero and every text empty, so that whoever reads on comes to an end.
/// </summary>
internal ref struct AvroReader(ReadOnlySpan<byte> data, int maxDepth)
{
    // An item of a type without bytes costs nothing to send: a count of 2^60 nulls is ten bytes.
    private const int FreeItems = 100_000;

    private readonly ReadOnlySpan<byte> _data = data;
    private int _depth;
    private long _items = FreeItems + (long)data.Length;

    /// <summary>Where the next byte is.</summary>
    public int Position { get; set; }

    /// <summary>What does not fit; null: all did so far.</summary>
    public string? Fault { get; private set; }

    /// <summary>Where it does not.</summary>
    public int FaultAt { get; private set; }

    /// <summary>True when values lie too deep in each other.</summary>
    public bool TooDeep { get; private set; }

    /// <summary>True after the last byte.</summary>
    public readonly bool AtEnd => Position == _data.Length;

    /// <summary>Notes what does not fit; the first reason counts.</summary>
    public void Fail(string fault)
    {
        if (Fault is not null) return;
        Fault = fault;
        FaultAt = Position;
        Position = _data.Length;
    }

    /// <summary>Enters a value that may hold others. False when they lie too deep.</summary>
    public bool Enter()
    {
        if (++_depth <= maxDepth) return Fault is null;
        TooDeep = true;
        Fail("values lie too deep in each other");
        return false;
    }

    /// <summary>Leaves it again.</summary>
    public void Leave() => _depth--;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadLong()
    {
        if ((uint)Position < (uint)_data.Length && _data[Position] is var one && one < 0x80)
        {
            Position++;
            return (one >>> 1) ^ -(one & 1);
        }

        return ReadLongSlow();
    }

    private long ReadLongSlow()
    {
        var raw = 0UL;
        var pos = Position;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if ((uint)pos >= (uint)_data.Length) break;
            var b = _data[pos++];
            if (shift == 63 && b > 1) break;
            raw |= (ulong)(b & 0x7F) << shift;
            if (b >= 0x80) continue;
            Position = pos;
            return (long)(raw >> 1) ^ -(long)(raw & 1);
        }

        Fail(pos >= _data.Length ? "the bytes end too early" : "a number has more than 64 bits");
        return 0;
    }

    public int ReadInt()
    {
        var value = ReadLong();
        if (value is >= int.MinValue and <= int.MaxValue) return (int)value;
        Fail("a number has more than 32 bits");
        return 0;
    }

    public bool ReadBoolean()
    {
        var bytes = ReadFixed(1);
        if (bytes.IsEmpty) return false;
        if (bytes[0] > 1) Fail("a boolean is neither 0 nor 1");
        return bytes[0] == 1;
    }

    public float ReadFloat() => ReadFixed(4) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : 0;

    public double ReadDouble() => ReadFixed(8) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadDoubleLittleEndian(bytes) : 0;

    /// <summary>Bytes of a known number; empty when there are not so many.</summary>
    public ReadOnlySpan<byte> ReadFixed(int length)
    {
        if (length > _data.Length - Position)
        {
            Fail("the bytes end too early");
            return default;
        }

        var bytes = _data.Slice(Position, length);
        Position += length;
        return bytes;
    }

    /// <summary>Bytes with their length before them.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadLong();
        if ((ulong)length <= (ulong)(_data.Length - Position)) return ReadFixed((int)length);
        Fail(length < 0 ? "a length is below zero" : "a length goes beyond the end");
        return default;
    }

    /// <summary>The place of a union's branch.</summary>
    public int ReadBranch(int count)
    {
        var branch = ReadLong();
        if ((ulong)branch < (ulong)count) return (int)branch;
        Fail("a union has no such branch");
        return 0;
    }

    /// <summary>How many items the next block of an array or map has; 0: there is no more block.</summary>
    public long ReadBlock()
    {
        var count = ReadLong();
        if (count < 0)
        {
            // The size of the block in bytes stands behind a count below zero; items are read all the same.
            if (count == long.MinValue || ReadLong() < 0)
            {
                Fail("a block's count or size makes no sense");
                return 0;
            }

            count = -count;
        }

        _items -= count;
        if (count <= int.MaxValue && _items >= 0) return Fault is null ? count : 0;
        Fail("an array or map has more items than the record can hold");
        return 0;
    }
}
