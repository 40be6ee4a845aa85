using Orleans.Runtime;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// One partition owned by this silo: the batches ready for Orleans, what Orleans holds, and the state for people.
/// Shared by the poll thread, which fills it, and the slot's agent, which empties it; all shared fields are under one
/// lock, taken once per batch.
/// </summary>
internal sealed class PartitionReader
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
    private long _pausedSince;
    private KafkaPartitionState _state = KafkaPartitionState.Starting;
    private KafkaPartitionFailure? _failure;
    private DateTime _since;
    private long _pendingCommit = -1;
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
            if (_paused || _ready.Count > (moreIsWaiting ? 1 : 0))
                return false;
            return _bytes <= limit || (_inFlight == 0 && _ready.Count == 0);
        }
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

    /// <summary>Notes the end of the log on the newest batch not yet handed out; false when there is none.</summary>
    public bool TryMarkAtEnd(long to)
    {
        lock (_lock)
        {
            if (_ready.Last is not { } last)
                return false;
            last.Value.Batch.MarkAtEnd(to);
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

            var pause = backoff(_redeliveries++);
            _notBefore = _clock.GetTimestamp() + (long)(pause.TotalSeconds * _clock.TimestampFrequency);
        }
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
        }
    }

    /// <summary>Pauses or resumes; returns how long a pause that ends here lasted.</summary>
    public TimeSpan SetPaused(bool paused)
    {
        lock (_lock)
        {
            if (_paused == paused)
                return TimeSpan.Zero;
            _paused = paused;
            _since = _clock.GetUtcNow().UtcDateTime;
            if (paused)
                _pausedSince = _clock.GetTimestamp();
            if (paused)
                return TimeSpan.Zero;
        }

        _agent.Set();
        return _clock.GetElapsedTime(_pausedSince);
    }

    /// <summary>Enters a state; true when it differs from the last one, which is worth a log line.</summary>
    public bool Enter(KafkaPartitionState state, KafkaPartitionFailure? failure = null)
    {
        lock (_lock)
        {
            var changed = _state != state || _failure?.Code != failure?.Code;
            _state = state;
            _failure = failure;
            if (changed)
                _since = _clock.GetUtcNow().UtcDateTime;
            return changed;
        }
    }

    public void NoteCommit(long offset)
    {
        lock (_lock)
            _pendingCommit = offset;
    }

    public bool TryTakeCommit(out long offset)
    {
        lock (_lock)
        {
            offset = _pendingCommit;
            _pendingCommit = -1;
            return offset >= 0;
        }
    }

    public KafkaPartitionStatus Describe(string silo, KafkaPartitionFailure? sourceFailure)
    {
        lock (_lock)
        {
            var (fetchPosition, low, high) = _fetchPosition;
            var state = _state;
            var failure = _failure;
            if (sourceFailure is not null && failure is null)
                (state, failure) = (KafkaPartitionState.Backoff, sourceFailure);
            if (_paused && state != KafkaPartitionState.Failed)
                state = KafkaPartitionState.Paused;
            var lag = high < 0 || _position < 0 ? -1 : Math.Max(0, high - _position);
            return new KafkaPartitionStatus
            {
                Source = Id.Source,
                Topic = Id.Topic,
                Partition = Id.Partition,
                State = state,
                Failure = failure,
                Silo = silo,
                Position = _position,
                FetchPosition = fetchPosition,
                LowWatermark = low,
                HighWatermark = high,
                LagRecords = lag,
                LagSeconds = LagSeconds(lag),
                BufferedBytes = _bytes,
                Since = _since,
            };
        }
    }

    private double LagSeconds(long lagRecords)
    {
        if (lagRecords == 0)
            return 0;
        return _lastTimestampMs < 0
            ? -1
            : Math.Max(0, (_clock.GetUtcNow().ToUnixTimeMilliseconds() - _lastTimestampMs) / 1000d);
    }
}
