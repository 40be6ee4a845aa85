namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>A record in quarantine.</summary>
/// <param name="Id">Its identity: a hash of pipeline, topic, partition, offset and place, as hexadecimal digits.</param>
/// <param name="AddedAt">When it was refused first.</param>
/// <param name="Record">The record, and why it was refused.</param>
public sealed record QuarantinedRecord(string Id, DateTimeOffset AddedAt, QuarantineRecord Record);

/// <summary>
/// Where refused records go. Idempotent by (pipeline, topic, partition, offset, place). Every call may throw
/// <see cref="StoreUnavailableException"/>; then it is repeated.
/// </summary>
public interface IQuarantine
{
    /// <summary>Stores records durably before it returns; those that are there already are left as they are.</summary>
    Task AddAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation);

    /// <summary>
    /// Stores records that were refused again: those that are there get the new reason, code and pipeline version.
    /// </summary>
    Task RenewAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation);

    /// <summary>The records of a pipeline with these ids; what is no longer there is missing from the result.</summary>
    Task<IReadOnlyList<QuarantinedRecord>> FindAsync(
        string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation);

    /// <summary>Removes records of a pipeline by id and returns how many there were; absent ones are no error.</summary>
    Task<int> RemoveAsync(string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation);

    /// <summary>
    /// Removes the records of a partition at or after an offset: a reset makes the pipeline read them again.
    /// </summary>
    Task<int> ForgetAsync(string pipeline, string topic, int partition, long from, CancellationToken cancellation);
}

/// <summary>Copies refused records to a Kafka topic.</summary>
public interface IQuarantineTopic
{
    /// <summary>
    /// Writes records, each with its identity as the header <c>kor.id</c>, and returns when all in-sync replicas have them. Throws
    /// <see cref="StoreUnavailableException"/> when the topic cannot take them now. A repeated call writes them again.
    /// </summary>
    Task SendAsync(
        string connection, string topic, IReadOnlyList<(string Id, QuarantineRecord Record)> records,
        CancellationToken cancellation);
}
