using System.Diagnostics;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Owners;

/// <summary>Everything that lives under one epoch. Disposing ends it: at once, without waiting for loops that may have asked for the end themselves.</summary>
internal interface ITerm : IAsyncDisposable
{
    /// <summary>Throws when something that always holds does not.</summary>
    void Assert();
}

/// <summary>A term on its way: what its factory has to go by.</summary>
internal sealed class TermBirth
{
    private readonly OwnerLife _life;

    internal TermBirth(OwnerLife life, CancellationTokenSource stopping)
    {
        _life = life;
        Stopping = stopping.Token;
    }

    /// <summary>Cancelled when the owner is stopped meanwhile. The factory leaves nothing behind then, as with any fault.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Says how far it has come.</summary>
    public void Enter(OwnerState state)
    {
        Stopping.ThrowIfCancellationRequested();
        _life.Move(state);
    }
}

/// <summary>
/// Whoever holds something under an epoch: a name, a life and at most one term. The term is built whole by its factory or not at all, and assigned last, so
/// that whoever finds one finds a whole one. For one scheduler; not thread-safe.
/// <para>Invariants: there is a term exactly while the life is Running; one beginning at most is under way; no term begins before the one before has
/// ended.</para>
/// </summary>
/// <typeparam name="TTerm">What lives under an epoch.</typeparam>
/// <param name="beget">Acquires, loads and seeks; whatever it throws, nothing of the term is left.</param>
internal sealed class Owner<TTerm>(Func<TermBirth, Task<TTerm>> beget)
    where TTerm : class, ITerm
{
    private readonly OwnerLife _life = new();
    private readonly Signal _news = new();
    private TTerm? _term;
    private Task<TTerm>? _beginning;
    private CancellationTokenSource? _birth;
    private bool _disposing;

    /// <summary>The term; null: none.</summary>
    public TTerm? Term => _term;

    /// <summary>Where the owner is in its life.</summary>
    public OwnerState State => _life.State;

    /// <summary>
    /// The term there is, or the one that begins now; all who ask meanwhile wait for the same beginning. Throws what keeps it from beginning, and
    /// <see cref="OwnerStoppedException"/> when the owner was stopped or had given up.
    /// </summary>
    /// <param name="cancellation">Ends a beginning of this call's; one that others began goes on.</param>
    public ValueTask<TTerm> OwnAsync(CancellationToken cancellation = default)
    {
        if (_term is { } term) return new ValueTask<TTerm>(term);
        if (_life.State == OwnerState.GaveUp) throw new OwnerStoppedException();
        return new ValueTask<TTerm>(_beginning ??= BeginAsync(cancellation));
    }

    /// <summary>Ends the term, and a beginning; returns when nothing of them is left.</summary>
    public Task EndAsync() => EndAsync(_term);

    /// <summary>Ends a term if it is still the owner's: what an earlier one has to say too late is nobody's business.</summary>
    public async Task EndAsync(TTerm? term)
    {
        if (!ReferenceEquals(term, _term)) return;
        if (term is null)
        {
            var beginning = _beginning;
            _birth?.Cancel();
            while (_disposing || (beginning is not null && ReferenceEquals(beginning, _beginning))) await _news.NextAsync(CancellationToken.None);
            return;
        }

        _term = null;
        _life.Move(OwnerState.Ending);
        _disposing = true;
        try
        {
            await term.DisposeAsync();
        }
        finally
        {
            _disposing = false;
            _life.Move(OwnerState.Idle);
            _news.Set();
        }
    }

    /// <summary>Ends the term and begins no other until <see cref="Revive"/>.</summary>
    public async Task GiveUpAsync()
    {
        await EndAsync();
        if (_life.State == OwnerState.Idle) _life.Move(OwnerState.GaveUp);
    }

    /// <summary>An operator has seen to it: it may begin again.</summary>
    public void Revive()
    {
        if (_life.State == OwnerState.GaveUp) _life.Move(OwnerState.Idle);
    }

    /// <summary>Throws when something that always holds does not.</summary>
    public void Assert()
    {
        Hold(_term is null == (_life.State != OwnerState.Running), "there is a term exactly while the owner runs");
        Hold(!_life.Begins || _beginning is not null, "what begins is known to begin");
        Hold(!_disposing || _life.State == OwnerState.Ending, "a term that is disposed is ending");
        _term?.Assert();

        void Hold(bool holds, string what)
        {
            if (!holds) throw new InvariantException($"Owner in state {_life.State}: {what}.");
        }
    }

    private async Task<TTerm> BeginAsync(CancellationToken cancellation)
    {
        TTerm? term = null;
        using var birth = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _birth = birth;
        try
        {
            // What ends at once must not do so before it is known to run; and an end under way comes first.
            await Task.Yield();
            while (_disposing) await _news.NextAsync(birth.Token);
            birth.Token.ThrowIfCancellationRequested();
            _life.Move(OwnerState.Acquiring);
            term = await beget(new TermBirth(_life, birth));
            // Whoever stopped the owner meanwhile found no term to end.
            birth.Token.ThrowIfCancellationRequested();
            _life.Move(OwnerState.Running);
            return _term = term;
        }
        catch
        {
            if (_life.Begins) _life.Move(OwnerState.Ending);
            if (term is not null) await term.DisposeAsync();
            if (birth.IsCancellationRequested && !cancellation.IsCancellationRequested) throw new OwnerStoppedException();
            throw;
        }
        finally
        {
            if (_life.State == OwnerState.Ending && _term is null && !_disposing) _life.Move(OwnerState.Idle);
            _birth = null;
            _beginning = null;
            _news.Set();
            Debug.Assert(_term is null == (_life.State != OwnerState.Running), "There is a term exactly while the owner runs.");
        }
    }
}

/// <summary>The owner was stopped while it began, or has given up.</summary>
internal sealed class OwnerStoppedException() : Exception("The owner was stopped while it began; the next call begins anew.");

/// <summary>Something that always holds does not: a defect.</summary>
internal sealed class InvariantException(string message) : Exception(message);
