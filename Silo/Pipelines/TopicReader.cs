using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Records of one partition.</summary>
internal sealed record TopicSlice(string Topic, int Partition, long From, IReadOnlyList<RawRecord> Records);

/// <summary>What is looked at in topics: the newest records, those since a time, or those from an offset of a partition on.</summary>
/// <param name="Limit">At most so many.</param>
internal sealed record TopicLook(int Limit)
{
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only this partition; null: all.</summary>
    public int? Partition { get; init; }

    /// <summary>From this offset of the partition on; null: by <see cref="Since"/>, else the newest.</summary>
    public long? Offset { get; init; }
}

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
        ReadAsync(connection, topics, new TopicLook(limit) { Since = since }, readCommitted, cancellation);

    /// <summary>Likewise, by partition and offset too.</summary>
    public Task<IReadOnlyList<TopicSlice>> ReadAsync(
        string connection, IReadOnlyList<string> topics, TopicLook look, bool readCommitted, CancellationToken cancellation) =>
        // The client's calls block: they need a thread of their own.
        Task.Factory.StartNew(
            () => Read(connection, topics, look, readCommitted, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The topics of a connection, without Kafka's own, with how many records they hold. Throws <see cref="KafkaException"/>.</summary>
    public Task<IReadOnlyList<TopicSummary>> ListAsync(string connection, CancellationToken cancellation) => Task.Factory.StartNew(
        () => List(connection), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private IReadOnlyList<TopicSummary> List(string connection)
    {
        using var consumer = Consumer(connection, readCommitted: false);
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var topics = admin.GetMetadata(Timeout).Topics.Where(t => !t.Error.IsError && !t.Topic.StartsWith("__", StringComparison.Ordinal)).ToList();
        var all = topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Topic, p.PartitionId))).ToList();
        var counts = Count(admin, all);
        return
        [
            .. topics.OrderBy(t => t.Topic, StringComparer.Ordinal).Select(t => new TopicSummary(
                t.Topic, connection, t.Partitions.Count, counts is null ? null : t.Partitions.Sum(p => counts.GetValueOrDefault(new TopicPartition(t.Topic, p.PartitionId))))),
        ];
    }

    /// <summary>Records by partition, all asked for at once; null when a broker does not tell.</summary>
    private static Dictionary<TopicPartition, long>? Count(IAdminClient admin, List<TopicPartition> partitions)
    {
        if (partitions.Count == 0) return [];
        Dictionary<TopicPartition, long> Ask(OffsetSpec spec) => admin.ListOffsetsAsync(
                partitions.Select(p => new TopicPartitionOffsetSpec { TopicPartition = p, OffsetSpec = spec }), new ListOffsetsOptions { RequestTimeout = Timeout })
            .GetAwaiter().GetResult().ResultInfos.ToDictionary(r => r.TopicPartitionOffsetError.TopicPartition, r => r.TopicPartitionOffsetError.Offset.Value);
        try
        {
            var begins = Ask(OffsetSpec.Earliest());
            return Ask(OffsetSpec.Latest()).ToDictionary(e => e.Key, e => Math.Max(0, e.Value - begins.GetValueOrDefault(e.Key)));
        }
        catch (KafkaException)
        {
            // One partition without a leader is no reason not to list the topics.
            return null;
        }
    }

    private IReadOnlyList<TopicSlice> Read(
        string connection, IReadOnlyList<string> topics, TopicLook look, bool readCommitted, CancellationToken cancellation)
    {
        var limit = look.Limit;
        using var consumer = Consumer(connection, readCommitted);
        var spans = Spans(consumer, Partitions(consumer, topics, look.Partition), look);
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

    /// <summary>A consumer that joins no group and commits nothing. The caller disposes it.</summary>
    internal IConsumer<byte[]?, byte[]?> Consumer(string connection, bool readCommitted)
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
        return new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetKeyDeserializer(BytesOrNull.Instance).SetValueDeserializer(BytesOrNull.Instance).SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { })
            .Build();
    }

    private static List<TopicPartition> Partitions(IConsumer<byte[]?, byte[]?> consumer, IReadOnlyList<string> topics, int? partition)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var all = admin.GetMetadata(Timeout).Topics.Where(t => !t.Error.IsError).ToDictionary(t => t.Topic, StringComparer.Ordinal);
        if (topics.FirstOrDefault(t => !all.ContainsKey(t)) is { } missing)
        {
            var names = all.Keys.Where(n => !n.StartsWith("__", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(20);
            throw new KeyNotFoundException($"There is no topic '{missing}'; there are {string.Join(", ", names)}.");
        }

        var found = topics.SelectMany(t => all[t].Partitions.Select(p => new TopicPartition(t, p.PartitionId))).Where(p => partition is null || p.Partition.Value == partition).ToList();
        if (found.Count == 0 && partition is { } number)
            throw new KeyNotFoundException($"Topic '{topics[0]}' has no partition {number}; it has {all[topics[0]].Partitions.Count}, from 0 on.");
        return found;
    }

    /// <summary>From where to where each partition is read: the newest records, the limit shared out evenly, or those since a time.</summary>
    private static Dictionary<TopicPartition, (long From, long End)> Spans(
        IConsumer<byte[]?, byte[]?> consumer, List<TopicPartition> partitions, TopicLook look)
    {
        var times = look.Since is not { } since
            ? []
            : consumer.OffsetsForTimes(partitions.Select(p => new TopicPartitionTimestamp(p, new Timestamp(since))), Timeout)
                .ToDictionary(o => o.TopicPartition, o => o.Offset);
        var share = Math.Max(1, look.Limit / Math.Max(1, partitions.Count));
        var spans = new Dictionary<TopicPartition, (long From, long End)>();
        foreach (var partition in partitions)
        {
            var log = consumer.QueryWatermarkOffsets(partition, Timeout);
            var from = look.Offset ?? (times.TryGetValue(partition, out var at) ? at.IsSpecial ? log.High.Value : at.Value : log.High.Value - share);
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
