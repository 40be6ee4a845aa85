using System.Numerics;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>How values of a fixed size are loaded, written and stored.</summary>
internal interface IFixedValue<T> where T : unmanaged, INumber<T>
{
    static abstract ReadOnlySpan<T> Values(ChunkInput input);

    static abstract void Emit(T value, int scale, Column column, int row);

    static abstract void Write(T value, ref ByteWriter w);

    static abstract T Read(ref ByteReader r);
}

internal readonly struct LongValue : IFixedValue<long>
{
    public static ReadOnlySpan<long> Values(ChunkInput input) => ((LongInput)input).Values.AsSpan(0, input.Count);

    public static void Emit(long value, int scale, Column column, int row) => Unscaled.TryWrite(value, scale, column, row);

    public static void Write(long value, ref ByteWriter w) => w.VarInt(value);

    public static long Read(ref ByteReader r) => r.VarInt();
}

internal readonly struct WideValue : IFixedValue<Int128>
{
    public static ReadOnlySpan<Int128> Values(ChunkInput input) => ((WideInput)input).Values.AsSpan(0, input.Count);

    public static void Emit(Int128 value, int scale, Column column, int row) => Unscaled.TryWrite(value, scale, column, row);

    public static void Write(Int128 value, ref ByteWriter w)
    {
        w.UInt64((ulong)value);
        w.UInt64((ulong)(value >> 64));
    }

    public static Int128 Read(ref ByteReader r)
    {
        var low = r.UInt64();
        return new Int128(r.UInt64(), low);
    }
}

internal readonly struct DoubleValue : IFixedValue<double>
{
    public static ReadOnlySpan<double> Values(ChunkInput input) => ((DoubleInput)input).Values.AsSpan(0, input.Count);

    public static void Emit(double value, int scale, Column column, int row) => ((DoubleColumn)column).Set(row, value);

    public static void Write(double value, ref ByteWriter w) => w.Double(value);

    public static double Read(ref ByteReader r)
    {
        var value = r.Double();
        return double.IsFinite(value) ? value : throw r.Fault("a double is not finite");
    }
}

/// <summary><c>min</c> and <c>max</c> of numbers, times and booleans.</summary>
internal sealed class ExtremeAggregator<T, TValue>(AggregateSpec spec, ChunkInput input) : Aggregator(spec)
    where T : unmanaged, INumber<T>
    where TValue : struct, IFixedValue<T>
{
    private struct State
    {
        public T Value;
        public long Present;
    }

    private readonly bool _max = spec.Kind == AggregateKind.Max;

    public override int StateBytes => System.Runtime.CompilerServices.Unsafe.SizeOf<State>();

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        var values = TValue.Values(input);
        var panes = input.Panes.AsSpan(0, values.Length);
        if (_max)
        {
            for (var i = 0; i < panes.Length; i++) TakeLarger(ref store.State<State>(panes[i], Offset), values[i]);
        }
        else
        {
            for (var i = 0; i < panes.Length; i++) TakeSmaller(ref store.State<State>(panes[i], Offset), values[i]);
        }
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        var other = store.State<State>(from, Offset);
        if (other.Present == 0) return;
        ref var state = ref store.State<State>(into, Offset);
        if (_max) TakeLarger(ref state, other.Value);
        else TakeSmaller(ref state, other.Value);
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        ref var state = ref store.State<State>(pane, Offset);
        if (state.Present == 0) column.SetNull(row);
        else TValue.Emit(state.Value, Spec.InputType.Scale, column, row);
        return true;
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        ref var state = ref store.State<State>(pane, Offset);
        w.Byte((byte)state.Present);
        if (state.Present != 0) TValue.Write(state.Value, ref w);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var present = r.Byte();
        if (present > 1) throw r.Fault("a mark is neither 0 nor 1");
        if (present == 1) store.State<State>(pane, Offset) = new State { Value = TValue.Read(ref r), Present = 1 };
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private static void TakeLarger(ref State state, T value)
    {
        if (state.Present != 0 && value <= state.Value) return;
        state.Value = value;
        state.Present = 1;
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    private static void TakeSmaller(ref State state, T value)
    {
        if (state.Present != 0 && value >= state.Value) return;
        state.Value = value;
        state.Present = 1;
    }
}

/// <summary>Bytes of a pane; the array is used again when a value replaces another.</summary>
internal sealed class PaneBytes : IStateObject
{
    private byte[] _data = [];
    private int _length;

    public ReadOnlySpan<byte> Value => _data.AsSpan(0, _length);

    public long EstimatedBytes => 48 + _data.Length;

    public void Set(ReadOnlySpan<byte> value)
    {
        if (_data.Length < value.Length) _data = new byte[value.Length];
        value.CopyTo(_data);
        _length = value.Length;
    }
}

/// <summary><c>min</c> and <c>max</c> of strings by their UTF-8 bytes (which is code point order).</summary>
internal sealed class BytesExtremeAggregator(AggregateSpec spec, ColumnInput input) : Aggregator(spec)
{
    private readonly bool _max = spec.Kind == AggregateKind.Max;

    public override int StateBytes => 0;

    public override int ObjectSlots => 1;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        var column = (BinaryColumn)input.Column;
        for (var i = 0; i < input.Count; i++) Take(store, input.Panes[i], column.Span(input.Rows[i]));
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        if (store.Object(from, Slot) is PaneBytes other) Take(store, into, other.Value);
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
        if (bytes is not null) w.Block(bytes.Value);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var present = r.Byte();
        if (present > 1) throw r.Fault("a mark is neither 0 nor 1");
        if (present == 1) Take(store, pane, r.Block());
    }

    private void Take(PaneStore store, int pane, ReadOnlySpan<byte> value)
    {
        ref var slot = ref store.Object(pane, Slot);
        if (slot is not PaneBytes bytes)
        {
            bytes = new PaneBytes();
            slot = bytes;
        }
        else
        {
            var order = value.SequenceCompareTo(bytes.Value);
            if (_max ? order <= 0 : order >= 0) return;
        }

        bytes.Set(value);
    }
}
