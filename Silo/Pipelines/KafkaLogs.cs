using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Hosting;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Asks brokers about partitions and offsets.</summary>
internal sealed class KafkaLogs(KorOptions options) : IKafkaLogs
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public async Task<IReadOnlyList<string>> ListPartitionsAsync(SourcePlan source, CancellationToken cancellation)
    {
        var found = await ListTopicsAsync(source, cancellation);
        var missing = source.Topics.Where(t => !t.StartsWith('^') && !found.ContainsKey(t)).ToList();
        if (missing.Count != 0)
        {
            throw new KafkaException(new Error(
                Confluent.Kafka.ErrorCode.UnknownTopicOrPart, $"Topic {string.Join(", ", missing)} does not exist; create it, or correct the pipeline's topics."));
        }

        return PartitionsOf(found, source.Topics);
    }

    public async Task<IReadOnlyList<string>> FindPartitionsAsync(SourcePlan source, IReadOnlyList<string> topics, CancellationToken cancellation) =>
        PartitionsOf(await ListTopicsAsync(source, cancellation), topics);

    public async Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation)
    {
        if (partitions.Count == 0) return new Dictionary<string, long>();
        using var admin = new AdminClientBuilder(Config(source)).Build();
        if (target != ResetTarget.Timestamp)
            return await ListAsync(admin, partitions, target == ResetTarget.Latest ? OffsetSpec.Latest() : OffsetSpec.Earliest());

        // The ends first: a record that arrives between the two questions is found by its time, or lies behind the end.
        var ends = await ListAsync(admin, partitions, OffsetSpec.Latest());
        var found = await ListAsync(admin, partitions, OffsetSpec.ForTimestamp(timestampMs));
        foreach (var partition in found.Where(f => f.Value < 0).Select(f => f.Key).ToList()) found[partition] = ends[partition];
        return found;
    }

    /// <summary>The cluster's topics that can be described, with their partitions.</summary>
    private async Task<Dictionary<string, IEnumerable<int>>> ListTopicsAsync(SourcePlan source, CancellationToken cancellation)
    {
        // The client's metadata call blocks; it must not hold a grain's scheduler.
        var metadata = await Task.Run(
            () =>
            {
                using var admin = new AdminClientBuilder(Config(source)).Build();
                return admin.GetMetadata(Timeout);
            },
            cancellation);
        return metadata.Topics.Where(t => !t.Error.IsError)
            .ToDictionary(t => t.Topic, t => t.Partitions.Select(p => p.PartitionId), StringComparer.Ordinal);
    }

    private static List<string> PartitionsOf(Dictionary<string, IEnumerable<int>> found, IReadOnlyList<string> topics) =>
        [.. found.Where(t => Matches(topics, t.Key)).SelectMany(t => t.Value.Select(p => $"{t.Key}/{p}"))];

    private static async Task<Dictionary<string, long>> ListAsync(
        IAdminClient admin, IReadOnlyList<string> partitions, OffsetSpec spec)
    {
        var wanted = partitions.Select(p => new TopicPartitionOffsetSpec { TopicPartition = Parse(p), OffsetSpec = spec });
        var result = await admin.ListOffsetsAsync(wanted, new ListOffsetsOptions { RequestTimeout = Timeout });
        return result.ResultInfos.ToDictionary(
            r => $"{r.TopicPartitionOffsetError.Topic}/{r.TopicPartitionOffsetError.Partition.Value}",
            r => r.TopicPartitionOffsetError.Offset.Value,
            StringComparer.Ordinal);
    }

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
