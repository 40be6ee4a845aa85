using System.Buffers.Binary;
using System.Globalization;

namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Never reads beyond the end and never believes a length it has not
/// checked: every fault is a <see cref="CorruptStateException"/> that names the format and the offset.
/// </summary>
public ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly string _format;

    /// <summary>Reads bytes of a format, which is named in faults.</summary>
    public ByteReader(ReadOnlySpan<byte> data, string format)
    {
        _data = data;
        _format = format;
    }

    /// <summary>The offset of the next byte.</summary>
    public int Position { get; private set; }

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _data.Length - Position;

    /// <summary>A fault at the present offset.</summary>
    public readonly CorruptStateException Fault(string what) => new(string.Create(
        CultureInfo.InvariantCulture, $"{_format}: {what} (at byte {Position} of {_data.Length})."));

    /// <summary>Reads so many bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)Remaining) throw Fault("the data ends too early");
        var span = _data.Slice(Position, count);
        Position += count;
        return span;
    }

    /// <summary>Reads one byte.</summary>
    public byte Byte()
    {
        if (Position >= _data.Length) throw Fault("the data ends too early");
        return _data[Position++];
    }

    /// <summary>Reads 2 bytes.</summary>
    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    /// <summary>Reads 4 bytes.</summary>
    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    /// <summary>Reads 8 bytes.</summary>
    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

    /// <summary>Reads 8 bytes.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    /// <summary>Reads 8 bytes.</summary>
    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8));

    /// <summary>
    /// Reads a number written by <see cref="ByteWriter.VarUInt"/>. Only the shortest form is accepted.
    /// </summary>
    public ulong VarUInt()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte();
            if (shift == 63 && part > 1) throw Fault("a number has more than 64 bits");
            value |= (ulong)(part & 0x7F) << shift;
            if (part >= 0x80) continue;
            if (part == 0 && shift != 0) throw Fault("a number is not in its shortest form");
            return value;
        }

        throw Fault("a number has more than 64 bits");
    }

    /// <summary>Reads a number written by <see cref="ByteWriter.VarInt"/>.</summary>
    public long VarInt()
    {
        var value = VarUInt();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>
    /// Reads a number from 0 to <paramref name="max"/>; <paramref name="what"/> is named when it is larger.
    /// </summary>
    public int Count(int max, string what)
    {
        var value = VarUInt();
        if (value > (ulong)max)
        {
            throw Fault(string.Create(
                CultureInfo.InvariantCulture, $"{what} is {value}, at most {max} can be meant"));
        }

        return (int)value;
    }

    /// <summary>Reads a length, then so many bytes.</summary>
    public ReadOnlySpan<byte> Block() => Bytes(Count(Remaining, "a length"));

    /// <summary>Reads a text written by <see cref="ByteWriter.Text"/>.</summary>
    public string Text()
    {
        var bytes = Block();
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) throw Fault("a text is not valid UTF-8");
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Throws unless everything was read.</summary>
    public readonly void ExpectEnd()
    {
        if (Remaining != 0) throw Fault("there are bytes after the end");
    }
}
