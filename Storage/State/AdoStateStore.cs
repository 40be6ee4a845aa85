using System.Diagnostics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.State;

/// <summary>
/// The durable state of partitions and shards in a database: one transaction per checkpoint, whose first statement
/// writes the owner's header where the epoch is still the caller's, so that it locks the owner and fences zombies.
/// </summary>
public sealed class AdoStateStore(Database database) : IStateStore
{
    /// <summary>The longest owner name in characters.</summary>
    public const int MaxOwner = 400;

    /// <summary>The longest step and cell names in characters.</summary>
    public const int MaxName = 200;

    private readonly StateSql _sql = database.Dialect.State;

    /// <inheritdoc/>
    public Task<OwnerLease> AcquireAsync(string owner, CancellationToken cancellation)
    {
        CheckOwner(owner);
        return RunAsync(
            $"taking over '{owner}'",
            () => database.WriteWithRetryAsync(
                async (session, token) =>
                {
                    OwnerLease? lease = null;
                    await session.RaiseAsync(
                        _sql.RaiseEpoch, _sql.AddOwner, _sql.ReadRaised, owner, r => lease = ReadLease(owner, r), token)
                        .ConfigureAwait(false);
                    return lease ?? throw new InvalidOperationException(
                        $"Owner '{owner}' vanished while it was taken over.");
                },
                cancellation,
                keyRace: true));
    }

    /// <inheritdoc/>
    public Task<OwnerLease?> PeekAsync(string owner, CancellationToken cancellation)
    {
        CheckOwner(owner);
        return RunAsync(
            $"reading '{owner}'",
            () => database.ReadAsync(
                async (session, token) =>
                {
                    OwnerLease? lease = null;
                    await session.QueryAsync(_sql.Peek, r => lease = ReadLease(owner, r), token,
                        owner).ConfigureAwait(false);
                    return lease;
                },
                cancellation));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CellState>> ReadCellsAsync(
        string owner, IReadOnlyCollection<CellId> cells, CancellationToken cancellation)
    {
        CheckOwner(owner);
        if (cells.Count == 0) return Task.FromResult<IReadOnlyList<CellState>>([]);
        return RunAsync<IReadOnlyList<CellState>>(
            $"reading {cells.Count} cells of '{owner}'",
            () => database.ReadAsync<IReadOnlyList<CellState>>(
                async (session, token) =>
                {
                    var found = new List<CellState>(cells.Count);
                    await database.Dialect.ReadCellsAsync(session, owner, cells, found, token).ConfigureAwait(false);
                    return found;
                },
                cancellation));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<(CellId Id, long? DueAt)>> ListCellsAsync(string owner, CancellationToken cancellation)
    {
        var cells = new Dictionary<CellId, long?>();
        await ListCellsAsync(owner, (id, due) => cells[id] = due, cancellation).ConfigureAwait(false);
        return [.. cells.Select(c => (c.Key, c.Value))];
    }

    /// <inheritdoc/>
    public Task ListCellsAsync(string owner, Action<CellId, long?> take, CancellationToken cancellation)
    {
        CheckOwner(owner);
        ArgumentNullException.ThrowIfNull(take);
        return RunAsync(
            $"listing the cells of '{owner}'",
            () => database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync(
                        _sql.ListCells,
                        r => take(
                            new CellId(r.GetString(0), database.Dialect.DecodeKey(r.GetString(1)), r.GetInt64(2)),
                            r.IsDBNull(3) ? null : r.GetInt64(3)),
                        token,
                        owner).ConfigureAwait(false);
                    return true;
                },
                cancellation));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(string owner, CancellationToken cancellation)
    {
        CheckOwner(owner);
        return RunAsync<IReadOnlyList<OutboxEntry>>(
            $"reading the outbox of '{owner}'",
            () => database.ReadAsync<IReadOnlyList<OutboxEntry>>(
                async (session, token) =>
                {
                    var entries = new List<OutboxEntry>();
                    await session.QueryAsync(
                        _sql.ReadOutbox,
                        r => entries.Add(
                            new OutboxEntry(r.GetInt64(0), r.GetString(1), r.IsDBNull(2) ? [] : (byte[])r.GetValue(2))),
                        token,
                        owner).ConfigureAwait(false);
                    return entries;
                },
                cancellation));
    }

    /// <inheritdoc/>
    public async Task CommitAsync(CheckpointWrite checkpoint, CancellationToken cancellation)
    {
        Check(checkpoint);
        var started = Stopwatch.GetTimestamp();
        await RunAsync(
            $"writing a checkpoint of '{checkpoint.Owner}'",
            () => database.WriteWithRetryAsync(
                async (session, token) =>
                {
                    await WriteAsync(session, checkpoint, token).ConfigureAwait(false);
                    return true;
                },
                cancellation)).ConfigureAwait(false);
        StorageMetrics.CheckpointSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
        StorageMetrics.CellsWritten.Add(checkpoint.Upserts.Count);
    }

    /// <inheritdoc/>
    public async Task ResetAsync(string ownerPrefix, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(ownerPrefix);
        var owners = new List<string>();
        await RunAsync(
            $"resetting '{ownerPrefix}'",
            () => database.ReadAsync(
                async (session, token) =>
                {
                    owners.Clear();
                    await session.QueryAsync(_sql.OwnersWith, reader => owners.Add(reader.GetString(0)), token, ownerPrefix).ConfigureAwait(false);
                    return true;
                },
                cancellation)).ConfigureAwait(false);
        // One by one: what millions of keys left behind, in a single transaction, would be beyond a command's time, again and again.
        foreach (var owner in owners) await ResetOwnerAsync(owner, cancellation).ConfigureAwait(false);
    }

    private Task<bool> ResetOwnerAsync(string owner, CancellationToken cancellation) => RunAsync(
        $"resetting '{owner}'",
        () => database.WriteWithRetryAsync(
            async (session, token) =>
            {
                await session.ExecuteAsync(_sql.ResetOwner, token, owner).ConfigureAwait(false);
                await session.ExecuteAsync(_sql.ResetCells, token, owner).ConfigureAwait(false);
                await session.ExecuteAsync(_sql.ResetOutbox, token, owner).ConfigureAwait(false);
                return true;
            },
            cancellation));

    private async Task WriteAsync(DbSession session, CheckpointWrite write, CancellationToken cancellation)
    {
        var changed = await session.ExecuteAsync(
            _sql.WriteHeader, cancellation, write.Header, write.Owner, write.Epoch).ConfigureAwait(false);
        if (changed == 0) throw new EpochFencedException(write.Owner, write.Epoch);

        var owner = new ConstantText(write.Owner);
        var dialect = database.Dialect;
        if (write.Deletes.Count > 0)
        {
            var cells = write.Deletes;
            await RowsAsync(session, _sql.DeleteCells, cells.Count, cancellation,
                owner,
                Texts(cells.Count, i => cells[i].Step),
                Texts(cells.Count, i => dialect.EncodeKey(cells[i].Cell)),
                Longs(cells.Count, i => cells[i].Part)).ConfigureAwait(false);
        }

        if (write.Upserts.Count > 0)
        {
            var cells = write.Upserts;
            await RowsAsync(session, _sql.UpsertCells, cells.Count, cancellation,
                owner,
                Texts(cells.Count, i => cells[i].Id.Step),
                Texts(cells.Count, i => dialect.EncodeKey(cells[i].Id.Cell)),
                Longs(cells.Count, i => cells[i].Id.Part),
                Longs(cells.Count, i => cells[i].DueAt),
                Blobs(cells.Count, i => cells[i].Payload)).ConfigureAwait(false);
        }

        if (write.OutboxDrops.Count > 0)
        {
            await RowsAsync(session, _sql.DropOutbox, write.OutboxDrops.Count, cancellation,
                owner, Longs(write.OutboxDrops.Count, i => write.OutboxDrops[i])).ConfigureAwait(false);
        }

        if (write.OutboxAdds.Count > 0)
        {
            var entries = write.OutboxAdds;
            await RowsAsync(session, _sql.AddOutbox, entries.Count, cancellation,
                owner,
                Longs(entries.Count, i => entries[i].Sequence),
                Texts(entries.Count, i => entries[i].Sink),
                Blobs(entries.Count, i => entries[i].Payload)).ConfigureAwait(false);
        }
    }

    private static Task<RowOutcome> RowsAsync(
        DbSession session, string text, int count, CancellationToken cancellation, params BindValues[] binds)
    {
        var rows = new int[count];
        for (var i = 0; i < count; i++) rows[i] = i;
        return session.ExecuteRowsAsync(text, binds, rows, isolate: false, cancellation);
    }

    private static TextBinds Texts(int count, Func<int, string> get)
    {
        var values = new string?[count];
        for (var i = 0; i < count; i++) values[i] = get(i);
        return new TextBinds(values);
    }

    private static LongBinds Longs(int count, Func<int, long?> get)
    {
        var values = new long?[count];
        for (var i = 0; i < count; i++) values[i] = get(i);
        return new LongBinds(values);
    }

    private static BytesBinds Blobs(int count, Func<int, byte[]> get)
    {
        var values = new byte[]?[count];
        for (var i = 0; i < count; i++) values[i] = get(i);
        return new BytesBinds(values);
    }

    private static OwnerLease ReadLease(string owner, System.Data.Common.DbDataReader reader) =>
        new(owner, reader.GetInt64(0), reader.IsDBNull(1) ? null : (byte[])reader.GetValue(1));

    private async Task<T> RunAsync<T>(string what, Func<Task<T>> body)
    {
        try
        {
            return await body().ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            var remedy = failure.Error.Class == ErrorClass.Configuration
                ? $" If tables are missing, run {StateSchema.ScriptPath(database)}."
                : "";
            throw new StoreUnavailableException($"The state store failed at {what}: {failure.Message}.{remedy}",
                failure);
        }
        catch (ConnectionConfigurationException failure)
        {
            throw new StoreUnavailableException($"The state store failed at {what}: {failure.Message}", failure);
        }
    }

    private static void CheckOwner(string owner)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        if (owner.Length > MaxOwner)
            throw new ArgumentException($"An owner has at most {MaxOwner} characters; this one has {owner.Length}.",
                nameof(owner));
    }

    private static void Check(CheckpointWrite write)
    {
        CheckOwner(write.Owner);
        var seen = new HashSet<CellId>(write.Upserts.Count);
        foreach (var cell in write.Upserts)
        {
            CheckCell(cell.Id);
            if (!seen.Add(cell.Id)) throw new ArgumentException($"{cell.Id} is written twice in one checkpoint.",
                nameof(write));
        }

        foreach (var cell in write.Deletes)
        {
            if (seen.Contains(cell))
                throw new ArgumentException($"{cell} is both written and deleted in one checkpoint.", nameof(write));
        }
    }

    private static void CheckCell(CellId id)
    {
        if (id.Step.Length is 0 or > MaxName || id.Cell.Length > MaxName)
        {
            throw new ArgumentException(
                $"Step and cell names have at most {MaxName} characters, and a step at least one: {id}.", nameof(id));
        }
    }
}
