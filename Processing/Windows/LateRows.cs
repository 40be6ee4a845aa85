namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>Why a row is late. The numbers are stored and cannot change.</summary>
public enum LateReason : byte
{
    /// <summary>Its own partition's watermark had passed its windows: a function of the log.</summary>
    Watermark = 0,

    /// <summary>Its windows were closed because its partition was taken for idle, and their state is gone.</summary>
    Idle = 1,
}

/// <summary>A row that came too late for every window it belongs to.</summary>
/// <param name="Row">The row's number in its <see cref="KeyedRows"/>.</param>
/// <param name="WindowStart">Start of the last window it missed, ms since the Unix epoch.</param>
/// <param name="WindowEnd">End of that window, ms since the Unix epoch.</param>
/// <param name="LateBy">By how much the watermark had passed the window's end plus the allowed lateness, ms, at least 0.</param>
/// <param name="Reason">Which watermark that was.</param>
public readonly record struct LateRow(int Row, long WindowStart, long WindowEnd, long LateBy, LateReason Reason = LateReason.Watermark);

/// <summary>Late rows, collected over one or more calls. Used again after <see cref="Clear"/>.</summary>
public sealed class LateRows
{
    private LateRow[] _items = [];

    /// <summary>How many rows came too late.</summary>
    public int Count { get; private set; }

    /// <summary>How many rows came too late for some of their hopping windows and count in the others.</summary>
    public int Partly { get; private set; }

    /// <summary>A late row, in the order they were found.</summary>
    public LateRow this[int index] => index < Count ? _items[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>All of them. Valid until the next call.</summary>
    public ReadOnlySpan<LateRow> Span => _items.AsSpan(0, Count);

    /// <summary>Forgets all of them and keeps the room.</summary>
    public void Clear() => (Count, Partly) = (0, 0);

    internal void AddPartly() => Partly++;

    internal void Add(in LateRow row)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Math.Max(16, Count * 2));
        _items[Count++] = row;
    }
}
