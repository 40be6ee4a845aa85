using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// One writer of a table. The lane's row is changed first in every transaction, under the condition that epoch and
/// number of writes are as this writer left them: that fences an older writer and tells whether a COMMIT without an
/// answer happened.
/// </summary>
internal sealed class AdoSinkLane : ISinkLane
{
    /// <summary>Repeats of a batch that ran into the time limit, each in statements half as large.</summary>
    private const int MaxTimeouts = 3;

    /// <summary>Failures of a kind in no table before rows are tried one by one.</summary>
    private const int MaxUnknownFailures = 3;

    private readonly Database _database;
    private readonly SinkTable _table;
    private readonly RowChecks _checks;
    private readonly RowReducer _reducer;
    private readonly SystemicGuard _guard = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly string _lane;
    private readonly string _where;
    private readonly BindType[] _bindTypes;
    private readonly string _writeText;
    private readonly string _deleteText;
    private readonly string? _deleteOlderText;
    private long _writes;
    private long _progress;
    private int _rowsPerStatement;
    private int _unknownFailures;
    private int _failures;
    private bool _constraintsAtOnce;
    private PendingWrite? _pending;

    private AdoSinkLane(Database database, SinkTable table, TableInfo info, string lane, LaneRow row)
    {
        _database = database;
        table = table.LongLast(c => database.Dialect.IsLong(database.Dialect.BindTypeOf(c.Type, info.Find(c.Name))));
        _table = table;
        _lane = lane;
        _where = $"Sink '{table.Spec.Sink}' of pipeline '{table.Spec.Pipeline}', lane {lane}";
        _checks = new RowChecks(table, info, database.Dialect);
        _reducer = new RowReducer(table);
        _bindTypes = Array.ConvertAll(table.Columns, c => database.Dialect.BindTypeOf(c.Type, info.Find(c.Name)));
        _writeText = table.Spec.Mode == SinkMode.Append
            ? database.Dialect.AppendText(table)
            : database.Dialect.UpsertText(table);
        _deleteText = database.Dialect.DeleteText(table);
        _deleteOlderText = table.Revision < 0 ? null : database.Dialect.DeleteOlderText(table);
        _rowsPerStatement = database.Options.RowsPerStatement;
        _writes = row.Writes;
        _progress = row.Progress;
        Lease = new LaneLease(row.Epoch, row.Progress, row.Quarantined);
    }

    /// <inheritdoc/>
    public LaneLease Lease { get; }

    /// <summary>Raises the lane's epoch and opens it.</summary>
    public static async Task<AdoSinkLane> OpenAsync(
        Database database, SinkTable table, TableInfo info, string lane, CancellationToken cancellation)
    {
        var name = $"{table.Spec.Pipeline}/{table.Spec.Sink}/{lane}";
        var sql = database.Dialect.Sink;
        var row = await database.WriteWithRetryAsync(
            async (session, token) =>
            {
                LaneRow? found = null;
                await session.RaiseAsync(
                    sql.RaiseLane, sql.AddLane, sql.ReadRaised, name, r => found = LaneRow.Read(r), token)
                    .ConfigureAwait(false);
                return found ?? throw new InvalidOperationException($"Lane '{name}' vanished while it was opened.");
            },
            cancellation,
            keyRace: true).ConfigureAwait(false);
        return new AdoSinkLane(database, table, info, name, row);
    }

    /// <inheritdoc/>
    public async Task<SinkWriteResult> WriteAsync(SinkWrite write, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (write.Progress < _progress)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(write), write.Progress,
                        $"{_where}: progress is already at {_progress} and never goes back.");
            }

            return await WriteCoreAsync(write, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // A write under way ends first.
        await _turn.WaitAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private async Task<SinkWriteResult> WriteCoreAsync(SinkWrite write, CancellationToken cancellation)
    {
        for (var timeouts = 0; ;)
        {
            try
            {
                if (_pending is { } pending && await ResolveAsync(cancellation).ConfigureAwait(false))
                    return Done(write, pending);
                var result = await _database.WriteWithRetryAsync(
                    (session, token) => TransactAsync(session, write, token), cancellation, _rowsPerStatement)
                    .ConfigureAwait(false);
                return Done(write, result);
            }
            catch (LaneMovedException)
            {
                // Either a COMMIT that was given up arrived after all, or somebody else reigns.
                if (await ResolveAsync(cancellation).ConfigureAwait(false) && _pending is { } arrived)
                    return Done(write, arrived);
                throw new EpochFencedException(_lane, Lease.Epoch);
            }
            catch (DatabaseException failure)
            {
                if (!Repeatable(failure, ref timeouts)) throw SinkFailures.Translate(_where, failure, NextDelay());
            }
        }
    }

    /// <summary>Notes a failure; true when the write is to be tried again at once.</summary>
    private bool Repeatable(DatabaseException failure, ref int timeouts)
    {
        var error = failure.Error.Class;
        if (failure.OutcomeUnknown)
        {
            StorageMetrics.UnknownCommits.Add(1, new KeyValuePair<string, object?>("connection", _database.Name));
            return error != ErrorClass.Unreachable; // The next round begins with asking the lane's row on a new connection.
        }

        _unknownFailures = error == ErrorClass.Unknown ? _unknownFailures + 1 : 0;
        if (error == ErrorClass.Unknown) return _unknownFailures == MaxUnknownFailures;
        if (error == ErrorClass.Row && failure.Phase == DatabasePhase.Commit && !_constraintsAtOnce
            && _database.Dialect.ConstraintsAtOnce is not null)
        {
            // A constraint checked at COMMIT blames the batch; checked at once it blames the row.
            return _constraintsAtOnce = true;
        }

        if (error != ErrorClass.Timeout || failure.Phase != DatabasePhase.Execute
            || ++timeouts > MaxTimeouts) return false;
        _rowsPerStatement = Math.Max(1, _rowsPerStatement / 2);
        return true;
    }

    private TimeSpan NextDelay() => _database.Options.Retry.Delay(++_failures, Random.Shared.NextDouble());

    private SinkWriteResult Done(SinkWrite write, PendingWrite done)
    {
        var result = done.Result;
        _guard.Note(done.CommonCode, write.Rows.Count);
        _pending = null;
        _writes++;
        _progress = write.Progress;
        _unknownFailures = 0;
        _failures = 0;
        _rowsPerStatement = Math.Min(_database.Options.RowsPerStatement, _rowsPerStatement * 2);
        StorageMetrics.SinkRows.Add(result.Written, Tags());
        if (result.Quarantined > 0) StorageMetrics.SinkQuarantined.Add(result.Quarantined, Tags());
        return result;
    }

    private KeyValuePair<string, object?>[] Tags() =>
    [
        new("pipeline", _table.Spec.Pipeline), new("sink", _table.Spec.Sink),
        new("operation", _table.Spec.Mode == SinkMode.Append ? "append" : "upsert"),
    ];

    /// <summary>
    /// True when the write whose outcome was unknown did commit. Throws when the lane is somebody else's now.
    /// </summary>
    private async Task<bool> ResolveAsync(CancellationToken cancellation)
    {
        var row = await _database.ReadAsync(
            async (session, token) =>
            {
                LaneRow? found = null;
                await session.QueryAsync(session.Dialect.Sink.ReadLane, r => found = LaneRow.Read(r), token, _lane)
                    .ConfigureAwait(false);
                return found;
            },
            cancellation).ConfigureAwait(false);
        if (row is null || row.Epoch != Lease.Epoch || row.Writes > _writes + 1 || row.Writes < _writes)
            throw new EpochFencedException(_lane, Lease.Epoch);
        return row.Writes == _writes + 1;
    }

    private async Task<PendingWrite> TransactAsync(DbSession session, SinkWrite write, CancellationToken cancellation)
    {
        session.IsolateUnknown = _unknownFailures >= MaxUnknownFailures;
        var sql = session.Dialect.Sink;
        var moved = await session.ExecuteAsync(
            sql.AdvanceLane, cancellation, write.Progress, _lane, Lease.Epoch, _writes).ConfigureAwait(false);
        if (moved == 0) throw new LaneMovedException();
        if (_constraintsAtOnce && session.Dialect.ConstraintsAtOnce is { } atOnce)
            await session.ExecuteAsync(atOnce, cancellation).ConfigureAwait(false);

        if (write.Released.Count > 0)
            await QuarantineRows.RemoveAsync(session, write.Released, cancellation).ConfigureAwait(false);

        var failures = await WriteRowsAsync(session, write, cancellation).ConfigureAwait(false);
        string? common = null;
        if (failures.Count > 0)
        {
            common = SystemicGuard.CommonCode(failures, write.Rows.Count);
            Refuse(failures[0], common, write.Rows.Count);
            var records = failures.Select(f => QuarantineOf(write, f)).ToArray();
            var added = await QuarantineRows.AddAsync(session, records, _database.NowMicroseconds, cancellation)
                .ConfigureAwait(false);
            await session.ExecuteAsync(sql.CountQuarantined, cancellation, added, _lane).ConfigureAwait(false);
        }

        // Should COMMIT stay without an answer, this is what it was about.
        return _pending = new PendingWrite(
            new SinkWriteResult(write.Rows.Count - failures.Count, failures.Count), common);
    }

    private async Task<List<RowFailure>> WriteRowsAsync(DbSession session, SinkWrite write,
        CancellationToken cancellation)
    {
        var failures = _checks.Run(write.Rows, write.Deletes);
        var refused = failures.Count == 0 ? null : failures.Select(f => f.Row).ToHashSet();
        var rows = new List<int>(write.Rows.Count);
        for (var row = 0; row < write.Rows.Count; row++)
        {
            if (refused is null || !refused.Contains(row)) rows.Add(row);
        }

        _reducer.Reduce(write.Rows, [.. rows], write.Deletes);
        StorageMetrics.SinkReduced.Add(rows.Count - _reducer.Writes.Length - _reducer.Deletes.Length);
        var binds = new BindValues[_table.Columns.Length];
        for (var i = 0; i < binds.Length; i++)
            binds[i] = new ColumnBinds(write.Rows.Columns[_table.Columns[i].Field], _bindTypes[i]);
        if (_reducer.Deletes.Length > 0)
        {
            // A window that is withdrawn has a revision as any other row has; a tombstone has none.
            var older = write.Origin is null ? _deleteOlderText : null;
            var keys = binds[.._table.KeyCount];
            var outcome = await session.ExecuteRowsAsync(
                older ?? _deleteText, older is null ? keys : [.. keys, binds[_table.Revision]], _reducer.Deletes, isolate: true,
                    cancellation).ConfigureAwait(false);
            failures.AddRange(outcome.Failures);
        }

        if (_reducer.Writes.Length > 0)
        {
            var outcome = await session.ExecuteRowsAsync(
                _writeText, binds, _reducer.Writes, isolate: true, cancellation).ConfigureAwait(false);
            failures.AddRange(outcome.Failures);
        }

        return failures;
    }

    private void Refuse(RowFailure first, string? common, int rows)
    {
        if (_table.Spec.StopOnReject)
        {
            throw new SinkConfigurationException(
                $"{_where}: a row was refused, and the sink is told to stop then: {first.Code}: {first.Message}") { Code = first.Code };
        }

        if (_guard.IsSystemic(common, rows))
        {
            throw new SinkUnavailableException(
                $"{_where}: all of the last {_guard.Alike + rows} rows were refused alike, so it is not the rows: "
                + $"{first.Code}: {first.Message}. Nothing of this write was quarantined; the rows wait until the table is repaired.")
            {
                RetryAfter = NextDelay(),
                Code = first.Code,
            };
        }
    }

    private QuarantineRecord QuarantineOf(SinkWrite write, RowFailure failure)
    {
        var spec = _table.Spec;
        var place = $"sink:{spec.Sink}";
        if (write.Origin is not { } origin)
        {
            return new QuarantineRecord(
                spec.Pipeline, spec.PipelineVersion, place, failure.Code, failure.Message, "", -1, -1, -1,
                RowText.Json(_table, write.Rows, failure.Row, keysOnly: true),
                RowText.Json(_table, write.Rows, failure.Row, keysOnly: false), []);
        }

        var raw = origin.Raw;
        var at = origin.RawRow[failure.Row];
        return new QuarantineRecord(
            spec.Pipeline, spec.PipelineVersion, place, failure.Code, failure.Message,
            raw.Topic, raw.Partition, raw.Offsets[at], raw.Timestamps[at],
            raw.KeyLength[at] < 0 ? null : raw.Key(at).ToArray(),
            raw.ValueLength[at] < 0 ? null : raw.Value(at).ToArray(),
            raw.Headers?.Invoke(at) ?? []);
    }

    private sealed record PendingWrite(SinkWriteResult Result, string? CommonCode);

    private sealed class LaneMovedException : Exception;

    private sealed record LaneRow(long Epoch, long Writes, long Progress, long Quarantined)
    {
        public static LaneRow Read(System.Data.Common.DbDataReader reader) =>
            new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
    }
}
