using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>What a shard tells about itself and its keys.</summary>
internal sealed partial class AggregatorGrain
{
    private readonly Queue<WindowRow> _recent = new();

    public Task<ShardStatus> GetStatusAsync() => Task.FromResult(new ShardStatus
    {
        Step = _stepId,
        Shard = _shard,
        State = WorstState(out var reason),
        Reason = reason,
        Epoch = _epoch,
        Watermark = _header.Watermark.Current == long.MinValue ? null : _header.Watermark.Current,
        Cells = _cells.Count,
        OutboxEntries = _outbox.Count,
        Late = _header.LateTotal,
        ClosedWindows = _header.ClosedTotal,
        LastCheckpointMs = _lastCheckpointMs,
        Silo = RuntimeIdentity,
    });

    public async Task<KeyState> QueryAsync(byte[] key, string text)
    {
        var live = _owned ? await LiveAsync(key) : [];
        var closed = _recent.Where(r => r.Key == text).Reverse().Take(20).ToList();
        return new KeyState
        {
            Pipeline = _pipeline,
            Step = _stepId,
            Key = text,
            Shard = _shard,
            Windows = live,
            Closed = closed,
            Positions = _header.Sources.Values.ToDictionary(s => s.Name, s => s.Applied, StringComparer.Ordinal),
            DurablePositions = _header.Sources.Values.ToDictionary(s => s.Name, s => s.Durable, StringComparer.Ordinal),
            Watermark = _header.Watermark.Current == long.MinValue ? null : _header.Watermark.Current,
        };
    }

    public Task<IReadOnlyList<WindowRow>> GetClosedAsync(int limit) =>
        Task.FromResult<IReadOnlyList<WindowRow>>([.. _recent.Reverse().Take(limit)]);

    /// <summary>The live windows of a key; a cell nobody has called in this reign is read from the store, and stays as it is.</summary>
    private async Task<IReadOnlyList<WindowRow>> LiveAsync(byte[] key)
    {
        var hash = GroupKeyCodec.Hash(key);
        var name = _step.GrainPer.Groups > 0
            ? GroupName((int)((hash >> 32) % (uint)_step.GrainPer.Groups))
            : GroupKeyCodec.ToIdentity(key, _step.Window.Key);
        if (!_cells.TryGetValue(name, out var cell)) return [];
        if (cell.Held) return await Grain(cell).QueryAsync(key);
        var cold = await ColdCells.ReadAsync(store, _owner, _stepId, [cell], _reign.Token);
        var stored = new WindowCell(_step.Window, WindowParts.Of(_step));
        foreach (var part in cold[name]) stored.ReadPart(part.Part, part.Payload);
        return WindowRows.Of(_step, key, stored);
    }

    private PartState WorstState(out string? reason)
    {
        reason = _reason;
        var state = _state;
        foreach (var delivery in _deliveries.Values)
        {
            if (delivery.State <= state) continue;
            state = delivery.State;
            reason = $"Sink '{delivery.Sink.Id}': {delivery.Reason}";
        }

        return state;
    }

    private void Remember(RowBlock rows)
    {
        for (var row = Math.Max(0, rows.Count - _options.RecentWindows); row < rows.Count; row++)
        {
            if (_recent.Count >= _options.RecentWindows) _recent.Dequeue();
            _recent.Enqueue(WindowRows.From(rows, row, _step.Window));
        }
    }
}
