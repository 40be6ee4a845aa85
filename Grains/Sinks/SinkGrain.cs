using System.Diagnostics;
using System.Globalization;
using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Sinks;

/// <summary>
/// One writer of one lane of a sink. It holds no rows: the owner of the lane keeps them until they are confirmed, so that losing this
/// grain loses nothing.
/// </summary>
[GrainType("kor.sink")]
[PreferLocalPlacement]
internal sealed partial class SinkGrain(
    PlanProvider plans, ISinkFactory sinks, IStateStore store, IOptions<EngineOptions> options, TimeProvider time, ILogger<SinkGrain> log)
    : Grain, ISinkGrain
{
    // Below Orleans' response timeout (30 s), so that the owner hears of a slow database instead of timing out.
    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(20);

    private string _pipeline = "";
    private string _sink = "";
    private string _lane = "";
    private ISinkLane? _open;
    private SinkPlan? _plan;
    private long _progress = -1;

    // The newest epoch of the owner seen; null: not asked for yet.
    private long? _ownerEpoch;

    // What a write that failed would have brought the lane to; it may have.
    private long? _unsure;
    private long _written;
    private long _quarantined;
    private PartState _state = PartState.Starting;
    private string? _reason;

    // A table, column, privilege or login that is wrong: somebody repairs it at the database, and nobody tells.
    private readonly Backoff _repairs = new(options.Value, time, options.Value.MaxRepairDelay);
    private DateTimeOffset? _nextTry;
    private int _failedVersion;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, _sink, _lane) = Names.Split(this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        await CloseAsync();

    public Task<SinkReply> WriteAsync(SinkCall call) => GuardAsync(call.Progress, call.Version, async cancellation =>
    {
        if (call.Owner is not null && !await AdmitAsync(call.Owner, call.Epoch, cancellation)) return Fenced();
        // The lane settles a write of unknown outcome when it is repeated. An owner that started over cuts its
        // calls differently, though: then the lane is opened anew and its progress row tells.
        if (_unsure is { } unsure && unsure != call.Progress) await CloseAsync();
        await OpenAsync(call.Version, cancellation);
        if (call.Progress > _progress) return await WriteFreshAsync(call, cancellation);
        SetState(PartState.Running, null);
        return new SinkReply(SinkAnswer.Ok, _progress, null, 0);
    });

    public Task<SinkReply> FenceAsync(string owner, long epoch, int version) => GuardAsync(null, version, async cancellation =>
    {
        if (!await AdmitAsync(owner, epoch, cancellation)) return Fenced();
        // Owners ask at every tick; only the writes check a sink that failed, at their pace.
        if (_state == PartState.Failed && version <= _failedVersion && time.GetUtcNow() < _nextTry)
            return new SinkReply(SinkAnswer.Failed, _progress, _reason, 0) { RetryAfter = _nextTry - time.GetUtcNow() };
        if (_unsure is not null) await CloseAsync();
        await OpenAsync(version, cancellation);
        return new SinkReply(SinkAnswer.Ok, _progress, null, 0);
    });

    private async Task<SinkReply> WriteFreshAsync(SinkCall call, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        using var trace = EngineTraces.SinkWrite(_pipeline, _sink, _plan!.Spec.Table, call.Rows.Count);
        var result = await _open!.WriteAsync(Fresh(call), cancellation);
        _progress = call.Progress;
        _unsure = null;
        _written += result.Written;
        EngineMetrics.SinkWritten(_pipeline, _sink, call.Rows.Count, Stopwatch.GetElapsedTime(started));
        if (call.Raw is { Count: > 0 } raw && raw.Timestamps[0] > 0)
            EngineMetrics.Committed(_pipeline, _sink, time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(raw.Timestamps[0]));
        _quarantined += result.Quarantined;
        SetState(PartState.Running, null);
        return new SinkReply(SinkAnswer.Ok, _progress, null, result.Quarantined);
    }

    /// <summary>
    /// Whether an owner may write. The first time the store tells which epoch reigns, so that an older owner does not get in where nobody
    /// remembers the newer one.
    /// </summary>
    private async ValueTask<bool> AdmitAsync(string owner, long epoch, CancellationToken cancellation)
    {
        _ownerEpoch ??= (await store.PeekAsync(owner, cancellation))?.Epoch ?? 0;
        if (epoch < _ownerEpoch) return false;
        _ownerEpoch = epoch;
        return true;
    }

    private SinkReply Fenced() => new(SinkAnswer.Fenced, _progress, $"Epoch {_ownerEpoch} reigns over this lane's partition.", 0);

    /// <summary>Turns what goes wrong into an answer. <paramref name="progress"/> is what the action brings the lane to.</summary>
    private async Task<SinkReply> GuardAsync(long? progress, int version, Func<CancellationToken, Task<SinkReply>> action)
    {
        using var deadline = new CancellationTokenSource(WriteDeadline);
        try
        {
            return await action(deadline.Token);
        }
        catch (EpochFencedException e)
        {
            // Another activation has taken the lane over; the owner's next call reaches it.
            DeactivateOnIdle();
            return Refuse(SinkAnswer.Busy, PartState.Blocked, e.Message, "fenced");
        }
        catch (SinkConfigurationException e)
        {
            // The table is looked at again before the next try, as at the first start: it may have become another one meanwhile.
            await CloseAsync();
            return RefuseUntilRepaired(e, version);
        }
        catch (Exception e) when (e is SinkUnavailableException or StoreUnavailableException)
        {
            _unsure ??= progress;
            var after = (e as SinkUnavailableException)?.RetryAfter;
            return Refuse(SinkAnswer.Busy, PartState.Blocked, e.Message, (e as SinkUnavailableException)?.Code ?? "unavailable", after);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // The outcome is unknown: the lane is opened anew and its progress row tells.
            await CloseAsync();
            return Refuse(SinkAnswer.Busy, PartState.Blocked, $"The database did not answer within {WriteDeadline.TotalSeconds:0} s.", "deadline");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Nothing is known of the lane now: it is opened anew. An owner that only saw the call fail would repeat it without anybody knowing why.
            LogUnexpected(e, _pipeline, _sink, _lane);
            await CloseAsync();
            return Refuse(SinkAnswer.Busy, PartState.Blocked, $"The writer failed unexpectedly: {e.Message}", "fault");
        }
    }

    public async Task StopAsync()
    {
        await CloseAsync();
        DeactivateOnIdle();
    }

    public Task<SinkStatus> GetStatusAsync() => Task.FromResult(new SinkStatus
    {
        Sink = _sink,
        Lane = _lane,
        State = _state,
        Reason = _reason,
        Written = _written,
        Quarantined = _quarantined,
        Buffered = 0,
        NextTry = _nextTry?.ToUnixTimeMilliseconds(),
    });

    private async Task OpenAsync(int version, CancellationToken cancellation)
    {
        var runtime = await plans.GetAsync(_pipeline, version);
        var plan = runtime.Sink(_sink);
        if (_open is not null && ReferenceEquals(plan, _plan)) return;
        await CloseAsync();
        var spec = plan.Spec with { PipelineVersion = runtime.Version, StopOnReject = plan.StopOnReject };
        await sinks.PrepareAsync(spec, cancellation);
        _open = await sinks.OpenAsync(spec, _lane, cancellation);
        _plan = plan;
        _progress = _open.Lease.Progress;
        _quarantined = _open.Lease.Quarantined;
        LogOpened(_pipeline, _sink, _lane, _open.Lease.Epoch, _progress);
    }

    private async Task CloseAsync()
    {
        _unsure = null;
        if (_open is null) return;
        var lane = _open;
        _open = null;
        await lane.DisposeAsync();
    }

    /// <summary>The call without the rows that the lane has committed before.</summary>
    private SinkWrite Fresh(SinkCall call)
    {
        var count = call.Rows.Count;
        var first = 0;
        while (first < count && call.Order[first] < _progress) first++;
        if (first == 0)
            return new SinkWrite(call.Rows, call.Progress, call.Deletes, OriginOf(call, 0, count)) { Released = call.Released ?? [] };
        var rows = RowBlocks.Slice(call.Rows, first, count - first);
        return new SinkWrite(rows, call.Progress, call.Deletes?[first..count], OriginOf(call, first, count - first));
    }

    private static QuarantineOrigin? OriginOf(SinkCall call, int first, int count)
    {
        if (call.Raw is null) return null;
        var rows = new int[count];
        for (var i = 0; i < count; i++) rows[i] = first + i;
        return new QuarantineOrigin(call.Raw, rows);
    }

    private SinkReply RefuseUntilRepaired(SinkConfigurationException e, int version)
    {
        _failedVersion = version;
        var after = _repairs.Next();
        // A list of differences ends with a statement to copy.
        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"{e.Message}{(e.Message.Contains('\n', StringComparison.Ordinal) ? '\n' : ' ')}It is checked again by itself, next at {time.GetUtcNow() + after:HH:mm:ss} UTC.");
        return Refuse(SinkAnswer.Failed, PartState.Failed, reason, e.Code ?? "configuration", after);
    }

    private SinkReply Refuse(SinkAnswer answer, PartState state, string reason, string code, TimeSpan? after = null)
    {
        SetState(state, reason);
        _nextTry = after is { } wait ? time.GetUtcNow() + wait : null;
        EngineMetrics.SinkFailed(_pipeline, _sink, code, answer == SinkAnswer.Busy);
        return new SinkReply(answer, _progress, reason, 0) { RetryAfter = after };
    }

    private void SetState(PartState state, string? reason)
    {
        if (state != _state) LogState(state == PartState.Running ? LogLevel.Information : LogLevel.Warning, _pipeline, _sink, _lane, state, reason ?? "");
        _state = state;
        _reason = reason;
        if (state == PartState.Failed) return;
        _nextTry = null;
        if (state == PartState.Running) _repairs.Reset();
    }

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Sink {Pipeline}/{Sink}, lane {Lane}: opened, epoch {Epoch}, progress {Progress}.")]
    private partial void LogOpened(string pipeline, string sink, string lane, long epoch, long progress);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sink {Pipeline}/{Sink}, lane {Lane}: the writer failed unexpectedly; it starts over.")]
    private partial void LogUnexpected(Exception failure, string pipeline, string sink, string lane);

    [LoggerMessage(Message = "Sink {Pipeline}/{Sink}, lane {Lane}: {State}. {Reason}")]
    private partial void LogState(LogLevel level, string pipeline, string sink, string lane, PartState state, string reason);
}
