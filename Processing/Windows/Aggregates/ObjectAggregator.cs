using System.IO.Hashing;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>A state of varying size.</summary>
internal interface IStateObject
{
    /// <summary>Memory held, roughly, bytes.</summary>
    long EstimatedBytes { get; }
}

/// <summary>An aggregate whose state is an object per pane, made when the first value comes.</summary>
internal abstract class ObjectAggregator<T>(AggregateSpec spec) : Aggregator(spec) where T : class, IStateObject
{
    /// <summary>The mark of a state that leaves values out for their size; since version 3 of the cell's format.</summary>
    private const byte Cut = 2;

    public override int StateBytes => 0;

    public override int ObjectSlots => 1;

    public override void Merge(PaneStore store, int into, int from)
    {
        if (Get(store, from) is { } other) Merge(GetOrMake(store, into), other);
    }

    public override bool Emit(PaneStore store, int pane, Column column, int row)
    {
        Emit(Get(store, pane), column, row);
        return true;
    }

    public override void Write(PaneStore store, int pane, ref ByteWriter w)
    {
        var state = Get(store, pane);
        w.Byte(state is null ? (byte)0 : IsCut(state) ? Cut : (byte)1);
        if (state is not null) Write(state, ref w);
    }

    public override void Read(PaneStore store, int pane, ref ByteReader r)
    {
        var present = r.Byte();
        if (present > Cut || (present == Cut && Spec.Kind != AggregateKind.Collect)) throw r.Fault("a mark is none of those there are");
        if (present != 0) store.Object(pane, Slot) = Read(present == Cut, ref r);
    }

    public override bool IsCut(PaneStore store, int pane) => Get(store, pane) is { } state && IsCut(state);

    protected abstract T Make();

    protected abstract void Merge(T into, T from);

    protected abstract void Emit(T? state, Column column, int row);

    protected abstract void Write(T state, ref ByteWriter w);

    /// <summary>Reads a state; <paramref name="cut"/> is true for one that leaves values out for their size.</summary>
    protected abstract T Read(bool cut, ref ByteReader r);

    protected virtual bool IsCut(T state) => false;

    protected T GetOrMake(PaneStore store, int pane)
    {
        ref var slot = ref store.Object(pane, Slot);
        if (slot is T state) return state;
        var made = Make();
        slot = made;
        return made;
    }

    private T? Get(PaneStore store, int pane) => store.Object(pane, Slot) as T;
}

/// <summary><c>count_distinct(expr, limit)</c>; see <see cref="DistinctCounter"/>.</summary>
internal sealed class DistinctAggregator(AggregateSpec spec, ChunkInput input) : ObjectAggregator<DistinctCounter>(spec)
{
    public const int DefaultLimit = 1000;
    private readonly int _limit = spec.Parameter >= 1 ? (int)Math.Min(spec.Parameter, DistinctCounter.MaxLimit) : DefaultLimit;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++) GetOrMake(store, input.Panes[i]).Add(Identity(i));
    }

    protected override DistinctCounter Make() => new(_limit);

    protected override void Merge(DistinctCounter into, DistinctCounter from) => into.Add(from);

    protected override void Emit(DistinctCounter? state, Column column, int row) =>
        ((LongColumn)column).Set(row, state?.Estimate() ?? 0);

    protected override void Write(DistinctCounter state, ref ByteWriter w) => state.Write(ref w);

    protected override DistinctCounter Read(bool cut, ref ByteReader r) => DistinctCounter.Read(_limit, ref r);

    // Distinct values have distinct identities: by themselves, or for text by 128 bits of hash.
    private UInt128 Identity(int i) => input switch
    {
        LongInput longs => (ulong)longs.Values[i],
        WideInput wides => (UInt128)wides.Values[i],
        DoubleInput doubles => BitConverter.DoubleToUInt64Bits(doubles.Values[i]),
        _ => XxHash128.HashToUInt128(((BinaryColumn)((ColumnInput)input).Column).Span(input.Rows[i])),
    };
}

/// <summary><c>percentile(expr, p)</c>; see <see cref="QuantileSketch"/>.</summary>
internal sealed class PercentileAggregator(AggregateSpec spec, DoubleInput input) : ObjectAggregator<QuantileSketch>(spec)
{
    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++) GetOrMake(store, input.Panes[i]).Add(input.Values[i]);
    }

    protected override QuantileSketch Make() => new();

    protected override void Merge(QuantileSketch into, QuantileSketch from) => into.Add(from);

    protected override void Emit(QuantileSketch? state, Column column, int row)
    {
        if (state is null) column.SetNull(row);
        else ((DoubleColumn)column).Set(row, state.Quantile(Spec.Parameter));
    }

    protected override void Write(QuantileSketch state, ref ByteWriter w) => state.Write(ref w);

    protected override QuantileSketch Read(bool cut, ref ByteReader r) => QuantileSketch.Read(ref r);
}

/// <summary><c>top_k(expr, k)</c>; see <see cref="FrequentValues"/>. The result is a JSON array of value and count.</summary>
internal sealed class TopAggregator(AggregateSpec spec, ColumnInput input) : ObjectAggregator<FrequentValues>(spec)
{
    private readonly int _k = (int)spec.Parameter;
    private readonly JsonValueText _text = new();

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++)
            GetOrMake(store, input.Panes[i]).Add(TextOf(input.Column, input.Rows[i]), 1, 0);
    }

    private ReadOnlySpan<byte> TextOf(Column column, int row) =>
        column is BinaryColumn text && text.Length[row] > AggregateLimits.MaxCountedBytes
            ? _text.OfString(AggregateLimits.Shorten(text.Span(row)))
            : _text.Of(column, row);

    protected override FrequentValues Make() => new(FrequentValues.CapacityFor(_k));

    protected override void Merge(FrequentValues into, FrequentValues from) => into.Add(from);

    protected override void Emit(FrequentValues? state, Column column, int row)
    {
        if (state is null) column.SetNull(row);
        else ((BinaryColumn)column).Set(row, state.ToJson(_k));
    }

    protected override void Write(FrequentValues state, ref ByteWriter w) => state.Write(ref w);

    protected override FrequentValues Read(bool cut, ref ByteReader r) => FrequentValues.Read(FrequentValues.CapacityFor(_k), ref r);
}

/// <summary><c>collect(expr, n)</c>: the first n values by event time, offset and partition as a JSON array.</summary>
internal sealed class CollectAggregator(AggregateSpec spec, ColumnInput input) : ObjectAggregator<CollectedValues>(spec)
{
    private readonly int _limit = (int)spec.Parameter;
    private readonly JsonValueText _text = new();

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        for (var i = 0; i < input.Count; i++)
        {
            var state = GetOrMake(store, input.Panes[i]);
            var place = new ValuePlace(chunk, input.Rows[i]);
            if (state.Takes(place)) state.Add(place, _text.Of(input.Column, input.Rows[i]).ToArray());
        }
    }

    protected override CollectedValues Make() => new(_limit);

    protected override void Merge(CollectedValues into, CollectedValues from) => into.Add(from);

    protected override void Emit(CollectedValues? state, Column column, int row)
    {
        if (state is null) column.SetNull(row);
        else ((BinaryColumn)column).Set(row, state.ToJson());
    }

    protected override void Write(CollectedValues state, ref ByteWriter w) => state.Write(ref w);

    protected override CollectedValues Read(bool cut, ref ByteReader r) => CollectedValues.Read(_limit, cut, ref r);

    protected override bool IsCut(CollectedValues state) => state.IsCut;
}
