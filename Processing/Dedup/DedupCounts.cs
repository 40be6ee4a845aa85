namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>What claims found. Every claim is either accepted or a duplicate.</summary>
public record struct DedupCounts
{
    /// <summary>Ids claimed for the first time within the span, or again by the offset that holds them.</summary>
    public long Accepted { get; set; }

    /// <summary>Ids that a smaller offset holds.</summary>
    public long Duplicates { get; set; }

    /// <summary>Those duplicates whose body differs from that of the record that holds the id.</summary>
    public long DifferentBody { get; set; }

    /// <summary>Accepted ids of records so far behind that they are not remembered: a duplicate of theirs would pass.</summary>
    public long TooOld { get; set; }
}
