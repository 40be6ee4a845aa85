using Confluent.Kafka;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Records of one partition.</summary>
internal sealed record TopicSlice(string Topic, int Partition, long From, IReadOnlyList<RawRecord> Records);

/// <summary>Looks into topics with a consumer of its own, which is thrown away: it joins no group and commits nothing.</summary>
internal sealed class TopicReader(KorOptions options)
{
    /// <summary>The most records one look gives.</summary>
    public const int MaxRecords = 10_000;

    private const int MaxBytes = 32 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Reads the newest records, or those since a time, at most <paramref name="limit"/> over all partitions (<c>topic/partition</c>). Throws
    /// <see cref="KafkaException"/>, and <see cref="KeyNotFoundException"/> when a topic does not exist.
    /// </summary>
    public Task<IReadOnlyList<TopicSlice>> ReadAsync(
        string connection, IReadOnlyList<string> topics, int limit, DateTimeOffset? since, bool readCommitted, CancellationToken cancellation) =>
        // The client's calls block: they need a thread of their own.
        Task.Factory.StartNew(
            () => Read(connection, topics, limit, since, readCommitted, cancellation), cancellation, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

    private IReadOnlyList<TopicSlice> Read(
        string connection, IReadOnlyList<string> topics, int limit, DateTimeOffset? since, bool readCommitted, CancellationToken cancellation)
    {
        var config = new ConsumerConfig(options.Kafka[connection].ToClientConfig())
        {
            GroupId = $"kor-look-{Guid.NewGuid():N}",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AllowAutoCreateTopics = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            IsolationLevel = readCommitted ? IsolationLevel.ReadCommitted : IsolationLevel.ReadUncommitted,
        };
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetKeyDeserializer(BytesOrNull.Instance).SetValueDeserializer(BytesOrNull.Instance).SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { })
            .Build();
        var spans = Spans(consumer, Partitions(consumer, topics), limit, since);
        var found = spans.ToDictionary(s => s.Key, _ => new List<RawRecord>());
        var open = spans.Where(s => s.Value.From < s.Value.End).Select(s => s.Key).ToHashSet();
        if (open.Count != 0) consumer.Assign(open.Select(p => new TopicPartitionOffset(p, spans[p].From)));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Longest);
        var (count, bytes) = (0, 0L);
        while (open.Count != 0 && count < limit && bytes < MaxBytes && !deadline.IsCancellationRequested)
        {
            var result = consumer.Consume(TimeSpan.FromMilliseconds(500));
            if (result is null)
            {
                // The rest of a partition may be holes (aborted transactions, compaction): positions tell.
                open.RemoveWhere(p => consumer.Position(p) is { IsSpecial: false } at && at.Value >= spans[p].End);
                continue;
            }

            if (!open.Contains(result.TopicPartition)) continue;
            found[result.TopicPartition].Add(RecordOf(result));
            count++;
            bytes += (result.Message.Value?.Length ?? 0) + (result.Message.Key?.Length ?? 0);
            if (result.Offset.Value + 1 < spans[result.TopicPartition].End) continue;
            open.Remove(result.TopicPartition);
            consumer.Pause([result.TopicPartition]);
        }

        cancellation.ThrowIfCancellationRequested();
        return [.. found.Select(f => new TopicSlice(f.Key.Topic, f.Key.Partition.Value, spans[f.Key].From, f.Value))];
    }

    private static List<TopicPartition> Partitions(IConsumer<byte[]?, byte[]?> consumer, IReadOnlyList<string> topics)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var all = admin.GetMetadata(Timeout).Topics.Where(t => !t.Error.IsError).ToDictionary(t => t.Topic, StringComparer.Ordinal);
        if (topics.FirstOrDefault(t => !all.ContainsKey(t)) is { } missing)
        {
            var names = all.Keys.Where(n => !n.StartsWith("__", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(20);
            throw new KeyNotFoundException($"There is no topic '{missing}'; there are {string.Join(", ", names)}.");
        }

        return [.. topics.SelectMany(t => all[t].Partitions.Select(p => new TopicPartition(t, p.PartitionId)))];
    }

    /// <summary>From where to where each partition is read: the newest records, the limit shared out evenly, or those since a time.</summary>
    private static Dictionary<TopicPartition, (long From, long End)> Spans(
        IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions, int limit, DateTimeOffset? since)
    {
        var times = since is null
            ? []
            : consumer.OffsetsForTimes(partitions.Select(p => new TopicPartitionTimestamp(p, new Timestamp(since.Value))), Timeout)
                .ToDictionary(o => o.TopicPartition, o => o.Offset);
        var share = Math.Max(1, limit / Math.Max(1, partitions.Count));
        var spans = new Dictionary<TopicPartition, (long From, long End)>();
        foreach (var partition in partitions)
        {
            var log = consumer.QueryWatermarkOffsets(partition, Timeout);
            var from = times.TryGetValue(partition, out var at) ? at.IsSpecial ? log.High.Value : at.Value : log.High.Value - share;
            spans.Add(partition, (Math.Clamp(from, log.Low.Value, log.High.Value), log.High.Value));
        }

        return spans;
    }

    internal static RawRecord RecordOf(ConsumeResult<byte[]?, byte[]?> result)
    {
        var time = result.Message.Timestamp;
        return new RawRecord(
            result.Message.Value, result.Message.Key, time.Type == TimestampType.NotAvailable ? -1 : time.UnixTimestampMs, result.Offset.Value)
        {
            Headers = [.. result.Message.Headers.Select(h => new KeyValuePair<string, byte[]?>(h.Key, h.GetValueBytes()))],
        };
    }

    internal sealed class BytesOrNull : IDeserializer<byte[]?>
    {
        public static readonly BytesOrNull Instance = new();

        public byte[]? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => isNull ? null : data.ToArray();
    }
}
