namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>What a sub-batch of a source partition is to a shard that has applied all below a position.</summary>
internal enum Chained
{
    /// <summary>It has rows that are not applied yet; those below the position are.</summary>
    Fresh,

    /// <summary>All of it was applied before: it is answered again, and nothing is done.</summary>
    Had,

    /// <summary>Something lies between: the sender starts over from its checkpoint, which no shard is behind.</summary>
    Gap,
}

/// <summary>Sub-batches chain by [from, to): whatever is sent twice counts once, and nothing is left out unseen.</summary>
internal static class SubBatches
{
    /// <summary>Judges a sub-batch.</summary>
    /// <param name="applied">Everything of the source below is applied.</param>
    /// <param name="from">The sub-batch's first position.</param>
    /// <param name="to">The position after it.</param>
    public static Chained Judge(long applied, long from, long to)
    {
        if (from > applied) return Chained.Gap;
        return to > applied ? Chained.Fresh : Chained.Had;
    }

    /// <summary>Whether the sender's term is over: a newer owner of the partition has called.</summary>
    public static bool IsFenced(long epoch, long newest) => epoch < newest;
}
