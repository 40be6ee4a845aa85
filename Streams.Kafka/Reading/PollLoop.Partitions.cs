using System.Diagnostics;
using System.Text;
using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Opening, stopping and committing single partitions; on the polling thread only.</summary>
internal sealed partial class PollLoop
{
    private static readonly TimeSpan LeaderTimeout = TimeSpan.FromSeconds(1);

    private void Open(PartitionReader reader, long offset)
    {
        var partition = new AssignedPartition(reader, Encoding.UTF8.GetBytes(reader.Id.Topic + '\0'))
        {
            Queue = _consumer.OpenQueue(reader.Id.Topic, reader.Id.Partition),
            Next = offset,
        };
        _byReader.Add(reader, partition);
        _active.Add(partition);
        reader.Restart(offset);
        StartFetching(partition);
    }

    private void StartFetching(AssignedPartition partition, bool isRetry = false)
    {
        partition.Fetching = true;
        partition.RestartAt = long.MaxValue;
        partition.PublishPosition();
        try
        {
            _consumer.Assign(partition.Reader.Id.Topic, partition.Reader.Id.Partition, partition.Next);
            if (partition.IsDoubted)
                AskLeader(partition);
        }
        catch (KafkaNativeException e)
        {
            partition.Fetching = false;
            _events.OnPartitionError(partition.Reader, e.Code, e.Message);
            _events.OnState(
                partition.Reader,
                KafkaPartitionState.Backoff,
                new(ErrorCodes.Classify(e.Code), e.Message, partition.Next));
            ScheduleRestart(partition, Backoff.Next(partition.Failures++, _options));
            return;
        }

        // What was wrong is over when something arrives, not when it is tried again.
        if (!isRetry)
            _events.OnState(partition.Reader, KafkaPartitionState.Running);
    }

    private void AskLeader(AssignedPartition partition)
    {
        var id = partition.Reader.Id;
        try
        {
            _consumer.SeekChecked(
                id.Topic, id.Partition, partition.Last.Offset + 1, partition.Last.LeaderEpoch, LeaderTimeout);
        }
        catch (KafkaNativeException)
        {
            _consumer.Unassign(id.Topic, id.Partition);
            throw;
        }
    }

    private void StopFetching(AssignedPartition partition)
    {
        partition.RestartAt = long.MaxValue;
        if (!partition.Fetching)
            return;
        partition.Fetching = false;
        _consumer.Unassign(partition.Reader.Id.Topic, partition.Reader.Id.Partition);
    }

    private void Close(AssignedPartition partition)
    {
        partition.WasFetching = partition.Fetching;
        StopFetching(partition);
        NativeConsumer.CloseQueue(partition.Queue);
        partition.Queue = 0;
    }

    private void ScheduleRestart(AssignedPartition partition, TimeSpan delay)
    {
        partition.RestartAt = Due(delay);
        _nextRestart = Math.Min(_nextRestart, partition.RestartAt);
    }

    private static long Due(TimeSpan delay) =>
        Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency);

    private void RestartDue(long now)
    {
        _nextRestart = long.MaxValue;
        foreach (var partition in _active)
        {
            if (partition.RestartAt <= now)
            {
                StopFetching(partition);
                StartFetching(partition, isRetry: true);
            }

            _nextRestart = Math.Min(_nextRestart, partition.RestartAt);
        }
    }

    private void Commit(List<AssignedPartition> partitions)
    {
        List<TopicOffset>? offsets = null;
        foreach (var partition in partitions)
        {
            if (partition.Reader.TryTakeCommit(out var offset))
                (offsets ??= []).Add(new TopicOffset(partition.Reader.Id.Topic, partition.Reader.Id.Partition, offset));
        }

        if (offsets is not null)
            _consumer.CommitAsync(offsets);
    }
}
