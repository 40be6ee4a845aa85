using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <content>How a cell is stored and brought back.</content>
public sealed partial class DedupCell
{
    /// <summary>
    /// Hands out the parts that changed since the last call and takes them as stored: to be written in one transaction. A part that was
    /// stored and is forgotten comes with a null payload. Due is when the part can be forgotten.
    /// </summary>
    public IReadOnlyList<CellPart> CollectDirty()
    {
        var parts = new List<CellPart>(_gone.Count + 4);
        if (_gone.Count != 0) TakeGone(parts);
        // The largest event time is part of the state and is stored with any page that is written. A shared cell is told it anew.
        if (!_shared && _maxTime != _storedMaxTime && _lastPages.Count != 0 && !_pages.Exists(p => p is { Dirty: true }))
            _pages[_lastPages.Values[^1]]!.Dirty = true;
        _storedMaxTime = _maxTime;
        foreach (var page in _pages)
        {
            if (page is not { Dirty: true }) continue;
            page.Dirty = false;
            page.Stored = true;
            parts.Add(new CellPart(page.Part, page.Write(_bucketLength, _maxTime), ForgetAt(page.Bucket)));
        }

        return parts;
    }

    /// <summary>Takes note of how far another cell had come; what that leaves behind is forgotten.</summary>
    internal void Reach(long maxTime)
    {
        if (maxTime > _maxTime) See(maxTime);
    }

    /// <summary>Takes over a claim of another cell, once.</summary>
    internal void Adopt(in DedupClaim claim, long time, long offset)
    {
        MakeRoom(1, 1);
        var hash = ClaimIndex.Hash(claim.IdLow, claim.IdHigh);
        for (var number = Find(claim, hash, out var slot); number >= 0; number = FindNext(claim, hash, ref slot))
        {
            var page = _pages[number >> _pageBits]!;
            if (page.BaseOffset + page[number & _placeMask].Offset == offset) return;
            slot = _index.After(slot);
        }

        var counts = default(DedupCounts);
        Hold(claim, hash, time, offset, ref counts);
    }

    private void TakeGone(List<CellPart> parts)
    {
        // The bucket of a shared cell may have been forgotten and come back since.
        foreach (var page in _pages)
        {
            if (_shared && page is not null) _gone.Remove(page.Part);
        }

        foreach (var part in _gone) parts.Add(new CellPart(part, null, null));
        _gone.Clear();
    }

    /// <summary>
    /// Adds a stored part to a cell that has not been used yet. Throws <see cref="CorruptStateException"/> when the bytes are damaged, of
    /// a newer version, or of another span; the cell must not be used then.
    /// </summary>
    public void ReadPart(long part, ReadOnlySpan<byte> payload)
    {
        var page = DedupPage.Read(part, payload, _bucketLength, _placeMask + 1, out var maxTime);
        if (!_shared && maxTime > _maxTime) See(maxTime);
        _storedMaxTime = _maxTime;
        if (page.Bucket < _firstBucket)
        {
            // Its deletion was not in the checkpoint that made it needless.
            _gone.Add(page.Part);
            return;
        }

        MakeRoom(page.Count, 1);
        var number = AddPage(page);
        for (var i = 0; i < page.Count; i++)
        {
            _index.Add(ClaimIndex.Hash(page[i].IdLow, page[i].IdHigh), NumberOf(number, i));
        }

        _live += page.Count;
    }
}
