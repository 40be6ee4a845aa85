using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>What an owner knows of one of its cells.</summary>
internal sealed class CellEntry(string name)
{
    /// <summary>The cell's name; the last part of its grain's key.</summary>
    public string Name { get; } = name;

    /// <summary>The canonical key the cell was made for; empty for groups.</summary>
    public byte[] Key { get; set; } = [];

    /// <summary>Whoever keeps it, looked up once by whoever calls it.</summary>
    public object? Grain { get; set; }

    /// <summary>When the last of the stored parts has nothing left to do, ms.</summary>
    public long LastDue { get; set; } = long.MinValue;

    /// <summary>The parts that are stored.</summary>
    public HashSet<long> Parts { get; } = [];

    /// <summary>The cell's place in the batch being sorted, or -1.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>The next entry with the same key hash.</summary>
    public CellEntry? SameHash { get; set; }

    /// <summary>The hash under which its owner finds it by its key; null: not yet.</summary>
    public ulong? Hash { get; set; }

    /// <summary>It stands in the list of held cells, between these two.</summary>
    public bool IsListed { get; set; }

    public CellEntry? Colder { get; set; }

    public CellEntry? Hotter { get; set; }

    /// <summary>The number of the last call of this epoch.</summary>
    public long Number { get; set; }

    /// <summary>The cell's grain has been given the state in this epoch.</summary>
    public bool Held { get; set; }

    /// <summary>There is durable state, or a checkpoint with some is on its way.</summary>
    public bool Stored { get; set; }

    /// <summary>Calls were made since the last collection.</summary>
    public bool Changed { get; set; }

    /// <summary>Collected into a checkpoint that is not yet durable.</summary>
    public bool Saving { get; set; }

    /// <summary>When the cell next has something to do, ms.</summary>
    public long Due { get; set; } = long.MaxValue;

    /// <summary>The due time under which the entry stands in the owner's queue.</summary>
    public long QueuedDue { get; set; } = long.MaxValue;

    /// <summary>The memory it said it takes at its last checkpoint, for metrics.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many panes it said are open, for metrics.</summary>
    public int Panes { get; private set; }

    /// <summary>Notes the memory and returns by how much it grew.</summary>
    public long Grown(long bytes)
    {
        var grown = bytes - Bytes;
        Bytes = bytes;
        return grown;
    }

    /// <summary>Notes the panes and returns how many came.</summary>
    public int Opened(int panes)
    {
        var opened = panes - Panes;
        Panes = panes;
        return opened;
    }

    /// <summary>Everything it holds can be had from the store.</summary>
    public bool IsDurable => !Changed && !Saving;

    /// <summary>Takes over what was collected: what is to be written, and which stored parts are to be deleted.</summary>
    public void Sort(string step, IReadOnlyList<ChangedPart> parts, List<CellState> upserts, List<CellId> deletes)
    {
        foreach (var part in parts)
        {
            var id = new CellId(step, Name, part.Part);
            if (part.Payload is not null)
            {
                upserts.Add(new CellState(id, part.Payload, part.DueAt));
                Parts.Add(part.Part);
                LastDue = Math.Max(LastDue, part.DueAt ?? long.MaxValue);
            }
            else if (Parts.Remove(part.Part))
            {
                deletes.Add(id);
            }
        }

        Stored = Parts.Count != 0;
        Changed = false;
        Saving = true;
    }

    /// <summary>The next call of the epoch, with state when the cell does not hold any.</summary>
    public CellCall NextCall(long epoch, IReadOnlyList<StoredCell>? restore, int version)
    {
        Held = true;
        return new CellCall(epoch, ++Number, restore, version);
    }
}

/// <summary>Reads of cold cells, coalesced.</summary>
internal static class ColdCells
{
    private static readonly IReadOnlyList<StoredCell> Nothing = [];

    /// <summary>The durable state of the cells that are not held: one query for all of them.</summary>
    public static async Task<Dictionary<string, IReadOnlyList<StoredCell>>> ReadAsync(
        IStateStore store, string owner, string step, IEnumerable<CellEntry> cells, CancellationToken cancellation)
    {
        var result = new Dictionary<string, IReadOnlyList<StoredCell>>(StringComparer.Ordinal);
        var wanted = new List<CellId>();
        foreach (var cell in cells)
        {
            if (cell.Held) continue;
            result[cell.Name] = Nothing;
            if (cell.Stored) wanted.Add(new CellId(step, cell.Name, -1));
        }

        if (wanted.Count == 0) return result;
        foreach (var group in (await store.ReadCellsAsync(owner, wanted, cancellation)).GroupBy(s => s.Id.Cell, StringComparer.Ordinal))
            result[group.Key] = [.. group.Select(StoredCell.From)];
        return result;
    }
}
