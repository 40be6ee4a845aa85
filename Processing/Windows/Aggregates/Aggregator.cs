using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>
/// One aggregate function over the panes of a store. It holds no state of its own but its place in a pane: all bytes zero and no object is
/// the empty aggregate. Aggregates take no notice of NULL, except <c>count()</c>.
/// </summary>
internal abstract class Aggregator(AggregateSpec spec)
{
    public AggregateSpec Spec { get; } = spec;

    /// <summary>Bytes of fixed-size state in a pane, a multiple of 8.</summary>
    public abstract int StateBytes { get; }

    /// <summary>Objects in a pane, 0 or 1.</summary>
    public virtual int ObjectSlots => 0;

    /// <summary>Where the state lies in a pane.</summary>
    public int Offset { get; set; }

    /// <summary>Which object slot it has.</summary>
    public int Slot { get; set; }

    /// <summary>True when the result of a pane leaves values out for their size.</summary>
    public virtual bool IsCut(PaneStore store, int pane) => false;

    /// <summary>Takes the rows of a chunk in.</summary>
    public abstract void Update(PaneStore store, RowChunk chunk);

    /// <summary>Adds one pane's state to another's.</summary>
    public abstract void Merge(PaneStore store, int into, int from);

    /// <summary>Writes the result into a row. False when the result's type cannot hold it: the row is NULL then.</summary>
    public abstract bool Emit(PaneStore store, int pane, Column column, int row);

    /// <summary>Writes the state; the format is part of the cell's.</summary>
    public abstract void Write(PaneStore store, int pane, ref ByteWriter w);

    /// <summary>Reads the state into an empty pane.</summary>
    public abstract void Read(PaneStore store, int pane, ref ByteReader r);

    private protected static void WriteWide(Int128 value, ref ByteWriter w)
    {
        var zigzag = (UInt128)((value << 1) ^ (value >> 127));
        w.VarUInt((ulong)zigzag);
        w.VarUInt((ulong)(zigzag >> 64));
    }

    private protected static Int128 ReadWide(ref ByteReader r)
    {
        UInt128 zigzag = r.VarUInt();
        zigzag |= (UInt128)r.VarUInt() << 64;
        return (Int128)(zigzag >> 1) ^ -(Int128)(zigzag & 1);
    }

    private protected static long ReadCount(ref ByteReader r)
    {
        var value = r.VarUInt();
        return value <= long.MaxValue ? (long)value : throw r.Fault("a count is above the range");
    }

    private protected static double ReadFinite(ref ByteReader r)
    {
        var value = r.Double();
        return double.IsNaN(value) ? throw r.Fault("a number is NaN") : value;
    }
}

/// <summary><c>count()</c>.</summary>
internal sealed class CountRows(AggregateSpec spec) : Aggregator(spec)
{
    public override int StateBytes => 8;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        var panes = chunk.Panes.AsSpan(0, chunk.Count);
        foreach (var pane in panes) store.State<long>(pane, Offset)++;
    }

    public override void Merge(PaneStore store, int into, int from) =>
        store.State<long>(into, Offset) += store.State<long>(from, Offset);

    public override bool Emit(PaneStore store, int pane, Column column, int row) =>
        Unscaled.TryWrite(store.State<long>(pane, Offset), 0, column, row);

    public override void Write(PaneStore store, int pane, ref ByteWriter w) => w.VarUInt((ulong)store.State<long>(pane, Offset));

    public override void Read(PaneStore store, int pane, ref ByteReader r) => store.State<long>(pane, Offset) = ReadCount(ref r);
}

/// <summary><c>count(expr)</c>.</summary>
internal sealed class CountValues(AggregateSpec spec, ColumnInput input) : Aggregator(spec)
{
    public override int StateBytes => 8;

    public override void Update(PaneStore store, RowChunk chunk)
    {
        input.Load(chunk);
        foreach (var pane in input.Panes.AsSpan(0, input.Count)) store.State<long>(pane, Offset)++;
    }

    public override void Merge(PaneStore store, int into, int from) =>
        store.State<long>(into, Offset) += store.State<long>(from, Offset);

    public override bool Emit(PaneStore store, int pane, Column column, int row) =>
        Unscaled.TryWrite(store.State<long>(pane, Offset), 0, column, row);

    public override void Write(PaneStore store, int pane, ref ByteWriter w) => w.VarUInt((ulong)store.State<long>(pane, Offset));

    public override void Read(PaneStore store, int pane, ref ByteReader r) => store.State<long>(pane, Offset) = ReadCount(ref r);
}
