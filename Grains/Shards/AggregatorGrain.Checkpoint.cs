using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Shards;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Protocol.Writers;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>Checkpoints, the outbox, and the way of closed windows to the sinks.</summary>
internal sealed partial class AggregatorGrain
{
    private static readonly TimeSpan TicksHold = TimeSpan.FromMinutes(1);

    /// <summary>More often than this no window fires; a reset lifts all later revisions above those in the table.</summary>
    internal const long RevisionsPerGeneration = 1_000_000_000;

    /// <summary>An entry is written in one call of a sink's writer, which has to end in time however many windows close at once.</summary>
    private const int RowsPerEntry = 5_000;

    private readonly List<CellEntry> _dirty = [];
    private readonly Dictionary<string, SinkDelivery> _deliveries = new(StringComparer.Ordinal);
    private readonly Outbox _outbox = new();
    private RowBlock? _closed;
    private long _withheld;
    private bool _changed;

    // The watermark went on because partitions are idle. What it does is durable before it takes effect: a window that it closes goes out with the
    // checkpoint that says so, and a record that is late by it waits for one. By itself it is nothing to write down; only where a window waits for it, so
    // that restarts do not keep setting its clock back, and then now and then.
    private bool _ticked;
    private Task? _commit;
    private Exception? _commitFailure;
    private bool _commitWaits;
    private long _lastCheckpoint;
    private double _lastCheckpointMs;

    private void ResetCheckpointing()
    {
        _commit = null;
        _commitFailure = null;
        _commitWaits = false;
        _changed = _ticked = false;
        _lastCheckpoint = time.GetTimestamp();
    }

    private void OpenDeliveries(IReadOnlyList<OutboxEntry> outbox)
    {
        _outbox.Clear();
        foreach (var sink in _runtime!.SinksOf(_stepId, StepOutput.Main))
        {
            var grain = GrainFactory.GetGrain<ISinkGrain>(
                $"{_pipeline}/{sink.Id}/{Names.ShardLane(_runtime, _stepId, _shard)}");
            _deliveries[sink.Id] = new SinkDelivery(new GrainWriter(grain), sink, _runtime.Version, -1, Owners.Context(_options, time), _reign.Token);
        }

        foreach (var entry in outbox) Deliver(entry, RowBlockCodec.Decode(entry.Payload));
        Mark(NewestApplied());
        // These have waited in an earlier reign.
        foreach (var delivery in _deliveries.Values) delivery.Flush();
    }

    private void Deliver(OutboxEntry entry, RowBlock rows)
    {
        _outbox.Add(entry.Sequence, entry.Sink);
        // A sink the pipeline no longer has gets nothing more; its entries are dropped with the next checkpoint.
        if (!_deliveries.TryGetValue(entry.Sink, out var delivery)) return;
        var order = new long[rows.Count];
        Array.Fill(order, entry.Sequence);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
        var block = WindowSinkRows.Of(rows, delivery.Sink, _runtime!.Version, now);
        delivery.Enqueue(block, order, WithdrawnRows.Of(rows, delivery.Sink), null, entry.Sequence + 1);
    }

    /// <summary>The sinks have all up to a Kafka time once they have what was handed in so far.</summary>
    private void Mark(long newest)
    {
        foreach (var delivery in _deliveries.Values) delivery.Mark(delivery.Sent, newest);
    }

    /// <summary>True when the shard must not take in more for now, because what it has cannot leave it.</summary>
    private bool IsBusy(out string why)
    {
        why = "";
        if (_commitWaits) why = _reason ?? "The state store is not available.";
        else if (IsCrowded) why = "The shard holds as many cells as memory allows, and waits until they are durable.";
        foreach (var delivery in _deliveries.Values)
        {
            if (delivery.PendingBytes <= _options.SinkBufferBytes) continue;
            delivery.Flush();
            why = $"Sink '{delivery.Sink.Id}' holds {delivery.PendingRows} window rows not yet written. {delivery.Reason}";
        }

        return why.Length != 0;
    }

    private async Task CheckpointIfDueAsync()
    {
        if (_commitFailure is { } failure) throw failure;
        if (_commit is { IsCompleted: false }) return;
        var closing = _closed is { Count: > 0 };
        var due = time.GetElapsedTime(_lastCheckpoint) >= _options.CheckpointInterval;
        if (closing || (due && (_changed || ConfirmedEntries().Count != 0)) || IsTickDue()) await BeginCheckpointAsync();
    }

    private bool IsTickDue() => _ticked && HasDue && time.GetElapsedTime(_lastCheckpoint) >= TicksHold;

    /// <summary>Collects what changed (at a point between two sub-batches) and starts the commit, which runs beside further work.</summary>
    private async Task BeginCheckpointAsync()
    {
        var started = time.GetTimestamp();
        var (upserts, deletes) = await CollectAsync();
        var closed = _closed;
        var adds = TakeOutbox();
        var drops = ConfirmedEntries();
        var write = new CheckpointWrite
        {
            Owner = _owner,
            Epoch = _epoch,
            Header = _header.Encode(),
            Upserts = upserts,
            Deletes = deletes,
            OutboxAdds = adds.ConvertAll(a => a.Entry),
            OutboxDrops = drops,
        };
        var positions = _header.Sources.Values.Select(s => (Source: s, s.Applied)).ToList();
        var saved = _dirty.ToArray();
        // What is taken in while this is written may close windows that are not in it.
        var newest = NewestApplied();
        _dirty.Clear();
        _changed = _ticked = false;
        _lastCheckpoint = started;
        _commit = CommitAsync(write, () =>
        {
            foreach (var (source, applied) in positions) source.Durable = applied;
            foreach (var cell in saved) cell.Saving = false;
            _outbox.Drop(drops);
            foreach (var (entry, rows) in adds) Deliver(entry, rows);
            Mark(newest);
            if (closed is not null) Remember(closed);
            var took = time.GetElapsedTime(started);
            _lastCheckpointMs = took.TotalMilliseconds;
            EngineMetrics.Checkpointed(_pipeline, "shard", took);
        });
    }

    private async Task<(List<CellState> Upserts, List<CellId> Deletes)> CollectAsync()
    {
        var calls = new Task<CellChanges>[_dirty.Count];
        for (var i = 0; i < calls.Length; i++) calls[i] = Grain(_dirty[i]).CollectAsync(_dirty[i].NextCall(_epoch, null, _runtime!.Version));
        var upserts = new List<CellState>(calls.Length);
        var deletes = new List<CellId>();
        for (var i = 0; i < calls.Length; i++)
        {
            var cell = _dirty[i];
            var changes = await calls[i];
            if (changes.Answer == CellAnswer.Fenced) throw new OwnerFencedException(cell.Name);
            if (changes.Answer != CellAnswer.Ok) throw new CellLostException(cell.Name);
            cell.Sort(_stepId, changes.Parts, upserts, deletes);
            _panes += cell.Opened(changes.Panes);
            var grown = cell.Grown(changes.Bytes);
            _bytes += grown;
            _held?.Grew(cell, grown);
            if (changes.Closed is not null) TakeClosed(changes.Closed);
        }

        return (upserts, deletes);
    }

    /// <summary>Closed windows on their way to the outbox. After a reset, revisions count on above those of the generation before.</summary>
    private void TakeClosed(RowBlock rows)
    {
        rows = WithoutIncomplete(rows);
        if (rows.Count == 0) return;
        _closed ??= new RowBlock(rows.Schema, rows.Count);
        var first = _closed.Count;
        RowBlocks.Append(_closed, rows, 0, rows.Count);
        // Running totals never close: what goes out is how they stand.
        if (_step.Window.Window is not RunningTotals) _header.ClosedTotal += rows.Count;
        CountFired(rows);
        if (_runtime!.Generation == 0) return;
        var revisions = ((LongColumn)_closed.Columns[^1]).Values.AsSpan(first, rows.Count);
        foreach (ref var revision in revisions) revision += _runtime.Generation * RevisionsPerGeneration;
    }

    /// <summary>
    /// Windows that begin before what was read since a reset to the middle of the log lack records: what the table holds of them is better, and stays.
    /// </summary>
    private RowBlock WithoutIncomplete(RowBlock rows)
    {
        if (_runtime!.WindowsFrom is not { } from || _step.Window.Window is RunningTotals) return rows;
        var starts = ((LongColumn)rows.Columns[_step.Window.Key.Count]).Values;
        var kept = new RowBlock(rows.Schema, rows.Count);
        for (var row = 0; row < rows.Count; row++)
        {
            if (starts[row] / 1000 >= from) RowBlocks.Append(kept, rows, row, 1);
        }

        _withheld += rows.Count - kept.Count;
        return kept;
    }

    private List<(OutboxEntry Entry, RowBlock Rows)> TakeOutbox()
    {
        var entries = new List<(OutboxEntry, RowBlock)>();
        if (_closed is not { Count: > 0 } closed) return entries;
        _closed = null;
        var sinks = _runtime!.SinksOf(_stepId, StepOutput.Main);
        for (var first = 0; first < closed.Count; first += RowsPerEntry)
        {
            var count = Math.Min(RowsPerEntry, closed.Count - first);
            var rows = count == closed.Count ? closed : RowBlocks.Slice(closed, first, count);
            var payload = RowBlockCodec.Encode(rows);
            foreach (var sink in sinks) entries.Add((new OutboxEntry(_header.OutboxNext++, sink.Id, payload), rows));
        }

        return entries;
    }

    private List<long> ConfirmedEntries() => _outbox.Confirmed(sink => _deliveries.TryGetValue(sink, out var delivery) ? delivery.Confirmed : null);

    private async Task CommitAsync(CheckpointWrite write, Action done)
    {
        var backoff = _options.NewBackoff(time);
        var reign = _reign.Token;
        while (!reign.IsCancellationRequested)
        {
            try
            {
                await store.CommitAsync(write, reign);
                if (reign.IsCancellationRequested) return;
                done();
                _commitWaits = false;
                SetState(PartState.Running, null);
                return;
            }
            catch (Exception) when (reign.IsCancellationRequested)
            {
                // The reign is over: what became of this write must not be taken for the next one's.
                return;
            }
            catch (StoreUnavailableException e)
            {
                // Whether it was written is unknown; repeating the same write settles it.
                _commitWaits = true;
                SetState(PartState.Blocked, e.Message);
                await WaitQuietlyAsync(backoff, reign);
            }
            catch (Exception e)
            {
                // Noticed by the next call or tick, which ends the reign; neither gets that far while the commit is said to wait.
                _commitFailure = e;
                _commitWaits = false;
                return;
            }
        }
    }

    private static async Task WaitQuietlyAsync(Backoff backoff, CancellationToken cancellation)
    {
        try
        {
            await backoff.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The caller's loop sees the cancellation.
        }
    }

    /// <summary>Before the shard is given up in order: makes what it has durable, if the store lets it.</summary>
    private async Task TryLastCheckpointAsync(CancellationToken cancellation)
    {
        try
        {
            if (_commit is not null) await _commit.WaitAsync(cancellation);
            if (_commitFailure is not null || _commitWaits) return;
            if (_changed || _ticked || _closed is { Count: > 0 }) await BeginCheckpointAsync();
            if (_commit is not null) await _commit.WaitAsync(cancellation);
            await FlushAsync(cancellation);
        }
        catch (Exception e)
        {
            // What is not durable is replayed by the next owner.
            LogLastCheckpoint(_owner, e);
        }
    }

    /// <summary>Writes what waits for its sink's flush, as far as the sinks take it: it is in the outbox and would only come later.</summary>
    private async Task FlushAsync(CancellationToken cancellation)
    {
        foreach (var delivery in _deliveries.Values)
        {
            while (delivery is { PendingRows: > 0, State: Condition.Running })
            {
                delivery.Flush();
                await delivery.ChangedAsync().WaitAsync(cancellation);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Owner}: no last checkpoint; the next owner replays.")]
    private partial void LogLastCheckpoint(string owner, Exception reason);
}
