using System.Collections.Concurrent;
using System.Diagnostics;
using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// The thread that owns a librdkafka consumer: it alone assigns, seeks and consumes, so that after a seek nothing of
/// the time before it can be taken for new. It sleeps until a queue fills or room appears.
/// </summary>
internal sealed partial class PollLoop : IDisposable
{
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(1);

    // What arrives wakes the loop; this is for what nobody tells it: commits, restarts, another share of memory.
    private static readonly TimeSpan IdleWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FaultPause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly Dictionary<PartitionReader, AssignedPartition> _byReader = [];
    private readonly List<AssignedPartition> _active = [];
    private readonly AutoResetEvent _wake = new(false);
    private readonly IPollEvents _events;
    private readonly KafkaStreamOptions _options;
    private readonly BatchDrain _drain;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NativeConsumer _consumer;
    private bool _stopping;
    private int _sleeping;
    private long _nextCommit;
    private long _nextRestart = long.MaxValue;

    public PollLoop(string name, NativeConsumer consumer, KafkaStreamOptions options, IPollEvents events)
    {
        _consumer = consumer;
        _options = options;
        _events = events;
        _drain = new BatchDrain(options);
        _thread = new Thread(Run) { IsBackground = true, Name = "kafka " + name };
    }

    public void Start() => _thread.Start();

    /// <summary>Lets a sleeping loop look again. Cheap when it is awake.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _sleeping) != 0)
            _wake.Set();
    }

    /// <summary>Begins to read a partition; ignored when it is being read already.</summary>
    public void Assign(PartitionReader reader, long offset) => Post(() =>
    {
        if (!reader.IsRetired && !_byReader.ContainsKey(reader))
            Open(reader, offset);
    });

    public Task SeekAsync(PartitionReader reader, long offset) => PostAsync(() =>
    {
        if (reader.IsRetired)
            throw new KafkaPartitionNotOwnedException($"{reader.Id} is being handed over; try again.");
        if (!_byReader.TryGetValue(reader, out var partition))
        {
            Open(reader, offset);
            return;
        }

        StopFetching(partition);
        reader.IsTopicReplaced = false;
        reader.Restart(offset);
        partition.Next = offset;
        (partition.Last, partition.IsDoubted) = ((-1, -1), false);
        StartFetching(partition);
    });

    /// <summary>Stops reading a partition and forgets it.</summary>
    public Task RemoveAsync(PartitionReader reader) => PostAsync(() =>
    {
        if (!_byReader.Remove(reader, out var partition))
            return;
        Commit([partition]);
        Close(partition);
        _active.Remove(partition);
        reader.Restart(-1);
    });

    /// <summary>Stops fetching and drops what is buffered, until a seek.</summary>
    public Task HaltAsync(PartitionReader reader) => PostAsync(() =>
    {
        if (!_byReader.TryGetValue(reader, out var partition))
            return;
        StopFetching(partition);
        reader.Restart(partition.Next);
        partition.PublishPosition();
    });

    /// <summary>Fetches again from where the partition stood.</summary>
    public void RestartLater(PartitionReader reader, TimeSpan delay) => Post(() =>
    {
        if (_byReader.TryGetValue(reader, out var partition))
            ScheduleRestart(partition, delay);
    });

    /// <summary>Continues all partitions on another consumer (other memory limits).</summary>
    public Task ReplaceConsumerAsync(NativeConsumer consumer) => PostAsync(() =>
    {
        var old = _consumer;
        foreach (var partition in _active)
            Close(partition);
        _consumer = consumer;
        foreach (var partition in _active)
        {
            partition.Queue = _consumer.OpenQueue(partition.Reader.Id.Topic, partition.Reader.Id.Partition);
            if (partition.WasFetching)
                StartFetching(partition);
        }

        _ = Task.Run(old.Dispose);
    });

    /// <summary>No commit before this time has passed. On the polling thread only.</summary>
    public void DelayCommits(TimeSpan delay) => _nextCommit = Math.Max(_nextCommit, Due(delay));

    public async Task StopAsync()
    {
        Post(() => _stopping = true);
        await _ended.Task.ConfigureAwait(false);
    }

    public void Dispose() => _wake.Dispose();

    private void Post(Action command)
    {
        _commands.Enqueue(command);
        _wake.Set();
    }

    private Task PostAsync(Action command)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Enqueue(() =>
        {
            try
            {
                command();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        _wake.Set();
        return Task.WhenAny(done.Task, _ended.Task).Unwrap();
    }

    private void Run()
    {
        while (!_stopping)
        {
            try
            {
                if (!RunOnce())
                    Sleep();
            }
            catch (Exception e)
            {
                Report(e);
                _wake.WaitOne(FaultPause);
            }
        }

        try
        {
            Commit(_active);
            foreach (var partition in _active)
                Close(partition);
            _active.Clear();
            _byReader.Clear();
            _consumer.Dispose();
            _drain.Dispose();
        }
        catch (Exception e)
        {
            Report(e);
        }

        _ended.SetResult();
    }

    /// <summary>A logger that throws must not end this thread, and with it the process.</summary>
    private void Report(Exception fault)
    {
        try
        {
            _events.OnFault(fault);
        }
        catch (Exception e)
        {
            Trace.TraceError($"{fault}\nwas not logged: {e}");
        }
    }

    private bool RunOnce()
    {
        while (_commands.TryDequeue(out var command))
            command();
        if (_stopping)
            return true;
        _consumer.ServeMain();
        var progress = false;
        var share = _events.PartitionShare;
        foreach (var partition in _active)
            progress |= partition.Fetching && Drain(partition, share);
        var now = Stopwatch.GetTimestamp();
        if (now >= _nextCommit)
        {
            _nextCommit = Due(CommitInterval);
            Commit(_active);
        }

        if (now >= _nextRestart)
            RestartDue(now);
        return progress;
    }

    private void Sleep()
    {
        // Announce first, look again, then sleep: what arrives in between sets the event.
        Volatile.Write(ref _sleeping, 1);
        Interlocked.MemoryBarrier();
        try
        {
            if (!RunOnce())
                _wake.WaitOne(UntilDue());
        }
        finally
        {
            Volatile.Write(ref _sleeping, 0);
        }
    }

    private TimeSpan UntilDue()
    {
        if (_nextRestart == long.MaxValue)
            return IdleWait;
        var left = TimeSpan.FromSeconds((_nextRestart - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < IdleWait ? left + TimeSpan.FromMilliseconds(1) : IdleWait;
    }

    private bool Drain(AssignedPartition partition, long share)
    {
        // Records larger than those before can make two batches of what was to be one; each holds up to twice its bytes.
        if (!partition.Reader.WantsMore(share - (4L * _drain.MaxBatchBytes(share)), partition.MoreWaiting))
            return false;
        var (began, from) = (KafkaTraces.Begin(), partition.Next);
        var result = _drain.Run(partition, _consumer, share);
        if (result.Records > 0)
        {
            KafkaTraces.Polled(partition.Reader.Id, _events.GroupId, began, from, partition.Next, result.Records);
            _events.OnRecords(partition.Reader, result.Records, result.Bytes);
        }

        if (result.Error != 0)
            HandleError(partition, result);
        else if (result.AtEnd)
            _events.OnState(partition.Reader, KafkaPartitionState.AtEnd);
        else if (result.Records > 0)
            _events.OnState(partition.Reader, KafkaPartitionState.Running);
        return result.Messages > 0;
    }

    private void HandleError(AssignedPartition partition, DrainResult result)
    {
        var reader = partition.Reader;
        var code = ErrorCodes.Classify(result.Error);
        _events.OnPartitionError(reader, result.Error, result.Reason);
        switch (code)
        {
            case KafkaFailureCode.OffsetOutOfRange:
                StopFetching(partition);
                var mayBeWrong = ErrorCodes.IsTruncation(result.Reason) && !partition.IsDoubted && partition.Last.LeaderEpoch >= 0;
                partition.IsDoubted = mayBeWrong;
                _events.OnOutOfRange(reader, partition.Next, result.Reason, mayBeWrong);
                break;
            case KafkaFailureCode.RecordTooLarge:
                StopFetching(partition);
                _events.OnState(reader, KafkaPartitionState.Failed, new(code, result.Reason, partition.Next));
                break;
            case KafkaFailureCode.Other or KafkaFailureCode.Authorization:
                // librdkafka goes on behind what it could not read (a damaged record set): that would be a gap. And it
                // does not tell when a permission is back: only a new start brings the news of an idle partition.
                StopFetching(partition);
                _events.OnState(reader, KafkaPartitionState.Backoff, new(code, result.Reason, partition.Next));
                ScheduleRestart(partition, Backoff.Next(partition.Failures++, _options));
                break;
            default:
                _events.OnState(reader, KafkaPartitionState.Backoff, new(code, result.Reason, partition.Next));
                break;
        }
    }
}
