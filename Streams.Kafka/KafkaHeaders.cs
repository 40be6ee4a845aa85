using System.Buffers.Binary;
using System.Text;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>One header of a record, seen in the batch's buffer.</summary>
public readonly ref struct KafkaHeader
{
    internal KafkaHeader(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isNull)
    {
        KeyUtf8 = key;
        Value = value;
        IsNull = isNull;
    }

    /// <summary>The name in UTF-8.</summary>
    public ReadOnlySpan<byte> KeyUtf8 { get; }

    /// <summary>The value; empty when null.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>Whether the value is null rather than empty.</summary>
    public bool IsNull { get; }

    /// <summary>The name as text.</summary>
    public string Key => Encoding.UTF8.GetString(KeyUtf8);
}

/// <summary>
/// Walks the headers of one record. Layout in the buffer, per header: int32 LE key length, key, int32 LE value length
/// (-1: null), value.
/// </summary>
public ref struct KafkaHeaderEnumerator
{
    private readonly ReadOnlySpan<byte> _buffer;
    private int _offset;
    private int _left;

    internal KafkaHeaderEnumerator(byte[] buffer, int offset, int count)
    {
        _buffer = buffer;
        _offset = offset;
        _left = count;
        Current = default;
    }

    /// <summary>The header at the cursor.</summary>
    public KafkaHeader Current { get; private set; }

    /// <summary>Lets <c>foreach</c> be used.</summary>
    public readonly KafkaHeaderEnumerator GetEnumerator() => this;

    /// <summary>Goes to the next header; false after the last.</summary>
    public bool MoveNext()
    {
        if (_left == 0)
            return false;
        _left--;
        var key = Next(out _);
        var value = Next(out var isNull);
        Current = new KafkaHeader(key, value, isNull);
        return true;
    }

    private ReadOnlySpan<byte> Next(out bool isNull)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(_buffer[_offset..]);
        _offset += sizeof(int);
        isNull = length < 0;
        if (isNull)
            return default;
        var bytes = _buffer.Slice(_offset, length);
        _offset += length;
        return bytes;
    }
}
