namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// Rows in columns: <see cref="Columns"/>[i] holds the values of <see cref="Schema"/>[i]. Used again batch after batch.
/// </summary>
public sealed class RowBlock
{
    /// <summary>Makes a block with a column per field.</summary>
    public RowBlock(Schema schema, int capacity = 0)
    {
        Schema = schema;
        Columns = new Column[schema.Count];
        for (var i = 0; i < Columns.Length; i++) Columns[i] = Column.Create(schema[i].Type, capacity);
    }

    /// <summary>Makes a block over existing columns, shared with whoever else holds them.</summary>
    public RowBlock(Schema schema, Column[] columns, int count)
    {
        if (columns.Length != schema.Count)
            throw new ArgumentException("There must be one column per field.", nameof(columns));
        Schema = schema;
        Columns = columns;
        Count = count;
    }

    /// <summary>The fields.</summary>
    public Schema Schema { get; }

    /// <summary>The columns, one per field.</summary>
    public Column[] Columns { get; }

    /// <summary>The number of rows.</summary>
    public int Count { get; set; }

    /// <summary>Empties the block and makes room for rows.</summary>
    public void Reset(int rows)
    {
        Count = rows;
        foreach (var column in Columns)
        {
            column.Reset();
            column.EnsureCapacity(rows);
        }
    }
}

/// <summary>Which rows of a block are meant: <c>Rows[0 .. Count]</c>, ascending row numbers.</summary>
public sealed class Selection
{
    private int[] _rows = [];

    /// <summary>The row numbers; only the first <see cref="Count"/> count.</summary>
    public int[] Rows => _rows;

    /// <summary>How many rows are selected.</summary>
    public int Count { get; private set; }

    /// <summary>The selected row numbers.</summary>
    public ReadOnlySpan<int> Span => _rows.AsSpan(0, Count);

    /// <summary>Adds a row; rows are added in ascending order.</summary>
    public void Add(int row)
    {
        if (Count == _rows.Length) Array.Resize(ref _rows, Math.Max(256, Count * 2));
        _rows[Count++] = row;
    }

    /// <summary>Selects nothing.</summary>
    public void Clear() => Count = 0;

    /// <summary>Selects rows 0 to <paramref name="count"/> - 1.</summary>
    public void SetAll(int count)
    {
        EnsureCapacity(count);
        for (var i = 0; i < count; i++) _rows[i] = i;
        Count = count;
    }

    /// <summary>Copies another selection.</summary>
    public void CopyFrom(Selection other)
    {
        EnsureCapacity(other.Count);
        other.Span.CopyTo(_rows);
        Count = other.Count;
    }

    /// <summary>Sets how many of <see cref="Rows"/> count, after they were written in place.</summary>
    public void SetCount(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _rows.Length);
        Count = count;
    }

    /// <summary>Makes room for rows and keeps what is there.</summary>
    public void EnsureCapacity(int rows)
    {
        if (_rows.Length < rows) Array.Resize(ref _rows, rows);
    }
}
