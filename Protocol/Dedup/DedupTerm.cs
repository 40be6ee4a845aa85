using System.Diagnostics;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Dedup;

/// <summary>
/// A dedup shard under one epoch: what was decided, and how much of it is durable.
/// <para>Invariants: what is durable was decided; every change that an answer waits for was made; one commit at most is under way.</para>
/// </summary>
internal sealed class DedupTerm : ITerm
{
    /// <summary>A call waits as long for its decision to be durable; well below a response timeout of 30 s.</summary>
    public static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(15);

    private readonly DedupOwner _owner;
    private readonly string _name;
    private readonly IStateStore _store;
    private readonly IOwnerEvents _events;
    private readonly OwnerContext _context;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private readonly Signal _news = new();

    // Per source, the number of the last change that an answer to it waits for.
    private readonly Dictionary<string, long> _changes = new(StringComparer.Ordinal);
    private long _changed;
    private long _durable;
    private bool _commits;

    // The store does not answer: who waits is told, and asks again.
    private bool _blocked;

    public DedupTerm(DedupOwner owner, string name, Epoch epoch, DedupShard shard, IStateStore store, IOwnerEvents events, OwnerContext context)
    {
        (_owner, _name, _store, _events, _context) = (owner, name, store, events, context);
        _stopping = _stop.Token;
        Epoch = epoch;
        Shard = shard;
    }

    public Epoch Epoch { get; }

    /// <summary>What was decided.</summary>
    public DedupShard Shard { get; }

    /// <summary>Decides, and answers once that is durable; null: it cannot be had for now.</summary>
    public async Task<DedupReply?> ClaimAsync(DedupClaim claim)
    {
        var admitted = Shard.Admit(claim.Span.Source, claim.Epoch.Value);
        if (admitted == DedupShard.Epoch.Old) return DedupReply.Fenced;
        var duplicates = new List<int>();
        var counts = default(DedupCounts);
        var decided = Shard.Claim(claim.Span, claim.Rows, duplicates, ref counts);
        if (decided || admitted == DedupShard.Epoch.New) _changes[claim.Span.Source] = ++_changed;
        var change = _changes.GetValueOrDefault(claim.Span.Source);
        if (!await IsDurableAsync(change)) return null;
        Debug.Assert(_durable >= change, "Nothing is told before it is durable.");
        return new DedupReply(DedupAnswer.Ok, [.. duplicates], counts, null);
    }

    public void Assert()
    {
        if (_durable > _changed) throw new InvariantException($"{_name}: {_durable} changes are durable of {_changed}.");
        foreach (var (source, change) in _changes)
        {
            if (change > _changed) throw new InvariantException($"{_name}: {source} waits for change {change} of {_changed}.");
        }

        if (!_commits && _durable < _changed && _news.Waiting > 0) throw new InvariantException($"{_name}: somebody waits for a commit that nobody makes.");
    }

    public ValueTask DisposeAsync()
    {
        _stop.Cancel();
        _stop.Dispose();
        _events.Ended(Epoch);
        return ValueTask.CompletedTask;
    }

    /// <summary>Waits until a change is durable; false when that cannot be had for now.</summary>
    private async Task<bool> IsDurableAsync(long change)
    {
        var started = _context.Time.GetTimestamp();
        try
        {
            while (_durable < change)
            {
                if (!_commits) _ = CommitAllAsync();
                // A store that answers at once has answered by now, and its news with it.
                if (_durable >= change) break;
                var left = AnswerDeadline - _context.Time.GetElapsedTime(started);
                if (_blocked || !await _news.NextAsync(left, _context.Time, _stopping)) return false;
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // What a term that is over decided may be lost; the next one decides anew.
        }

        return !_stopping.IsCancellationRequested;
    }

    /// <summary>Commits until nothing is left; a failure of the store is waited out with the same write.</summary>
    private async Task CommitAllAsync()
    {
        _commits = true;
        try
        {
            while (_durable < _changed) await CommitAsync();
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // The term is over: what became of this write shows the next one.
        }
        catch (Exception e)
        {
            _events.CheckpointFailed();
            await _owner.FailAsync(this, e);
        }
        finally
        {
            _commits = false;
            _news.Set();
        }
    }

    private async Task CommitAsync()
    {
        var (changed, started) = (_changed, _context.Time.GetTimestamp());
        var upserts = new List<CellState>();
        var deletes = new List<CellId>();
        var header = Shard.Collect(upserts, deletes);
        await WriteAsync(new CheckpointWrite { Owner = _name, Epoch = Epoch.Value, Header = header, Upserts = upserts, Deletes = deletes });
        _stopping.ThrowIfCancellationRequested();
        _durable = changed;
        _blocked = false;
        _owner.Committed(_context.Time.GetElapsedTime(started));
        _news.Set();
    }

    private async Task WriteAsync(CheckpointWrite write)
    {
        var backoff = _context.NewBackoff();
        while (true)
        {
            try
            {
                await _store.CommitAsync(write, _stopping);
                return;
            }
            catch (Exception e) when (_context.Faults.Classify(e) == FaultKind.Unavailable && !_stopping.IsCancellationRequested)
            {
                // Whether it was written is unknown; repeating the same write settles it. Those who wait are told, and ask again.
                _blocked = true;
                _owner.Become(Condition.Blocked, e.Message);
                _news.Set();
            }

            await backoff.WaitAsync(_stopping);
        }
    }
}
