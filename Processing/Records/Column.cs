namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// One field's values for the rows of a <see cref="RowBlock"/>. Storage is a plain array that may be longer than the
/// block: columns are made once and used again for every batch. A value is meaningful only where <see cref="IsNull"/>
/// is false.
/// </summary>
public abstract class Column
{
    private protected Column(FieldType type) => Type = type;

    /// <summary>The declared type.</summary>
    public FieldType Type { get; }

    /// <summary>True where the value is NULL. At least as long as the block's row count.</summary>
    public bool[] IsNull { get; private protected set; } = [];

    /// <summary>How many rows the arrays can hold now.</summary>
    public int Capacity => IsNull.Length;

    /// <summary>Makes room for rows and keeps what is there.</summary>
    public void EnsureCapacity(int rows)
    {
        if (rows <= Capacity) return;
        var size = (int)Math.Min(Math.Max(rows, Capacity * 2L), Array.MaxLength);
        var nulls = IsNull;
        Array.Resize(ref nulls, size);
        IsNull = nulls;
        Grow(size);
    }

    /// <summary>
    /// Makes the column ready for a new batch of rows: capacity is kept, variable-length data is dropped.
    /// </summary>
    public virtual void Reset()
    {
    }

    /// <summary>Sets a row to NULL.</summary>
    public virtual void SetNull(int row) => IsNull[row] = true;

    /// <summary>Copies one value, NULL included, from a column of the same class.</summary>
    public abstract void CopyFrom(Column source, int sourceRow, int row);

    /// <summary>Takes values of a column of the same class, one for each of the given rows; variable-length data is shared with it until the next batch.</summary>
    internal abstract void Repeat(Column source, int[] rows, int count);

    private protected void RepeatNulls(Column source, int[] rows, int count)
    {
        EnsureCapacity(count);
        for (var i = 0; i < count; i++) IsNull[i] = source.IsNull[rows[i]];
    }

    private protected static void Repeat<T>(T[] source, T[] target, int[] rows, int count)
    {
        for (var i = 0; i < count; i++) target[i] = source[rows[i]];
    }

    private protected abstract void Grow(int size);

    /// <summary>A new column for a type.</summary>
    public static Column Create(FieldType type, int capacity = 0)
    {
        Column column = type.Kind switch
        {
            FieldKind.Boolean => new BooleanColumn(),
            FieldKind.Integer or FieldKind.Timestamp or FieldKind.Date => new LongColumn(type),
            FieldKind.Decimal => new DecimalColumn(type),
            FieldKind.Double => new DoubleColumn(),
            FieldKind.String or FieldKind.Bytes or FieldKind.Json => new BinaryColumn(type),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The field type is not set."),
        };
        column.EnsureCapacity(capacity);
        return column;
    }
}

/// <summary>Booleans.</summary>
public sealed class BooleanColumn() : Column(FieldType.Boolean)
{
    private bool[] _values = [];

    /// <summary>The values.</summary>
    public bool[] Values => _values;

    /// <summary>Sets a value that is not NULL.</summary>
    public void Set(int row, bool value)
    {
        IsNull[row] = false;
        _values[row] = value;
    }

    /// <inheritdoc/>
    public override void CopyFrom(Column source, int sourceRow, int row)
    {
        var from = (BooleanColumn)source;
        IsNull[row] = from.IsNull[sourceRow];
        _values[row] = from._values[sourceRow];
    }

    internal override void Repeat(Column source, int[] rows, int count)
    {
        RepeatNulls(source, rows, count);
        Repeat(((BooleanColumn)source)._values, _values, rows, count);
    }

    private protected override void Grow(int size) => Array.Resize(ref _values, size);
}

/// <summary>Integers, timestamps (microseconds since the epoch, UTC) and dates (days since the epoch).</summary>
public sealed class LongColumn(FieldType type) : Column(type)
{
    private long[] _values = [];

    /// <summary>The values.</summary>
    public long[] Values => _values;

    /// <summary>Sets a value that is not NULL.</summary>
    public void Set(int row, long value)
    {
        IsNull[row] = false;
        _values[row] = value;
    }

    /// <inheritdoc/>
    public override void CopyFrom(Column source, int sourceRow, int row)
    {
        var from = (LongColumn)source;
        IsNull[row] = from.IsNull[sourceRow];
        _values[row] = from._values[sourceRow];
    }

    internal override void Repeat(Column source, int[] rows, int count)
    {
        RepeatNulls(source, rows, count);
        Repeat(((LongColumn)source)._values, _values, rows, count);
    }

    private protected override void Grow(int size) => Array.Resize(ref _values, size);
}

/// <summary>Exact decimals. Every value fits the column's precision and scale.</summary>
public sealed class DecimalColumn(FieldType type) : Column(type)
{
    private decimal[] _values = [];

    /// <summary>The values.</summary>
    public decimal[] Values => _values;

    /// <summary>Sets a value that is not NULL.</summary>
    public void Set(int row, decimal value)
    {
        IsNull[row] = false;
        _values[row] = value;
    }

    /// <inheritdoc/>
    public override void CopyFrom(Column source, int sourceRow, int row)
    {
        var from = (DecimalColumn)source;
        IsNull[row] = from.IsNull[sourceRow];
        _values[row] = from._values[sourceRow];
    }

    internal override void Repeat(Column source, int[] rows, int count)
    {
        RepeatNulls(source, rows, count);
        Repeat(((DecimalColumn)source)._values, _values, rows, count);
    }

    private protected override void Grow(int size) => Array.Resize(ref _values, size);
}

/// <summary>Finite doubles.</summary>
public sealed class DoubleColumn() : Column(FieldType.Double)
{
    private double[] _values = [];

    /// <summary>The values.</summary>
    public double[] Values => _values;

    /// <summary>Sets a value that is not NULL.</summary>
    public void Set(int row, double value)
    {
        IsNull[row] = false;
        _values[row] = value;
    }

    /// <inheritdoc/>
    public override void CopyFrom(Column source, int sourceRow, int row)
    {
        var from = (DoubleColumn)source;
        IsNull[row] = from.IsNull[sourceRow];
        _values[row] = from._values[sourceRow];
    }

    internal override void Repeat(Column source, int[] rows, int count)
    {
        RepeatNulls(source, rows, count);
        Repeat(((DoubleColumn)source)._values, _values, rows, count);
    }

    private protected override void Grow(int size) => Array.Resize(ref _values, size);
}

/// <summary>
/// Strings (UTF-8), bytes and JSON text. Row r is <c>Data[Start[r] .. Start[r] + Length[r]]</c>; rows need not lie in
/// order and may share bytes.
/// </summary>
public sealed class BinaryColumn(FieldType type) : Column(type)
{
    private int[] _start = [];
    private int[] _length = [];
    private byte[] _data = [];
    private int _used;

    /// <summary>Where each row's bytes start in <see cref="Data"/>.</summary>
    public int[] Start => _start;

    /// <summary>How many bytes each row has.</summary>
    public int[] Length => _length;

    /// <summary>The bytes of all rows.</summary>
    public byte[] Data => _data;

    /// <summary>How many bytes of <see cref="Data"/> are used.</summary>
    public int Used => _used;

    /// <summary>The bytes of a row (empty when NULL).</summary>
    public ReadOnlySpan<byte> Span(int row) =>
        IsNull[row] ? default : _data.AsSpan(_start[row], _length[row]);

    /// <summary>Copies bytes in as a row's value.</summary>
    public void Set(int row, ReadOnlySpan<byte> value)
    {
        var target = Reserve(value.Length);
        value.CopyTo(target);
        Commit(row, value.Length);
    }

    /// <summary>
    /// Room for up to <paramref name="maxBytes"/> bytes; <see cref="Commit"/> makes what was written a row's value.
    /// </summary>
    public Span<byte> Reserve(int maxBytes)
    {
        if (_data.Length - _used < maxBytes)
            Array.Resize(ref _data, (int)Math.Min(Math.Max(_data.Length * 2L, (long)_used + maxBytes),
                Array.MaxLength));
        return _data.AsSpan(_used, maxBytes);
    }

    /// <summary>Makes the first <paramref name="length"/> reserved bytes the value of a row.</summary>
    public void Commit(int row, int length)
    {
        IsNull[row] = false;
        _start[row] = _used;
        _length[row] = length;
        _used += length;
    }

    /// <inheritdoc/>
    public override void Reset() => _used = 0;

    /// <inheritdoc/>
    public override void CopyFrom(Column source, int sourceRow, int row)
    {
        var from = (BinaryColumn)source;
        if (from.IsNull[sourceRow]) SetNull(row);
        else Set(row, from.Span(sourceRow));
    }

    internal override void Repeat(Column source, int[] rows, int count)
    {
        var from = (BinaryColumn)source;
        RepeatNulls(source, rows, count);
        Repeat(from._start, _start, rows, count);
        Repeat(from._length, _length, rows, count);
        _data = from._data;
        _used = from._used;
    }

    private protected override void Grow(int size)
    {
        Array.Resize(ref _start, size);
        Array.Resize(ref _length, size);
    }
}
