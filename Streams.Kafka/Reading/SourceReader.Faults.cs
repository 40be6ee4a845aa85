using Confluent.Kafka;
using KafkaOracleOrleans.Streams.Kafka.Native;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>What is heard of faults, and what follows from them for partitions and the source.</summary>
internal sealed partial class SourceReader
{
    void INativeEvents.OnQueueFilled() => _poll?.Wake();

    void INativeEvents.OnError(int code, string reason)
    {
        _context.Metrics.Error(Source.Name, code);
        var kind = ErrorCodes.Classify(code, reason);
        if (code is not ErrorCodes.AllBrokersDown && kind != KafkaFailureCode.Authentication)
        {
            _connectionError = reason;
            return;
        }

        // "All brokers are down" says nothing of the cause, which came just before.
        var cause = code == ErrorCodes.AllBrokersDown ? _connectionError : null;
        var isNew = _failure is null;
        SetFailure(new KafkaPartitionFailure(kind, cause is null ? reason : $"{reason}: {cause}"));
        if (isNew)
            Wake();
    }

    void INativeEvents.OnCommitted(IReadOnlyList<CommitResult> results)
    {
        string? trouble = null;
        foreach (var (topic, partition, offset, error) in results)
        {
            if (error == 0)
                continue;
            trouble ??= $"{topic}/{partition}: {LibRdKafka.Describe(error)} ({error})";
            _context.Metrics.Error(Source.Name, error);
            Find(topic, partition)?.NoteCommitFailed(offset);
        }

        if (trouble is not null)
            _poll?.DelayCommits(Backoff.Next(_commitFailures, Options));
        if (trouble is not null && _commitFailures++ == 0)
            ReaderLog.CommitFails(_context.Logger, Source.Name, trouble);
        if (trouble is null && _commitFailures > 0)
            ReaderLog.CommitWell(_context.Logger, Source.Name);
        if (trouble is null)
            _commitFailures = 0;
    }

    void INativeEvents.OnLog(int level, string facility, string text) =>
        ReaderLog.Librdkafka(
            _context.Logger, level <= 4 && _pace.Take(facility) ? LogLevel.Warning : LogLevel.Debug, Source.Name, facility, text);

    void IPollEvents.OnState(PartitionReader reader, KafkaPartitionState state, KafkaPartitionFailure? failure) =>
        SetState(reader, state, failure);

    void IPollEvents.OnRecords(PartitionReader reader, int records, long bytes)
    {
        _context.Metrics.Received(reader.Id, records, bytes);
        ClearFailure();
    }

    void IPollEvents.OnPartitionError(PartitionReader reader, int code, string reason) =>
        _context.Metrics.Error(Source.Name, code);

    void IPollEvents.OnFault(Exception exception) => ReaderLog.PollFault(_context.Logger, Source.Name, exception);

    void IPollEvents.OnOutOfRange(PartitionReader reader, long position, string reason, bool mayBeWrong) =>
        _ = Task.Run(() => JudgeOutOfRangeAsync(reader, position, reason, mayBeWrong));

    private async Task JudgeOutOfRangeAsync(PartitionReader reader, long position, string reason, bool mayBeWrong)
    {
        // A seek in the meantime makes the question pointless.
        var generation = reader.Generation;
        for (var attempt = 0; !_stop.IsCancellationRequested && IsCurrent(reader); attempt++)
        {
            try
            {
                var (low, high) = _consumer!.QueryWatermarks(
                    reader.Id.Topic, reader.Id.Partition, Options.RequestTimeout);
                if (reader.Generation != generation)
                    return;
                Judge(reader, position, reason, mayBeWrong, low, high);
                return;
            }
            catch (Exception e) when (e is KafkaNativeException or ObjectDisposedException)
            {
                SetState(reader, KafkaPartitionState.Backoff, new KafkaPartitionFailure(
                    KafkaFailureCode.OffsetOutOfRange,
                    $"{reason}; the log's limits can't be asked: {e.Message}",
                    position));
            }

            await Task.Delay(Backoff.Next(attempt, Options), _context.Clock).ConfigureAwait(false);
        }
    }

    private void Judge(PartitionReader reader, long position, string reason, bool mayBeWrong, long low, long high)
    {
        var isWithin = position >= low && position <= high;
        if (isWithin && (mayBeWrong || !ErrorCodes.IsTruncation(reason)))
        {
            // A leader that had not caught up, or librdkafka held the answer about one position against another: records
            // that arrive between its question and the answer move the position it compares with. The restart asks again,
            // with nothing under way.
            SetState(reader, KafkaPartitionState.Backoff, new KafkaPartitionFailure(
                KafkaFailureCode.Unreachable, reason, position, low, high));
            _poll!.RestartLater(reader, Options.MinBackoff);
            return;
        }

        var what = isWithin
            ? $"{reader.Id}, which holds [{low}, {high}), was cut below position {position} and written anew (a leader " +
              "that lacked records took over, or the topic was created anew)."
            : $"Position {position} of {reader.Id} is outside the log, which holds [{low}, {high}): records were " +
              "deleted before they were read, or the topic was created anew.";
        SetState(reader, KafkaPartitionState.Failed, new KafkaPartitionFailure(
            KafkaFailureCode.OffsetOutOfRange,
            $"{what} Seek to where reading shall go on. ({reason})",
            position,
            low,
            high));
    }

    private void SetState(PartitionReader reader, KafkaPartitionState state, KafkaPartitionFailure? failure)
    {
        if (!reader.Enter(state, failure, out var wasTroubled))
            return;
        if (failure is null && wasTroubled)
            ReaderLog.Well(_context.Logger, reader.Id.ToString(), state);
        else if (failure is null)
            ReaderLog.State(_context.Logger, reader.Id.ToString(), state);
        else
            ReaderLog.Trouble(_context.Logger, reader.Id.ToString(), state, failure.Code, failure.Message);
    }

    private void Blame(Exception exception)
    {
        var code = exception is KafkaException kafka
            ? ErrorCodes.Classify((int)kafka.Error.Code)
            : KafkaFailureCode.Other;
        if (_failure is { Code: KafkaFailureCode.Authentication } && code == KafkaFailureCode.Unreachable)
            return;
        var reason = code == KafkaFailureCode.Unreachable ? _connectionError : null;
        SetFailure(new KafkaPartitionFailure(
            code, reason is null ? exception.Message : $"{exception.Message}: {reason}"));
    }

    /// <summary>
    /// From the admin client: why a connection can't be made. The request that wanted it tells only that it failed.
    /// </summary>
    public void OnConnectionError(int code, string reason)
    {
        _context.Metrics.Error(Source.Name, code);
        if (ErrorCodes.Classify(code, reason) == KafkaFailureCode.Authentication)
            SetFailure(new KafkaPartitionFailure(KafkaFailureCode.Authentication, reason));
        else if (code != ErrorCodes.AllBrokersDown)
            _connectionError = reason;
    }

    private void SetFailure(KafkaPartitionFailure failure)
    {
        if (_failure?.Code != failure.Code)
        {
            _failureSince = _context.Clock.GetUtcNow().UtcDateTime;
            ReaderLog.SourceTrouble(_context.Logger, Source.Name, failure.Code, failure.Message);
        }

        _failure = failure;
    }

    private void ClearFailure()
    {
        _connectionError = null;
        if (_failure is null)
            return;
        _failure = null;
        ReaderLog.SourceWell(_context.Logger, Source.Name);
    }

    private KafkaPartitionStatus Problem(string topic, string silo, KafkaPartitionFailure failure) => new()
    {
        Source = Source.Name,
        Topic = topic,
        Partition = -1,
        State = KafkaPartitionState.Backoff,
        Failure = failure,
        Silo = silo,
        Since = _failureSince,
    };
}
