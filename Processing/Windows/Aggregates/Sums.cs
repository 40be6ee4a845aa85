using System.Runtime.CompilerServices;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>A sum of whole numbers in 128 bits, which more than 2^34 decimals of 28 digits cannot overflow, and how many they were.</summary>
internal struct ExactSum
{
    public ulong Low;
    public long High;
    public long Count;

    public readonly Int128 Value => new((ulong)High, Low);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long value)
    {
        var low = Low + (ulong)value;
        High += (value >> 63) + (low < Low ? 1 : 0);
        Low = low;
        Count++;
    }

    public void Add(Int128 value, long count)
    {
        var sum = Value + value;
        Low = (ulong)sum;
        High = (long)(sum >> 64);
        Count += count;
    }
}

/// <summary>Exact sum or mean of integers and decimals: the order of the rows does not count.</summary>
internal sealed class ExactSumAggregator(AggregateSpec spec, ChunkInput input) : Aggregator(spec)
{
    private readonly int _scale = spec.InputType.Scale;

    public override int StateBytes => 24;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        var panes = input.Panes.AsSpan(0, input.Count);
        if (input is LongInput longs)
        {
            var values = longs.Values.AsSpan(0, panes.Length);
            for (var i = 0; i < panes.Length; i++) store.State<ExactSum>(panes[i], Offset).Add(values[i]);
        }
        else
        {
            var values = ((WideInput)input).Values.AsSpan(0, panes.Length);
            for (var i = 0; i < panes.Length; i++) store.State<ExactSum>(panes[i], Offset).Add(values[i], 1);
        }
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        var other = store.State<ExactSum>(from, Offset);
        store.State<ExactSum>(into, Offset).Add(other.Value, other.Count);
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        var state = store.State<ExactSum>(pane, Offset);
        if (state.Count == 0)
        {
            column.SetNull(row);
            return true;
        }

        return Spec.Kind == AggregateKind.Avg
            ? Unscaled.TryWriteQuotient(state.Value, state.Count, _scale, column, row)
            : Unscaled.TryWrite(state.Value, _scale, column, row);
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        ref var state = ref store.State<ExactSum>(pane, Offset);
        w.VarUInt((ulong)state.Count);
        if (state.Count != 0) WriteWide(state.Value, ref w);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var count = ReadCount(ref r);
        if (count != 0) store.State<ExactSum>(pane, Offset).Add(ReadWide(ref r), count);
    }
}

/// <summary>A number of about 106 significant bits: the sum of two doubles that do not overlap.</summary>
internal struct DoubleDouble
{
    public double High;
    public double Low;

    public void Add(double value)
    {
        var sum = High + value;
        var part = sum - High;
        Low += (High - (sum - part)) + (value - part);
        High = sum + Low;
        Low -= High - sum;
    }

    public void Add(in DoubleDouble other)
    {
        Add(other.High);
        Add(other.Low);
    }

    public void AddSquare(double value)
    {
        var square = value * value;
        Add(square);
        Add(Math.FusedMultiplyAdd(value, value, -square));
    }
}

/// <summary>
/// Sum or mean of doubles, carried with twice their precision: the order of the rows shows only when values cancel by more than 30 digits.
/// </summary>
internal sealed class DoubleSumAggregator(AggregateSpec spec, DoubleInput input) : Aggregator(spec)
{
    private struct State
    {
        public DoubleDouble Sum;
        public long Count;
    }

    public override int StateBytes => 24;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++)
        {
            ref var state = ref store.State<State>(input.Panes[i], Offset);
            state.Sum.Add(input.Values[i]);
            state.Count++;
        }
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        var other = store.State<State>(from, Offset);
        ref var state = ref store.State<State>(into, Offset);
        state.Sum.Add(other.Sum);
        state.Count += other.Count;
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        ref var state = ref store.State<State>(pane, Offset);
        var value = Spec.Kind == AggregateKind.Avg ? state.Sum.High / state.Count : state.Sum.High;
        if (state.Count == 0 || !double.IsFinite(value)) column.SetNull(row);
        else ((DoubleColumn)column).Set(row, value + 0.0);
        return state.Count == 0 || double.IsFinite(value);
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        ref var state = ref store.State<State>(pane, Offset);
        w.VarUInt((ulong)state.Count);
        if (state.Count == 0) return;
        w.Double(state.Sum.High);
        w.Double(state.Sum.Low);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        ref var state = ref store.State<State>(pane, Offset);
        state.Count = ReadCount(ref r);
        if (state.Count == 0) return;
        // An overflowed sum is infinite or not a number, and stays so.
        state.Sum.High = r.Double();
        state.Sum.Low = r.Double();
    }
}

/// <summary>Sample variance and standard deviation (n - 1): NULL below two values.</summary>
internal sealed class VarianceAggregator(AggregateSpec spec, DoubleInput input) : Aggregator(spec)
{
    private struct State
    {
        public DoubleDouble Sum;
        public DoubleDouble Squares;
        public long Count;
    }

    public override int StateBytes => 40;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++)
        {
            ref var state = ref store.State<State>(input.Panes[i], Offset);
            state.Sum.Add(input.Values[i]);
            state.Squares.AddSquare(input.Values[i]);
            state.Count++;
        }
    }

    public override void Merge(PaneStore store, int into, int from)
    {
        var other = store.State<State>(from, Offset);
        ref var state = ref store.State<State>(into, Offset);
        state.Sum.Add(other.Sum);
        state.Squares.Add(other.Squares);
        state.Count += other.Count;
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        ref var state = ref store.State<State>(pane, Offset);
        column.SetNull(row);
        if (state.Count < 2) return true;
        var variance = Variance(state);
        var value = Spec.Kind == AggregateKind.StdDev ? Math.Sqrt(variance) : variance;
        if (!double.IsFinite(value)) return false;
        ((DoubleColumn)column).Set(row, value);
        return true;
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        ref var state = ref store.State<State>(pane, Offset);
        w.VarUInt((ulong)state.Count);
        if (state.Count == 0) return;
        w.Double(state.Sum.High);
        w.Double(state.Sum.Low);
        w.Double(state.Squares.High);
        w.Double(state.Squares.Low);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        ref var state = ref store.State<State>(pane, Offset);
        state.Count = ReadCount(ref r);
        if (state.Count == 0) return;
        state.Sum = new DoubleDouble { High = r.Double(), Low = r.Double() };
        state.Squares = new DoubleDouble { High = r.Double(), Low = r.Double() };
    }

    // (squares - sum * sum / n) / (n - 1), with the product, the quotient and the difference in twice the precision.
    private static double Variance(in State state)
    {
        double n = state.Count;
        var sum = state.Sum;
        var product = sum.High * sum.High;
        var productLow = Math.FusedMultiplyAdd(sum.High, sum.High, -product) + (2 * sum.High * sum.Low);
        var quotient = product / n;
        var quotientLow = (Math.FusedMultiplyAdd(-quotient, n, product) + productLow) / n;
        var difference = state.Squares;
        difference.Add(-quotient);
        difference.Add(-quotientLow);
        return Math.Max(0, difference.High + difference.Low) / (n - 1);
    }
}
