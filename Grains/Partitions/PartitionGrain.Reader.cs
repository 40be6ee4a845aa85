using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Protocol.Writers;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// What the reader of the partition is doing and where the log ends, asked for at every tick, whatever the pipeline's steps: a partition that cannot be
/// read is not a running one.
/// </summary>
internal sealed partial class PartitionGrain
{
    // A leader that changes is not worth a state.
    private static readonly TimeSpan Passing = TimeSpan.FromSeconds(5);

    private KafkaPartitionStatus? _reader;
    private long _readAt;
    private long _lookedAt;

    /// <summary>The next offset to work off, also between two terms; null when it is not known.</summary>
    private long? Position => _owned && !_fresh ? _header.Position : _durable < 0 ? null : _durable;

    public Task TellEndAsync(long end)
    {
        if (_reader is null) _end = end;
        return Task.CompletedTask;
    }

    private async Task LookAtReaderAsync()
    {
        // Nobody reads a pipeline that is paused: then other silos need not be asked twice a second.
        if (_reader is null && time.GetElapsedTime(_lookedAt) < TimeSpan.FromSeconds(1)) return;
        _lookedAt = time.GetTimestamp();
        _reader = await kafka.GetStatusAsync(_id.Source, _id.Topic, _id.Partition).WaitAsync(Deadlines.Status, time);
        if (_reader is null) return;
        _readAt = time.GetTimestamp();
        if (_reader.HighWatermark >= 0) _end = _reader.HighWatermark;
        LearnTopic(_reader);
    }

    /// <summary>
    /// Batches that were made before the cluster told the topic's identity have none. A reader that failed may have met another topic than the position is of.
    /// </summary>
    private void LearnTopic(KafkaPartitionStatus reader)
    {
        if (!_owned || _fresh || _header.TopicId.Length > 0 || reader.TopicId.Length == 0 || reader.State == KafkaPartitionState.Failed) return;
        _header.TopicId = reader.TopicId;
        _changed = true;
    }

    /// <summary>Records between the position and the end; null when one of them is not known.</summary>
    private long? Lag() => _end < 0 || Position is not { } position ? null : Math.Max(0, _end - position);

    /// <summary>Nothing is unread, and the lane has confirmed all that was read.</summary>
    private bool IsComplete(SinkDelivery lane) => Lag() == 0 && _queue.Count == 0 && lane.Confirmed >= _header.Position;

    /// <summary>The partition's own state, or that of its reader or of a sink lane it feeds when that is worse.</summary>
    private PartState WorstState(out string? reason)
    {
        reason = _reason;
        var state = _state;
        if (_stopped) return state;
        if (ReaderState(out var why) is var read && read > state) (state, reason) = (read, why);
        if (state == PartState.Running && reason is null) reason = TransactionText();
        if (state < PartState.Blocked && memory.Reason is { } shortage) (state, reason) = (PartState.Blocked, shortage);
        foreach (var lane in _lanes)
        {
            if (lane.Part() <= state) continue;
            state = lane.Part();
            reason = $"Sink '{lane.Sink.Id}': {lane.Reason}";
        }

        return state;
    }

    /// <summary>What reading waits for where everything that can be read is read: the end of a producer's transaction.</summary>
    private string? TransactionText() =>
        _reader is { State: KafkaPartitionState.Running or KafkaPartitionState.AtEnd, OpenTransactionAt: >= 0 } reader && reader.Position >= reader.OpenTransactionAt
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"A producer's transaction is open from offset {reader.OpenTransactionAt} on. What comes after it is read when it ends, at the latest by the producer's transaction.timeout.ms.")
            : null;

    /// <summary>What the reader's state means: a fault that retry cannot mend, or that somebody has to mend outside, is a failed partition.</summary>
    private PartState ReaderState(out string? reason)
    {
        reason = null;
        if (_reader is not { State: KafkaPartitionState.Failed or KafkaPartitionState.Backoff, Failure: { } failure } reader) return PartState.Running;
        reason = failure.Message;
        if (reader.State == KafkaPartitionState.Failed)
        {
            reason = $"{failure.Message} {Remedy(failure)}";
            return PartState.Failed;
        }

        if (time.GetUtcNow().UtcDateTime - reader.Since < Passing) return PartState.Running;
        return failure.Code is KafkaFailureCode.UnknownTopicOrPartition or KafkaFailureCode.Authentication or KafkaFailureCode.Authorization
            ? PartState.Failed
            : PartState.Blocked;
    }

    private string SkipRemedy(long to) => string.Create(
        CultureInfo.InvariantCulture,
        $"'kor stop {_id.Source}', then 'kor reset {_id.Source} --offsets {_source}={to}' shows what would be skipped, "
        + $"and with --execute does it; then 'kor start {_id.Source}'.");

    private string Remedy(KafkaPartitionFailure failure) => failure.Code switch
    {
        KafkaFailureCode.OffsetOutOfRange or KafkaFailureCode.TopicRecreated => SkipRemedy(Math.Max(0, failure.LogStart)),
        _ => $"When that is mended, 'kor restart {_id.Source} --only-failed' reads on.",
    };
}
