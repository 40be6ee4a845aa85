using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Hosting;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Asks brokers about partitions and offsets.</summary>
internal sealed class KafkaLogs(KorOptions options) : IKafkaLogs
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private static readonly Confluent.Kafka.ErrorCode[] Refusals =
    [
        Confluent.Kafka.ErrorCode.Local_Authentication, Confluent.Kafka.ErrorCode.SaslAuthenticationFailed, Confluent.Kafka.ErrorCode.Local_Ssl,
        Confluent.Kafka.ErrorCode.TopicAuthorizationFailed, Confluent.Kafka.ErrorCode.GroupAuthorizationFailed,
        Confluent.Kafka.ErrorCode.ClusterAuthorizationFailed,
    ];

    public Task<IReadOnlyList<string>> ListPartitionsAsync(SourcePlan source, CancellationToken cancellation) =>
        AskAsync(source, () => ListAsync(source, cancellation));

    public Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation) =>
        AskAsync(source, () => FindAsync(source, partitions, target, timestampMs));

    public Task<IReadOnlyDictionary<string, long>> FindReadableAsync(SourcePlan source, IReadOnlyList<string> partitions, CancellationToken cancellation) =>
        AskAsync<IReadOnlyDictionary<string, long>>(source, async () =>
        {
            if (partitions.Count == 0) return new Dictionary<string, long>();
            using var admin = Admin(source);
            return await ListAsync(admin, partitions, OffsetSpec.Latest(), IsolationOf(source));
        });

    public Task<IReadOnlyList<RawBatch>> ReadBeforeAsync(
        SourcePlan source, IReadOnlyDictionary<string, long> offsets, int count, CancellationToken cancellation) =>
        // The client's calls block: they need a thread of their own.
        AskAsync(source, () => Task.Factory.StartNew<IReadOnlyList<RawBatch>>(
            () => ReadBefore(source, offsets, count, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    private List<RawBatch> ReadBefore(SourcePlan source, IReadOnlyDictionary<string, long> offsets, int count, CancellationToken cancellation)
    {
        var config = new ConsumerConfig(options.Kafka[source.Connection].ToClientConfig())
        {
            GroupId = $"kor-look-{Guid.NewGuid():N}",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AllowAutoCreateTopics = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            IsolationLevel = IsolationOf(source),
        };
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetKeyDeserializer(TopicReader.BytesOrNull.Instance).SetValueDeserializer(TopicReader.BytesOrNull.Instance)
            .SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();
        var found = offsets.Keys.ToDictionary(Parse, _ => new List<RawRecord>());
        var ends = offsets.ToDictionary(o => Parse(o.Key), o => o.Value);
        var open = new HashSet<TopicPartition>(ends.Keys);
        consumer.Assign(ends.Select(e => new TopicPartitionOffset(e.Key, Math.Max(0, e.Value - count))));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Timeout);
        while (open.Count != 0)
        {
            // Half an answer would let a window through that lacks records.
            if (deadline.IsCancellationRequested)
                throw new KafkaException(new Error(Confluent.Kafka.ErrorCode.Local_TimedOut, $"the records before the new positions could not be read within {Timeout.TotalSeconds:0} s"));
            if (consumer.Consume(TimeSpan.FromMilliseconds(200)) is not { } result) continue;
            if (result.IsPartitionEOF || result.Offset.Value >= ends[result.TopicPartition])
            {
                open.Remove(result.TopicPartition);
                continue;
            }

            found[result.TopicPartition].Add(TopicReader.RecordOf(result));
            if (result.Offset.Value + 1 >= ends[result.TopicPartition]) open.Remove(result.TopicPartition);
        }

        return [.. found.Where(f => f.Value.Count != 0).Select(f => RawRecords.Batch(f.Key.Topic, f.Key.Partition.Value, f.Value[0].Offset, f.Value))];
    }

    /// <summary>What the client says, with the connection it is about and what to do.</summary>
    private async Task<T> AskAsync<T>(SourcePlan source, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (KafkaException e)
        {
            var refused = Refusals.Contains(e.Error.Code);
            var what = $"Kafka connection '{source.Connection}' ({options.Kafka[source.Connection].BootstrapServers})";
            throw new KafkaSourceException(
                refused
                    ? $"{what} refuses the login or a right: {e.Error.Reason}. 'kor doctor' tries what a pipeline needs of it."
                    : $"{what} does not answer: {e.Error.Reason}. 'kor doctor' tries the connection.",
                refused);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or KeyNotFoundException or IOException or UnauthorizedAccessException)
        {
            // A setting that is refused, a certificate or password file that cannot be read.
            throw new KafkaSourceException(
                $"Kafka connection '{source.Connection}' cannot be opened with its settings: {e.Message} Correct Kor:Kafka:{source.Connection} and restart the silo.", true);
        }
    }

    private async Task<IReadOnlyList<string>> ListAsync(SourcePlan source, CancellationToken cancellation)
    {
        var found = await ListTopicsAsync(source, cancellation);
        var missing = source.Topics.Where(t => !t.StartsWith('^') && !found.ContainsKey(t)).ToList();
        if (missing.Count != 0)
        {
            throw new KafkaSourceException(
                $"Topic {string.Join(", ", missing)} does not exist; create it, or correct the pipeline's topics. It is looked for again by itself.", true);
        }

        return PartitionsOf(found, source.Topics);
    }

    public Task<IReadOnlyList<string>> FindPartitionsAsync(SourcePlan source, IReadOnlyList<string> topics, CancellationToken cancellation) =>
        AskAsync<IReadOnlyList<string>>(source, async () => PartitionsOf(await ListTopicsAsync(source, cancellation), topics));

    private async Task<IReadOnlyDictionary<string, long>> FindAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs)
    {
        if (partitions.Count == 0) return new Dictionary<string, long>();
        using var admin = Admin(source);
        if (target != ResetTarget.Timestamp)
            return await ListAsync(admin, partitions, target == ResetTarget.Latest ? OffsetSpec.Latest() : OffsetSpec.Earliest());

        // The ends first: a record that arrives between the two questions is found by its time, or lies behind the end.
        var ends = await ListAsync(admin, partitions, OffsetSpec.Latest());
        var found = await ListAsync(admin, partitions, OffsetSpec.ForTimestamp(timestampMs));
        foreach (var partition in found.Where(f => f.Value < 0).Select(f => f.Key).ToList()) found[partition] = ends[partition];
        return found;
    }

    /// <summary>One whose troubles are told by what is asked of it, not by lines past the log.</summary>
    private IAdminClient Admin(SourcePlan source) =>
        new AdminClientBuilder(Config(source)).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();

    /// <summary>The cluster's topics that can be described, with their partitions.</summary>
    private async Task<Dictionary<string, IEnumerable<int>>> ListTopicsAsync(SourcePlan source, CancellationToken cancellation)
    {
        // The client's metadata call blocks; it must not hold a grain's scheduler.
        var metadata = await Task.Run(
            () =>
            {
                using var admin = Admin(source);
                return admin.GetMetadata(Timeout);
            },
            cancellation);
        return metadata.Topics.Where(t => !t.Error.IsError)
            .ToDictionary(t => t.Topic, t => t.Partitions.Select(p => p.PartitionId), StringComparer.Ordinal);
    }

    private static List<string> PartitionsOf(Dictionary<string, IEnumerable<int>> found, IReadOnlyList<string> topics) =>
        [.. found.Where(t => Matches(topics, t.Key)).SelectMany(t => t.Value.Select(p => $"{t.Key}/{p}"))];

    private static async Task<Dictionary<string, long>> ListAsync(
        IAdminClient admin, IReadOnlyList<string> partitions, OffsetSpec spec, IsolationLevel isolation = IsolationLevel.ReadUncommitted)
    {
        var wanted = partitions.Select(p => new TopicPartitionOffsetSpec { TopicPartition = Parse(p), OffsetSpec = spec });
        var result = await admin.ListOffsetsAsync(wanted, new ListOffsetsOptions { RequestTimeout = Timeout, IsolationLevel = isolation });
        return result.ResultInfos.ToDictionary(
            r => $"{r.TopicPartitionOffsetError.Topic}/{r.TopicPartitionOffsetError.Partition.Value}",
            r => r.TopicPartitionOffsetError.Offset.Value,
            StringComparer.Ordinal);
    }

    private static IsolationLevel IsolationOf(SourcePlan source) => source.ReadCommitted ? IsolationLevel.ReadCommitted : IsolationLevel.ReadUncommitted;

    private AdminClientConfig Config(SourcePlan source) => new(options.Kafka[source.Connection].ToClientConfig());

    private static bool Matches(IReadOnlyList<string> topics, string topic) => topics.Any(t => t.StartsWith('^')
        ? !topic.StartsWith("__", StringComparison.Ordinal)
          && Regex.IsMatch(topic, t, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)
        : t == topic);

    private static TopicPartition Parse(string partition)
    {
        var slash = partition.LastIndexOf('/');
        return new TopicPartition(
            partition[..slash], int.Parse(partition[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }
}
