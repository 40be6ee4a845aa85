using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// Brings the ids of stored cells, of whatever number and kind, into cells by id: what an upgrade from cells by message key needs, and a change of
/// the number of cells. An id that lies in several cells is held by its largest offset afterwards. Doing it again, also after it broke off, gives
/// the same. Not thread-safe.
/// </summary>
public sealed class DedupMove
{
    private readonly DedupCells _layout;
    private readonly long _within;
    private readonly DedupCell[] _cells;

    /// <summary>Makes empty cells.</summary>
    /// <param name="layout">The cells to come; by id.</param>
    /// <param name="withinMs">The step's span, ms.</param>
    /// <param name="maxOutOfOrderMs">The source's maxOutOfOrder, ms.</param>
    /// <param name="position">The partition's position: no id lies at a larger offset.</param>
    public DedupMove(DedupCells layout, long withinMs, long maxOutOfOrderMs, long position)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layout.Groups, 1);
        (_layout, _within) = (layout, withinMs);
        _cells = new DedupCell[layout.Groups];
        // Claims of many cells come in no order of their offsets; a page's base below all of them keeps the pages full.
        for (var i = 0; i < _cells.Length; i++) _cells[i] = new DedupCell(withinMs, maxOutOfOrderMs) { PageBase = Math.Max(0, position - int.MaxValue) };
    }

    /// <summary>How many ids were taken from other cells, those included that several cells held.</summary>
    public long Moved { get; private set; }

    /// <summary>Takes a stored part of a cell of the layout as it is. Before any <see cref="Add"/>. Throws <see cref="CorruptStateException"/>.</summary>
    public void Keep(ulong route, long part, ReadOnlySpan<byte> payload) => _cells[route].ReadPart(part, payload);

    /// <summary>Takes the ids of a stored part of another cell. Throws <see cref="CorruptStateException"/>.</summary>
    public void Add(long part, ReadOnlySpan<byte> payload)
    {
        var length = DedupCell.BucketLength(_within);
        var page = DedupPage.Read(part, payload, length, DedupPage.Size, out var maxTime);
        foreach (var cell in _cells) cell.Reach(maxTime);
        foreach (ref readonly var claim in page.Claims)
        {
            var cell = _cells[_layout.RouteOf(DedupCells.HashOf(new UInt128(claim.IdHigh, claim.IdLow)))];
            cell.Adopt(claim, (page.Bucket * length) + claim.Time, page.BaseOffset + claim.Offset);
        }

        Moved += page.Count;
    }

    /// <summary>What is to be stored, cell by cell.</summary>
    public IEnumerable<(ulong Route, IReadOnlyList<CellPart> Parts)> Collect()
    {
        for (var i = 0; i < _cells.Length; i++)
        {
            var parts = _cells[i].CollectDirty();
            if (parts.Count != 0) yield return ((ulong)i, parts);
        }
    }
}
