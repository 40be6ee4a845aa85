using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>
/// The one writer of a lane. It holds no rows: the owner of the lane keeps them until they are confirmed, so that losing this writer loses nothing. Its
/// calls run one at a time; only <see cref="CountAsync"/> runs beside them.
/// <para>Invariants: those of <see cref="Owner{TTerm}"/> and <see cref="WriterTerm"/>; an owner with an older epoch than one seen never writes; no call is
/// Ok before the lane's progress is at or above its own.</para>
/// </summary>
internal sealed partial class SinkWriter : IWriter
{
    /// <summary>How long a question for the counts waits for the database.</summary>
    private static readonly TimeSpan CountsWait = TimeSpan.FromSeconds(1);

    private readonly WriterIdentity _identity;
    private readonly IWriterPorts _ports;
    private readonly ISinkFactory _sinks;
    private readonly IStateStore _store;
    private readonly IWriterEvents _events;
    private readonly OwnerContext _context;
    private readonly Owner<WriterTerm> _owner;
    private readonly WriteSize _size;

    // A table, column, privilege or login that is wrong: somebody repairs it at the database, and nobody tells.
    private readonly Backoff _repairs;
    private readonly Signal _counted = new();
    private WriterPlan? _plan;

    // The newest epoch of the lane's owner seen; null: not asked for yet.
    private Epoch? _newest;
    private long _progress = -1;

    // The rows of the write under way, and what it brings the lane to.
    private (int Rows, long Progress) _under;
    private int _failedVersion;

    // What the lane did before this writer is known: it was opened, or asked for once.
    private bool _knowsCounts;
    private bool _counts;

    public SinkWriter(
        WriterIdentity identity, IWriterPorts ports, ISinkFactory sinks, IStateStore store, IWriterEvents events, OwnerContext context)
    {
        (_identity, _ports, _sinks, _store, _events, _context) = (identity, ports, sinks, store, events, context);
        _owner = new Owner<WriterTerm>(BeginAsync);
        _size = new WriteSize(identity.Deadline);
        _repairs = context.NewBackoff(identity.LongestRepair);
    }

    /// <summary>What it shows.</summary>
    public Condition Condition { get; private set; } = Condition.Starting;

    /// <summary>Why it is not running.</summary>
    public string? Reason { get; private set; }

    /// <summary>When it is tried again; null: not known here.</summary>
    public DateTimeOffset? NextTry { get; private set; }

    /// <summary>What the lane has done since it was first opened, as far as that is known.</summary>
    public LaneCounts Counts { get; private set; } = new(0, 0, 0);

    /// <summary>The lane's progress as far as it is known; -1: nothing.</summary>
    public long Progress => _owner.Term?.Progress ?? _progress;

    public Task<WriterReply> WriteAsync(WriterCall call) => GuardAsync(call.Progress, call.Version, async cancellation =>
    {
        if (call.Owner is not null && !await AdmitAsync(call.Owner, call.Epoch, cancellation)) return Fenced();
        // The lane settles a write of unknown outcome when it is repeated. An owner that started over cuts its
        // calls differently, though: then the lane is opened anew and its progress row tells.
        if (_owner.Term?.Unsure is { } unsure && unsure != call.Progress) await CloseAsync();
        var term = await OpenAsync(call.Version, cancellation);
        if (call.Progress > term.Progress) return await WriteFreshAsync(term, call, cancellation);
        Become(Condition.Running, null);
        return new WriterReply(WriterAnswer.Ok, term.Progress, null, 0);
    });

    public Task<WriterReply> FenceAsync(string owner, Epoch epoch, int version) => GuardAsync(null, version, async cancellation =>
    {
        if (!await AdmitAsync(owner, epoch, cancellation)) return Fenced();
        // Owners ask at every tick; only the writes check a sink that failed, at their pace.
        if (Condition == Condition.Failed && version <= _failedVersion && NextTry - _context.Time.GetUtcNow() is { Ticks: > 0 } rest)
            return new WriterReply(WriterAnswer.Failed, Progress, Reason, 0, rest);
        if (_owner.Term?.Unsure is not null) await CloseAsync();
        return new WriterReply(WriterAnswer.Ok, (await OpenAsync(version, cancellation)).Progress, null, 0);
    });

    /// <summary>Closes the lane.</summary>
    public Task CloseAsync()
    {
        _progress = Progress;
        return _owner.EndAsync();
    }

    /// <summary>Throws when something that always holds does not.</summary>
    public void Assert() => _owner.Assert();

    /// <summary>
    /// Sees to it that <see cref="Counts"/> are known, for as long as who asks can wait: a lane opens with its first row, and until then the table of lanes
    /// tells what it did before.
    /// </summary>
    public async Task CountAsync()
    {
        if (_knowsCounts) return;
        if (!_counts) _ = ReadCountsAsync();
        if (_counts) await _counted.NextAsync(CountsWait, _context.Time, CancellationToken.None);
    }

    private async Task ReadCountsAsync()
    {
        _counts = true;
        try
        {
            using var deadline = new CancellationTokenSource(_identity.Deadline, _context.Time);
            var plan = await _ports.PlanAsync(0, deadline.Token);
            var counts = await _sinks.CountsAsync(plan.Sink.Spec, _identity.Lane, deadline.Token);
            if (_knowsCounts) return;
            _knowsCounts = true;
            if (counts is not null) Counts = counts;
        }
        catch (Exception e) when (_context.Faults.Classify(e) is FaultKind.Unavailable or FaultKind.Configuration or FaultKind.Changed or FaultKind.Cancelled)
        {
            // Whoever opens the lane says what is wrong; the next who asks for the status tries again.
            _events.Uncounted(e.Message);
        }
        finally
        {
            _counts = false;
            _counted.Set();
        }
    }

    private async Task<WriterReply> WriteFreshAsync(WriterTerm term, WriterCall call, CancellationToken cancellation)
    {
        var started = _context.Time.GetTimestamp();
        using var trace = _events.Writing(term.Plan, call.Rows.Count);
        var quarantined = 0;
        var first = CallParts.FirstFresh(call, term.Progress);
        do
        {
            var part = CallParts.Next(call, first, _size.AtOnce);
            quarantined += await WritePartAsync(term, part, cancellation);
            first += part.Rows.Count;
        }
        while (first < call.Rows.Count);

        _events.Wrote(call, _context.Time.GetElapsedTime(started));
        Become(Condition.Running, null);
        return new WriterReply(WriterAnswer.Ok, term.Progress, null, quarantined);
    }

    private async Task<int> WritePartAsync(WriterTerm term, SinkWrite part, CancellationToken cancellation)
    {
        var started = _context.Time.GetTimestamp();
        _under = (part.Rows.Count, part.Progress);
        var quarantined = await term.WriteAsync(part, cancellation);
        Counts = term.Counts;
        _size.Took(_context.Time.GetElapsedTime(started));
        return quarantined;
    }

    /// <summary>
    /// Whether an owner may write. The first time the store tells which epoch is the newest, so that an older owner does not get in where nobody
    /// remembers the newer one.
    /// </summary>
    private async ValueTask<bool> AdmitAsync(string owner, Epoch epoch, CancellationToken cancellation)
    {
        _newest ??= new Epoch((await _store.PeekAsync(owner, cancellation))?.Epoch ?? 0);
        if (epoch.IsBefore(_newest.Value)) return false;
        _newest = epoch;
        return true;
    }

    private async ValueTask<WriterTerm> OpenAsync(int version, CancellationToken cancellation)
    {
        var plan = await _ports.PlanAsync(version, cancellation);
        if (_owner.Term is { } term && ReferenceEquals(plan.Sink, term.Plan.Sink)) return term;
        await CloseAsync();
        _plan = plan;
        return await _owner.OwnAsync(cancellation);
    }

    private async Task<WriterTerm> BeginAsync(TermBirth birth)
    {
        var plan = _plan!;
        var spec = plan.Sink.Spec with { PipelineVersion = plan.Version, StopOnReject = plan.Sink.StopOnReject };
        await _sinks.PrepareAsync(spec, birth.Stopping);
        var lane = await _sinks.OpenAsync(spec, _identity.Lane, birth.Stopping);
        var term = new WriterTerm(lane, plan);
        try
        {
            birth.Enter(OwnerState.Loading);
        }
        catch
        {
            await term.DisposeAsync();
            throw;
        }

        _knowsCounts = true;
        Counts = term.Counts;
        _events.Opened(term.Epoch, term.Progress);
        return term;
    }
}
