using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// Decides where partitions start: the application's position, else the group's committed offset, else the source's
/// start position; always as a concrete offset, so that the first batch's From is exact.
/// </summary>
internal sealed class PositionFinder(KafkaSource source, ReaderContext context)
{
    private TimeSpan Timeout => context.Options.RequestTimeout;

    /// <summary>Hands what can be found now to <paramref name="found"/>; returns who must try again.</summary>
    public async Task<List<PartitionReader>> FindAsync(
        List<PartitionReader> readers,
        NativeConsumer consumer,
        Action<PartitionReader, long> found,
        Action<PartitionReader, KafkaPartitionState, KafkaPartitionFailure?> report,
        CancellationToken cancellationToken)
    {
        var left = new List<PartitionReader>();
        var answers = await Task.WhenAll(readers.Select(r => AskApplicationAsync(r, report, cancellationToken)))
            .ConfigureAwait(false);
        var unknown = new List<PartitionReader>();
        for (var i = 0; i < readers.Count; i++)
        {
            if (answers[i].Failed)
                left.Add(readers[i]);
            else if (answers[i].Position is { } position)
                found(readers[i], position);
            else
                unknown.Add(readers[i]);
        }

        if (unknown.Count > 0)
            left.AddRange(await Task.Run(() => AskKafka(unknown, consumer, found, report), cancellationToken)
                .ConfigureAwait(false));
        return left;
    }

    private async Task<(bool Failed, long? Position)> AskApplicationAsync(
        PartitionReader reader,
        Action<PartitionReader, KafkaPartitionState, KafkaPartitionFailure?> report,
        CancellationToken cancellationToken)
    {
        if (context.PositionSource is not { } application)
            return (false, null);
        try
        {
            var position = await application.GetPositionAsync(
                source.Name, reader.Id.Topic, reader.Id.Partition, cancellationToken).ConfigureAwait(false);
            if (position is < 0)
                throw new InvalidOperationException($"The position source answered {position}; expected 0 or more.");
            return (false, position);
        }
        catch (Exception e)
        {
            report(reader, KafkaPartitionState.Backoff, new KafkaPartitionFailure(
                KafkaFailureCode.PositionSource, $"The position of {reader.Id} could not be looked up: {e.Message}"));
            return (true, null);
        }
    }

    private List<PartitionReader> AskKafka(
        List<PartitionReader> readers,
        NativeConsumer consumer,
        Action<PartitionReader, long> found,
        Action<PartitionReader, KafkaPartitionState, KafkaPartitionFailure?> report)
    {
        var done = new HashSet<PartitionReader>();
        try
        {
            var asked = readers.ConvertAll(r => new TopicOffset(r.Id.Topic, r.Id.Partition, NativeConsumer.NoOffset));
            var committed = consumer.GetCommitted(asked, Timeout);
            for (var i = 0; i < readers.Count; i++)
            {
                var offset = committed[i] >= 0 ? committed[i] : StartOffset(readers[i], consumer);
                found(readers[i], offset);
                done.Add(readers[i]);
            }

            return [];
        }
        catch (Exception e) when (e is KafkaNativeException or ObjectDisposedException)
        {
            var code = e is KafkaNativeException native ? ErrorCodes.Classify(native.Code) : KafkaFailureCode.Other;
            var left = readers.FindAll(r => !done.Contains(r));
            foreach (var reader in left)
                report(reader, KafkaPartitionState.Backoff, new KafkaPartitionFailure(code, e.Message));
            return left;
        }
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
