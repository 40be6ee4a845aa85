using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>
/// An owner's side of a sink lane: keeps rows until the lane has confirmed them and sends them in order, one call at a time. Lives on the
/// owner's scheduler; not safe for use from elsewhere.
/// </summary>
internal sealed class SinkDelivery
{
    private readonly IWriter _writer;
    private readonly FlushPlan _flush;
    private readonly int _version;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly Queue<Item> _pending = new();
    private readonly CancellationToken _stopping;
    private readonly string? _owner;
    private readonly Epoch _epoch;
    private readonly Signal _changed = new();
    private readonly Signal _wake = new();
    private readonly Queue<(long Progress, long At)> _marks = new();
    private readonly long _openedAt;
    private long _firstPendingAt;
    private long _marked;
    private bool _flushNow;

    // What is confirmed with the rows under way, since nothing comes between them and it; -1: no more than their own progress.
    private long _afterFlight = -1;
    private string _callFailure = "";

    /// <param name="writer">The lane's writer.</param>
    /// <param name="plan">The sink.</param>
    /// <param name="version">The pipeline's version.</param>
    /// <param name="confirmed">What is in the table already; -1: nothing.</param>
    /// <param name="context">Clock and waits.</param>
    /// <param name="stopping">Ends it: the owner's term is over.</param>
    /// <param name="owner">Whose epoch counts; null: any may write.</param>
    /// <param name="epoch">The owner's.</param>
    public SinkDelivery(
        IWriter writer, SinkPlan plan, int version, long confirmed, OwnerContext context, CancellationToken stopping, string? owner = null, Epoch epoch = default)
    {
        (_owner, _epoch) = (owner, epoch);
        _writer = writer;
        _flush = plan.Flush;
        _version = version;
        _time = context.Time;
        _openedAt = _time.GetUtcNow().ToUnixTimeMilliseconds();
        _stopping = stopping;
        _backoff = context.NewBackoff();
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
    public Condition State { get; private set; } = Condition.Running;
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
    public (long? NewestAt, double Seconds) Freshness(bool complete)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        if (complete && PendingRows == 0) CompleteAt = now;
        var from = Math.Max(NewestAt, CompleteAt);
        return (NewestAt == 0 ? null : NewestAt, Math.Max(0, now - (from == 0 ? _openedAt : from)) / 1000.0);
    }

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
        _wake.Set();
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
        _wake.Set();
    }

    /// <summary>Shuts older owners out of the lane; answers with the lane's progress.</summary>
    public Task<WriterReply> FenceAsync() => _writer.FenceAsync(_owner!, _epoch, _version).UntilAsync(_stopping);

    /// <summary>Throws when something that always holds does not.</summary>
    public void Assert()
    {
        var pending = _pending.Sum(i => i.Rows.Count);
        if (PendingRows != pending + InFlight) throw new InvariantException($"Sink {Sink.Id}: {PendingRows} rows are kept, {pending} wait and {InFlight} are under way.");
        if (Confirmed > Sent) throw new InvariantException($"Sink {Sink.Id}: {Confirmed} is confirmed, and {Sent} was handed in.");
        if (Confirmed == Sent && PendingRows != 0) throw new InvariantException($"Sink {Sink.Id}: all up to {Sent} is confirmed, and {PendingRows} rows are kept.");
    }

    /// <summary>Waits until something was confirmed or the state changed.</summary>
    public Task ChangedAsync() => _changed.NextAsync(_stopping);

    /// <summary>As <see cref="ChangedAsync()"/>, at most for a time; an owner that has stopped ends it at once.</summary>
    public Task ChangedAsync(TimeSpan within) => _changed.NextAsync(within, _time, _stopping);

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
                await _wake.NextAsync(_stopping);
                continue;
            }

            var waited = _time.GetElapsedTime(_firstPendingAt).TotalMilliseconds;
            if (_flushNow || PendingRows >= _flush.Rows || PendingBytes >= _flush.Bytes || waited >= _flush.IntervalMs) return;
            await _wake.NextAsync(TimeSpan.FromMilliseconds(Math.Max(1, _flush.IntervalMs - waited)), _time, _stopping);
        }
    }

    private async Task SendAsync()
    {
        var (call, items) = TakeBatch();
        InFlight = call.Rows.Count;
        while (true)
        {
            var reply = await CallAsync(call);
            if (reply is { Answer: WriterAnswer.Ok })
            {
                Written += call.Rows.Count - reply.Quarantined;
                Quarantined += reply.Quarantined;
                break;
            }

            if (reply?.Answer == WriterAnswer.Fenced) await EndAsync(reply.Reason);
            SetState(reply?.Answer == WriterAnswer.Failed ? Condition.Failed : Condition.Blocked, reply?.Reason ?? _callFailure);
            if (reply?.RetryAfter is { } after) await _time.DelayAsync(after, _stopping);
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
        SetState(Condition.Running, null);
        SetConfirmed(Math.Max(call.Progress, _pending.Count == 0 ? _afterFlight : -1));
        if (_pending.Count == 0) _flushNow = false;
    }

    /// <summary>Tells the owner and waits for its end.</summary>
    private async Task EndAsync(string? reason)
    {
        IsFenced = true;
        SetState(Condition.Blocked, reason);
        await new Signal().NextAsync(_stopping);
    }

    private async Task<WriterReply?> CallAsync(WriterCall call)
    {
        try
        {
            return await _writer.WriteAsync(call).UntilAsync(_stopping);
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
        {
            // A lost call has an unknown outcome; the lane's progress tells at the repetition.
            _callFailure = $"The sink's writer did not answer: {e.Message}";
            return null;
        }
    }

    private (WriterCall Call, List<Item> Items) TakeBatch()
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

    private WriterCall Call(RowBlock rows, long[] order, bool[]? deletes, RawBatch? raw, long progress) => new()
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
        _changed.Set();
    }

    private void SetState(Condition state, string? reason)
    {
        var changed = state != State;
        State = state;
        Reason = reason;
        if (changed) _changed.Set();
    }
}
