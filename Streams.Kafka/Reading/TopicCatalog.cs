using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>A topic as a cluster describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its identity, which changes when it is created anew; empty while unknown.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="Error">Null, or why it can't be read.</param>
internal sealed record TopicInfo(string Name, string Id, int Partitions, KafkaPartitionFailure? Error);

/// <summary>Answers which topics and partitions a source covers now; one admin client per connection.</summary>
internal sealed class TopicCatalog : IDisposable
{
    private static readonly TimeSpan IdRetryInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private readonly IAdminClient _admin;
    private readonly TimeSpan _timeout;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _wanted = new(StringComparer.Ordinal);
    private Task _idRequest = Task.CompletedTask;
    private bool _idsWork;
    private bool _isFirst = true;
    private long _nextIdTry;
    private Dictionary<string, string> _ids = new(StringComparer.Ordinal);

    public TopicCatalog(KafkaConnection connection, TimeSpan timeout, Action<Error> onError)
    {
        _timeout = timeout;
        _admin = new AdminClientBuilder(ClientConfigs.Admin(connection))
            .SetErrorHandler((_, error) => onError(error))
            .SetLogHandler((_, _) => { })
            .Build();
    }

    /// <summary>Resolves names and patterns. A name that does not exist is in the result with an error.</summary>
    /// <exception cref="KafkaException">The cluster can't be asked.</exception>
    public async Task<IReadOnlyList<TopicInfo>> FindAsync(KafkaSource source)
    {
        // All topics are asked for, not the wanted ones: naming a topic may create it.
        var all = await Task.Run(() => _admin.GetMetadata(_timeout)).ConfigureAwait(false);
        var found = new SortedDictionary<string, TopicInfo>(StringComparer.Ordinal);
        var patterns = source.Topics.Where(t => t.StartsWith('^')).Select(KafkaTopicPattern.Compile).ToList();
        foreach (var topic in all.Topics)
        {
            var isInternal = topic.Topic.StartsWith("__", StringComparison.Ordinal);
            if (source.Topics.Contains(topic.Topic) || (!isInternal && patterns.Any(p => p.IsMatch(topic.Topic))))
                found[topic.Topic] = ToInfo(topic);
        }

        foreach (var name in source.Topics.Where(t => !t.StartsWith('^') && !found.ContainsKey(t)))
        {
            found[name] = new TopicInfo(name, "", 0, new KafkaPartitionFailure(
                KafkaFailureCode.UnknownTopicOrPartition,
                $"Topic '{name}' does not exist, or this user may not describe it. It is looked for again."));
        }

        var ids = await GetIdsAsync(found.Keys).ConfigureAwait(false);
        return [.. found.Values.Select(t => t with { Id = ids.GetValueOrDefault(t.Name, "") })];
    }

    /// <summary>The offset after the last record of each partition, where its leader answers. One request per broker.</summary>
    /// <param name="partitions">Each once.</param>
    /// <param name="isolation">Whether records of open transactions count.</param>
    /// <exception cref="KafkaException">The cluster can't be asked.</exception>
    public async Task<List<((string Topic, int Partition) Partition, long End)>> FindEndsAsync(
        IEnumerable<(string Topic, int Partition)> partitions, IsolationLevel isolation)
    {
        var asked = partitions.Select(p => new TopicPartitionOffsetSpec
        {
            TopicPartition = new TopicPartition(p.Topic, p.Partition), OffsetSpec = OffsetSpec.Latest(),
        });
        List<ListOffsetsResultInfo> answers;
        try
        {
            var result = await _admin.ListOffsetsAsync(asked, new ListOffsetsOptions { RequestTimeout = _timeout, IsolationLevel = isolation })
                .ConfigureAwait(false);
            answers = result.ResultInfos;
        }
        catch (ListOffsetsException e)
        {
            answers = e.Result.ResultInfos.ConvertAll(r => new ListOffsetsResultInfo
            {
                TopicPartitionOffsetError = r.TopicPartitionOffsetError,
            });
        }

        return
        [
            .. answers.Select(a => a.TopicPartitionOffsetError)
                .Where(o => !o.Error.IsError && o.Offset.Value >= 0)
                .Select(o => ((o.Topic, o.Partition.Value), o.Offset.Value)),
        ];
    }

    /// <summary>The identity of a topic; empty when the cluster does not tell it now.</summary>
    public async Task<string> FindIdAsync(string topic, CancellationToken cancellationToken)
    {
        Task request;
        lock (_lock)
        {
            request = _ids.ContainsKey(topic) ? Task.CompletedTask : Ask([topic]);
        }

        await request.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
            return _ids.GetValueOrDefault(topic, "");
    }

    /// <summary>
    /// The identity of a topic, for whoever has none and can do without: nobody waits where a cluster has told none so far.
    /// </summary>
    public Task<string> TryFindIdAsync(string topic, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_idsWork)
                return Task.FromResult("");
        }

        return FindIdAsync(topic, cancellationToken);
    }

    /// <summary>Whether identities are being asked for.</summary>
    public bool IsAskingForIds
    {
        get
        {
            lock (_lock)
                return !_idRequest.IsCompleted;
        }
    }

    public void Dispose() => _admin.Dispose();

    private static TopicInfo ToInfo(TopicMetadata topic)
    {
        var failure = topic.Error.IsError
            ? new KafkaPartitionFailure(
                ErrorCodes.Classify((int)topic.Error.Code), $"Topic '{topic.Topic}': {topic.Error.Reason}")
            : null;
        return new TopicInfo(topic.Topic, "", topic.Partitions.Count, failure);
    }

    /// <summary>
    /// Topic ids come from the controller, which a mock cluster or an old one does not offer: as long as it never
    /// answered, nobody waits for it but the first who asks, and not for long. Batches made before they are known are without.
    /// </summary>
    private async Task<Dictionary<string, string>> GetIdsAsync(IEnumerable<string> topics)
    {
        Task request;
        TimeSpan wait;
        lock (_lock)
        {
            if (!_idRequest.IsCompleted || Stopwatch.GetTimestamp() >= _nextIdTry)
                Ask(topics);
            request = _idsWork || _isFirst ? _idRequest : Task.CompletedTask;
            wait = _idsWork ? Timeout.InfiniteTimeSpan : FirstWait;
            _isFirst = false;
        }

        try
        {
            await request.WaitAsync(wait).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The answer is taken whenever it comes.
        }

        lock (_lock)
            return _ids;
    }

    /// <summary>
    /// Asks for topics, or has those ask who are at it: one request at a time, and nobody's topics are left out because another's were asked for. With the
    /// lock held.
    /// </summary>
    private Task Ask(IEnumerable<string> topics)
    {
        _wanted.UnionWith(topics);
        return _idRequest.IsCompleted && _wanted.Count > 0 ? _idRequest = RequestIdsAsync() : _idRequest;
    }

    private async Task RequestIdsAsync()
    {
        while (true)
        {
            string[] topics;
            lock (_lock)
            {
                topics = [.. _wanted];
                _wanted.Clear();
                if (topics.Length == 0)
                {
                    // Here, and not when the task ends: who wants more from now on asks anew.
                    _idRequest = Task.CompletedTask;
                    return;
                }
            }

            if (!await RequestIdsAsync(topics).ConfigureAwait(false))
                return;
        }
    }

    private async Task<bool> RequestIdsAsync(string[] topics)
    {
        List<TopicDescription> descriptions;
        try
        {
            var result = await _admin.DescribeTopicsAsync(
                TopicCollection.OfTopicNames(topics), new DescribeTopicsOptions { RequestTimeout = _timeout })
                .ConfigureAwait(false);
            descriptions = result.TopicDescriptions;
        }
        catch (DescribeTopicsException e)
        {
            descriptions = e.Results.TopicDescriptions;
        }
        catch (KafkaException)
        {
            lock (_lock)
            {
                _idsWork = false;
                _wanted.Clear();
                _idRequest = Task.CompletedTask;
                _nextIdTry = Stopwatch.GetTimestamp() + (long)(IdRetryInterval.TotalSeconds * Stopwatch.Frequency);
            }

            return false;
        }

        lock (_lock)
        {
            _idsWork = true;
            _ids = new Dictionary<string, string>(_ids, StringComparer.Ordinal);
            foreach (var topic in descriptions.Where(t => !t.Error.IsError && t.TopicId is not null))
                _ids[topic.Name] = topic.TopicId.ToString()!;
        }

        return true;
    }
}
