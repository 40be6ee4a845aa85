using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>Claiming ids at the dedup cells.</summary>
internal sealed partial class PartitionGrain
{
    private static readonly TimeSpan RetireInterval = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, StepCells> _cells = new(StringComparer.Ordinal);
    private readonly List<CellEntry> _touched = [];
    private int[] _rowCell = [];
    private int[] _rowCount = [];
    private long _lastRetired;

    /// <summary>The cells of one dedup step.</summary>
    private sealed class StepCells(DedupPlan step, CellAccount account)
    {
        public DedupPlan Step { get; } = step;
        public CellAccount Account { get; } = account;
        public HeldCells Held { get; } = new(account, step.Cells.Groups > 0);
        public DedupCells Layout { get; } = step.Cells;
        public Dictionary<string, CellEntry> ByName { get; } = new(StringComparer.Ordinal);
        public Dictionary<ulong, CellEntry> ByHash { get; } = [];

        /// <summary>Cells by their number, so that a row needs no look-up; empty for cells of one key.</summary>
        public CellEntry?[] ByGroup { get; } = new CellEntry?[step.Cells.Groups];

        public List<CellEntry> Dirty { get; } = [];

        /// <summary>That ids come with several message keys was told in this reign.</summary>
        public bool ViolationTold { get; set; }

        /// <summary>The memory its cells said they take.</summary>
        public long Bytes { get; set; }
    }

    private async Task LoadCellsAsync()
    {
        EndHolding();
        _cells.Clear();
        foreach (var step in _runtime!.Plan.Steps.OfType<DedupPlan>().Where(s => !s.Global)) _cells.Add(step.Id, new StepCells(step, memory.Cells.Open()));
        var others = new List<CellId>();
        foreach (var (id, dueAt) in await store.ListCellsAsync(_owner, _reign.Token))
        {
            if (!_cells.TryGetValue(id.Step, out var cells)) continue;
            if (cells.Layout.TryRoute(id.Cell, out _)) NoteStored(cells, id, dueAt);
            else others.Add(id);
        }

        foreach (var step in others.GroupBy(o => o.Step, StringComparer.Ordinal)) await MoveCellsAsync(_cells[step.Key], [.. step]);
    }

    private static void NoteStored(StepCells cells, CellId id, long? dueAt)
    {
        var cell = Entry(cells, id.Cell);
        cell.Stored = true;
        cell.Parts.Add(id.Part);
        cell.LastDue = Math.Max(cell.LastDue, dueAt ?? long.MaxValue);
    }

    /// <summary>
    /// Retires cells whose ids are all long out of reach, a span later than they could matter: message keys that fell silent must not fill the
    /// store for ever.
    /// </summary>
    private void RetireCells(List<CellId> deletes)
    {
        if (_header.Watermark == long.MinValue || time.GetElapsedTime(_lastRetired) < RetireInterval) return;
        _lastRetired = time.GetTimestamp();
        foreach (var cells in _cells.Values)
        {
            var silent = _header.Watermark - cells.Step.Within;
            foreach (var cell in cells.ByName.Values.Where(c => c.IsDurable && c.Stored && c.LastDue < silent).ToList())
            {
                deletes.AddRange(cell.Parts.Select(p => new CellId(cells.Step.Id, cell.Name, p)));
                cells.ByName.Remove(cell.Name);
                if (cell.Held) LetGo(cells, cell);
                cells.Bytes -= cell.Bytes;
                if (!cells.Layout.TryRoute(cell.Name, out var route)) continue;
                if (route < (ulong)cells.ByGroup.Length) cells.ByGroup[route] = null;
                cells.ByHash.Remove(route);
            }
        }
    }

    private async Task ClaimAsync(DedupRequest request, bool belated = false)
    {
        if (request.Rows.Count == 0) return;
        var cells = _cells[request.Step.Id];
        var work = Scatter(cells, request);
        var cold = await ColdCells.ReadAsync(store, _owner, request.Step.Id, work.Select(w => w.Cell), _reign.Token);
        var calls = new Task<ClaimReply>[work.Count];
        for (var i = 0; i < calls.Length; i++) calls[i] = CallAsync(request, work[i].Cell, work[i].Rows, cold, belated);
        var (duplicates, conflicts, tooOld) = (0, 0, 0);
        for (var i = 0; i < calls.Length; i++)
        {
            var (cell, rows) = work[i];
            var reply = await calls[i];
            if (reply.Answer == CellAnswer.Lost) reply = await CallAgainAsync(request, cell, rows, belated);
            if (reply.Answer == CellAnswer.Fenced) throw new OwnerFencedException(cell.Name);
            if (reply.Answer != CellAnswer.Ok) throw new CellLostException(cell.Name);
            foreach (var row in reply.Duplicates) request.Duplicate[row] = true;
            duplicates += reply.Duplicates.Length;
            conflicts += reply.DifferentBodies;
            tooOld += reply.TooOld;
            if (cell.Changed) continue;
            cell.Changed = true;
            cells.Dirty.Add(cell);
        }

        EngineMetrics.DuplicatesFound(_id.Source, request.Step.Id, duplicates, conflicts, tooOld);
        if (request.KeyViolations != 0) NoteViolations(cells, request.KeyViolations);
    }

    /// <summary>The pipeline says that an id always comes with its message key, and the records say otherwise.</summary>
    private void NoteViolations(StepCells cells, int violations)
    {
        EngineMetrics.KeysDiffered(_id.Source, cells.Step.Id, violations);
        if (cells.ViolationTold) return;
        cells.ViolationTold = true;
        Tell(
            "dedup", $"step '{cells.Step.Id}': an id came with two message keys, and cellBy: message_key does not find such copies. Take cellBy out of the step.",
            false);
    }

    private Task<ClaimReply> CallAsync(
        DedupRequest request, CellEntry cell, int[] rows, Dictionary<string, IReadOnlyList<StoredCell>> cold, bool belated)
    {
        _cells[request.Step.Id].Held.Touch(cell);
        var call = cell.NextCall(_epoch, cold.Count == 0 ? null : cold.GetValueOrDefault(cell.Name), _runtime!.Version);
        return Grain(request.Step, cell).ClaimAsync(new ClaimCall(
            call, request.Count, request.Ids, request.Bodies, request.EventTimes, request.Offsets, rows, belated));
    }

    private async Task<ClaimReply> CallAgainAsync(DedupRequest request, CellEntry cell, int[] rows, bool belated)
    {
        if (!cell.IsDurable) throw new CellLostException(cell.Name);
        cell.Held = false;
        return await CallAsync(
            request, cell, rows, await ColdCells.ReadAsync(store, _owner, request.Step.Id, [cell], _reign.Token), belated);
    }

    /// <summary>Sorts rows by their cells; a counting sort over cell numbers.</summary>
    private List<(CellEntry Cell, int[] Rows)> Scatter(StepCells cells, DedupRequest request)
    {
        var rows = request.Rows.Span;
        if (_rowCell.Length < rows.Length) _rowCell = new int[rows.Length];
        if (_rowCount.Length < rows.Length) _rowCount = new int[rows.Length];
        _touched.Clear();
        for (var i = 0; i < rows.Length; i++)
        {
            var cell = CellOf(cells, request.CellHashes[rows[i]], request.Ids[rows[i]]);
            if (cell.Slot < 0)
            {
                cell.Slot = _touched.Count;
                _rowCount[cell.Slot] = 0;
                _touched.Add(cell);
            }

            _rowCell[i] = cell.Slot;
            _rowCount[cell.Slot]++;
        }

        var work = new List<(CellEntry, int[])>(_touched.Count);
        for (var i = 0; i < _touched.Count; i++)
        {
            work.Add((_touched[i], new int[_rowCount[i]]));
            _rowCount[i] = 0;
        }

        for (var i = 0; i < rows.Length; i++)
        {
            var slot = _rowCell[i];
            work[slot].Item2[_rowCount[slot]++] = rows[i];
        }

        foreach (var cell in _touched) cell.Slot = -1;
        return work;
    }

    private static CellEntry CellOf(StepCells cells, ulong hash, UInt128 id)
    {
        // Ids without a message key had a cell each once: what such a cell remembers stays with it.
        if (cells.Layout.IsKeyless(hash) && cells.ByHash.TryGetValue((ulong)id, out var own)) return own;
        // A cell may serve several ids or message keys: its ids are what counts. So the hash alone names it.
        var route = cells.Layout.RouteOf(hash);
        return cells.ByGroup.Length == 0 ? CellAt(cells, route) : cells.ByGroup[route] ??= CellAt(cells, route);
    }

    private static CellEntry CellAt(StepCells cells, ulong route)
    {
        if (cells.ByHash.TryGetValue(route, out var cell)) return cell;
        cell = Entry(cells, cells.Layout.NameOf(route));
        cells.ByHash.Add(route, cell);
        return cell;
    }

    private static CellEntry Entry(StepCells cells, string name)
    {
        if (cells.ByName.TryGetValue(name, out var entry)) return entry;
        entry = new CellEntry(name);
        cells.ByName.Add(name, entry);
        return entry;
    }

    private IDedupGrain Grain(DedupPlan step, CellEntry cell) => (IDedupGrain)(cell.Grain ??=
        GrainFactory.GetGrain<IDedupGrain>($"{_id.Source}/{step.Id}/{_source}/{cell.Name}"));

    private void EndHolding()
    {
        foreach (var cells in _cells.Values)
        {
            cells.Held.Clear();
            cells.Account.Dispose();
        }
    }

    /// <summary>Lets the cells go that were not called for longest; true when those that are left still take more than they may.</summary>
    private bool IsCrowded()
    {
        var crowded = false;
        foreach (var cells in _cells.Values)
        {
            var gone = 0;
            for (; cells.Held.NextToGo() is { } cell; gone++) LetGo(cells, cell);
            if (gone != 0) MemoryMetrics.LetGo(_id.Source, cells.Step.Id, gone);
            crowded |= cells.Held.IsOver && cells.Dirty.Count != 0;
        }

        return crowded;
    }

    private void LetGo(StepCells cells, CellEntry cell)
    {
        cells.Held.Remove(cell);
        Grain(cells.Step, cell).LeaveAsync().Ignore();
        (cell.Held, cell.Grain) = (false, null);
    }

    private void LeaveCells()
    {
        foreach (var cells in _cells.Values)
        {
            foreach (var cell in cells.ByName.Values.Where(c => c.Held)) Grain(cells.Step, cell).LeaveAsync().Ignore();
        }
    }

    private async Task CollectAsync(List<CellState> upserts, List<CellId> deletes)
    {
        foreach (var cells in _cells.Values)
        {
            var calls = cells.Dirty.ConvertAll(c => Grain(cells.Step, c).CollectAsync(c.NextCall(_epoch, null, _runtime!.Version)));
            for (var i = 0; i < calls.Count; i++)
            {
                var cell = cells.Dirty[i];
                var changes = await calls[i];
                if (changes.Answer == CellAnswer.Fenced) throw new OwnerFencedException(cell.Name);
                if (changes.Answer != CellAnswer.Ok) throw new CellLostException(cell.Name);
                cell.Sort(cells.Step.Id, changes.Parts, upserts, deletes);
                var grown = cell.Grown(changes.Bytes);
                cells.Bytes += grown;
                cells.Held.Grew(cell, grown);
            }
        }
    }
}
