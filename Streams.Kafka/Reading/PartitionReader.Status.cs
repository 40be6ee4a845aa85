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

    /// <summary>The log's end as its leader told it when asked.</summary>
    public void NoteEnd(int generation, long end)
    {
        lock (_lock)
        {
            // Another topic's, perhaps: a seek is the way on after a topic was created anew.
            if (_generation != generation)
                return;
            (_knownEnd, _knownEndAt) = (end, _clock.GetTimestamp());
            if (!WaitsBelow(end))
                _stableEnd = -1;
        }
    }

    /// <summary>The last stable offset as asked for after reading had stopped below the end.</summary>
    public void NoteStableEnd(int generation, long end)
    {
        lock (_lock)
        {
            if (_generation == generation && WaitsBelow(_knownEnd))
                _stableEnd = end < _knownEnd ? end : -1;
        }
    }

    /// <summary>Whether librdkafka has nothing more to give although the log goes on: what follows belongs to an open transaction, or is on its way.</summary>
    public bool StopsBelowEnd
    {
        get
        {
            lock (_lock)
                return WaitsBelow(_knownEnd);
        }
    }

    private bool WaitsBelow(long end) => _state == KafkaPartitionState.AtEnd && end > _fetchPosition.Next;

    /// <summary>The partition as people see it.</summary>
    /// <param name="silo">The owner.</param>
    /// <param name="sourceFailure">What is wrong with the source as a whole.</param>
    /// <param name="fetched">The log's limits as of librdkafka's last fetch, which is newer than the last record taken; null: unknown.</param>
    public KafkaPartitionStatus Describe(string silo, KafkaPartitionFailure? sourceFailure, (long Low, long High)? fetched = null)
    {
        lock (_lock)
        {
            var (fetchPosition, low, high) = _fetchPosition;
            // Each of them is the first to see the log grow at times. What was fetched before a failure may be of a log that is no more.
            if (_state != KafkaPartitionState.Failed)
                (low, high) = (Math.Max(low, fetched?.Low ?? -1), Math.Max(Math.Max(high, fetched?.High ?? -1), _knownEnd));
            else if (_knownEnd >= 0)
                high = _knownEnd;
            // Reading stops at the first record of an open transaction. That is the end of what can be read, and not the end of the log.
            var state = WaitsBelow(high) ? KafkaPartitionState.Running : _state;
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
                HighWatermarkAgeSeconds = _knownEnd < 0 ? -1 : _clock.GetElapsedTime(_knownEndAt).TotalSeconds,
                OpenTransactionAt = WaitsBelow(_knownEnd) ? _stableEnd : -1,
                TopicId = _topicId,
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
