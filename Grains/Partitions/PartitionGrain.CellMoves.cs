using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// Stored dedup cells of another kind or number: by message key, as version 0.1 kept them, or by id in other buckets. Their ids go into the cells
/// of the step before the reign begins, so that no id is forgotten by an upgrade.
/// </summary>
internal sealed partial class PartitionGrain
{
    private const int CellsAtOnce = 500;
    private const int BytesAtOnce = 16 * 1024 * 1024;

    private async Task MoveCellsAsync(StepCells cells, List<CellId> old)
    {
        if (cells.Layout.ByMessageKey)
        {
            throw new CorruptStateException(
                $"Step '{cells.Step.Id}': its ids are stored by id, and nothing says which message keys they came with. Take 'cellBy' out of the step, give the step a new name, "
                + $"or stop the pipeline and run 'kor reset {_id.Source} --to-earliest --execute'.");
        }

        var move = new DedupMove(cells.Layout, cells.Step.Within, _runtime!.Plan.Source.MaxOutOfOrder, _header.Position);
        await ReadAsync(cells, cells.ByName.Values.Select(c => c.Name), (route, part, payload) => move.Keep(route, part, payload));
        await ReadAsync(cells, old.Select(o => o.Cell).Distinct(StringComparer.Ordinal), (_, part, payload) => move.Add(part, payload));
        // The old cells go last: if this breaks off, they are there to begin again.
        await StoreAsync(cells, move);
        foreach (var gone in old.Chunk(CellsAtOnce * 4)) await CommitAsync([], gone);
        LogMoved(_owner, cells.Step.Id, move.Moved, old.Count, cells.Layout.Groups);
        Tell("dedup", $"step '{cells.Step.Id}': {move.Moved} remembered ids of {old.Count} stored parts are now in {cells.Layout.Groups} cells by id.", false);
    }

    private async Task ReadAsync(StepCells cells, IEnumerable<string> names, Action<ulong, long, byte[]> take)
    {
        foreach (var chunk in names.Chunk(CellsAtOnce))
        {
            var wanted = Array.ConvertAll(chunk, name => new CellId(cells.Step.Id, name, -1));
            foreach (var part in await store.ReadCellsAsync(_owner, wanted, _reign.Token))
            {
                cells.Layout.TryRoute(part.Id.Cell, out var route);
                take(route, part.Id.Part, part.Payload);
            }
        }
    }

    private async Task StoreAsync(StepCells cells, DedupMove move)
    {
        var (upserts, deletes, bytes) = (new List<CellState>(), new List<CellId>(), 0L);
        foreach (var (route, parts) in move.Collect())
        {
            foreach (var part in parts)
            {
                var id = new CellId(cells.Step.Id, cells.Layout.NameOf(route), part.Part);
                if (part.Payload is null)
                {
                    deletes.Add(id);
                    if (cells.ByName.TryGetValue(id.Cell, out var cell)) cell.Parts.Remove(id.Part);
                    continue;
                }

                upserts.Add(new CellState(id, part.Payload, part.DueAt));
                NoteStored(cells, id, part.DueAt);
                bytes += part.Payload.Length;
                if (bytes < BytesAtOnce) continue;
                await CommitAsync(upserts, []);
                (upserts, bytes) = ([], 0);
            }
        }

        await CommitAsync(upserts, deletes);
    }

    private Task CommitAsync(IReadOnlyList<CellState> upserts, IReadOnlyList<CellId> deletes)
    {
        var write = new CheckpointWrite { Owner = _owner, Epoch = _epoch, Header = _header.Encode(), Upserts = upserts, Deletes = deletes };
        return RetryAsync(() => store.CommitAsync(write, _reign.Token), _reign.Token);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: step {Step}, {Ids} ids of {Parts} stored parts are now in {Cells} cells by id.")]
    private partial void LogMoved(string owner, string step, long ids, int parts, int cells);
}
