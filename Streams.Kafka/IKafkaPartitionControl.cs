namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// Control of partitions from any silo; calls are routed to the silo that owns the partition. Resolve it unkeyed
/// (first provider) or keyed by provider name. A partition no silo owns at the moment (it is being handed over, or the
/// source is unknown) makes calls throw <see cref="KafkaPartitionNotOwnedException"/>, which is worth a retry.
/// </summary>
public interface IKafkaPartitionControl
{
    /// <summary>
    /// Continues at <paramref name="offset"/>: what is buffered is dropped and the next container has
    /// <c>From == offset</c>. Also the way out of <see cref="KafkaPartitionState.Failed"/>.
    /// </summary>
    Task SeekAsync(string source, string topic, int partition, long offset);

    /// <summary>Stops reading and delivering. Buffered records stay buffered. Idempotent; lost on hand-over.</summary>
    Task PauseAsync(string source, string topic, int partition);

    /// <summary>Undoes <see cref="PauseAsync"/>. Idempotent.</summary>
    Task ResumeAsync(string source, string topic, int partition);

    /// <summary>
    /// Notes <paramref name="offset"/> (next to read) as committed in Kafka: advisory, sent in the background, for lag
    /// tools and as the fallback start position. A commit that fails is sent again until it, or a newer one, succeeds.
    /// </summary>
    Task CommitAsync(string source, string topic, int partition, long offset);

    /// <summary>The state of one partition, or null when no silo owns it at the moment.</summary>
    Task<KafkaPartitionStatus?> GetStatusAsync(string source, string topic, int partition);

    /// <summary>
    /// The states of all partitions of a source over all reachable silos, sorted. A problem of the source as a whole
    /// (unknown topic, brokers down) is shown by an entry with <see cref="KafkaPartitionStatus.Partition"/> -1.
    /// </summary>
    Task<IReadOnlyList<KafkaPartitionStatus>> GetStatusesAsync(string source);
}

/// <summary>What a partition is doing.</summary>
public enum KafkaPartitionState
{
    /// <summary>The position is being looked up.</summary>
    Starting,

    /// <summary>Records are flowing.</summary>
    Running,

    /// <summary>
    /// Everything in the log has been read, records of open transactions included (there are none); the lag tells what is not handed out yet.
    /// </summary>
    AtEnd,

    /// <summary>Paused by <see cref="IKafkaPartitionControl.PauseAsync"/>.</summary>
    Paused,

    /// <summary>A passing fault (broker down, leader change): retried without limit.</summary>
    Backoff,

    /// <summary>Retry can't help: see the failure. <see cref="IKafkaPartitionControl.SeekAsync"/> goes on.</summary>
    Failed,
}

/// <summary>Why a partition backs off or has failed.</summary>
public enum KafkaFailureCode
{
    /// <summary>The position is outside the log: retention passed it, or the topic was recreated.</summary>
    OffsetOutOfRange,

    /// <summary>The topic or partition does not exist (any more).</summary>
    UnknownTopicOrPartition,

    /// <summary>The topic was deleted and created again (its id changed): the position means nothing there.</summary>
    TopicRecreated,

    /// <summary>The broker refused the credentials or the TLS handshake failed.</summary>
    Authentication,

    /// <summary>The user may not read the topic or use the group.</summary>
    Authorization,

    /// <summary>Brokers can't be reached, or the leader is missing.</summary>
    Unreachable,

    /// <summary>The application's <see cref="IKafkaPositionSource"/> threw.</summary>
    PositionSource,

    /// <summary>One record is larger than the provider's limit allows.</summary>
    RecordTooLarge,

    /// <summary>Any other error; the message has librdkafka's code and text.</summary>
    Other,
}

/// <summary>A partition's fault in words and numbers.</summary>
/// <param name="Code">The kind of fault.</param>
/// <param name="Message">The text for people, with the remedy when there is one. Never contains secrets.</param>
/// <param name="Position">The offset that was asked for, or -1.</param>
/// <param name="LogStart">The first offset in the log, or -1 when unknown.</param>
/// <param name="LogEnd">The offset after the last record in the log, or -1 when unknown.</param>
[GenerateSerializer, Immutable, Alias("kafka.PartitionFailure")]
public sealed record KafkaPartitionFailure(
    [property: Id(0)] KafkaFailureCode Code,
    [property: Id(1)] string Message,
    [property: Id(2)] long Position = -1,
    [property: Id(3)] long LogStart = -1,
    [property: Id(4)] long LogEnd = -1);

/// <summary>A partition as its owner sees it.</summary>
[GenerateSerializer, Immutable, Alias("kafka.PartitionStatus")]
public sealed record KafkaPartitionStatus
{
    /// <summary>The source's name.</summary>
    [Id(0)] public required string Source { get; init; }

    /// <summary>The topic, or the topic pattern when <see cref="Partition"/> is -1.</summary>
    [Id(1)] public required string Topic { get; init; }

    /// <summary>The partition; -1 when the entry is about the source as a whole.</summary>
    [Id(2)] public required int Partition { get; init; }

    /// <summary>What it is doing.</summary>
    [Id(3)] public required KafkaPartitionState State { get; init; }

    /// <summary>Why, when the state is Backoff or Failed; else null.</summary>
    [Id(4)] public KafkaPartitionFailure? Failure { get; init; }

    /// <summary>The owning silo, as Orleans prints its address.</summary>
    [Id(5)] public required string Silo { get; init; }

    /// <summary>The next offset that will be handed to the subscriber; -1 while unknown.</summary>
    [Id(6)] public long Position { get; init; } = -1;

    /// <summary>The next offset to fetch into the buffer; -1 while unknown.</summary>
    [Id(7)] public long FetchPosition { get; init; } = -1;

    /// <summary>The first offset in the log; -1 while unknown.</summary>
    [Id(8)] public long LowWatermark { get; init; } = -1;

    /// <summary>
    /// The offset after the last record in the log, those of open transactions included; -1 while unknown. It is asked for in every state, see
    /// <see cref="KafkaStreamOptions.EndInterval"/>.
    /// </summary>
    [Id(9)] public long HighWatermark { get; init; } = -1;

    /// <summary>
    /// HighWatermark - Position, never negative; -1 while unknown. Records of open transactions count, and so do the markers that end transactions.
    /// </summary>
    [Id(10)] public long LagRecords { get; init; } = -1;

    /// <summary>Age of the last record handed out, in seconds by its timestamp; 0 at the end; -1 unknown.</summary>
    [Id(11)] public double LagSeconds { get; init; } = -1;

    /// <summary>Bytes buffered for this partition in the owning silo.</summary>
    [Id(12)] public long BufferedBytes { get; init; }

    /// <summary>When the state was entered, UTC.</summary>
    [Id(13)] public DateTime Since { get; init; }

    /// <summary>Seconds this owner has kept the partition paused on request, the current pause included.</summary>
    [Id(14)] public double PausedSeconds { get; init; }

    /// <summary>Seconds in which reading stood still because the subscriber had not yet taken what was read.</summary>
    [Id(15)] public double HeldBackSeconds { get; init; }

    /// <summary>Seconds since the partition's leader last told <see cref="HighWatermark"/> when asked; -1: never yet.</summary>
    [Id(16)] public double HighWatermarkAgeSeconds { get; init; } = -1;

    /// <summary>
    /// Where an open transaction begins that reading waits for: records from here to <see cref="HighWatermark"/> can't be read before it ends. -1: none
    /// is known.
    /// </summary>
    [Id(17)] public long OpenTransactionAt { get; init; } = -1;

    /// <summary>The identity of the topic that is read, see <see cref="KafkaBatch.TopicId"/>; empty while unknown.</summary>
    [Id(18)] public string TopicId { get; init; } = "";
}

/// <summary>No silo owns the partition at the moment. Worth a retry: hand-overs take seconds.</summary>
[GenerateSerializer, Alias("kafka.PartitionNotOwned")]
public sealed class KafkaPartitionNotOwnedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public KafkaPartitionNotOwnedException(string message) : base(message)
    {
    }
}
