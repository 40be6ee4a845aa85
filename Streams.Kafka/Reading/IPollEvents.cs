namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>What the poll loop tells the source reader. Called on the poll thread; must not block.</summary>
internal interface IPollEvents
{
    /// <summary>Bytes a partition may have buffered at the moment.</summary>
    long PartitionShare { get; }

    /// <summary>The consumer group offsets are committed under.</summary>
    string GroupId { get; }

    /// <summary>A partition's state may have changed.</summary>
    void OnState(PartitionReader reader, KafkaPartitionState state, KafkaPartitionFailure? failure = null);

    /// <summary>
    /// The position of a partition is outside its log; the limits are to be asked for. What may be wrong is asked for again by a restart when the
    /// position is within the limits.
    /// </summary>
    void OnOutOfRange(PartitionReader reader, long position, string reason, bool mayBeWrong);

    /// <summary>Records were read: brokers are reachable.</summary>
    void OnRecords(PartitionReader reader, int records, long bytes);

    /// <summary>A partition's stream had an error.</summary>
    void OnPartitionError(PartitionReader reader, int code, string reason);

    /// <summary>The thread met an exception it can't name; it goes on after a pause.</summary>
    void OnFault(Exception exception);
}
