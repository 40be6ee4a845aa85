using System.Numerics;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>Where a value stands in the order of event time, then offset, then partition.</summary>
internal struct ValuePlace
{
    public long Time;
    public long Offset;
    public int Partition;

    /// <summary>0 while there is no value.</summary>
    public int Present;

    public ValuePlace(RowChunk chunk, int row)
    {
        Time = chunk.Source.EventTimes[row];
        Offset = chunk.Source.Offsets[row];
        Partition = chunk.Partition;
        Present = 1;
    }

    public readonly int CompareTo(in ValuePlace other)
    {
        if (Time != other.Time) return Time < other.Time ? -1 : 1;
        if (Offset != other.Offset) return Offset < other.Offset ? -1 : 1;
        return Partition.CompareTo(other.Partition);
    }

    /// <summary>True when a value at this place takes the place of another's as the last (or first) one.</summary>
    public readonly bool Replaces(in ValuePlace other, bool last)
    {
        if (other.Present == 0) return true;
        var order = CompareTo(other);
        return last ? order > 0 : order < 0;
    }

    public readonly void Write(ref ByteWriter w)
    {
        w.VarInt(Time);
        w.VarInt(Offset);
        w.VarInt(Partition);
    }

    public static ValuePlace Read(ref ByteReader r)
    {
        var place = new ValuePlace { Time = r.VarInt(), Offset = r.VarInt(), Present = 1 };
        var partition = r.VarInt();
        if (partition is < int.MinValue or > int.MaxValue) throw r.Fault("a partition is out of range");
        place.Partition = (int)partition;
        return place;
    }
}

/// <summary><c>first</c> and <c>last</c> of values of a fixed size.</summary>
internal sealed class PositionalAggregator<T, TValue>(AggregateSpec spec, ChunkInput input) : Aggregator(spec)
    where T : unmanaged, INumber<T>
    where TValue : struct, IFixedValue<T>
{
    private struct State
    {
        public ValuePlace Place;
        public T Value;
    }

    private readonly bool _last = spec.Kind == AggregateKind.Last;

    public override int StateBytes => System.Runtime.CompilerServices.Unsafe.SizeOf<State>();

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        var values = TValue.Values(input);
        for (var i = 0; i < values.Length; i++)
        {
            var place = new ValuePlace(chunk, input.Rows[i]);
            ref var state = ref store.State<State>(input.Panes[i], Offset);
            if (place.Replaces(state.Place, _last)) state = new State { Place = place, Value = values[i] };
        }
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        var other = store.State<State>(from, Offset);
        if (other.Place.Present == 0) return;
        ref var state = ref store.State<State>(into, Offset);
        if (other.Place.Replaces(state.Place, _last)) state = other;
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        ref var state = ref store.State<State>(pane, Offset);
        if (state.Place.Present == 0) column.SetNull(row);
        else TValue.Emit(state.Value, Spec.InputType.Scale, column, row);
        return true;
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        ref var state = ref store.State<State>(pane, Offset);
        w.Byte((byte)state.Place.Present);
        if (state.Place.Present == 0) return;
        state.Place.Write(ref w);
        TValue.Write(state.Value, ref w);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var present = r.Byte();
        if (present > 1) throw r.Fault("a mark is neither 0 nor 1");
        if (present == 0) return;
        var place = ValuePlace.Read(ref r);
        store.State<State>(pane, Offset) = new State { Place = place, Value = TValue.Read(ref r) };
    }
}

/// <summary><c>first</c> and <c>last</c> of strings, bytes and JSON.</summary>
internal sealed class BytesPositionalAggregator(AggregateSpec spec, ColumnInput input) : Aggregator(spec)
{
    private readonly bool _last = spec.Kind == AggregateKind.Last;

    public override int StateBytes => 24;

    public override int ObjectSlots => 1;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        var column = (BinaryColumn)input.Column;
        for (var i = 0; i < input.Count; i++)
            Take(store, input.Panes[i], new ValuePlace(chunk, input.Rows[i]), column.Span(input.Rows[i]));
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        if (store.Object(from, Slot) is PaneBytes other) Take(store, into, store.State<ValuePlace>(from, Offset), other.Value);
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        if (store.Object(pane, Slot) is PaneBytes bytes) ((BinaryColumn)column).Set(row, bytes.Value);
        else column.SetNull(row);
        return true;
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        var bytes = store.Object(pane, Slot) as PaneBytes;
        w.Byte(bytes is null ? (byte)0 : (byte)1);
        if (bytes is null) return;
        store.State<ValuePlace>(pane, Offset).Write(ref w);
        w.Block(bytes.Value);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var present = r.Byte();
        if (present > 1) throw r.Fault("a mark is neither 0 nor 1");
        if (present == 0) return;
        var place = ValuePlace.Read(ref r);
        Take(store, pane, place, r.Block());
    }

    private void Take(PaneStore store, int pane, in ValuePlace place, ReadOnlySpan<byte> value)
    {
        ref var current = ref store.State<ValuePlace>(pane, Offset);
        if (!place.Replaces(current, _last)) return;
        current = place;
        ref var slot = ref store.Object(pane, Slot);
        if (slot is not PaneBytes bytes)
        {
            bytes = new PaneBytes();
            slot = bytes;
        }

        bytes.Set(value);
    }
}
