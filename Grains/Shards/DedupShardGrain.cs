using Orleans.Concurrency;
using Orleans.Placement;
using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>
/// Decides for all partitions which ids of a shard were seen before: a shell around <see cref="DedupShard"/>. Every call is decided at once and
/// answered when the decision is durable. One commit at a time is under way; what is decided meanwhile goes into the next one, whoever asked.
/// </summary>
[GrainType("kor.dedupshard")]
[PreferLocalPlacement]
[Reentrant]
internal sealed partial class DedupShardGrain(
    PlanProvider plans,
    IStateStore store,
    IClusterMembershipService membership,
    IOptions<EngineOptions> options,
    TimeProvider time,
    ILogger<DedupShardGrain> log) : Grain, IDedupShardGrain, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    // Well below the response timeout of 30 s.
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(15);

    private readonly EngineOptions _options = options.Value;
    private readonly Placement _placement = new(membership, options.Value.MoveAfter, time);

    // Per source, the number of the last change that an answer to it waits for.
    private readonly Dictionary<string, long> _changes = new(StringComparer.Ordinal);
    private string _pipeline = "";
    private string _stepId = "";
    private int _number;
    private string _owner = "";

    // Null while this activation does not reign.
    private DedupShard? _shard;
    private long _epoch;
    private CancellationTokenSource _reign = new();
    private SharedRun _owning = null!;
    private Task _commit = Task.CompletedTask;
    private TaskCompletionSource _news = NewSignal();
    private long _changed;
    private long _durable;
    private double _lastCommitMs;
    private PartState _state = PartState.Starting;
    private string? _reason;
    private StateGauges? _gauges;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, _stepId, var number) = Names.Split(this.GetPrimaryKeyString());
        _number = int.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
        _owner = Names.DedupOwner(_pipeline, _stepId, _number);
        _owning = new SharedRun(BeginReignAsync);
        this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    public void Dispose() => _reign.Dispose();

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => EndReignAsync();

    public async Task<SharedClaimReply> ClaimAsync(SharedClaimCall call)
    {
        try
        {
            await OwnAsync();
            if (_shard is not { } shard) return Busy();
            var admitted = shard.Admit(call.Source, call.Epoch);
            if (admitted == DedupShard.Epoch.Old) return new SharedClaimReply(ApplyAnswer.Fenced, [], 0, null);
            var duplicates = new List<int>();
            var counts = default(DedupCounts);
            var decided = shard.Claim(
                new DedupSpan(call.Source, call.Link, call.To, call.DurablePosition, call.Watermark),
                new DedupRows(call.Ids.Length, call.Ids, call.Bodies, call.EventTimes, call.Offsets),
                duplicates, ref counts);
            if (decided || admitted == DedupShard.Epoch.New) _changes[call.Source] = ++_changed;
            return await IsDurableAsync(_changes.GetValueOrDefault(call.Source), _reign.Token)
                ? new SharedClaimReply(ApplyAnswer.Ok, [.. duplicates], (int)counts.DifferentBody, null, (int)counts.TooOld)
                : Busy();
        }
        catch (Exception e) when (e is not PipelineChangedException)
        {
            await FailAsync(e);
            return Busy();
        }
    }

    public async Task SetIdleAsync(string source, bool idle)
    {
        await OwnAsync();
        _shard?.SetIdle(source, idle);
    }

    public async Task AddSourcesAsync(IReadOnlyList<string> sources)
    {
        await OwnAsync();
        foreach (var source in sources) _shard?.AddSource(source);
    }

    public Task WakeAsync() => OwnAsync();

    public async Task StopAsync()
    {
        await EndReignAsync();
        SetState(PartState.Stopped, null);
        DeactivateOnIdle();
    }

    public Task<ShardStatus> GetStatusAsync() => Task.FromResult(new ShardStatus
    {
        Step = _stepId,
        Shard = _number,
        State = _state,
        Reason = _reason,
        Epoch = _epoch,
        Watermark = _shard is null || _shard.Watermark == long.MinValue ? null : _shard.Watermark,
        Cells = _shard?.Count ?? 0,
        OutboxEntries = 0,
        Late = 0,
        ClosedWindows = 0,
        LastCheckpointMs = _lastCommitMs,
        Silo = RuntimeIdentity,
    });

    /// <summary>Waits until a change is durable; false when that cannot be had for now.</summary>
    private async Task<bool> IsDurableAsync(long change, CancellationToken reign)
    {
        var started = time.GetTimestamp();
        while (_durable < change)
        {
            if (_commit.IsCompleted) _commit = CommitAsync(reign);
            var left = AnswerDeadline - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero || _state == PartState.Blocked || !await IsThereNewsAsync(left, reign)) return false;
        }

        // What a reign that is over decided may be lost; the next one decides anew.
        return !reign.IsCancellationRequested;
    }

    private async Task<bool> IsThereNewsAsync(TimeSpan within, CancellationToken reign)
    {
        try
        {
            await _news.Task.WaitAsync(within, time, reign);
            return !reign.IsCancellationRequested;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Commits until nothing is left; a failure of the store is waited out with the same write.</summary>
    private async Task CommitAsync(CancellationToken reign)
    {
        try
        {
            while (_durable < _changed)
            {
                var (changed, started) = (_changed, time.GetTimestamp());
                var upserts = new List<CellState>();
                var deletes = new List<CellId>();
                var header = _shard!.Collect(upserts, deletes);
                var write = new CheckpointWrite { Owner = _owner, Epoch = _epoch, Header = header, Upserts = upserts, Deletes = deletes };
                await CommitAsync(write, reign);
                reign.ThrowIfCancellationRequested();
                _durable = changed;
                var took = time.GetElapsedTime(started);
                _lastCommitMs = took.TotalMilliseconds;
                EngineMetrics.Checkpointed(_pipeline, "dedup", took);
                SetState(PartState.Running, null);
                TellNews();
            }
        }
        catch (Exception) when (reign.IsCancellationRequested)
        {
            // The reign is over: what became of this write shows the next owner.
        }
        catch (Exception e)
        {
            EngineMetrics.CheckpointFailed(_pipeline, "dedup");
            await FailAsync(e);
        }
        finally
        {
            TellNews();
        }
    }

    private async Task CommitAsync(CheckpointWrite write, CancellationToken reign)
    {
        var backoff = new Backoff(_options, time);
        while (true)
        {
            try
            {
                await store.CommitAsync(write, reign);
                return;
            }
            catch (StoreUnavailableException e) when (!reign.IsCancellationRequested)
            {
                // Whether it was written is unknown; repeating the same write settles it. Those who wait are told, and ask again.
                SetState(PartState.Blocked, e.Message);
                TellNews();
            }

            await backoff.WaitAsync(reign);
        }
    }

    private Task OwnAsync() => _shard is not null ? Task.CompletedTask : _owning.RunAsync();

    /// <summary>Raises the epoch and loads what was decided.</summary>
    private async Task BeginReignAsync()
    {
        try
        {
            await LoadReignAsync();
        }
        catch (Exception e)
        {
            SetState(StateOf(e), e.Message);
            throw;
        }
    }

    private async Task LoadReignAsync()
    {
        var step = (await plans.GetCurrentAsync(_pipeline)).Step<DedupPlan>(_stepId);
        var reign = new CancellationTokenSource();
        var lease = await store.AcquireAsync(_owner, reign.Token);
        var names = (await store.ListCellsAsync(_owner, reign.Token)).Select(c => c.Id.Cell).Distinct(StringComparer.Ordinal);
        var cells = await store.ReadCellsAsync(_owner, [.. names.Select(n => new CellId(_stepId, n, -1))], reign.Token);
        var shard = DedupShard.Restore(_stepId, step.Within, lease.Header, cells);
        foreach (var source in await GrainFactory.GetGrain<IPipelineGrain>(_pipeline).GetSourcesAsync()) shard.AddSource(source);
        (_reign, _epoch, _shard) = (reign, lease.Epoch, shard);
        _changes.Clear();
        _changed = _durable = 0;
        PartMetrics.Remove(_gauges);
        PartMetrics.Add(_gauges = new StateGauges(_pipeline, _stepId));
        SetState(PartState.Running, null);
        LogOwned(_owner, _epoch, shard.Count);
    }

    private Task TickAsync(CancellationToken cancellation)
    {
        if (_shard is not { } shard) return Task.CompletedTask;
        if (_gauges is { } gauges) gauges.State = new StateGauge(_stepId, shard.Count, 0, shard.EstimatedBytes);
        if (_placement.MoveShard(this, RuntimeIdentity, _stepId, _number) is not { } silo) return Task.CompletedTask;
        LogMoves(_owner, silo);
        return Task.CompletedTask;
    }

    /// <summary>Gives this reign up: memory is dropped and the next call starts over from what is durable.</summary>
    private async Task FailAsync(Exception e)
    {
        SetState(StateOf(e), e.Message);
        var fenced = e is EpochFencedException;
        if (_shard is not null)
        {
            LogStartsOver(_owner, _epoch, e);
            EngineMetrics.Restarted(_pipeline, fenced ? "fenced" : e is StoreUnavailableException ? "unavailable" : "fault");
        }

        await EndReignAsync();
        if (fenced) DeactivateOnIdle();
    }

    private static PartState StateOf(Exception e) => e is CorruptStateException ? PartState.Failed : PartState.Blocked;

    private async Task EndReignAsync()
    {
        _shard = null;
        PartMetrics.Remove(_gauges);
        _gauges = null;
        await _reign.CancelAsync();
        TellNews();
    }

    private SharedClaimReply Busy() => new(ApplyAnswer.Busy, [], 0, _reason ?? (_shard is null ? "The shard starts over." : "The state store has not answered yet."));

    private void TellNews()
    {
        var news = _news;
        _news = NewSignal();
        news.TrySetResult();
    }

    private void SetState(PartState state, string? reason)
    {
        if (state != _state) LogState(_owner, state, reason ?? "");
        _state = state;
        _reason = reason;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: epoch {Epoch}, {Ids} ids.")]
    private partial void LogOwned(string owner, long epoch, int ids);

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: moves to silo {Silo}.")]
    private partial void LogMoves(string owner, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Information, Message = "Dedup shard {Owner}: {State}. {Reason}")]
    private partial void LogState(string owner, PartState state, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Dedup shard {Owner}: epoch {Epoch} ends; starting over from what is durable.")]
    private partial void LogStartsOver(string owner, long epoch, Exception reason);
}
