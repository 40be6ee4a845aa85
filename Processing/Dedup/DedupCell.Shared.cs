namespace KafkaOracleOrleans.Processing.Dedup;

/// <content>A cell for the records of several partitions.</content>
public sealed partial class DedupCell
{
    /// <summary>Makes an empty cell for the records of several partitions.</summary>
    /// <param name="withinMs">For how long (event time) an id is held, ms, at least 0.</param>
    public static DedupCell Shared(long withinMs) => new(withinMs, 0, shared: true);

    /// <summary>True when a shared cell holds an id for the record with a mark.</summary>
    public bool Holds(UInt128 id, uint mark)
    {
        var claim = new DedupClaim { IdLow = (ulong)id, IdHigh = (ulong)(id >> 64) };
        var hash = ClaimIndex.Hash(claim.IdLow, claim.IdHigh);
        for (var number = Find(claim, hash, out var slot); number >= 0; number = FindNext(claim, hash, ref slot))
        {
            if (_pages[number >> _pageBits]![number & _placeMask].Offset == mark) return true;
            slot = _index.After(slot);
        }

        return false;
    }

    /// <summary>True when claims of that time were forgotten, now or earlier.</summary>
    public bool IsForgotten(long time) => BucketOf(time) < ForgottenBelow;

    /// <summary>
    /// True when the id is accepted. An id may be held several times, at times further apart than the span: partitions that are read at different
    /// speeds bring them in any order.
    /// </summary>
    private bool ClaimShared(in DedupClaim claim, ulong hash, long time, long mark, ref DedupCounts counts)
    {
        for (var number = Find(claim, hash, out var slot); number >= 0; number = FindNext(claim, hash, ref slot))
        {
            var page = _pages[number >> _pageBits]!;
            ref var holder = ref page[number & _placeMask];
            if (IsNear(time, page, holder))
            {
                counts.Duplicates++;
                if (holder.Body != claim.Body) counts.DifferentBody++;
                return false;
            }

            slot = _index.After(slot);
        }

        Hold(claim, hash, time, mark, ref counts);
        counts.Accepted++;
        return true;
    }
}
