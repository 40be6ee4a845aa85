using System.Collections.Concurrent;
using Confluent.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Native;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// One source on this silo: finds its topics and partitions, keeps a reader for every partition whose slot this silo
/// owns, and looks after their positions and faults. One background loop; the poll thread does the reading.
/// </summary>
internal sealed partial class SourceReader : IPollEvents, INativeEvents, IAsyncDisposable
{
    /// <summary>The look costs the cluster a list of all its topics; who waits for a topic does not wait longer.</summary>
    private static readonly TimeSpan MissingTopicPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MissingIdPause = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<KafkaStreamId, PartitionReader> _partitions = new();
    private readonly List<Task> _starting = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ReaderContext _context;
    private readonly PositionFinder _positions;
    private readonly LogPace _pace;
    private IReadOnlyList<TopicInfo> _topics = [];
    private NativeConsumer? _consumer;
    private PollLoop? _poll;
    private KafkaPartitionFailure? _failure;
    private DateTime _failureSince;
    private volatile string? _connectionError;
    private int _consumerPartitions;
    private int _failures;
    private int _commitFailures;
    private Task _run = Task.CompletedTask;

    public SourceReader(KafkaSource source, ReaderContext context)
    {
        Source = source;
        _context = context;
        _positions = new PositionFinder(source, context);
        _pace = new LogPace(context.Clock);
    }

    public KafkaSource Source { get; }

    /// <summary>Partitions of all topics, owned or not.</summary>
    public int TotalPartitions => _topics.Sum(t => t.Partitions);

    public IEnumerable<PartitionReader> Partitions => _partitions.Values;

    public long PartitionShare => _context.PartitionShare;

    public string GroupId => Source.EffectiveGroupId;

    private KafkaStreamOptions Options => _context.Options;

    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>Slots have come or gone, or memory is shared by another number of partitions.</summary>
    public void Wake()
    {
        if (_wake.CurrentCount == 0)
            _wake.Release();
    }

    public void WakePoller() => _poll?.Wake();

    public PartitionReader? Find(string topic, int partition) =>
        _partitions.GetValueOrDefault(new KafkaStreamId(Source.Name, topic, partition));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    public async Task SeekAsync(PartitionReader reader, long offset)
    {
        if (_poll is not { } poll)
            throw new KafkaPartitionNotOwnedException($"{reader.Id} is still being opened; try again.");
        // Whoever seeks knows a position, and with it perhaps of which topic it is: records have to say the same, or nobody can tell.
        if (reader.TopicId.Length == 0
            && await _context.Catalog(Source.ConnectionName).TryFindIdAsync(reader.Id.Topic, _stop.Token).ConfigureAwait(false) is { Length: > 0 } id
            && reader.TopicId.Length == 0)
            reader.TopicId = id;
        await poll.SeekAsync(reader, offset).ConfigureAwait(false);
    }

    public IEnumerable<KafkaPartitionStatus> Describe(string silo)
    {
        var failure = _failure;
        foreach (var topic in _topics)
        {
            if (topic.Error is not null)
                yield return Problem(topic.Name, silo, topic.Error);
        }

        if (failure is not null && _partitions.IsEmpty)
            yield return Problem(string.Join(",", Source.Topics), silo, failure);
        foreach (var reader in _partitions.Values)
            yield return Describe(reader, silo);
    }

    public KafkaPartitionStatus Describe(PartitionReader reader, string silo) =>
        reader.Describe(silo, _failure, _consumer?.CachedWatermarks(reader.Id.Topic, reader.Id.Partition));

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
            await WaitAsync(await LookAsync().ConfigureAwait(false)).ConfigureAwait(false);
        await ShutDownAsync().ConfigureAwait(false);
    }

    /// <summary>Looks at the cluster and does what follows; the result is the pause until the next look.</summary>
    private async Task<TimeSpan> LookAsync()
    {
        try
        {
            await NoteReplacedAsync().ConfigureAwait(false);
            _topics = await _context.Catalog(Source.ConnectionName).FindAsync(Source).ConfigureAwait(false);
            await NoteTopicsAsync().ConfigureAwait(false);
            await ReconcileAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Blame(e);
            await ReconcileAfterFaultAsync().ConfigureAwait(false);
            return Backoff.Next(_failures++, Options);
        }

        // Not before: a consumer that can't be made is trouble that goes on, however well the topics are found.
        ClearFailure();
        if (_topics.Any(t => t.Error is not null))
            return Min(Min(Options.MetadataInterval, MissingTopicPause), Backoff.Next(_failures++, Options));
        _failures = 0;
        // Identities that come later than one waited for them are taken soon.
        return _topics.Any(t => t.Id.Length == 0) && _context.Catalog(Source.ConnectionName).IsAskingForIds
            ? Min(Options.MetadataInterval, MissingIdPause)
            : Options.MetadataInterval;
    }

    private async Task WaitAsync(TimeSpan pause)
    {
        try
        {
            await _wake.WaitAsync(pause, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task ShutDownAsync()
    {
        await Task.WhenAll(_starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_poll is { } poll)
        {
            await poll.StopAsync().ConfigureAwait(false);
            poll.Dispose();
        }

        foreach (var reader in _partitions.Values)
        {
            reader.Retire();
            reader.Restart(-1);
        }

        _partitions.Clear();
        _context.PartitionsChanged();
    }

    /// <summary>Slots must be given up even while the brokers can't be asked.</summary>
    private async Task ReconcileAfterFaultAsync()
    {
        try
        {
            await ReconcileAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Blame(e);
        }
    }

    private async Task ReconcileAsync()
    {
        var wanted = new HashSet<KafkaStreamId>();
        foreach (var topic in _topics)
        {
            for (var i = 0; i < topic.Partitions; i++)
            {
                var id = new KafkaStreamId(Source.Name, topic.Name, i);
                if (_context.ClaimOf(SlotMap.SlotOf(id, Options.Slots)) is not null)
                    wanted.Add(id);
            }
        }

        var changed = await RemoveAsync(wanted).ConfigureAwait(false);
        if (TotalPartitions > 0)
            await EnsureConsumerAsync().ConfigureAwait(false);
        if (AddMissing(wanted) || changed)
            _context.Metrics.Rebalanced(Source.Name);
    }

    private async Task<bool> RemoveAsync(HashSet<KafkaStreamId> wanted)
    {
        var removed = false;
        foreach (var (id, reader) in _partitions)
        {
            // A topic that is missing at the moment may come back: its partitions wait in Backoff.
            var isMine = ReferenceEquals(_context.ClaimOf(reader.Slot), reader.Claim);
            if (isMine && (wanted.Contains(id) || IsMissing(id.Topic)))
                continue;
            removed = true;
            reader.Retire();
            _partitions.TryRemove(id, out _);
            _context.PartitionsChanged();
            if (_poll is { } poll)
                await poll.RemoveAsync(reader).ConfigureAwait(false);
        }

        _starting.RemoveAll(t => t.IsCompleted);
        return removed;
    }

    private bool IsMissing(string topic) => _topics.FirstOrDefault(t => t.Name == topic) is null or { Error: not null };

    private bool AddMissing(HashSet<KafkaStreamId> wanted)
    {
        var added = new List<PartitionReader>();
        foreach (var id in wanted)
        {
            if (_partitions.ContainsKey(id))
                continue;
            var poll = _poll!;
            var slot = SlotMap.SlotOf(id, Options.Slots);
            if (_context.ClaimOf(slot) is not { } claim)
                continue;
            var reader = new PartitionReader(id, slot, claim, _context.Clock, poll.Wake, _context.Signal(slot))
            {
                TopicId = _topicIds.GetValueOrDefault(id.Topic, ""),
            };
            _partitions[id] = reader;
            added.Add(reader);
        }

        if (added.Count == 0)
            return false;
        _context.PartitionsChanged();
        foreach (var reader in added)
            _starting.Add(Task.Run(() => StartAsync(reader)));
        return true;
    }

    /// <summary>Each partition on its own: one whose position can't be told holds no other back.</summary>
    private async Task StartAsync(PartitionReader reader)
    {
        // A seek opens a partition too.
        for (var attempt = 0; IsCurrent(reader) && reader.FetchPosition.Next < 0; attempt++)
        {
            try
            {
                var isFirst = attempt == 0;
                var offset = await _positions.FindAsync(
                    reader, _consumer!, (state, failure) => SetStartState(reader, state, failure, isFirst), _stop.Token)
                    .ConfigureAwait(false);
                if (offset is { } found)
                {
                    _poll!.Assign(reader, found);
                    return;
                }

                await Task.Delay(Backoff.Next(attempt, Options), _context.Clock, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>A coordinator that is just being found is no news; one that is not found again is.</summary>
    private void SetStartState(
        PartitionReader reader, KafkaPartitionState state, KafkaPartitionFailure failure, bool isFirst)
    {
        if (isFirst && failure.Code == KafkaFailureCode.Unreachable)
            return;
        if (IsCurrent(reader) && reader.FetchPosition.Next < 0)
            SetState(reader, state, failure);
    }

    private bool IsCurrent(PartitionReader reader) =>
        _partitions.TryGetValue(reader.Id, out var current) && ReferenceEquals(current, reader);

    private async Task EnsureConsumerAsync()
    {
        var partitions = _context.TotalPartitions;
        if (_poll is not null && partitions <= _consumerPartitions * 2)
            return;
        var connection = Options.Connections[Source.ConnectionName];
        var consumer = new NativeConsumer(
            ClientConfigs.Consumer(connection, Source, Options, partitions), this);
        _consumerPartitions = partitions;
        _consumer = consumer;
        if (_poll is { } running)
        {
            await running.ReplaceConsumerAsync(consumer).ConfigureAwait(false);
            return;
        }

        var poll = new PollLoop(Source.Name, consumer, Options, this);
        _poll = poll;
        poll.Start();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
