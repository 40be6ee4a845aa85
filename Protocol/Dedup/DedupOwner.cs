using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Dedup;

/// <summary>
/// Decides for all partitions which ids of a shard were seen before. Every call is decided at once and answered when the decision is durable. One commit
/// at a time is under way; what is decided meanwhile goes into the next one, whoever asked.
/// <para>Invariants: those of <see cref="Owner{TTerm}"/>; no answer is Ok before what it says is durable (<see cref="DedupTerm"/>).</para>
/// </summary>
internal sealed class DedupOwner
{
    private readonly DedupIdentity _identity;
    private readonly IDedupPorts _ports;
    private readonly IStateStore _store;
    private readonly IOwnerEvents _events;
    private readonly OwnerContext _context;
    private readonly Owner<DedupTerm> _owner;

    public DedupOwner(DedupIdentity identity, IDedupPorts ports, IStateStore store, IOwnerEvents events, OwnerContext context)
    {
        (_identity, _ports, _store, _events, _context) = (identity, ports, store, events, context);
        _owner = new Owner<DedupTerm>(BeginAsync);
    }

    /// <summary>The term; null: none.</summary>
    public DedupTerm? Term => _owner.Term;

    /// <summary>What it shows.</summary>
    public Condition Condition { get; private set; } = Condition.Starting;

    /// <summary>Why it is not running.</summary>
    public string? Reason { get; private set; }

    /// <summary>The last term's epoch.</summary>
    public Epoch Epoch { get; private set; }

    /// <summary>How long the last commit took.</summary>
    public TimeSpan LastCommit { get; private set; }

    /// <summary>Decides about rows, or answers as it did before; see <see cref="DedupReply"/>. Throws only what says that the pipeline is stopped.</summary>
    public async Task<DedupReply> ClaimAsync(DedupClaim claim)
    {
        DedupTerm? term = null;
        try
        {
            term = await _owner.OwnAsync();
            return await term.ClaimAsync(claim) ?? Busy();
        }
        catch (OwnerStoppedException)
        {
            return Busy();
        }
        catch (Exception e) when (_context.Faults.Classify(e) != FaultKind.Changed)
        {
            await FailAsync(term, e);
            return Busy();
        }
    }

    /// <summary>A partition is at its end and silent, or no longer so.</summary>
    public async Task SetIdleAsync(string source, bool idle) => (await TryOwnAsync())?.Shard.SetIdle(source, idle);

    /// <summary>Makes partitions known.</summary>
    public async Task AddSourcesAsync(IReadOnlyList<string> sources)
    {
        var term = await TryOwnAsync();
        foreach (var source in sources) term?.Shard.AddSource(source);
    }

    /// <summary>Sees to it that there is a term. Throws what keeps it from beginning.</summary>
    public Task WakeAsync() => TryOwnAsync();

    /// <summary>Ends the term; all it has answered is durable.</summary>
    public async Task StopAsync()
    {
        await _owner.EndAsync();
        Become(Condition.Stopped, null);
    }

    /// <summary>Ends the term and says nothing of it: the activation leaves.</summary>
    public Task EndAsync() => _owner.EndAsync();

    /// <summary>Throws when something that always holds does not.</summary>
    public void Assert() => _owner.Assert();

    /// <summary>A fault ends a term, if it is still this owner's; without one it only shows.</summary>
    internal async Task FailAsync(DedupTerm? term, Exception e)
    {
        if (term is not null && !ReferenceEquals(term, Term)) return;
        var kind = _context.Faults.Classify(e);
        Become(kind == FaultKind.Corrupt ? Condition.Failed : Condition.Blocked, e.Message);
        if (kind == FaultKind.Fenced) _events.Superseded();
        if (term is null) return;
        _events.StartsOver(term.Epoch, kind, e);
        await _owner.EndAsync(term);
    }

    internal void Become(Condition condition, string? reason)
    {
        var changed = condition != Condition;
        (Condition, Reason) = (condition, reason);
        if (changed) _events.Became(condition, reason);
    }

    internal void Committed(TimeSpan took)
    {
        LastCommit = took;
        _events.Checkpointed(took);
        Become(Condition.Running, null);
    }

    private async Task<DedupTerm?> TryOwnAsync()
    {
        try
        {
            return await _owner.OwnAsync();
        }
        catch (OwnerStoppedException)
        {
            return null;
        }
    }

    private async Task<DedupTerm> BeginAsync(TermBirth birth)
    {
        try
        {
            var term = await LoadAsync(birth);
            Epoch = term.Epoch;
            Become(Condition.Running, null);
            _events.Began(term.Epoch, term.Shard.Count);
            return term;
        }
        catch (Exception e) when (!birth.Stopping.IsCancellationRequested)
        {
            Become(_context.Faults.Classify(e) == FaultKind.Corrupt ? Condition.Failed : Condition.Blocked, e.Message);
            throw;
        }
    }

    /// <summary>Raises the epoch and loads what was decided.</summary>
    private async Task<DedupTerm> LoadAsync(TermBirth birth)
    {
        var within = await _ports.WithinAsync(birth.Stopping);
        var lease = await _store.AcquireAsync(_identity.Owner, birth.Stopping);
        birth.Enter(OwnerState.Loading);
        var names = (await _store.ListCellsAsync(_identity.Owner, birth.Stopping)).Select(c => c.Id.Cell).Distinct(StringComparer.Ordinal);
        var cells = await _store.ReadCellsAsync(_identity.Owner, [.. names.Select(n => new CellId(_identity.Step, n, -1))], birth.Stopping);
        var shard = DedupShard.Restore(_identity.Step, within, lease.Header, cells);
        foreach (var source in await _ports.SourcesAsync(birth.Stopping)) shard.AddSource(source);
        birth.Stopping.ThrowIfCancellationRequested();
        return new DedupTerm(this, _identity.Owner, new Epoch(lease.Epoch), shard, _store, _events, _context);
    }

    private DedupReply Busy() => DedupReply.Busy(Reason ?? (Term is null ? "The shard starts over." : "The state store has not answered yet."));
}
