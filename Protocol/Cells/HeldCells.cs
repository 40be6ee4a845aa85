namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>
/// The cells of an owner that are in memory, by when they were last called. Those that were not called for longest go first when memory runs short, once
/// all they hold is durable. Not thread-safe.
/// </summary>
internal sealed class HeldCells(ICellAccount account, bool grouped)
{
    /// <summary>
    /// What an activation costs besides the state it says it has, bytes: the activation, its entry in the grain directory, and what its owner keeps of it.
    /// Measured: about 6 kB.
    /// </summary>
    public const long Cost = 6 * 1024;

    private CellEntry? _coldest;
    private CellEntry? _hottest;

    public int Count { get; private set; }

    /// <summary>They take more than their owner's share.</summary>
    public bool IsOver => account.Bytes > account.Allowance(grouped);

    /// <summary>A cell is being called.</summary>
    public void Touch(CellEntry cell)
    {
        if (ReferenceEquals(cell, _hottest)) return;
        if (cell.IsListed) Unlink(cell);
        else
        {
            Count++;
            account.Add(Cost + cell.Bytes);
        }

        (cell.IsListed, cell.Colder, cell.Hotter) = (true, _hottest, null);
        if (_hottest is null) _coldest = cell;
        else _hottest.Hotter = cell;
        _hottest = cell;
    }

    /// <summary>A cell's state takes so much more than before.</summary>
    public void Grew(CellEntry cell, long bytes)
    {
        if (cell.IsListed) account.Add(bytes);
    }

    public void Remove(CellEntry cell)
    {
        if (!cell.IsListed) return;
        Unlink(cell);
        (cell.IsListed, cell.Colder, cell.Hotter) = (false, null, null);
        Count--;
        account.Add(-(Cost + cell.Bytes));
    }

    /// <summary>Nothing is held any more.</summary>
    public void Clear()
    {
        while (_coldest is { } cell) Remove(cell);
    }

    /// <summary>The cell to let go next; null when there is room, or when the coldest is not durable: then none is, for those called later are not either.</summary>
    public CellEntry? NextToGo() => IsOver && _coldest is { IsDurable: true } cell ? cell : null;

    private void Unlink(CellEntry cell)
    {
        if (cell.Colder is null) _coldest = cell.Hotter;
        else cell.Colder.Hotter = cell.Hotter;
        if (cell.Hotter is null) _hottest = cell.Colder;
        else cell.Hotter.Colder = cell.Colder;
    }
}
