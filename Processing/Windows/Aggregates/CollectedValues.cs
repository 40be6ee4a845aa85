using System.Buffers;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>The first values by event time, offset and partition, as JSON texts; those beyond the limit are not kept.</summary>
internal sealed class CollectedValues(int limit) : IStateObject
{
    private ValuePlace[] _places = [];
    private byte[][] _texts = [];
    private int _count;

    public long EstimatedBytes { get; private set; } = 100;

    /// <summary>True when a value at a place would be kept.</summary>
    public bool Takes(in ValuePlace place) => _count < limit || place.CompareTo(_places[_count - 1]) < 0;

    public void Add(in ValuePlace place, byte[] text)
    {
        if (!Takes(place)) return;
        if (_count == limit)
        {
            _count--;
            EstimatedBytes -= 56 + _texts[_count].Length;
        }

        if (_count == _places.Length)
        {
            var size = Math.Min(limit, Math.Max(4, _count * 2));
            Array.Resize(ref _places, size);
            Array.Resize(ref _texts, size);
        }

        var i = _count;
        while (i > 0 && place.CompareTo(_places[i - 1]) < 0) i--;
        Array.Copy(_places, i, _places, i + 1, _count - i);
        Array.Copy(_texts, i, _texts, i + 1, _count - i);
        _places[i] = place;
        _texts[i] = text;
        _count++;
        EstimatedBytes += 56 + text.Length;
    }

    public void Add(CollectedValues other)
    {
        for (var i = 0; i < other._count; i++) Add(other._places[i], other._texts[i]);
    }

    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write("["u8);
        for (var i = 0; i < _count; i++)
        {
            if (i != 0) buffer.Write(","u8);
            buffer.Write(_texts[i]);
        }

        buffer.Write("]"u8);
        return buffer.WrittenSpan.ToArray();
    }

    public void Write(ref ByteWriter w)
    {
        w.VarUInt((ulong)_count);
        for (var i = 0; i < _count; i++)
        {
            _places[i].Write(ref w);
            w.Block(_texts[i]);
        }
    }

    public static CollectedValues Read(int limit, ref ByteReader r)
    {
        var values = new CollectedValues(limit);
        var count = r.Count(Math.Min(limit, r.Remaining / 4), "a number of collected values");
        for (var i = 0; i < count; i++)
        {
            var place = ValuePlace.Read(ref r);
            values.Add(place, r.Block().ToArray());
        }

        return values;
    }
}
