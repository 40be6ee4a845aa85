using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Cells;

/// <summary>The ids a partition has seen, for one message key or a bucket of ids: a shell around <see cref="DedupCell"/>.</summary>
[GrainType("kor.dedup")]
[PreferLocalPlacement]
internal sealed class DedupGrain(PlanProvider plans) : Grain, IDedupGrain
{
    // As long as a batch, while a cell of one key gets a few rows of it: one for all cells a thread serves. Claiming doesn't await.
    [ThreadStatic]
    private static bool[]? _flags;

    [ThreadStatic]
    private static List<int>? _duplicates;

    private readonly CellGuard _guard = new();
    private DedupCell? _cell;

    public async Task<ClaimReply> ClaimAsync(ClaimCall call)
    {
        var answer = await AdmitAsync(call.Cell);
        if (answer != CellAnswer.Ok) return ClaimReply.Of(answer);
        try
        {
            return Claim(call);
        }
        catch
        {
            _guard.Distrust();
            throw;
        }
    }

    public async Task<CellChanges> CollectAsync(CellCall call)
    {
        var answer = await AdmitAsync(call);
        if (answer != CellAnswer.Ok) return new CellChanges(answer, []);
        var parts = new List<ChangedPart>();
        foreach (var part in _cell!.CollectDirty()) parts.Add(new ChangedPart(part.Part, part.Payload, part.DueAt));
        return new CellChanges(CellAnswer.Ok, parts) { Bytes = _cell.EstimatedBytes };
    }

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
            var runtime = await plans.GetAsync(pipeline, call.Version);
            var plan = runtime.Step<DedupPlan>(step);
            _cell = new DedupCell(plan.Within, runtime.Plan.Source.MaxOutOfOrder);
            foreach (var part in call.Restore!) _cell.ReadPart(part.Part, part.Payload);
            return CellAnswer.Ok;
        }
        catch
        {
            _guard.Distrust();
            throw;
        }
    }

    private ClaimReply Claim(ClaimCall call)
    {
        if (_flags is null || _flags.Length < call.Count) _flags = new bool[call.Count];
        var counts = default(DedupCounts);
        _cell!.Claim(
            call.Count, call.Ids, call.Bodies, call.EventTimes, call.Offsets, call.Selected, _flags, ref counts, call.Belated);
        var duplicates = _duplicates ??= [];
        duplicates.Clear();
        foreach (var row in call.Selected)
        {
            if (_flags[row]) duplicates.Add(row);
        }

        return new ClaimReply(CellAnswer.Ok, [.. duplicates], (int)counts.DifferentBody, (int)counts.TooOld);
    }
}
