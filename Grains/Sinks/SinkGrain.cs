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
    /// <summary>How long a question for the status waits for the lane's counts.</summary>
    private static readonly TimeSpan CountsWait = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _deadline = options.Value.WriteDeadline;
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
    private long _already;
    private long _quarantined;

    // What the lane did before this activation is known: it was opened, or asked for once.
    private bool _counted;
    private Task? _counting;

    // Rows of one transaction. Halves when a write did not end in time, so that a slow database gets on, if slowly: the same rows again would
    // take as long again. Doubles when a write took a small part of the time.
    private int _atOnce = int.MaxValue;

    // The rows of the write under way, and what it brings the lane to.
    private (int Rows, long Progress) _under;
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
        var quarantined = 0;
        var first = FirstFresh(call);
        do
        {
            var part = NextPart(call, first);
            quarantined += await WritePartAsync(part, cancellation);
            first += part.Rows.Count;
        }
        while (first < call.Rows.Count);

        EngineMetrics.SinkWritten(_pipeline, _sink, call.Rows.Count, Stopwatch.GetElapsedTime(started));
        if (call.Raw is { Count: > 0 } raw && raw.Timestamps[0] > 0)
            EngineMetrics.Committed(_pipeline, _sink, (time.GetUtcNow().ToUnixTimeMilliseconds() - raw.Timestamps[0]) / 1000.0);
        SetState(PartState.Running, null);
        return new SinkReply(SinkAnswer.Ok, _progress, null, quarantined);
    }

    private async Task<int> WritePartAsync(SinkWrite part, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        _under = (part.Rows.Count, part.Progress);
        var result = await _open!.WriteAsync(part, cancellation);
        _progress = part.Progress;
        _unsure = null;
        Take(_open.Counts);
        if (_atOnce != int.MaxValue && time.GetElapsedTime(started) < _deadline / 8)
            _atOnce = _atOnce > int.MaxValue / 2 ? int.MaxValue : _atOnce * 2;
        return result.Quarantined;
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
        using var deadline = new CancellationTokenSource(_deadline, time);
        var before = _progress;
        _under = default;
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
            var unavailable = e as SinkUnavailableException;
            // A part may be cut differently the next time; the lane could take the one for the other. Opened anew, its row tells.
            if (unavailable is not { IsUndone: true })
            {
                if (_under.Rows > 0 && _under.Progress != progress) await CloseAsync();
                else _unsure ??= progress;
            }

            return Refuse(SinkAnswer.Busy, PartState.Blocked, e.Message, unavailable?.Code ?? "unavailable", unavailable?.RetryAfter);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // The outcome is unknown: the lane is opened anew and its progress row tells.
            await CloseAsync();
            return RefuseSlow(progress is not null && _progress > before);
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

    public async Task<SinkStatus> GetStatusAsync()
    {
        if (!_counted)
        {
            if (_counting is null or { IsCompleted: true }) _counting = CountAsync();
            // Who asks does not wait for a database that does not answer.
            await Task.WhenAny(_counting, Task.Delay(CountsWait, time));
        }

        return new SinkStatus
        {
            Sink = _sink,
            Lane = _lane,
            State = _state,
            Reason = _reason,
            Written = _written,
            Already = _already,
            Quarantined = _quarantined,
            Buffered = 0,
            NextTry = _nextTry?.ToUnixTimeMilliseconds(),
        };
    }

    /// <summary>A lane opens with its first row; until then the table of lanes tells what it did before this activation.</summary>
    private async Task CountAsync()
    {
        try
        {
            using var deadline = new CancellationTokenSource(_deadline, time);
            var plan = (await plans.GetAsync(_pipeline)).Sink(_sink);
            var counts = await sinks.CountsAsync(plan.Spec, _lane, deadline.Token);
            if (_counted) return;
            _counted = true;
            if (counts is not null) Take(counts);
        }
        catch (Exception e) when (e is SinkUnavailableException or SinkConfigurationException or PipelineChangedException or OperationCanceledException)
        {
            // Whoever opens the lane says what is wrong; the next who asks for the status tries again.
            LogUncounted(_pipeline, _sink, _lane, e.Message);
        }
    }

    private void Take(LaneCounts counts) => (_written, _already, _quarantined) = (counts.Written, counts.Already, counts.Quarantined);

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
        _counted = true;
        Take(_open.Counts);
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

    /// <summary>The first row that the lane has not committed before.</summary>
    private int FirstFresh(SinkCall call)
    {
        var first = 0;
        while (first < call.Rows.Count && call.Order[first] < _progress) first++;
        return first;
    }

    /// <summary>
    /// The rows from <paramref name="first"/> on, as many as go at once. A part brings the lane to its next row's place: rows of one place may be
    /// written twice after a crash, which their key or revision makes harmless. What is played again from quarantine leaves it with all its rows.
    /// </summary>
    private SinkWrite NextPart(SinkCall call, int first)
    {
        var rest = call.Rows.Count - first;
        var count = call.Released is { Count: > 0 } ? rest : Math.Min(rest, _atOnce);
        var progress = count == rest ? call.Progress : call.Order[first + count];
        if (first == 0 && count == call.Rows.Count)
            return new SinkWrite(call.Rows, progress, call.Deletes, OriginOf(call, 0, count)) { Released = call.Released ?? [] };
        var end = first + count;
        return new SinkWrite(RowBlocks.Slice(call.Rows, first, count), progress, call.Deletes?[first..end], OriginOf(call, first, count));
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

    /// <summary>The time is over; what is repeated goes in smaller parts, and at once when some of them were written.</summary>
    private SinkReply RefuseSlow(bool gotOn)
    {
        var reason = string.Create(CultureInfo.InvariantCulture, $"The database did not answer within {_deadline.TotalSeconds:0} s");
        if (_under.Rows > 1)
        {
            _atOnce = _under.Rows / 2;
            reason += string.Create(CultureInfo.InvariantCulture, $", {_under.Rows:N0} rows at once are too much for it now; {_atOnce:N0} are tried next");
        }

        reason += ".";
        return Refuse(SinkAnswer.Busy, PartState.Blocked, reason, "deadline", gotOn ? TimeSpan.Zero : null);
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

    [LoggerMessage(Level = LogLevel.Debug, Message = "Sink {Pipeline}/{Sink}, lane {Lane}: what it has written is not known yet. {Reason}")]
    private partial void LogUncounted(string pipeline, string sink, string lane, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sink {Pipeline}/{Sink}, lane {Lane}: the writer failed unexpectedly; it starts over.")]
    private partial void LogUnexpected(Exception failure, string pipeline, string sink, string lane);

    [LoggerMessage(Message = "Sink {Pipeline}/{Sink}, lane {Lane}: {State}. {Reason}")]
    private partial void LogState(LogLevel level, string pipeline, string sink, string lane, PartState state, string reason);
}
