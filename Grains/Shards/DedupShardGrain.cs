using Orleans.Concurrency;
using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Dedup;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>The shell of a <see cref="DedupOwner"/>: identity, activation, calls, placement, logs and gauges.</summary>
[GrainType("kor.dedupshard")]
[PreferLocalPlacement]
[Reentrant]
internal sealed partial class DedupShardGrain(
    PlanProvider plans,
    IStateStore store,
    IClusterMembershipService membership,
    IOptions<EngineOptions> options,
    TimeProvider time,
    ILogger<DedupShardGrain> log) : Grain, IDedupShardGrain, IDedupPorts, IOwnerEvents
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Placement _placement = new(membership, options.Value.MoveAfter, time);
    private string _pipeline = "";
    private string _stepId = "";
    private int _number;
    private string _name = "";
    private DedupOwner _owner = null!;
    private StateGauges? _gauges;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, _stepId, var number) = Names.Split(this.GetPrimaryKeyString());
        _number = int.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
        _name = Names.DedupOwner(_pipeline, _stepId, _number);
        _owner = new DedupOwner(new DedupIdentity(_name, _stepId), this, store, this, Owners.Context(options.Value, time));
        this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _owner.EndAsync();

    public async Task<SharedClaimReply> ClaimAsync(SharedClaimCall call)
    {
        var reply = await _owner.ClaimAsync(new DedupClaim(
            new Epoch(call.Epoch),
            new DedupSpan(call.Source, call.Link, call.To, call.DurablePosition, call.Watermark),
            new DedupRows(call.Ids.Length, call.Ids, call.Bodies, call.EventTimes, call.Offsets)));
        var answer = reply.Answer switch
        {
            DedupAnswer.Ok => ApplyAnswer.Ok,
            DedupAnswer.Fenced => ApplyAnswer.Fenced,
            _ => ApplyAnswer.Busy,
        };
        return new SharedClaimReply(answer, reply.Duplicates, (int)reply.Counts.DifferentBody, reply.Reason, (int)reply.Counts.TooOld);
    }

    public Task SetIdleAsync(string source, bool idle) => _owner.SetIdleAsync(source, idle);

    public Task AddSourcesAsync(IReadOnlyList<string> sources) => _owner.AddSourcesAsync(sources);

    public Task WakeAsync() => _owner.WakeAsync();

    public async Task StopAsync()
    {
        await _owner.StopAsync();
        DeactivateOnIdle();
    }

    public Task<ShardStatus> GetStatusAsync() => Task.FromResult(new ShardStatus
    {
        Step = _stepId,
        Shard = _number,
        State = _owner.Condition.ToPart(),
        Reason = _owner.Reason,
        Epoch = _owner.Epoch.Value,
        Watermark = _owner.Term is { Shard.Watermark: not long.MinValue } term ? term.Shard.Watermark : null,
        Cells = _owner.Term?.Shard.Count ?? 0,
        OutboxEntries = 0,
        Late = 0,
        ClosedWindows = 0,
        LastCheckpointMs = _owner.LastCommit.TotalMilliseconds,
        Silo = RuntimeIdentity,
    });

    async Task<long> IDedupPorts.WithinAsync(CancellationToken stopping) => (await plans.GetCurrentAsync(_pipeline)).Step<DedupPlan>(_stepId).Within;

    Task<IReadOnlyList<string>> IDedupPorts.SourcesAsync(CancellationToken stopping) =>
        GrainFactory.GetGrain<IPipelineGrain>(_pipeline).GetSourcesAsync();

    void IOwnerEvents.Became(Condition condition, string? reason) => LogState(_name, condition, reason ?? "");

    void IOwnerEvents.Began(Epoch epoch, int cells)
    {
        PartMetrics.Remove(_gauges);
        PartMetrics.Add(_gauges = new StateGauges(_pipeline, _stepId));
        LogOwned(_name, epoch.Value, cells);
    }

    void IOwnerEvents.Ended(Epoch epoch)
    {
        PartMetrics.Remove(_gauges);
        _gauges = null;
    }

    void IOwnerEvents.StartsOver(Epoch epoch, FaultKind kind, Exception reason)
    {
        LogStartsOver(_name, epoch.Value, reason);
        EngineMetrics.Restarted(_pipeline, kind.Label());
    }

    void IOwnerEvents.Checkpointed(TimeSpan took) => EngineMetrics.Checkpointed(_pipeline, "dedup", took);

    void IOwnerEvents.CheckpointFailed() => EngineMetrics.CheckpointFailed(_pipeline, "dedup");

    void IOwnerEvents.Superseded() => DeactivateOnIdle();

    private Task TickAsync(CancellationToken cancellation)
    {
        if (_owner.Term is not { } term) return Task.CompletedTask;
        if (_gauges is { } gauges) gauges.State = new StateGauge(_stepId, term.Shard.Count, 0, term.Shard.EstimatedBytes);
        if (_placement.MoveShard(this, RuntimeIdentity, _stepId, _number) is { } silo) LogMoves(_name, silo);
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: epoch {Epoch}, {Ids} ids.")]
    private partial void LogOwned(string owner, long epoch, int ids);

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: moves to silo {Silo}.")]
    private partial void LogMoves(string owner, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: {State}. {Reason}")]
    private partial void LogState(string owner, Condition state, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Dedup shard {Owner}: epoch {Epoch} ends; starting over from what is durable.")]
    private partial void LogStartsOver(string owner, long epoch, Exception reason);
}
