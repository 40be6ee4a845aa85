namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>A partition as the poll thread knows it; touched by that thread only.</summary>
internal sealed class AssignedPartition(PartitionReader reader, byte[] topicUtf8)
{
    public PartitionReader Reader { get; } = reader;

    public byte[] TopicUtf8 { get; } = topicUtf8;

    public nint Queue { get; set; }

    /// <summary>The position after everything taken from librdkafka: the next batch's From.</summary>
    public long Next { get; set; }

    public bool Fetching { get; set; }

    public bool WasFetching { get; set; }

    /// <summary>Whether the last batch was full, so that more is waiting in librdkafka.</summary>
    public bool MoreWaiting { get; set; }

    /// <summary>Moving average of a record's cost in the buffer; 0: none was seen yet.</summary>
    public double BytesPerRecord { get; set; }

    public long RestartAt { get; set; } = long.MaxValue;

    public int Failures { get; set; }

    /// <summary>The last record taken since the last seek, and the leader's epoch it was written in; -1: none.</summary>
    public (long Offset, int LeaderEpoch) Last { get; set; } = (-1, -1);

    /// <summary>A truncation was reported; the next start asks the leader about the position once more.</summary>
    public bool IsDoubted { get; set; }

    public long Low { get; set; } = -1;

    public long High { get; set; } = -1;

    public void PublishPosition() => Reader.FetchPosition = (Next, Low, High);
}
