namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Pause, state, pending commit and the status for people.</summary>
internal sealed partial class PartitionReader
{
    /// <summary>Pauses or resumes.</summary>
    public void SetPaused(bool paused)
    {
        lock (_lock)
        {
            if (_paused == paused)
                return;
            _paused = paused;
            var now = _clock.GetTimestamp();
            if (paused)
                _pausedSince = now;
            else
                _pausedBefore += _clock.GetElapsedTime(_pausedSince, now);
            _since = _clock.GetUtcNow().UtcDateTime;
        }

        if (!paused)
            _agent.Set();
    }

    /// <summary>Enters a state; true when it differs from the last one, which is worth a log line.</summary>
    public bool Enter(KafkaPartitionState state, KafkaPartitionFailure? failure, out bool wasTroubled)
    {
        lock (_lock)
        {
            wasTroubled = _failure is not null;
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

    /// <summary>Tries again later, unless something newer is to be committed anyway.</summary>
    public void NoteCommitFailed(long offset)
    {
        lock (_lock)
        {
            if (_pendingCommit < 0)
                _pendingCommit = offset;
        }
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
            high = Math.Max(high, _knownEnd);
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
                PausedSeconds = (_pausedBefore + Running(_paused, _pausedSince)).TotalSeconds,
                HeldBackSeconds = (_held + Running(_heldSince != 0, _heldSince)).TotalSeconds,
            };
        }
    }

    private TimeSpan Running(bool runs, long since) => runs ? _clock.GetElapsedTime(since) : TimeSpan.Zero;

    private double LagSeconds(long lagRecords)
    {
        if (lagRecords == 0)
            return 0;
        return _lastTimestampMs < 0
            ? -1
            : Math.Max(0, (_clock.GetUtcNow().ToUnixTimeMilliseconds() - _lastTimestampMs) / 1000d);
    }
}
