using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// One partition owned by this silo: the batches ready for Orleans, what Orleans holds, and the state for people.
/// Shared by the poll thread, which fills it, and the slot's agent, which empties it; all shared fields are under one
/// lock, taken once per batch.
/// </summary>
internal sealed partial class PartitionReader
{
    private readonly Lock _lock = new();
    private readonly LinkedList<KafkaBatchContainer> _ready = [];
    private readonly Action _wakePoller;
    private readonly SlotSignal _agent;
    private readonly TimeProvider _clock;
    private int _generation;
    private int _inFlight;
    private long _bytes;
    private long _position = -1;
    private long _notBefore;
    private int _redeliveries;
    private long _lastTimestampMs = -1;
    private bool _paused;
    private volatile bool _isRetired;
    private volatile bool _isTopicReplaced;
    private volatile string _topicId = "";
    private long _pausedSince;
    private KafkaPartitionState _state = KafkaPartitionState.Starting;
    private KafkaPartitionFailure? _failure;
    private DateTime _since;
    private long _pendingCommit = -1;
    private long _knownEnd = -1;
    private long _knownEndAt;
    private long _stableEnd = -1;
    private long _heldSince;
    private TimeSpan _held;
    private TimeSpan _pausedBefore;
    private (long Next, long Low, long High) _fetchPosition = (-1, -1, -1);

    public PartitionReader(
        KafkaStreamId id, int slot, object claim, TimeProvider clock, Action wakePoller, SlotSignal agent)
    {
        Id = id;
        Claim = claim;
        Slot = slot;
        StreamId = id.ToStreamId();
        _clock = clock;
        _wakePoller = wakePoller;
        _agent = agent;
        _since = clock.GetUtcNow().UtcDateTime;
    }

    public KafkaStreamId Id { get; }

    public StreamId StreamId { get; }

    public int Slot { get; }

    /// <summary>The agent's hold on the slot this reader serves; another agent gets another reader.</summary>
    public object Claim { get; }

    /// <summary>Whether it was given up: nothing may be read for it any more.</summary>
    public bool IsRetired => _isRetired;

    /// <summary>What arrives is of another topic than the position is: nothing may be taken until a seek.</summary>
    public bool IsTopicReplaced
    {
        get => _isTopicReplaced;
        set => _isTopicReplaced = value;
    }

    /// <summary>The identity of the topic that is read; empty while unknown.</summary>
    public string TopicId
    {
        get => _topicId;
        set => _topicId = value;
    }

    /// <summary>Where fetching stands and the log's limits as of the last fetch; -1 while unknown.</summary>
    public (long Next, long Low, long High) FetchPosition
    {
        get
        {
            lock (_lock)
                return _fetchPosition;
        }

        set
        {
            lock (_lock)
                _fetchPosition = value;
        }
    }

    /// <summary>Raised by every seek; containers of earlier generations are dropped.</summary>
    public int Generation => Volatile.Read(ref _generation);

    public KafkaPartitionState State
    {
        get
        {
            lock (_lock)
                return _paused && _state != KafkaPartitionState.Failed ? KafkaPartitionState.Paused : _state;
        }
    }

    public KafkaFailureCode? FailureCode
    {
        get
        {
            lock (_lock)
                return _failure?.Code;
        }
    }

    /// <summary>Whether the poll thread should make another batch.</summary>
    /// <param name="limit">Bytes this partition may hold besides the new batch; one batch it may always have.</param>
    /// <param name="moreIsWaiting">A full batch is to be expected: a second one is made in advance.</param>
    public bool WantsMore(long limit, bool moreIsWaiting)
    {
        lock (_lock)
        {
            var wants = !_paused
                && _ready.Count <= (moreIsWaiting ? 1 : 0)
                && (_bytes <= limit || (_inFlight == 0 && _ready.Count == 0));
            if (wants != (_heldSince == 0))
                NoteHeld(held: !wants && !_paused);
            return wants;
        }
    }

    private void NoteHeld(bool held)
    {
        var now = _clock.GetTimestamp();
        if (_heldSince != 0)
            _held += _clock.GetElapsedTime(_heldSince, now);
        _heldSince = held ? now : 0;
    }

    public void Retire() => _isRetired = true;

    /// <summary>Adds a batch made by the poll thread.</summary>
    public void Add(KafkaBatch batch)
    {
        lock (_lock)
        {
            _ready.AddLast(new KafkaBatchContainer(batch, this, _generation));
            _bytes += batch.HeldBytes;
        }

        _agent.Set();
    }

    /// <summary>Notes how far reading came on the newest batch not yet handed out; false when there is none.</summary>
    public bool TryMarkEnd(long to, bool atEnd)
    {
        lock (_lock)
        {
            if (_ready.Last is not { } last)
                return false;
            last.Value.Batch.MarkEnd(to, atEnd);
            return true;
        }
    }

    /// <summary>Hands the next batch to the agent, if it may have one more.</summary>
    public KafkaBatchContainer? TryTake(int maxInFlight)
    {
        KafkaBatchContainer container;
        lock (_lock)
        {
            if (_inFlight >= maxInFlight || _paused || _ready.First is not { } first)
                return null;
            if (_notBefore != 0 && _clock.GetTimestamp() < _notBefore)
                return null;
            _notBefore = 0;
            container = first.Value;
            _ready.RemoveFirst();
            _inFlight++;
        }

        _wakePoller();
        return container;
    }

    /// <summary>The agent is done with a batch: delivered, or overtaken by a seek.</summary>
    public void Complete(KafkaBatchContainer container)
    {
        bool isMoreReady;
        lock (_lock)
        {
            isMoreReady = _ready.Count > 0;
            _inFlight--;
            _bytes -= container.Batch.HeldBytes;
            if (container.Generation == _generation)
            {
                _redeliveries = 0;
                _position = container.Batch.To;
                if (container.Batch.Count > 0)
                    _lastTimestampMs = container.Batch.TimestampsMs[container.Batch.Count - 1];
            }
        }

        container.Batch.Release();
        if (isMoreReady)
            _agent.Set();
        _wakePoller();
    }

    /// <summary>The subscriber refused a batch for good: it and those after it are offered again, later.</summary>
    /// <param name="containers">Oldest first, all of them taken before.</param>
    /// <param name="backoff">Pause by number of failures in a row.</param>
    public void PutBack(IReadOnlyList<KafkaBatchContainer> containers, Func<int, TimeSpan> backoff)
    {
        TimeSpan pause;
        lock (_lock)
        {
            for (var i = containers.Count - 1; i >= 0; i--)
            {
                var container = containers[i];
                _inFlight--;
                if (container.Generation == _generation)
                    _ready.AddFirst(container);
                else
                    _bytes -= container.Batch.HeldBytes;
            }

            pause = backoff(_redeliveries++);
            _notBefore = _clock.GetTimestamp() + (long)(pause.TotalSeconds * _clock.TimestampFrequency);
        }

        _ = WakeAgentAsync(pause);
    }

    /// <summary>Nothing else tells the agent that a pause is over.</summary>
    private async Task WakeAgentAsync(TimeSpan pause)
    {
        await Task.Delay(pause + TimeSpan.FromMilliseconds(1), _clock).ConfigureAwait(false);
        _agent.Set();
    }

    /// <summary>Drops what is ready, lets what Orleans holds go stale, and continues at another position.</summary>
    public void Restart(long position)
    {
        lock (_lock)
        {
            Interlocked.Increment(ref _generation);
            foreach (var container in _ready)
            {
                _bytes -= container.Batch.HeldBytes;
                container.Batch.Release();
            }

            _ready.Clear();
            _notBefore = 0;
            _redeliveries = 0;
            _position = position;
            (_knownEnd, _stableEnd) = (-1, -1);
            _fetchPosition = (-1, -1, -1);
        }
    }
}
