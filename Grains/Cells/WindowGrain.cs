using KafkaOracleOrleans.Protocol.Shards;
using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Cells;

/// <summary>The open windows of one key or of a group of keys: a shell around <see cref="WindowCell"/>.</summary>
[GrainType("kor.window")]
[PreferLocalPlacement]
internal sealed class WindowGrain(PlanProvider plans) : Grain, IWindowGrain
{
    private readonly CellGuard _guard = new();
    private readonly LateRows _late = new();
    private WindowPlan? _plan;
    private WindowCell? _cell;
    private ClosedWindows? _closed;

    public async Task<WindowReply> ApplyAsync(WindowCall call)
    {
        var answer = await AdmitAsync(call.Cell);
        if (answer != CellAnswer.Ok) return WindowReply.Of(answer);
        try
        {
            return Apply(call);
        }
        catch
        {
            // Half a batch may have been taken in; the owner must not build on it.
            _guard.Distrust();
            throw;
        }
    }

    public async Task<CellChanges> CollectAsync(CellCall call)
    {
        var answer = await AdmitAsync(call);
        if (answer != CellAnswer.Ok) return new CellChanges(answer, []);
        // Running totals leave with the checkpoint, whatever the watermark: one row per changed key.
        if (_plan!.Window.Window is RunningTotals) _cell!.Advance(long.MinValue, Closed());
        var parts = new List<ChangedPart>();
        foreach (var part in _cell!.CollectDirty()) parts.Add(new ChangedPart(part.Part, part.Payload, part.DueAt));
        return new CellChanges(CellAnswer.Ok, parts) { Closed = TakeClosed(), Bytes = _cell.EstimatedBytes, Panes = _cell.OpenWindows };
    }

    public Task<IReadOnlyList<WindowRow>?> QueryAsync(byte[] key, long epoch) =>
        Task.FromResult<IReadOnlyList<WindowRow>?>(_guard.Holds(epoch) && _cell is not null ? WindowRows.Of(_plan!, key, _cell) : null);

    public Task<IReadOnlyList<WindowRow>> GetOpenAsync(int limit) =>
        Task.FromResult<IReadOnlyList<WindowRow>>(_cell is null || _plan is null ? [] : WindowRows.Some(_plan, _cell, limit));

    public Task LeaveAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    private async ValueTask<CellAnswer> AdmitAsync(CellCall call)
    {
        var answer = _guard.Admit(call, out var restore);
        if (answer != CellAnswer.Ok || !restore) return answer;
        try
        {
            var (pipeline, step, _) = Names.Split(this.GetPrimaryKeyString());
            _plan = (await plans.GetAsync(pipeline, call.Version)).Step<WindowPlan>(step);
            _closed = null;
            _cell = new WindowCell(_plan.Window, WindowParts.Of(_plan));
            foreach (var part in call.Restore!) _cell.ReadPart(part.Part, part.Payload);
            return CellAnswer.Ok;
        }
        catch
        {
            _guard.Distrust();
            throw;
        }
    }

    private WindowReply Apply(WindowCall call)
    {
        var cell = _cell!;
        _late.Clear();
        if (call.Rows is not null) cell.Apply(call.Rows, call.Selected, call.Partition, call.WatermarkBefore, _late, call.Source);
        if (call.WatermarkAfter != long.MinValue && cell.NextDue <= call.WatermarkAfter) cell.Advance(call.WatermarkAfter, Closed());
        return new WindowReply
        {
            Answer = CellAnswer.Ok,
            NextDue = cell.NextDue,
            Late = LateOf(call.Rows),
            Closed = TakeClosed(),
            Empty = cell.IsEmpty,
            Panes = cell.OpenWindows,
            PartlyLate = _late.Partly,
        };
    }

    private IReadOnlyList<LateRecord> LateOf(KeyedRows? rows)
    {
        if (_late.Count == 0) return Array.Empty<LateRecord>();
        var list = new List<LateRecord>(_late.Count);
        for (var i = 0; i < _late.Count; i++)
        {
            var late = _late[i];
            list.Add(new LateRecord(rows!.Offsets[late.Row], late.WindowStart, late.WindowEnd, late.LateBy, late.Reason));
        }

        return list;
    }

    /// <summary>Where closing windows go. Most calls close none.</summary>
    private ClosedWindows Closed() => _closed ??= new ClosedWindows(_plan!.Window, _plan.Schema);

    private Processing.Records.RowBlock? TakeClosed()
    {
        if (_closed is not { Count: > 0 } closed) return null;
        if (closed.Cuts != 0)
        {
            var (pipeline, step, _) = Names.Split(this.GetPrimaryKeyString());
            EngineMetrics.Cut(pipeline, step, closed.Cuts);
        }

        // The block goes to the owner for good: the next closing gets a new one.
        _closed = null;
        return closed.Rows;
    }
}
