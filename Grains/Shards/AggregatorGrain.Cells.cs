using KafkaOracleOrleans.Protocol.Shards;
using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>Sending rows and watermarks to the cells.</summary>
internal sealed partial class AggregatorGrain
{
    private readonly Dictionary<string, CellEntry> _cells = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, CellEntry> _byHash = [];
    private readonly PriorityQueue<CellEntry, long> _due = new();
    private readonly List<CellEntry> _touched = [];
    private readonly List<WorkItem> _work = [];
    private CellEntry?[] _groups = [];
    private int[] _rowCell = [];
    private int[] _counts = [];

    private readonly record struct WorkItem(CellEntry Cell, int[]? Selected);

    private async Task ApplyRowsAsync(SubBatch batch, SourceEntry source)
    {
        var before = _header.Watermark.Current;
        if (!Names.IsReplay(batch.Source))
            _header.Watermark.Observe(batch.Source, batch.Watermark, time.GetUtcNow().ToUnixTimeMilliseconds());
        var after = _header.Watermark.Current;

        _work.Clear();
        if (batch.Rows is { Count: > 0 } rows) Scatter(rows, batch.FirstRowAt(source.Applied));
        AddDue(after);
        _turn++;
        try
        {
            await CallCellsAsync(batch.Rows, batch.Partition, before, after, source);
            source.Applied = batch.To;
        }
        finally
        {
            _turn++;
        }

        _changed = true;
        await MakeRoomAsync();
        if (_closed is { Count: > 0 }) await CheckpointIfDueAsync();
    }

    /// <summary>Sorts the rows that are new to the shard by their cells; a counting sort over cell numbers.</summary>
    private void Scatter(KeyedRows rows, int first)
    {
        if (_rowCell.Length < rows.Count) _rowCell = new int[rows.Count];
        if (_counts.Length < rows.Count + 1) _counts = new int[rows.Count + 1];
        _touched.Clear();
        for (var row = first; row < rows.Count; row++)
        {
            var cell = CellOf(rows, row);
            if (cell.Slot < 0)
            {
                cell.Slot = _touched.Count;
                _counts[cell.Slot] = 0;
                _touched.Add(cell);
            }

            _rowCell[row] = cell.Slot;
            _counts[cell.Slot]++;
        }

        var selections = new int[_touched.Count][];
        for (var i = 0; i < selections.Length; i++)
        {
            selections[i] = new int[_counts[i]];
            _counts[i] = 0;
        }

        for (var row = first; row < rows.Count; row++)
        {
            var slot = _rowCell[row];
            selections[slot][_counts[slot]++] = row;
        }

        for (var i = 0; i < selections.Length; i++)
        {
            _touched[i].Slot = -1;
            _work.Add(new WorkItem(_touched[i], selections[i]));
        }
    }

    private CellEntry CellOf(KeyedRows rows, int row)
    {
        var hash = rows.KeyHashes[row];
        if (_step.GrainPer.Groups > 0)
        {
            // The shard took the low bits of the hash (a remainder), so the group takes the high ones.
            var group = (int)((hash >> 32) % (uint)_step.GrainPer.Groups);
            return _groups[group] ??= Entry(GroupName(group));
        }

        _byHash.TryGetValue(hash, out var first);
        var key = rows.Key(row);
        for (var entry = first; entry is not null; entry = entry.SameHash)
        {
            if (key.SequenceEqual(entry.Key)) return entry;
        }

        var added = Entry(GroupKeyCodec.ToIdentity(key, _step.Window.Key));
        added.Key = key.ToArray();
        added.SameHash = first;
        added.Hash = hash;
        _byHash[hash] = added;
        return added;
    }

    private string GroupName(int group) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"~{_shard}.{group}");

    private CellEntry Entry(string name)
    {
        if (_cells.TryGetValue(name, out var entry)) return entry;
        entry = new CellEntry(name);
        _cells.Add(name, entry);
        if (!_cold.TryTake(name, out var due)) return entry;
        Warm(entry, due);
        if (due != long.MaxValue) Enqueue(entry);
        return entry;
    }

    /// <summary>Adds the cells that have something to do at a watermark and get no rows now.</summary>
    private void AddDue(long watermark)
    {
        if (watermark == long.MinValue) return;
        HashSet<CellEntry>? busy = null;
        var withRows = _work.Count;
        while (_due.TryPeek(out var cell, out var due) && due <= watermark)
        {
            _due.Dequeue();
            if (cell.QueuedDue != due) continue;
            cell.QueuedDue = long.MaxValue;
            // What it stood in the queue for may have moved away, as the end of a session does.
            if (cell.Due > watermark) Enqueue(cell);
            else if (withRows == 0 || !(busy ??= _work.Take(withRows).Select(w => w.Cell).ToHashSet()).Contains(cell)) _work.Add(new WorkItem(cell, null));
        }

        AddColdDue(watermark);
    }

    /// <summary>Fires what the watermark completes without new rows.</summary>
    private async Task FireDueAsync()
    {
        var watermark = _header.Watermark.Current;
        var started = time.GetTimestamp();
        do
        {
            _work.Clear();
            AddDue(watermark);
            if (_work.Count == 0) return;
            _changed = true;
            await CallCellsAsync(null, 0, watermark, watermark, null);
            await MakeRoomAsync();
            await CheckpointIfDueAsync();
        }
        // Many may be due at once, and rows wait meanwhile: the next tick goes on.
        while (_cold.IsDue(watermark) && !IsBusy(out _) && time.GetElapsedTime(started) < FiringAtOnce);
    }

    private async Task CallCellsAsync(KeyedRows? rows, int partition, long before, long after, SourceEntry? source)
    {
        if (_work.Count == 0) return;
        var cold = await ColdCells.ReadAsync(store, _owner, _stepId, _work.Select(w => w.Cell), _reign.Token);
        var calls = new Task<WindowReply>[_work.Count];
        for (var i = 0; i < calls.Length; i++)
        {
            var (cell, selected) = _work[i];
            _held?.Touch(cell);
            calls[i] = Grain(cell).ApplyAsync(new WindowCall(
                cell.NextCall(_epoch, cold.Count == 0 ? null : cold.GetValueOrDefault(cell.Name), _runtime!.Version),
                selected is null ? null : rows, selected, partition, before, after, source?.Tag ?? -1));
        }

        var lateFrom = source?.Late.Count ?? 0;
        for (var i = 0; i < calls.Length; i++)
        {
            var (cell, selected) = _work[i];
            var reply = await calls[i];
            if (reply.Answer == CellAnswer.Lost) reply = await CallAgainAsync(cell, selected, rows, partition, before, after, source);
            Take(cell, reply, source);
        }

        if (source is null || source.Late.Count == lateFrom) return;
        // Replies come by cell; the partition asks by offset.
        source.Late.Sort(lateFrom, source.Late.Count - lateFrom, LateByOffset.Instance);
        _header.LateTotal += source.Late.Count - lateFrom;
        for (var i = lateFrom; i < source.Late.Count; i++)
        {
            if (source.Late[i].Reason == LateReason.Idle) _header.LateByIdleTotal++;
        }
    }

    /// <summary>A cell that lost only what the store holds gets it again; otherwise the reign ends.</summary>
    private async Task<WindowReply> CallAgainAsync(
        CellEntry cell, int[]? selected, KeyedRows? rows, int partition, long before, long after, SourceEntry? source)
    {
        if (!cell.IsDurable) throw new CellLostException(cell.Name);
        cell.Held = false;
        var cold = await ColdCells.ReadAsync(store, _owner, _stepId, [cell], _reign.Token);
        return await Grain(cell).ApplyAsync(new WindowCall(
            cell.NextCall(_epoch, cold[cell.Name], _runtime!.Version), selected is null ? null : rows, selected, partition, before, after, source?.Tag ?? -1));
    }

    private void Take(CellEntry cell, WindowReply reply, SourceEntry? source)
    {
        if (reply.Answer == CellAnswer.Fenced) throw new OwnerFencedException(cell.Name);
        if (reply.Answer != CellAnswer.Ok) throw new CellLostException(cell.Name);
        if (!cell.Changed)
        {
            cell.Changed = true;
            _dirty.Add(cell);
        }

        _panes += cell.Opened(reply.Panes);
        cell.Due = reply.NextDue ?? long.MaxValue;
        if (cell.Due < cell.QueuedDue) Enqueue(cell);
        if (reply.Late.Count != 0) source!.Late.AddRange(reply.Late);
        if (reply.PartlyLate != 0)
        {
            _header.PartlyLateTotal += reply.PartlyLate;
            EngineMetrics.PartlyLate(_pipeline, _stepId, reply.PartlyLate);
        }

        if (reply.Closed is not null) TakeClosed(reply.Closed);
    }

    private void Enqueue(CellEntry cell)
    {
        if (cell.Due == long.MaxValue) return;
        cell.QueuedDue = cell.Due;
        _due.Enqueue(cell, cell.Due);
    }

    private IWindowGrain Grain(CellEntry cell) =>
        (IWindowGrain)(cell.Grain ??= GrainFactory.GetGrain<IWindowGrain>($"{_pipeline}/{_stepId}/{cell.Name}"));

    private void LeaveCells()
    {
        foreach (var cell in _cells.Values.Where(c => c.Held)) Grain(cell).LeaveAsync().Ignore();
    }

    private async Task LoadCellsAsync()
    {
        _cells.Clear();
        _byHash.Clear();
        _due.Clear();
        _dirty.Clear();
        _closed = null;
        (_panes, _bytes) = (0, 0);
        _groups = new CellEntry?[Math.Max(0, _step.GrainPer.Groups)];
        BeginHolding();
        await store.ListCellsAsync(_owner, Load, _reign.Token);

        for (var i = 0; i < _groups.Length; i++) _groups[i] = _cells.GetValueOrDefault(GroupName(i));
        foreach (var cell in _cells.Values.Where(c => c.Due != long.MaxValue)) Enqueue(cell);
    }

    private sealed class LateByOffset : IComparer<LateRecord>
    {
        public static LateByOffset Instance { get; } = new();

        public int Compare(LateRecord x, LateRecord y) => x.Offset.CompareTo(y.Offset);
    }
}
