using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>
/// Which cells are in memory. All are stored; those called last are held by grains. When the cells of the silo take more than they may, the coldest go, and
/// where what changed is not durable yet, a checkpoint comes first. A cell that is gone is a name in <see cref="ColdKeys"/> until a row or its time calls it.
/// </summary>
internal sealed partial class AggregatorGrain
{
    /// <summary>Cells that are due and not in memory, called at once.</summary>
    private const int ColdAtOnce = 2_000;

    private static readonly TimeSpan FiringAtOnce = TimeSpan.FromSeconds(2);

    // Callers hear of a store that takes longer instead of timing out.
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);

    private readonly ColdKeys _cold = new();
    private CellAccount? _account;
    private HeldCells? _held;

    private int CellCount => _cells.Count + _cold.Count;

    /// <summary>Cells cannot go before the commit under way is durable, and more would not fit.</summary>
    private bool IsCrowded => _held is { IsOver: true } && _commit is { IsCompleted: false };

    private void BeginHolding()
    {
        EndHolding();
        _cold.Clear();
        _account = memory.Cells.Open();
        _held = new HeldCells(_account, _step.GrainPer.Groups > 0);
    }

    private void EndHolding()
    {
        _held?.Clear();
        _account?.Dispose();
        (_held, _account) = (null, null);
    }

    /// <summary>Takes in that a cell is stored. A cell of one key has one part.</summary>
    private void Load(CellId id, long? dueAt)
    {
        var due = dueAt ?? long.MaxValue;
        if (_step.GrainPer.Groups == 0 && id.Part == 0)
        {
            _cold.Add(id.Cell, due);
            return;
        }

        var cell = Entry(id.Cell);
        cell.Stored = true;
        cell.Parts.Add(id.Part);
        cell.Due = Math.Min(cell.Due, due);
    }

    private static void Warm(CellEntry cell, long due)
    {
        cell.Stored = true;
        cell.Parts.Add(0);
        cell.Due = due;
    }

    private void AddColdDue(long watermark)
    {
        var most = Math.Min(ColdAtOnce, memory.RowsAtOnce(ColdAtOnce));
        for (var i = 0; i < most && _cold.TryTakeDue(watermark, out var name, out var due); i++)
        {
            var cell = new CellEntry(name);
            _cells.Add(name, cell);
            Warm(cell, due);
            _work.Add(new WorkItem(cell, null));
        }
    }

    /// <summary>Sees to it that the cells take no more than they may, as far as the store lets it.</summary>
    private async Task MakeRoomAsync()
    {
        LetGo();
        if (_held is not { IsOver: true } || _commitWaits) return;
        await SettleAsync(_commit);
        LetGo();
        if (!_held.IsOver || _dirty.Count == 0 || _commit is { IsCompleted: false }) return;
        await BeginCheckpointAsync();
        await SettleAsync(_commit);
        LetGo();
    }

    private async Task SettleAsync(Task? commit)
    {
        if (commit is { IsCompleted: false }) await Task.WhenAny(commit, Task.Delay(SettleTime, time));
        if (_commitFailure is { } failure) throw failure;
    }

    private void LetGo()
    {
        var gone = 0;
        for (; _held?.NextToGo() is { } cell; gone++)
        {
            _held.Remove(cell);
            Grain(cell).LeaveAsync().Ignore();
            (cell.Held, cell.Grain) = (false, null);
            _panes += cell.Opened(0);
            _bytes += cell.Grown(0);
            if (_step.GrainPer.Groups == 0) Forget(cell);
        }

        if (gone == 0) return;
        MemoryMetrics.LetGo(_pipeline, _stepId, gone);
        DropStaleDue();
    }

    /// <summary>What is stored stays known by its name; what is empty is nothing any more.</summary>
    private void Forget(CellEntry cell)
    {
        if (cell.Parts.Count > 1 || (cell.Parts.Count == 1 && !cell.Parts.Contains(0))) return;
        _cells.Remove(cell.Name);
        // It may stand in the queue still.
        cell.QueuedDue = long.MaxValue;
        if (cell.Stored) _cold.Add(cell.Name, cell.Due);
        if (cell.Hash is not { } hash || !_byHash.TryGetValue(hash, out var first)) return;
        if (!ReferenceEquals(first, cell))
        {
            while (!ReferenceEquals(first.SameHash, cell)) first = first.SameHash!;
            first.SameHash = cell.SameHash;
        }
        else if (cell.SameHash is { } next) _byHash[hash] = next;
        else _byHash.Remove(hash);
    }

    /// <summary>Cells that have gone would stay in memory as long as they stand in the queue.</summary>
    private void DropStaleDue()
    {
        if (_due.Count <= (2 * _cells.Count) + 1024) return;
        var kept = _due.UnorderedItems.Where(d => d.Element.QueuedDue == d.Priority).ToList();
        _due.Clear();
        _due.EnqueueRange(kept.Select(k => (k.Element, k.Priority)));
    }
}
