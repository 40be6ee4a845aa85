using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Sinks;

/// <summary>
/// An owner's side of a sink lane: keeps rows until the lane has confirmed them and sends them in order, one call at a time. Lives on the
/// owner's scheduler; not safe for use from elsewhere.
/// </summary>
internal sealed class SinkDelivery
{
    private readonly ISinkGrain _grain;
    private readonly FlushPlan _flush;
    private readonly int _version;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly Queue<Item> _pending = new();
    private readonly CancellationToken _stopping;
    private readonly string? _owner;
    private readonly long _epoch;
    private TaskCompletionSource _changed = NewSignal();
    private TaskCompletionSource _wake = NewSignal();
    private readonly Queue<(long Progress, long At)> _marks = new();
    private readonly long _openedAt;
    private long _firstPendingAt;
    private long _marked;
    private bool _flushNow;

    public SinkDelivery(
        ISinkGrain grain, SinkPlan plan, int version, long confirmed, EngineOptions options, TimeProvider time,
        CancellationToken stopping, string? owner = null, long epoch = 0)
    {
        (_owner, _epoch) = (owner, epoch);
        _grain = grain;
        _flush = plan.Flush;
        _version = version;
        _time = time;
        _openedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
        _stopping = stopping;
        _backoff = new Backoff(options, time);
        Sink = plan;
        Confirmed = confirmed;
        Sent = confirmed;
        Loop = RunAsync();
    }

    private sealed record Item(RowBlock Rows, long[] Order, bool[]? Deletes, RawBatch? Raw, long Bytes)
    {
        public long Progress { get; set; }
    }

    public SinkPlan Sink { get; }

    /// <summary>Everything up to here is in the table.</summary>
    public long Confirmed { get; private set; }

    /// <summary>Everything up to here was handed in.</summary>
    public long Sent { get; private set; }

    public int PendingRows { get; private set; }

    /// <summary>Those of them that are on their way to the writer.</summary>
    public int InFlight { get; private set; }
    public long PendingBytes { get; private set; }
    public long Written { get; private set; }
    public long Quarantined { get; private set; }
    public PartState State { get; private set; } = PartState.Running;
    public string? Reason { get; private set; }

    /// <summary>A newer owner writes to the lane; this one writes nothing more.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>The Kafka time, ms, of the newest record up to which everything is in the table; 0: none yet.</summary>
    public long NewestAt { get; private set; }

    /// <summary>When the sink last had everything there is, ms since the epoch; 0: not since this owner began.</summary>
    public long CompleteAt { get; private set; }

    /// <summary>
    /// How far the sink is behind: by the newest record that is durable in it, or by the moment it last had everything, whichever is later, so that a
    /// source that was silent for an hour is not an hour behind with its next record.
    /// </summary>
    /// <param name="complete">Nothing is unread in the source; what of it is not written yet is known here.</param>
    public SinkFreshness Freshness(bool complete)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        if (complete && PendingRows == 0) CompleteAt = now;
        var from = Math.Max(NewestAt, CompleteAt);
        return new SinkFreshness(NewestAt == 0 ? null : NewestAt, Math.Max(0, now - (from == 0 ? _openedAt : from)) / 1000.0);
    }

    /// <summary>What it shows in gauges.</summary>
    public LaneGauge Gauge(SinkFreshness fresh) => new(Sink.Id, PendingRows - InFlight, InFlight, fresh.Seconds ?? -1);

    /// <summary>Ends when the owner stops; never faults.</summary>
    public Task Loop { get; }

    /// <summary>Hands rows in. <paramref name="progress"/> is confirmed once they and all before them are written.</summary>
    public void Enqueue(RowBlock rows, long[] order, bool[]? deletes, RawBatch? raw, long progress)
    {
        if (rows.Count == 0)
        {
            Advance(progress);
            return;
        }

        var bytes = RowBlocks.EstimateBytes(rows) + (raw?.Buffer.Length ?? 0);
        if (_pending.Count == 0) _firstPendingAt = _time.GetTimestamp();
        _pending.Enqueue(new Item(rows, order, deletes, raw, bytes) { Progress = progress });
        PendingRows += rows.Count;
        PendingBytes += bytes;
        Sent = progress;
        _wake.TrySetResult();
    }

    /// <summary>Says that there are no further rows up to a progress.</summary>
    public void Advance(long progress)
    {
        Sent = progress;
        if (_pending.Count == 0)
        {
            if (PendingRows == 0) SetConfirmed(progress);
            else _afterFlight = progress;
        }
        else
        {
            _pending.Last().Progress = progress;
        }
    }

    private long _afterFlight = -1;

    /// <summary>Says of which Kafka time the newest record below a progress is; it counts once that progress is confirmed.</summary>
    public void Mark(long progress, long at)
    {
        // Of rows that are written together only the last matters; a batch holds many records, so these are few.
        if (at <= _marked) return;
        _marked = at;
        if (progress <= Confirmed) NewestAt = at;
        else _marks.Enqueue((progress, at));
    }

    /// <summary>Sends what is pending without waiting for the interval.</summary>
    public void Flush()
    {
        _flushNow = true;
        _wake.TrySetResult();
    }

    /// <summary>Shuts older owners out of the lane; answers with the lane's progress.</summary>
    public Task<SinkReply> FenceAsync() => _grain.FenceAsync(_owner!, _epoch, _version).WaitAsync(_stopping);

    /// <summary>Waits until something was confirmed or the state changed.</summary>
    public Task ChangedAsync() => _changed.Task.WaitAsync(_stopping);

    private async Task RunAsync()
    {
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                await WaitUntilDueAsync();
                await SendAsync();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The owner has stopped: what is unconfirmed is replayed by its next reign.
        }
    }

    private async Task WaitUntilDueAsync()
    {
        while (true)
        {
            _stopping.ThrowIfCancellationRequested();
            if (_pending.Count == 0)
            {
                _flushNow = false;
                await _wake.Task.WaitAsync(_stopping);
            }
            else
            {
                var waited = _time.GetElapsedTime(_firstPendingAt).TotalMilliseconds;
                if (_flushNow || PendingRows >= _flush.Rows || PendingBytes >= _flush.Bytes || waited >= _flush.IntervalMs) return;
                var rest = TimeSpan.FromMilliseconds(Math.Max(1, _flush.IntervalMs - waited));
                await Task.WhenAny(_wake.Task, Task.Delay(rest, _time, _stopping));
            }

            _wake = NewSignal();
        }
    }

    private async Task SendAsync()
    {
        var (call, items) = TakeBatch();
        InFlight = call.Rows.Count;
        while (true)
        {
            var reply = await CallAsync(call);
            if (reply is { Answer: SinkAnswer.Ok })
            {
                Written += call.Rows.Count - reply.Quarantined;
                Quarantined += reply.Quarantined;
                break;
            }

            if (reply?.Answer == SinkAnswer.Fenced) await EndAsync(reply.Reason);
            SetState(reply?.Answer == SinkAnswer.Failed ? PartState.Failed : PartState.Blocked, reply?.Reason ?? _callFailure);
            if (reply?.RetryAfter is { } after) await Task.Delay(after, _time, _stopping);
            else await _backoff.WaitAsync(_stopping);
        }

        _backoff.Reset();
        InFlight = 0;
        foreach (var item in items)
        {
            PendingRows -= item.Rows.Count;
            PendingBytes -= item.Bytes;
        }

        _firstPendingAt = _time.GetTimestamp();
        SetState(PartState.Running, null);
        SetConfirmed(Math.Max(call.Progress, _pending.Count == 0 ? _afterFlight : -1));
        if (_pending.Count == 0) _flushNow = false;
    }

    /// <summary>Tells the owner and waits for its end.</summary>
    private async Task EndAsync(string? reason)
    {
        IsFenced = true;
        SetState(PartState.Blocked, reason);
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, _stopping);
    }

    private string _callFailure = "";

    private async Task<SinkReply?> CallAsync(SinkCall call)
    {
        try
        {
            return await _grain.WriteAsync(call).WaitAsync(_stopping);
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
        {
            // A lost call has an unknown outcome; the lane's progress tells at the repetition.
            _callFailure = $"The sink's writer did not answer: {e.Message}";
            return null;
        }
    }

    private (SinkCall Call, List<Item> Items) TakeBatch()
    {
        var items = new List<Item>();
        var rows = 0;
        var bytes = 0L;
        while (_pending.TryPeek(out var next)
            && (items.Count == 0 || (rows + next.Rows.Count <= _flush.Rows && bytes + next.Bytes <= _flush.Bytes)))
        {
            rows += next.Rows.Count;
            bytes += next.Bytes;
            items.Add(_pending.Dequeue());
        }

        var last = items[^1];
        if (items.Count == 1) return (Call(last.Rows, last.Order, last.Deletes, last.Raw, last.Progress), items);

        var block = new RowBlock(last.Rows.Schema, rows);
        var order = new long[rows];
        var deletes = items.Exists(i => i.Deletes is not null) ? new bool[rows] : null;
        foreach (var item in items)
        {
            item.Order.AsSpan(0, item.Rows.Count).CopyTo(order.AsSpan(block.Count));
            item.Deletes?.AsSpan(0, item.Rows.Count).CopyTo(deletes.AsSpan(block.Count));
            RowBlocks.Append(block, item.Rows, 0, item.Rows.Count);
        }

        var raw = items.TrueForAll(i => i.Raw is not null) ? RowBlocks.Concat(items.ConvertAll(i => i.Raw!)) : null;
        return (Call(block, order, deletes, raw, last.Progress), items);
    }

    private SinkCall Call(RowBlock rows, long[] order, bool[]? deletes, RawBatch? raw, long progress) => new()
    {
        Rows = rows,
        Order = order,
        Deletes = deletes,
        Raw = raw,
        Progress = progress,
        Version = _version,
        Owner = _owner,
        Epoch = _epoch,
    };

    private void SetConfirmed(long progress)
    {
        if (progress <= Confirmed) return;
        Confirmed = progress;
        while (_marks.TryPeek(out var mark) && mark.Progress <= progress) NewestAt = _marks.Dequeue().At;
        Signal();
    }

    private void SetState(PartState state, string? reason)
    {
        var changed = state != State;
        State = state;
        Reason = reason;
        if (changed) Signal();
    }

    private void Signal()
    {
        var signal = _changed;
        _changed = NewSignal();
        signal.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
