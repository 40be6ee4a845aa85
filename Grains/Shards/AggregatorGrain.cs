using Orleans.Placement;
using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Shards;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Shards;

/// <summary>
/// Owns a shard of a window step: applies sub-batches to its cells, fires windows as the watermark moves, checkpoints, and sees the closed
/// windows to their sinks. Calls run one at a time; commits and deliveries run beside them on the same scheduler.
/// </summary>
[GrainType("kor.aggregator")]
[PreferLocalPlacement]
internal sealed partial class AggregatorGrain(
    PlanProvider plans,
    IStateStore store,
    IClusterMembershipService membership,
    IOptions<EngineOptions> options,
    MemoryWatch memory,
    TimeProvider time,
    ILogger<AggregatorGrain> log) : Grain, IAggregatorGrain, IRemindable, IDisposable
{
    private const string ReminderName = "windows";
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    // Without open windows nothing comes due.
    private static readonly TimeSpan RestingTick = TimeSpan.FromSeconds(2);

    private readonly EngineOptions _options = options.Value;
    private string _pipeline = "";
    private string _stepId = "";
    private int _shard;
    private string _owner = "";

    private PipelineRuntime? _runtime;
    private WindowPlan _step = null!;
    private long _epoch;
    private ShardHeader _header = new();
    private CancellationTokenSource _reign = new();
    private bool _owned;
    private bool _stopped;
    private PartState _state = PartState.Starting;
    private string? _reason;
    private IGrainReminder? _reminder;
    private IGrainTimer? _timer;
    private bool _rests;
    private readonly Placement _placement = new(membership, options.Value.MoveAfter, time);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, _stepId, var shard) = Names.Split(this.GetPrimaryKeyString());
        _shard = int.Parse(shard, System.Globalization.CultureInfo.InvariantCulture);
        _owner = Names.ShardOwner(_pipeline, _stepId, _shard);
        _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public void Dispose() => _reign.Dispose();

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_owned && !_stopped) await TryLastCheckpointAsync(cancellationToken);
        await EndReignAsync();
        if (reason.ReasonCode == DeactivationReasonCode.Migrating) LeaveCells();
    }

    public async Task<ApplyReply> ApplyAsync(SubBatch batch)
    {
        try
        {
            await OwnAsync();
            if (IsCrowded) await MakeRoomAsync();
            if (IsBusy(out var why)) return Busy(batch.Source, why);
            var source = _header.Source(batch.Source);
            if (SubBatches.IsFenced(batch.Epoch, source.Epoch)) return Reply(ApplyAnswer.Fenced, source, batch);
            source.Epoch = batch.Epoch;
            // A replay goes to the shards that its records concern; each is over before the next begins, so what is before it needs no telling.
            if (source.Applied < 0 || (Names.IsReplay(batch.Source) && source.Applied < batch.DurablePosition))
            {
                source.Applied = source.Durable = batch.DurablePosition;
                // Known from now on: an owner after this one must not take the partition, which waits for this position, for one it has never heard of.
                _changed = true;
            }

            source.Prune(batch.DurablePosition);
            var chained = SubBatches.Judge(source.Applied, batch.From, batch.To);
            if (chained == Chained.Gap) return Reply(ApplyAnswer.Rewind, source, batch);
            if (chained == Chained.Fresh) await ApplyRowsAsync(batch, source);
            if (!Names.IsReplay(batch.Source)) source.NewestAt = Math.Max(source.NewestAt, batch.NewestAt);
            Pace();
            var reply = Reply(ApplyAnswer.Ok, source, batch);
            return await IsDurableAsync(reply, source, batch) ? reply : Busy(batch.Source, $"The shard's state is not durable yet. {_reason}");
        }
        catch (Exception e) when (e is not PipelineChangedException)
        {
            await FailAsync(e);
            return Busy(batch.Source, e.Message);
        }
    }

    public async Task<long> ConfirmIdleAsync(string source, long position, long durable, bool idle, long ticket, long claimed)
    {
        await OwnAsync();
        var entry = _header.Source(source);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var before = _header.Watermark.Current;
        var next = 0L;
        // Only what has been applied in full counts: a partition is not idle while its rows are still on their way here.
        if (!idle) _header.Watermark.Wake(source, now);
        else if ((entry.Applied >= 0 ? entry.Applied : durable) >= position) next = _header.Watermark.ConfirmIdle(source, ticket, now, claimed);
        if (_header.Watermark.Current != before) _ticked = true;
        Pace();
        return _header.Watermark.WaitsFor(source) ? -next : next;
    }

    /// <summary>
    /// That a record is late because its partition was idle is no function of the log: the decision is durable before anybody hears of it, so that
    /// the record is not taken in after all when this shard starts over.
    /// </summary>
    private async Task<bool> IsDurableAsync(ApplyReply reply, SourceEntry source, SubBatch batch)
    {
        if (source.Durable >= batch.To || !reply.Late.Any(l => l.Reason == LateReason.Idle)) return true;
        await CheckpointAsync();
        return _owned && source.Durable >= batch.To;
    }

    public async Task<long> FenceAsync(string source, long epoch)
    {
        await OwnAsync();
        var entry = _header.Source(source);
        if (epoch < entry.Epoch) throw new OwnerFencedException(_owner);
        if (epoch > entry.Epoch)
        {
            entry.Epoch = epoch;
            _changed = true;
        }

        // A call before this one may have left the epoch in memory only, or on its way.
        await CheckpointAsync();
        if (!_owned || _changed || _commitFailure is not null || _commit is { IsCompleted: false })
            throw new TimeoutException($"Shard '{_owner}' could not make the new owner's epoch durable yet. {_reason}");
        return entry.Applied;
    }

    public async Task AddSourcesAsync(IReadOnlyList<string> sources)
    {
        await OwnAsync();
        foreach (var source in sources) _header.Source(source);
    }

    public async Task CheckpointAsync()
    {
        if (!_owned || _commitWaits) return;
        try
        {
            if (_commit is not null) await _commit;
            if (_commitFailure is null && (_changed || _closed is { Count: > 0 })) await BeginCheckpointAsync();
            if (_commit is not null) await _commit;
        }
        catch (Exception e)
        {
            // Some cells may have handed over what they hold and this shard not have got it: nothing may be built on that.
            await FailAsync(e);
        }
    }

    public Task<ShardPosition> GetPositionAsync(string source)
    {
        // What an ended reign knew may have been reset since.
        if (!_owned) return Task.FromResult(new ShardPosition(null, -1));
        var entry = _header.Sources.GetValueOrDefault(source);
        return Task.FromResult(new ShardPosition(entry?.Applied ?? -1, entry?.Durable ?? -1));
    }

    public async Task WakeAsync()
    {
        _stopped = false;
        await OwnAsync();
        await KeepReminderAsync();
    }

    public async Task StopAsync()
    {
        if (_owned)
        {
            using var deadline = new CancellationTokenSource(Deadlines.Stop);
            await TryLastCheckpointAsync(deadline.Token);
        }

        _stopped = true;
        await EndReignAsync();
        await DropReminderAsync();
        SetState(PartState.Stopped, null);
        DeactivateOnIdle();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => _stopped ? Task.CompletedTask : OwnAsync();

    /// <summary>Raises the epoch and loads the checkpoint, unless this activation reigns already.</summary>
    private async Task OwnAsync()
    {
        if (_owned) return;
        if (_stopped) throw new PipelineChangedException($"Shard '{_owner}' is stopped.");
        try
        {
            await LoadReignAsync();
        }
        catch (Exception e)
        {
            // Nothing of a term that could not begin stays, and the status says why it could not.
            SetState(StateOf(e), e.Message);
            await EndReignAsync();
            throw;
        }

        // After the last wait of the beginning: who finds it set finds a whole term.
        _owned = true;
        PartMetrics.Remove(_gauges);
        PartMetrics.Add(_gauges = new ShardGauges(_pipeline, _stepId));
        SetState(PartState.Running, null);
        LogOwned(_owner, _epoch, CellCount);
    }

    private async Task LoadReignAsync()
    {
        _runtime = await plans.GetCurrentAsync(_pipeline);
        _step = _runtime.Step<WindowPlan>(_stepId);
        _reign = new CancellationTokenSource();
        var lease = await store.AcquireAsync(_owner, _reign.Token);
        _epoch = lease.Epoch;
        _header = ShardHeader.Decode(lease.Header);
        foreach (var source in await GrainFactory.GetGrain<IPipelineGrain>(_pipeline).GetSourcesAsync()) _header.Source(source);
        await LoadCellsAsync();
        OpenDeliveries(await store.ReadOutboxAsync(_owner, _reign.Token));
        ResetCheckpointing();
    }

    /// <summary>A durable reminder wakes a shard with open windows after any restart, traffic or not.</summary>
    private async Task KeepReminderAsync()
    {
        if (_reminder is null && CellCount > 0)
            _reminder = await this.RegisterOrUpdateReminder(ReminderName, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    private async Task DropReminderAsync()
    {
        _reminder ??= await this.GetReminder(ReminderName);
        if (_reminder is null) return;
        await this.UnregisterReminder(_reminder);
        _reminder = null;
    }

    private async Task TickAsync(CancellationToken cancellation)
    {
        ShowGauges();
        if (_stopped || !_owned) return;
        try
        {
            if (IsBusy(out _)) return;
            if (_header.Watermark.Tick(time.GetUtcNow().ToUnixTimeMilliseconds())) _ticked = true;
            await FireDueAsync();
            LetGo();
            await CheckpointIfDueAsync();
            MoveIfDue();
            Pace();
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            await FailAsync(e);
        }
    }

    /// <summary>A window waits for the watermark.</summary>
    private bool HasDue => _due.Count != 0 || _cold.HasDue;

    private void Pace()
    {
        var rests = !HasDue && _outbox.Count == 0 && _closed is not { Count: > 0 } && !_changed;
        if (rests == _rests) return;
        _rests = rests;
        var tick = rests ? RestingTick : Tick;
        _timer?.Change(tick, tick);
    }

    /// <summary>Shards spread over the silos of a cluster that has come to rest.</summary>
    private void MoveIfDue()
    {
        if (_placement.MoveShard(this, RuntimeIdentity, _stepId, _shard) is not { } silo) return;
        LogMoves(_owner, silo);
    }

    /// <summary>Gives this reign up: memory is dropped and the next call starts over from the checkpoint.</summary>
    private async Task FailAsync(Exception e)
    {
        SetState(StateOf(e), e.Message);
        LogStartsOver(_owner, _epoch, e);
        var fenced = e is EpochFencedException or OwnerFencedException;
        EngineMetrics.Restarted(_pipeline, e is StoreUnavailableException ? "unavailable" : fenced ? "fenced" : "fault");
        // The next term reads what it needs; nobody would count what the others go on holding. A newer owner's cells are its own.
        if (!fenced && _step.GrainPer.Groups == 0) LeaveCells();
        await EndReignAsync();
        if (fenced) DeactivateOnIdle();
    }

    private static PartState StateOf(Exception e) => e switch
    {
        StoreUnavailableException => PartState.Blocked,
        CorruptStateException => PartState.Failed,
        _ => PartState.Starting,
    };

    private async Task EndReignAsync()
    {
        _owned = false;
        PartMetrics.Remove(_gauges);
        _gauges = null;
        EndHolding();
        await _reign.CancelAsync();
        foreach (var delivery in _deliveries.Values) await delivery.Loop;
        _deliveries.Clear();
    }

    private ApplyReply Busy(string source, string why)
    {
        var known = _header.Sources.GetValueOrDefault(source);
        return new ApplyReply
        {
            Answer = ApplyAnswer.Busy,
            Applied = known?.Applied ?? -1,
            Durable = known?.Durable ?? -1,
            Reason = why,
        };
    }

    private static ApplyReply Reply(ApplyAnswer answer, SourceEntry source, SubBatch batch) => new()
    {
        Answer = answer,
        Applied = source.Applied,
        Durable = source.Durable,
        Late = answer == ApplyAnswer.Ok ? source.LateIn(batch.From, batch.To) : [],
    };

    private void SetState(PartState state, string? reason)
    {
        if (state != _state) LogState(_owner, state, reason ?? "");
        _state = state;
        _reason = reason;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Owner}: epoch {Epoch}, {Cells} cells.")]
    private partial void LogOwned(string owner, long epoch, int cells);

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Owner}: moves to silo {Silo}.")]
    private partial void LogMoves(string owner, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Information, Message = "Shard {Owner}: {State}. {Reason}")]
    private partial void LogState(string owner, PartState state, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Shard {Owner}: epoch {Epoch} ends; starting over from the checkpoint.")]
    private partial void LogStartsOver(string owner, long epoch, Exception reason);
}
