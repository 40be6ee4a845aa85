namespace KafkaOracleOrleans.Protocol.Partitions;

/// <summary>What a batch is to a partition that goes on at a position.</summary>
internal enum Admitted
{
    /// <summary>It is what comes next.</summary>
    Continues,

    /// <summary>A redelivery: dropped.</summary>
    Seen,

    /// <summary>Something was lost on the way: the provider is sent back.</summary>
    Gap,
}

/// <summary>Whether a batch comes next, so that no loss can pass unseen.</summary>
internal static class Admission
{
    /// <summary>Judges a batch of the positions [from, to).</summary>
    /// <param name="position">The next position to take in.</param>
    /// <param name="from">The batch's first position.</param>
    /// <param name="to">The position after it.</param>
    /// <param name="records">Records in it; 0 where positions hold none (compaction, aborted transactions), or where it only tells the end of the log.</param>
    public static Admitted Judge(long position, long from, long to, int records)
    {
        if (to < position || (to == position && records > 0)) return Admitted.Seen;
        return from == position ? Admitted.Continues : Admitted.Gap;
    }
}
