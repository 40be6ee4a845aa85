namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>
/// The memory that the cells of a silo may take together. While all of them fit, nobody lets any go; else each owner has an equal share, and half of it
/// while memory is tight. Thread-safe.
/// </summary>
internal sealed class CellMemory(Func<long> budget, Func<bool> tight)
{
    private long _bytes;
    private int _owners;

    /// <summary>What the held cells take, bytes, about.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>What they may take, bytes.</summary>
    public long Budget => tight() ? budget() / 2 : budget();

    public CellAccount Open()
    {
        Interlocked.Increment(ref _owners);
        return new CellAccount(this);
    }

    internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void Close(long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        Interlocked.Decrement(ref _owners);
    }

    /// <summary>
    /// What an owner may hold. Cells of many keys are let go only while memory is tight: every batch calls all of them, and reading all they hold for each
    /// would be slower than anything else.
    /// </summary>
    internal long Allowance(bool grouped)
    {
        if (grouped && !tight()) return long.MaxValue;
        var budget = Budget;
        return Bytes <= budget ? long.MaxValue : budget / Math.Max(1, Volatile.Read(ref _owners));
    }
}

/// <summary>What an owner's held cells take. Only its owner writes to it.</summary>
internal sealed class CellAccount(CellMemory memory) : ICellAccount
{
    private bool _closed;

    public long Bytes { get; private set; }

    public long Allowance(bool grouped) => memory.Allowance(grouped);

    public void Add(long bytes)
    {
        if (_closed) return;
        Bytes += bytes;
        memory.Add(bytes);
    }

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        memory.Close(Bytes);
        Bytes = 0;
    }
}
