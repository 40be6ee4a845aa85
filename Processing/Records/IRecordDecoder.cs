namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// Turns raw records into columns. An instance belongs to one partition and is used for one batch at a time. It never
/// throws for what a record contains: a record that does not decode goes to <see cref="RecordBatch.Errors"/>.
/// </summary>
public interface IRecordDecoder
{
    /// <summary>The fields it fills.</summary>
    Schema Schema { get; }

    /// <summary>
    /// Decodes all records of <see cref="RecordBatch.Raw"/> into <see cref="RecordBatch.Rows"/> (already reset) and
    /// selects those that decoded in <see cref="RecordBatch.Alive"/>.
    /// </summary>
    void Decode(RecordBatch batch);

    /// <summary>What was seen since the decoder was made.</summary>
    DecoderCounters Counters { get; }
}

/// <summary>Counts of what a decoder saw.</summary>
public sealed class DecoderCounters
{
    /// <summary>Records decoded.</summary>
    public long Decoded { get; set; }

    /// <summary>Records refused.</summary>
    public long Refused { get; set; }

    /// <summary>Tombstones (null values).</summary>
    public long Tombstones { get; set; }

    /// <summary>Properties in values that no field asks for.</summary>
    public long UnknownFields { get; set; }

    /// <summary>Repeated properties; the last one wins.</summary>
    public long DuplicateFields { get; set; }
}
