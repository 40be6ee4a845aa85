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
        // The client's metadata call blocks; it must not hold a grain's scheduler.
        var metadata = await Task.Run(
            () =>
            {
                using var admin = new AdminClientBuilder(Config(source)).Build();
                return admin.GetMetadata(Timeout);
            },
            cancellation);
        var found = new List<string>();
        var missing = source.Topics.Where(t => !t.StartsWith('^')).ToHashSet(StringComparer.Ordinal);
        foreach (var topic in metadata.Topics.Where(t => !t.Error.IsError && Matches(source, t.Topic)))
        {
            missing.Remove(topic.Topic);
            found.AddRange(topic.Partitions.Select(p => $"{topic.Topic}/{p.PartitionId}"));
        }

        if (missing.Count != 0)
        {
            throw new KafkaException(new Error(
                Confluent.Kafka.ErrorCode.UnknownTopicOrPart, $"Topic {string.Join(", ", missing)} does not exist; create it, or correct the pipeline's topics."));
        }

        return found;
    }

    public async Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation)
    {
        var spec = target switch
        {
            ResetTarget.Latest => OffsetSpec.Latest(),
            ResetTarget.Timestamp => OffsetSpec.ForTimestamp(timestampMs),
            _ => OffsetSpec.Earliest(),
        };
        using var admin = new AdminClientBuilder(Config(source)).Build();
        var found = await ListAsync(admin, partitions, spec);
        if (target == ResetTarget.Timestamp && found.Values.Any(o => o < 0))
        {
            // No record at or after the time: the end of the log.
            var ends = await ListAsync(admin, partitions, OffsetSpec.Latest());
            foreach (var partition in found.Where(f => f.Value < 0).Select(f => f.Key).ToList()) found[partition] = ends[partition];
        }

        return found;
    }

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

    private static bool Matches(SourcePlan source, string topic) => source.Topics.Any(t => t.StartsWith('^')
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
