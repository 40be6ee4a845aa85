using System.Buffers;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>
/// The first values by event time, offset and partition, as JSON texts, up to a number and up to a size: the longest beginning of all values that fits. Values
/// behind the first one that does not fit are not taken, also not small ones; so the result is a function of the values alone and not of the order in which
/// they come.
/// </summary>
internal sealed class CollectedValues(int limit, long maxBytes = AggregateLimits.MaxCollectedBytes) : IStateObject
{
    private ValuePlace[] _places = [];
    private byte[][] _texts = [];
    private int _count;
    private long _bytes;

    // The first place that was left out for its size; nothing from there on is taken.
    private ValuePlace _cut;

    public long EstimatedBytes => 120 + (56L * _count) + _bytes;

    /// <summary>True when values were left out for their size.</summary>
    public bool IsCut => _cut.Present != 0;

    /// <summary>True when a value at a place would be kept, should it be small enough.</summary>
    public bool Takes(in ValuePlace place) =>
        (_cut.Present == 0 || place.CompareTo(_cut) < 0) && (_count < limit || place.CompareTo(_places[_count - 1]) < 0);

    public void Add(in ValuePlace place, byte[] text)
    {
        if (!Takes(place)) return;
        MakeRoom(_count + 1);
        var i = _count;
        while (i > 0 && place.CompareTo(_places[i - 1]) < 0) i--;
        Array.Copy(_places, i, _places, i + 1, _count - i);
        Array.Copy(_texts, i, _texts, i + 1, _count - i);
        _places[i] = place;
        _texts[i] = text;
        _count++;
        _bytes += text.Length;
        Settle();
    }

    /// <summary>Adds what another one holds; both are in order, so that it takes no more steps than there are values.</summary>
    public void Add(CollectedValues other)
    {
        if (other._cut.Present != 0 && (_cut.Present == 0 || other._cut.CompareTo(_cut) < 0)) _cut = other._cut;
        if (other._count != 0)
        {
            var (mine, theirs) = (_count, other._count);
            MakeRoom(mine + theirs);
            // From behind, so that nothing is overwritten that is still needed.
            for (var at = mine + theirs; theirs > 0;)
            {
                var own = mine > 0 && _places[mine - 1].CompareTo(other._places[theirs - 1]) > 0;
                at--;
                _places[at] = own ? _places[--mine] : other._places[--theirs];
                _texts[at] = own ? _texts[mine] : other._texts[theirs];
            }

            _count += other._count;
            _bytes += other._bytes;
        }

        Settle();
    }

    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>((int)Math.Min(_bytes + _count + 16, int.MaxValue));
        buffer.Write("["u8);
        for (var i = 0; i < _count; i++)
        {
            if (i != 0) buffer.Write(","u8);
            buffer.Write(_texts[i]);
        }

        if (IsCut) buffer.Write(_count == 0 ? "\"…\""u8 : ",\"…\""u8);
        buffer.Write("]"u8);
        return buffer.WrittenSpan.ToArray();
    }

    public void Write(ref ByteWriter w)
    {
        if (IsCut) _cut.Write(ref w);
        w.VarUInt((ulong)_count);
        for (var i = 0; i < _count; i++)
        {
            _places[i].Write(ref w);
            w.Block(_texts[i]);
        }
    }

    public static CollectedValues Read(int limit, bool cut, ref ByteReader r)
    {
        var values = new CollectedValues(limit);
        if (cut) values._cut = ValuePlace.Read(ref r);
        var count = r.Count(Math.Min(limit, r.Remaining / 4), "a number of collected values");
        for (var i = 0; i < count; i++)
        {
            var place = ValuePlace.Read(ref r);
            values.Add(place, r.Block().ToArray());
        }

        return values;
    }

    /// <summary>Drops from the end what is behind the cut or beyond the number, and then what is beyond the size.</summary>
    private void Settle()
    {
        while (_count > 0 && (_count > limit || (_cut.Present != 0 && _places[_count - 1].CompareTo(_cut) >= 0))) Drop();
        while (_bytes > maxBytes)
        {
            _cut = _places[_count - 1];
            Drop();
        }

        // Who comes behind a full number is left out for that: what did not fit elsewhere does not matter then.
        if (_count == limit) _cut = default;
    }

    private void Drop()
    {
        _count--;
        _bytes -= _texts[_count].Length;
        _texts[_count] = [];
    }

    private void MakeRoom(int count)
    {
        if (count <= _places.Length) return;
        var size = Math.Max(count, Math.Min(limit + 1, Math.Max(4, _places.Length * 2)));
        Array.Resize(ref _places, size);
        Array.Resize(ref _texts, size);
    }
}
