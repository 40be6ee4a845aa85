using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// Appends binary values (little-endian) to an array that grows and is used again. A mutable struct: pass it by
/// reference. The default value is ready for use.
/// </summary>
public struct ByteWriter
{
    private byte[]? _buffer;

    /// <summary>Makes a writer with room for so many bytes.</summary>
    public ByteWriter(int capacity) => _buffer = new byte[capacity];

    /// <summary>How many bytes were written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written. Valid until the next write.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>
    /// The array that is written to; only the first <see cref="Length"/> bytes count. Valid until the next write.
    /// </summary>
    public readonly byte[] Buffer => _buffer ?? [];

    /// <summary>Forgets what was written and keeps the room.</summary>
    public void Clear() => Length = 0;

    /// <summary>Takes back everything after the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length);
        Length = length;
    }

    /// <summary>A copy of what was written.</summary>
    public readonly byte[] ToArray()
    {
        var copy = GC.AllocateUninitializedArray<byte>(Length);
        Written.CopyTo(copy);
        return copy;
    }

    /// <summary>The next <paramref name="count"/> bytes, to be filled by the caller.</summary>
    public Span<byte> Take(int count)
    {
        EnsureRoom(count);
        var span = _buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    /// <summary>Writes one byte.</summary>
    public void Byte(byte value)
    {
        EnsureRoom(1);
        _buffer![Length++] = value;
    }

    /// <summary>Writes 2 bytes.</summary>
    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);

    /// <summary>Writes 4 bytes.</summary>
    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    /// <summary>Writes 8 bytes.</summary>
    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    /// <summary>Writes 8 bytes.</summary>
    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    /// <summary>Writes the 8 bytes of an IEEE 754 double.</summary>
    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    /// <summary>Writes an unsigned number in 1 to 10 bytes, 7 bits each, low bits first.</summary>
    public void VarUInt(ulong value)
    {
        EnsureRoom(10);
        var buffer = _buffer!;
        while (value >= 0x80)
        {
            buffer[Length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        buffer[Length++] = (byte)value;
    }

    /// <summary>Writes a signed number in 1 to 10 bytes, small magnitudes in few.</summary>
    public void VarInt(long value) => VarUInt((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Writes bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>Writes the length, then the bytes.</summary>
    public void Block(ReadOnlySpan<byte> value)
    {
        VarUInt((ulong)value.Length);
        Bytes(value);
    }

    /// <summary>Writes the UTF-8 length, then the UTF-8 bytes.</summary>
    public void Text(string value)
    {
        var length = System.Text.Encoding.UTF8.GetByteCount(value);
        VarUInt((ulong)length);
        System.Text.Encoding.UTF8.GetBytes(value, Take(length));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnsureRoom(int count)
    {
        if (_buffer is null || _buffer.Length - Length < count) Grow(count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int count)
    {
        var needed = Math.Max((long)Length + count, Math.Max(64, 2L * Length));
        Array.Resize(ref _buffer, (int)Math.Min(needed, Array.MaxLength));
    }
}
