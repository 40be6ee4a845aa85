using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>Up to <see cref="Size"/> rows and the pane each belongs to: the unit in which aggregates are updated.</summary>
internal sealed class RowChunk
{
    /// <summary>Small enough that the panes of a chunk stay in the cache from one aggregate to the next.</summary>
    public const int Size = 128;

    /// <summary>Changes whenever the content does.</summary>
    public long Stamp { get; private set; }

    public int Count { get; private set; }

    public int[] Rows { get; } = new int[Size];

    public int[] Panes { get; } = new int[Size];

    public KeyedRows Source { get; private set; } = null!;

    public int Partition { get; private set; }

    /// <summary>Starts a chunk.</summary>
    public void Begin(KeyedRows source, int partition)
    {
        Source = source;
        Partition = partition;
        Count = 0;
    }

    public void Add(int row, int pane)
    {
        Rows[Count] = row;
        Panes[Count++] = pane;
    }

    /// <summary>Rows and panes up to a count were written in place.</summary>
    public void SetCount(int count) => Count = count;

    /// <summary>The chunk is complete.</summary>
    public void Seal() => Stamp++;
}

/// <summary>
/// The values of one input column for the rows of a chunk that are not NULL, in the form aggregates want. Loaded once per chunk however
/// many aggregates use it.
/// </summary>
internal abstract class ChunkInput(int column)
{
    private readonly int[] _panes = new int[RowChunk.Size];
    private readonly int[] _rows = new int[RowChunk.Size];
    private long _stamp = -1;

    protected int ColumnIndex { get; } = column;

    /// <summary>How many rows of the chunk have a value.</summary>
    public int Count { get; private set; }

    /// <summary>The pane of each value.</summary>
    public int[] Panes { get; private set; } = [];

    /// <summary>The row of each value.</summary>
    public int[] Rows { get; private set; } = [];

    public void Load(RowChunk chunk)
    {
        if (_stamp == chunk.Stamp) return;
        _stamp = chunk.Stamp;
        var column = chunk.Source.Inputs[ColumnIndex];
        var nulls = column.IsNull;
        var n = 0;
        var from = chunk.Rows.AsSpan(0, chunk.Count);
        var fromPanes = chunk.Panes.AsSpan(0, chunk.Count);
        var (rows, panes) = (_rows, _panes);
        for (var i = 0; i < from.Length; i++)
        {
            var row = from[i];
            rows[n] = row;
            panes[n] = fromPanes[i];
            n += nulls[row] ? 0 : 1;
        }

        Count = n;
        Rows = _rows;
        Panes = _panes;
        Gather(column, _rows.AsSpan(0, n));
    }

    protected abstract void Gather(Column column, ReadOnlySpan<int> rows);
}

/// <summary>Integers, times, booleans (0, 1) and decimals of up to 18 digits as whole multiples of their type's last digit.</summary>
internal sealed class LongInput(int column) : ChunkInput(column)
{
    public long[] Values { get; } = new long[RowChunk.Size];

    protected override void Gather(Column column, ReadOnlySpan<int> rows)
    {
        var values = Values.AsSpan(0, rows.Length);
        switch (column)
        {
            case LongColumn numbers:
                for (var i = 0; i < values.Length; i++) values[i] = numbers.Values[rows[i]];
                break;
            case BooleanColumn booleans:
                for (var i = 0; i < values.Length; i++) values[i] = booleans.Values[rows[i]] ? 1 : 0;
                break;
            case DecimalColumn decimals:
                var scale = column.Type.Scale;
                var all = decimals.Values;
                for (var i = 0; i < values.Length; i++) values[i] = Unscaled.ToLong(all[rows[i]], scale);
                break;
            default:
                throw new InvalidOperationException($"A column of type {column.Type} has no whole numbers.");
        }
    }
}

/// <summary>Decimals of more than 18 digits as whole multiples of their type's last digit.</summary>
internal sealed class WideInput(int column) : ChunkInput(column)
{
    public Int128[] Values { get; } = new Int128[RowChunk.Size];

    protected override void Gather(Column column, ReadOnlySpan<int> rows)
    {
        var decimals = (DecimalColumn)column;
        var scale = column.Type.Scale;
        for (var i = 0; i < rows.Length; i++) Values[i] = Unscaled.ToInt128(decimals.Values[rows[i]], scale);
    }
}

/// <summary>Any numbers as doubles; -0 is 0.</summary>
internal sealed class DoubleInput(int column) : ChunkInput(column)
{
    public double[] Values { get; } = new double[RowChunk.Size];

    protected override void Gather(Column column, ReadOnlySpan<int> rows)
    {
        var values = Values.AsSpan(0, rows.Length);
        switch (column)
        {
            case DoubleColumn doubles:
                for (var i = 0; i < values.Length; i++) values[i] = doubles.Values[rows[i]] + 0.0;
                break;
            case LongColumn numbers:
                for (var i = 0; i < values.Length; i++) values[i] = numbers.Values[rows[i]];
                break;
            case DecimalColumn decimals:
                for (var i = 0; i < values.Length; i++) values[i] = (double)decimals.Values[rows[i]];
                break;
            default:
                throw new InvalidOperationException($"A column of type {column.Type} has no numbers.");
        }
    }
}

/// <summary>The column as it is, for aggregates that take values one by one.</summary>
internal sealed class ColumnInput(int column) : ChunkInput(column)
{
    public Column Column { get; private set; } = null!;

    protected override void Gather(Column column, ReadOnlySpan<int> rows) => Column = column;
}
