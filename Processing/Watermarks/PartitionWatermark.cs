namespace KafkaOracleOrleans.Processing.Watermarks;

/// <summary>
/// The watermark of a source partition: the largest event time seen less the disorder allowed. A function of the
/// records alone, so a replay brings the same one about; it never moves back. Times in ms.
/// </summary>
public sealed class PartitionWatermark(long maxOutOfOrder)
{
    /// <summary>The watermark; <see cref="long.MinValue"/> before the first record.</summary>
    public long Current { get; private set; } = long.MinValue;

    /// <summary>Takes a record's event time into account. True when the watermark moved.</summary>
    public bool Observe(long eventTime)
    {
        // The smallest value means "none yet"; no record can bring it back.
        var watermark = eventTime < long.MinValue + 1 + maxOutOfOrder ? long.MinValue + 1 : eventTime - maxOutOfOrder;
        if (watermark <= Current) return false;
        Current = watermark;
        return true;
    }

    /// <summary>Goes on from a checkpoint. A watermark already reached is kept.</summary>
    public void Restore(long watermark) => Current = Math.Max(Current, watermark);
}
