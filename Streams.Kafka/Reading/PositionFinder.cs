using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// Decides where partitions start: the application's position, else the group's committed offset, else the source's
/// start position; always as a concrete offset, so that the first batch's From is exact.
/// </summary>
internal sealed class PositionFinder(KafkaSource source, ReaderContext context)
{
    private TimeSpan Timeout => context.Options.RequestTimeout;

    /// <summary>The position of one partition; null when it can't be told now, which is reported.</summary>
    public async Task<long?> FindAsync(
        PartitionReader reader,
        NativeConsumer consumer,
        Action<KafkaPartitionState, KafkaPartitionFailure> report,
        CancellationToken cancellationToken)
    {
        try
        {
            if (await AskApplicationAsync(reader, cancellationToken).ConfigureAwait(false) is { } position)
                return position;
        }
        catch (Exception e)
        {
            report(KafkaPartitionState.Backoff, new KafkaPartitionFailure(
                KafkaFailureCode.PositionSource, $"The position of {reader.Id} could not be looked up: {e.Message}"));
            return null;
        }

        await context.BlockingRequests.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => AskKafka(reader, consumer), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KafkaNativeException or ObjectDisposedException)
        {
            var code = e is KafkaNativeException native ? ErrorCodes.Classify(native.Code) : KafkaFailureCode.Other;
            report(KafkaPartitionState.Backoff, new KafkaPartitionFailure(code, e.Message));
            return null;
        }
        finally
        {
            context.BlockingRequests.Release();
        }
    }

    private async ValueTask<long?> AskApplicationAsync(PartitionReader reader, CancellationToken cancellationToken)
    {
        if (context.PositionSource is not { } application)
            return null;

        // Shutting down does not wait for an application that looks at no token.
        var position = await application.GetPositionAsync(
            source.Name, reader.Id.Topic, reader.Id.Partition, cancellationToken)
            .AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        if (position is < 0)
            throw new InvalidOperationException($"The position source answered {position}; expected 0 or more.");
        if (position is not null && reader.TopicId.Length == 0
            && await application.KnowsTopicAsync(source.Name, reader.Id.Topic, reader.Id.Partition, cancellationToken)
                .AsTask().WaitAsync(cancellationToken).ConfigureAwait(false)
            && !await HasTopicIdAsync(reader, cancellationToken).ConfigureAwait(false))
            throw new InvalidOperationException("the cluster has not told yet whether the topic is the one the position is of.");
        return position;
    }

    /// <summary>Whether the topic's identity comes in before the time of a request is over.</summary>
    private async Task<bool> HasTopicIdAsync(PartitionReader reader, CancellationToken cancellationToken)
    {
        var id = await context.Catalog(source.ConnectionName).FindIdAsync(reader.Id.Topic, cancellationToken).ConfigureAwait(false);
        if (reader.TopicId.Length == 0)
            reader.TopicId = id;
        return reader.TopicId.Length > 0;
    }

    private long AskKafka(PartitionReader reader, NativeConsumer consumer)
    {
        if (source.IgnoreCommitted) return StartOffset(reader, consumer);
        var asked = new TopicOffset(reader.Id.Topic, reader.Id.Partition, NativeConsumer.NoOffset);
        var committed = consumer.GetCommitted([asked], Timeout)[0];
        return committed >= 0 ? committed : StartOffset(reader, consumer);
    }

    private long StartOffset(PartitionReader reader, NativeConsumer consumer)
    {
        var (topic, partition) = (reader.Id.Topic, reader.Id.Partition);
        var start = source.StartPosition;
        if (start.Kind == KafkaStartKind.Offsets && start.Offsets!.TryGetValue($"{topic}/{partition}", out var offset))
            return offset;
        if (start.Kind == KafkaStartKind.Timestamp)
        {
            var time = new TopicOffset(topic, partition, Math.Max(0, start.Time!.Value.ToUnixTimeMilliseconds()));
            var first = consumer.GetOffsetsForTimes([time], Timeout)[0];
            if (first >= 0)
                return first;
        }

        var (low, high) = consumer.QueryWatermarks(topic, partition, Timeout);
        return start.Kind is KafkaStartKind.Latest or KafkaStartKind.Timestamp ? high : low;
    }
}
