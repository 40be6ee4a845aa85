using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Simulation.Engine;

namespace KafkaOracleOrleans.Simulation.World;

/// <summary>How often a database goes wrong.</summary>
internal sealed class StoreRates
{
    /// <summary>It refuses before it acts.</summary>
    public double Before { get; set; }

    /// <summary>It acts, and the answer gets lost.</summary>
    public double After { get; set; }

    /// <summary>It takes seconds.</summary>
    public double Slow { get; set; }

    /// <summary>It refuses everything until then, virtual ticks.</summary>
    public long OutUntil { get; set; }
}

/// <summary>The rows of the state store, shared by all silos.</summary>
internal sealed class SimDatabase
{
    public sealed class Owned
    {
        public long Epoch { get; set; }
        public byte[]? Header { get; set; }
        public Dictionary<CellId, CellState> Cells { get; } = [];
    }

    public Dictionary<string, Owned> Owners { get; } = new(StringComparer.Ordinal);

    public Owned Of(string owner) => Owners.TryGetValue(owner, out var owned) ? owned : Owners[owner] = new Owned();
}

/// <summary>The store as one place sees it: every call takes time, may fail before it acts or after, and is cut wherever its silo dies.</summary>
internal sealed class SimStore(SimDatabase database, Scheduler scheduler, SimRandom random, Place place, StoreRates rates, Planted planted) : IStateStore
{
    public Task<OwnerLease> AcquireAsync(string owner, CancellationToken cancellation) => RunAsync("acquire", owner, () =>
    {
        var owned = database.Of(owner);
        return new OwnerLease(owner, planted == Planted.EpochNotRaised && owned.Epoch > 0 ? owned.Epoch : ++owned.Epoch, owned.Header);
    }, cancellation);

    public Task<OwnerLease?> PeekAsync(string owner, CancellationToken cancellation) => RunAsync("peek", owner, () =>
        database.Owners.TryGetValue(owner, out var owned) ? new OwnerLease(owner, owned.Epoch, owned.Header) : null, cancellation);

    public Task<IReadOnlyList<CellState>> ReadCellsAsync(string owner, IReadOnlyCollection<CellId> cells, CancellationToken cancellation) =>
        RunAsync<IReadOnlyList<CellState>>("read", owner, () =>
        [
            .. database.Of(owner).Cells.Values.Where(c => cells.Any(w => w.Step == c.Id.Step && w.Cell == c.Id.Cell && (w.Part == -1 || w.Part == c.Id.Part))),
        ], cancellation);

    public Task<IReadOnlyList<(CellId Id, long? DueAt)>> ListCellsAsync(string owner, CancellationToken cancellation) =>
        RunAsync<IReadOnlyList<(CellId, long?)>>("list", owner, () => [.. database.Of(owner).Cells.Values.Select(c => (c.Id, c.DueAt))], cancellation);

    public Task CommitAsync(CheckpointWrite checkpoint, CancellationToken cancellation)
    {
        if (planted == Planted.ToldBeforeDurable && checkpoint.Upserts.Count != 0)
        {
            // It is written a moment later, unless the silo dies before.
            _ = RunAsync("commit", checkpoint.Owner, () => Apply(checkpoint), cancellation);
            return Task.CompletedTask;
        }

        return planted switch
        {
            Planted.UnknownTakenForDone => TakeForDoneAsync(checkpoint, cancellation),
            Planted.CheckpointInTwoTransactions => CommitTwiceAsync(checkpoint, cancellation),
            _ => RunAsync("commit", checkpoint.Owner, () => Apply(checkpoint), cancellation),
        };
    }

    private async Task TakeForDoneAsync(CheckpointWrite checkpoint, CancellationToken cancellation)
    {
        try
        {
            await RunAsync("commit", checkpoint.Owner, () => Apply(checkpoint), cancellation);
        }
        catch (StoreUnavailableException)
        {
            // Planted.
        }
    }

    private async Task CommitTwiceAsync(CheckpointWrite write, CancellationToken cancellation)
    {
        var cells = new CheckpointWrite { Owner = write.Owner, Epoch = write.Epoch, Header = write.Header };
        await RunAsync("commit the header of", write.Owner, () => Apply(cells), cancellation);
        await RunAsync("commit the cells of", write.Owner, () => Apply(write), cancellation);
    }

    public Task ListCellsAsync(string owner, Action<CellId, long?> take, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(string owner, CancellationToken cancellation) => throw new NotSupportedException();

    public Task ResetAsync(string ownerPrefix, CancellationToken cancellation) => throw new NotSupportedException();

    private bool Apply(CheckpointWrite write)
    {
        var owned = database.Of(write.Owner);
        if (owned.Epoch != write.Epoch && planted != Planted.NoEpochInTheWrite) throw new EpochFencedException(write.Owner, write.Epoch);
        owned.Header = write.Header;
        foreach (var cell in write.Upserts) owned.Cells[cell.Id] = cell;

        foreach (var cell in write.Deletes) owned.Cells.Remove(cell);
        return true;
    }

    private async Task<T> RunAsync<T>(string what, string owner, Func<T> act, CancellationToken cancellation)
    {
        await place.Time.DelayAsync(Wait(), cancellation);
        if (scheduler.Now < rates.OutUntil || random.Strikes(rates.Before)) throw Failure(what, owner, "before");
        var result = act();
        scheduler.Tell(place.Name, $"store: {what} {owner}");
        if (random.Strikes(0.5)) await place.Time.DelayAsync(Wait(), cancellation);
        if (random.Strikes(rates.After)) throw Failure(what, owner, "after");
        return result;
    }

    private TimeSpan Wait() => TimeSpan.FromMilliseconds(random.Strikes(rates.Slow) ? random.Next(200, 10_000) : 1 + random.Next(4));

    private StoreUnavailableException Failure(string what, string owner, string when)
    {
        scheduler.Tell(place.Name, $"store: {what} {owner} fails {when} it acts");
        return new StoreUnavailableException($"The store fails {when} it acts.", new IOException("cut"));
    }
}
