using KafkaOracleOrleans.Protocol.Shards;
using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Writers;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>What a shard tells about itself and its keys.</summary>
internal sealed partial class AggregatorGrain
{
    private static readonly TimeSpan QueryDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QueryPause = TimeSpan.FromMilliseconds(10);
    private readonly Queue<WindowRow> _recent = new();
    private ShardGauges? _gauges;

    private long _panes;
    private long _bytes;

    // Odd while something is being taken in: the cells are then ahead of the positions.
    private long _turn;

    public Task<ShardStatus> GetStatusAsync() => Task.FromResult(new ShardStatus
    {
        Step = _stepId,
        Shard = _shard,
        State = WorstState(out var reason),
        Reason = reason,
        Epoch = _epoch,
        Watermark = _header.Watermark.Current == long.MinValue ? null : _header.Watermark.Current,
        Cells = CellCount,
        OutboxEntries = _outbox.Count,
        Late = _header.LateTotal,
        LateByIdle = _header.LateByIdleTotal,
        PartlyLate = _header.PartlyLateTotal,
        ClosedWindows = _header.ClosedTotal,
        Buffered = _deliveries.ToDictionary(d => d.Key, d => d.Value.PendingRows, StringComparer.Ordinal),
        LastCheckpointMs = _lastCheckpointMs,
        Withheld = _withheld,
        Silo = RuntimeIdentity,
        Fresh = _deliveries.ToDictionary(d => d.Key, d => FreshnessOf(d.Value), StringComparer.Ordinal),
    });

    /// <summary>
    /// A sink of closed windows has what the shard has, as soon as every window that is due is written. Nothing is unread when all partitions are idle.
    /// </summary>
    private SinkFreshness FreshnessOf(SinkDelivery delivery)
    {
        var closing = _closed is { Count: > 0 } || _commit is { IsCompleted: false } || _cold.IsDue(_header.Watermark.Current);
        if (!closing && delivery.PendingRows == 0 && NewestApplied() is var newest and > 0) delivery.Mark(delivery.Confirmed, newest);
        return delivery.Fresh(!closing && _header.Watermark.AllIdle);
    }

    /// <summary>The Kafka time up to which every partition that is not idle has been taken in; 0: not known.</summary>
    private long NewestApplied()
    {
        var newest = 0L;
        foreach (var source in _header.Sources.Values)
        {
            if (source.NewestAt == 0 || _header.Watermark.IsIdle(source.Name)) continue;
            newest = newest == 0 ? source.NewestAt : Math.Min(newest, source.NewestAt);
        }

        return newest;
    }

    /// <summary>
    /// The live windows of a key with the positions they reflect. Calls and commits go on meanwhile, so the answer is taken again when the shard
    /// took something in while the cell was asked. Throws <see cref="TimeoutException"/> when that gives no answer for long.
    /// </summary>
    public async Task<KeyState> QueryAsync(byte[] key, string text)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var turn = _turn;
            var live = IsAtRest(turn) ? await TryLiveAsync(key) : null;
            // Up to here others ran; from here to the answer nobody does.
            if (live is not null && turn == _turn) return Answer(text, live);
            if (!_owned && _stopped) return Answer(text, []);
            if (time.GetElapsedTime(started) >= QueryDeadline)
                throw new TimeoutException($"Shard '{_owner}' is starting over; ask again. {_reason}");
            await Task.Delay(QueryPause, time);
        }
    }

    public Task<IReadOnlyList<WindowRow>> GetClosedAsync(int limit) =>
        Task.FromResult<IReadOnlyList<WindowRow>>([.. _recent.Reverse().Take(limit)]);

    public async Task<IReadOnlyList<WindowRow>> GetOpenAsync(int limit)
    {
        if (!_owned) return [];
        var rows = new List<WindowRow>();
        // A copy: cells come and go while this waits. Those that are due first are asked first.
        // Nobody holds these; what is stored of them is what they are.
        var unheld = _cold.Soonest(limit).Select(name => new CellEntry(name) { Stored = true });
        foreach (var cells in _cells.Values.OrderBy(c => c.Due).Concat(unheld).ToList().Chunk(OpenChunk))
        {
            if (rows.Count >= limit) break;
            var held = cells.Where(c => c.Held).Select(c => Grain(c).GetOpenAsync(limit)).ToList();
            var cold = cells.Where(c => !c.Held && c.Stored).ToList();
            if (cold.Count != 0) rows.AddRange(await ColdWindowsAsync(cold, limit));
            foreach (var answer in await Task.WhenAll(held)) rows.AddRange(answer);
        }

        return [.. rows.OrderBy(r => r.End).Take(limit)];
    }

    private const int OpenChunk = 64;

    private async Task<List<WindowRow>> ColdWindowsAsync(List<CellEntry> cells, int limit)
    {
        var rows = new List<WindowRow>();
        var stored = await ColdCells.ReadAsync(store, _owner, _stepId, cells, _reign.Token);
        foreach (var parts in stored.Values)
        {
            var cell = new WindowCell(_step.Window, WindowParts.Of(_step));
            foreach (var part in parts) cell.ReadPart(part.Part, part.Payload);
            rows.AddRange(WindowRows.Some(_step, cell, limit));
        }

        return rows;
    }

    private bool IsAtRest(long turn) => _owned && turn % 2 == 0;

    private KeyState Answer(string text, IReadOnlyList<WindowRow> live) => new()
    {
        Pipeline = _pipeline,
        Step = _stepId,
        Key = text,
        Shard = _shard,
        Windows = live,
        Closed = [.. _recent.Where(r => r.Key == text).Reverse().Take(20)],
        Positions = Positions(s => s.Applied),
        DurablePositions = Positions(s => s.Durable),
        Watermark = _header.Watermark.Current == long.MinValue ? null : _header.Watermark.Current,
    };

    /// <summary>The source partitions of which something is known.</summary>
    private Dictionary<string, long> Positions(Func<SourceEntry, long> position) =>
        _header.Sources.Values.Where(s => position(s) >= 0 && !Names.IsReplay(s.Name)).ToDictionary(s => s.Name, position, StringComparer.Ordinal);

    /// <summary>
    /// The live windows of a key. A cell nobody has called in this reign is read from the store, and stays as it is. Null: the cell has lost what
    /// the shard believes it holds.
    /// </summary>
    private async Task<IReadOnlyList<WindowRow>?> TryLiveAsync(byte[] key)
    {
        var hash = GroupKeyCodec.Hash(key);
        var name = _step.GrainPer.Groups > 0
            ? GroupName((int)((hash >> 32) % (uint)_step.GrainPer.Groups))
            : GroupKeyCodec.ToIdentity(key, _step.Window.Key);
        if (!_cells.TryGetValue(name, out var cell))
        {
            if (!_cold.Contains(name)) return [];
            cell = new CellEntry(name) { Stored = true };
        }

        if (cell.Held && await Grain(cell).QueryAsync(key, _epoch) is { } held) return held;
        if (cell.Held && !cell.IsDurable) return null;
        var reign = _reign.Token;
        var parts = await store.ReadCellsAsync(_owner, [new CellId(_stepId, name, -1)], CancellationToken.None);
        if (reign.IsCancellationRequested) return null;
        var stored = new WindowCell(_step.Window, WindowParts.Of(_step));
        foreach (var part in parts) stored.ReadPart(part.Id.Part, part.Payload);
        return WindowRows.Of(_step, key, stored);
    }

    private PartState WorstState(out string? reason)
    {
        reason = _reason;
        var state = _state;
        foreach (var delivery in _deliveries.Values)
        {
            if (delivery.Part() <= state) continue;
            state = delivery.Part();
            reason = $"Sink '{delivery.Sink.Id}': {delivery.Reason}";
        }

        return state;
    }

    private void ShowGauges()
    {
        if (_gauges is not { } gauges) return;
        gauges.State = new StateGauge(_stepId, CellCount, _panes, _bytes);
        gauges.Lanes = [.. _deliveries.Values.Select(d => d.Gauge(FreshnessOf(d)))];
        gauges.Watermark = _header.Watermark.Current;
        gauges.Outbox = _outbox.Count;
    }

    /// <summary>Windows that fire for the first time, and those that fire again because late records came.</summary>
    private void CountFired(RowBlock rows)
    {
        var again = 0;
        foreach (var revision in ((LongColumn)rows.Columns[^1]).Values.AsSpan(0, rows.Count))
        {
            if (revision > 1) again++;
        }

        EngineMetrics.WindowsFired(_pipeline, _stepId, rows.Count - again, again);
    }

    private void Remember(RowBlock rows)
    {
        // Revisions of running totals are no closed windows.
        if (_step.Window.Window is RunningTotals) return;
        for (var row = Math.Max(0, rows.Count - _options.RecentWindows); row < rows.Count; row++)
        {
            if (_recent.Count >= _options.RecentWindows) _recent.Dequeue();
            _recent.Enqueue(WindowRows.From(rows, row, _step.Window));
        }
    }
}
