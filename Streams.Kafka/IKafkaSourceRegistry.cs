using System.Diagnostics.CodeAnalysis;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// The sources this silo serves; changes take effect while running. The application gives every silo of the cluster
/// the same set. Resolve it unkeyed (first provider) or keyed by provider name.
/// </summary>
public interface IKafkaSourceRegistry
{
    /// <summary>A snapshot of the sources.</summary>
    IReadOnlyCollection<KafkaSource> Sources { get; }

    /// <summary>Starts a source. Adding an equal source again does nothing.</summary>
    /// <exception cref="ArgumentException">The source is invalid, or its connection is not configured.</exception>
    /// <exception cref="InvalidOperationException">Another source has this name; use <see cref="Update"/>.</exception>
    void Add(KafkaSource source);

    /// <summary>Adds the source or replaces the one with its name. Partitions continue from their positions.</summary>
    /// <exception cref="ArgumentException">The source is invalid, or its connection is not configured.</exception>
    void Update(KafkaSource source);

    /// <summary>Stops a source and drops what is buffered of it; false when there is none.</summary>
    bool Remove(string name);

    /// <summary>Finds a source by name.</summary>
    bool TryGet(string name, [NotNullWhen(true)] out KafkaSource? source);
}

/// <summary>
/// Where a partition continues. Implement it to keep positions in your own store; asked whenever this silo takes a
/// partition over. Exceptions are retried with back-off without limit, the partition's state showing the text.
/// </summary>
public interface IKafkaPositionSource
{
    /// <summary>
    /// The next offset to read, or null when unknown: then Kafka's committed offset of the source's group decides,
    /// and without one <see cref="KafkaSource.StartPosition"/>.
    /// </summary>
    ValueTask<long?> GetPositionAsync(string source, string topic, int partition, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the position is of a topic whose <see cref="KafkaBatch.TopicId"/> the application knows and compares: nothing is read then
    /// before the cluster has told the identity of today's topic. False by default.
    /// </summary>
    ValueTask<bool> KnowsTopicAsync(string source, string topic, int partition, CancellationToken cancellationToken) => new(false);
}
