using System.Globalization;
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
internal sealed partial class AdoSinkLane : ISinkLane
{
    /// <summary>Repeats of a batch that ran into the time limit, each in statements half as large.</summary>
    private const int MaxTimeouts = 3;

    /// <summary>
    /// Failures of one code, none of them a row's fault by what it says, before rows are tried one by one; where only somebody's
    /// work can help, it is done at once.
    /// </summary>
    private const int MaxAlike = 3;

    /// <summary>How long a call waits for other rows by itself; longer waits are the caller's.</summary>
    private static readonly TimeSpan ShortWait = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly SinkTable _table;
    private readonly RowWriter _rows;
    private readonly SystemicGuard _guard;
    private readonly Patience _patience;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly string _lane;
    private readonly string _where;
    private long _writes;
    private long _progress;
    private int _rowsPerStatement;
    private int _alike;
    private DatabaseException? _last;

    // Since when rows are refused with a code of unknown meaning, and none of their write goes in.
    private long? _unknownSince;
    private int _failures;

    // COMMITs of the write under way that got no answer and did not happen.
    private int _lostCommits;

    // After a COMMIT refused for a deferred constraint: the rest of the write has them checked row by row.
    private bool _constraintsAtOnce;

    // After a deadlock rows go in key order, unless the database holds keys equal that differ here.
    private bool _byKey;
    private bool _keysMeet;
    private PendingWrite? _pending;

    private AdoSinkLane(Database database, SinkTable table, TableInfo info, string lane, LaneRow row)
    {
        _database = database;
        table = table.LongLast(c => database.Dialect.IsLong(database.Dialect.BindTypeOf(c.Type, info.Find(c.Name))));
        _table = table;
        _lane = lane;
        _where = $"Sink '{table.Spec.Sink}' of pipeline '{table.Spec.Pipeline}', lane {lane}";
        _rows = new RowWriter(table, info, database.Dialect);
        _guard = new SystemicGuard(table, database.Dialect);
        _patience = new Patience(database.Options.Retry.OtherRowsWait, database.Time);
        _rowsPerStatement = database.Options.RowsPerStatement;
        _writes = row.Writes;
        _progress = row.Progress;
        Lease = new LaneLease(row.Epoch, row.Progress, row.Quarantined) { Written = row.Written, Already = row.Already };
        Counts = new LaneCounts(row.Written, row.Already, row.Quarantined);
    }

    /// <inheritdoc/>
    public LaneLease Lease { get; }

    /// <inheritdoc/>
    public LaneCounts Counts { get; private set; }

    /// <summary>Raises the lane's epoch and opens it.</summary>
    public static async Task<AdoSinkLane> OpenAsync(
        Database database, SinkTable table, TableInfo info, string lane, CancellationToken cancellation)
    {
        var name = NameOf(table.Spec, lane);
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

    /// <summary>What a lane has done so far; null when it never wrote. Changes nothing.</summary>
    public static Task<LaneCounts?> CountsAsync(Database database, SinkSpec spec, string lane, CancellationToken cancellation) =>
        database.ReadAsync(
            async (session, token) =>
            {
                LaneCounts? found = null;
                await session.QueryAsync(
                    session.Dialect.Sink.ReadLane,
                    r => found = LaneRow.Read(r) is var row ? new LaneCounts(row.Written, row.Already, row.Quarantined) : null,
                    token, NameOf(spec, lane)).ConfigureAwait(false);
                return found;
            },
            cancellation);

    private static string NameOf(SinkSpec spec, string lane) => $"{spec.Pipeline}/{spec.Sink}/{lane}";

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
        var all = new int[write.Rows.Count];
        for (var i = 0; i < all.Length; i++) all[i] = i;
        var whole = new LanePart(all, write.Progress) { Released = write.Released };
        SinkWriteResult result;
        try
        {
            result = await PartAsync(write, whole, MaxLostCommits, cancellation).ConfigureAwait(false);
        }
        catch (CommitRefusedException refused)
        {
            result = await SearchAsync(write, refused, cancellation).ConfigureAwait(false);
        }

        _constraintsAtOnce = false;
        StorageMetrics.SinkRows.Add(result.Written, Tags());
        if (result.Quarantined > 0) StorageMetrics.SinkQuarantined.Add(result.Quarantined, Tags());
        if (result.Already > 0) StorageMetrics.SinkAlready.Add(result.Already, Tags());
        if (result.Differing > 0) StorageMetrics.SinkDiffering.Add(result.Differing, Tags());
        if (result.Superseded > 0) StorageMetrics.SinkReduced.Add(result.Superseded, Tags());
        return result;
    }

    /// <summary>Commits some rows of a write. Throws <see cref="CommitRefusedException"/> when COMMIT keeps failing.</summary>
    private async Task<SinkWriteResult> PartAsync(SinkWrite write, LanePart part, int maxLostCommits, CancellationToken cancellation)
    {
        var started = _database.Time.GetTimestamp();
        for (var timeouts = 0; ;)
        {
            try
            {
                if (await ArrivedAsync(part, cancellation).ConfigureAwait(false) is { } done) return done;
                var attempts = 0;
                var result = await _database.WriteWithRetryAsync(
                    (session, token) =>
                    {
                        // A transaction that is repeated here has lost a conflict.
                        _byKey |= attempts++ > 0 && !_keysMeet && !_database.Dialect.HasOneWriter;
                        return TransactAsync(session, write, part, token);
                    },
                    cancellation, _rowsPerStatement).ConfigureAwait(false);
                return Done(part, result);
            }
            catch (LaneMovedException)
            {
                // Either a COMMIT that was given up arrived after all, or somebody else reigns.
                var writes = _writes;
                if (await ArrivedAsync(part, cancellation).ConfigureAwait(false) is { } arrived) return arrived;
                if (_writes == writes) throw new EpochFencedException(_lane, Lease.Epoch);
            }
            catch (KeysMeetException)
            {
                (_keysMeet, _byKey) = (true, false);
            }
            catch (OtherRowsException wait)
            {
                var pause = _patience.Next();
                if (_database.Time.GetElapsedTime(started) + pause > ShortWait) throw Waiting(wait.Failure, pause);
                await Task.Delay(pause, _database.Time, cancellation).ConfigureAwait(false);
            }
            catch (DatabaseException failure)
            {
                if (failure.OutcomeUnknown) await UnknownOutcomeAsync(failure, maxLostCommits, cancellation).ConfigureAwait(false);
                else if (IsRefusedCommit(failure)) throw Refused(failure);
                else if (!Repeatable(failure, ref timeouts)) throw SinkFailures.Translate(_where, _database.Dialect, failure, NextDelay());
            }
        }
    }

    /// <summary>
    /// The result of rows whose COMMIT had no answer and happened; null when it did not, or was of other rows: a search for a
    /// row that broke off is begun again with all of them.
    /// </summary>
    private async Task<SinkWriteResult?> ArrivedAsync(LanePart part, CancellationToken cancellation)
    {
        if (_pending is not { } pending || !await ResolveAsync(cancellation).ConfigureAwait(false)) return null;
        var result = Done(pending.Part, pending);
        return pending.Part.Progress == part.Progress && pending.Part.Rows.Length == part.Rows.Length ? result : null;
    }

    /// <summary>Notes a failure; true when the write is to be tried again at once.</summary>
    private bool Repeatable(DatabaseException failure, ref int timeouts)
    {
        var error = failure.Error.Class;
        if (failure.Phase == DatabasePhase.Execute && error is not (ErrorClass.Row or ErrorClass.Timeout))
        {
            _alike = _last?.Error.Code != failure.Error.Code ? 1 : _alike + 1;
            if (error == ErrorClass.Configuration && _alike < MaxAlike) _alike = MaxAlike;
            _last = failure;
            return _alike == MaxAlike;
        }

        if (error == ErrorClass.Row && failure.Phase == DatabasePhase.Commit)
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

    private SinkWriteResult Done(LanePart part, PendingWrite done)
    {
        _guard.Note(done.CommonCode, part.Rows.Length);
        _patience.Done(done.GaveUp);
        _pending = null;
        Counts = new LaneCounts(
            Counts.Written + done.Result.Written, Counts.Already + done.Result.Already, Counts.Quarantined + done.AddedToQuarantine);
        _writes++;
        _progress = part.Progress;
        _alike = 0;
        _unknownSince = null;
        _failures = 0;
        _lostCommits = 0;
        _rowsPerStatement = Math.Min(_database.Options.RowsPerStatement, _rowsPerStatement * 2);
        return done.Result;
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

    private async Task<PendingWrite> TransactAsync(DbSession session, SinkWrite write, LanePart part, CancellationToken cancellation)
    {
        session.IsolateAll = _alike >= MaxAlike;
        var sql = session.Dialect.Sink;
        var moved = await session.ExecuteAsync(
            sql.AdvanceLane, cancellation, part.Progress, _lane, Lease.Epoch, _writes).ConfigureAwait(false);
        if (moved == 0) throw new LaneMovedException();
        if (_constraintsAtOnce && session.Dialect.ConstraintsAtOnce is { } atOnce)
            await session.ExecuteAsync(atOnce, cancellation).ConfigureAwait(false);

        if (part.Released.Count > 0)
            await QuarantineRows.RemoveAsync(session, part.Released, cancellation).ConfigureAwait(false);

        var tally = await _rows.WriteAsync(session, write, part.Rows, _byKey, cancellation).ConfigureAwait(false);
        var (common, gaveUp) = Judge(session, tally, part.Rows.Length);
        IReadOnlyList<RowFailure> failures = [.. tally.Failures, .. part.Refused];
        var added = 0L;
        if (failures.Count > 0)
        {
            var records = failures.Select(f => QuarantineOf(write, f)).ToArray();
            added = await QuarantineRows.AddAsync(session, records, _database.NowMicroseconds, cancellation).ConfigureAwait(false);
        }

        if (tally.Written + tally.Already + added > 0)
            await session.ExecuteAsync(sql.CountRows, cancellation, tally.Written, tally.Already, added, _lane).ConfigureAwait(false);

        // Should COMMIT stay without an answer, this is what it was about.
        return _pending = new PendingWrite(
            new SinkWriteResult(tally.Written, failures.Count, tally.Already, tally.Superseded) { Differing = tally.Differing }, part, common, gaveUp)
        {
            AddedToQuarantine = added,
        };
    }

    /// <summary>Decides whether refused rows are the rows' fault. Throws when they are not, or may yet go in.</summary>
    private (string? CommonCode, bool GaveUp) Judge(DbSession session, RowTally tally, int rows)
    {
        if (tally.Failures.Count == 0) return (null, false);
        var gaveUp = false;
        // What says that it is no row's fault is one row's only where others went in.
        if (!tally.AnyTaken && _last is { } last && tally.Failures.Exists(f => session.Dialect.FaultOf(f.Code) is RowFault.Configuration or RowFault.Passing))
            throw SinkFailures.Translate(_where, session.Dialect, last, NextDelay());
        if (tally.Failures.Find(f => session.Dialect.FaultOf(f.Code) is RowFault.OtherRows or RowFault.Passing) is { Code: not null } other)
        {
            if (_patience.Waits()) throw new OtherRowsException(other);
            gaveUp = true;
        }

        if (!tally.AnyTaken && tally.Failures.Find(f => session.Dialect.FaultOf(f.Code) == RowFault.Unknown) is { Code: not null } unknown)
            WaitForUnknown(unknown, rows);

        var common = _guard.CommonCode(tally.Failures, rows);
        Refuse(tally.Failures[0], common, rows);
        return (common, gaveUp);
    }

    /// <summary>Throws as long as time or somebody may heal what refuses all rows of a write with a code of unknown meaning.</summary>
    private void WaitForUnknown(RowFailure failure, int rows)
    {
        _unknownSince ??= _database.Time.GetTimestamp();
        var waited = _database.Time.GetElapsedTime(_unknownSince.Value);
        var limit = _database.Options.Retry.UnknownErrorWait;
        if (limit > TimeSpan.Zero && waited >= limit) return;
        var setting = $"Kor:Connections:{_database.Name}:Retry:UnknownErrorWait";
        var (what, why) = rows == 1 ? ("the row", "a row alone cannot show whether it is the row's fault") : ($"all {rows} rows of the write", "nothing shows that it is the rows' fault");
        throw new SinkUnavailableException(
            $"{_where}: {failure.Code}: {failure.Message}. The database refuses {what} with a code whose meaning is not known, and {why}, so nothing was quarantined. "
            + (limit > TimeSpan.Zero
                ? string.Create(CultureInfo.InvariantCulture, $"It has been tried for {waited.TotalSeconds:0} s; after {limit.TotalSeconds:0} s ({setting}) it goes to quarantine.")
                : string.Create(CultureInfo.InvariantCulture,
                    $"It is tried again until the database takes it, for {waited.TotalSeconds:0} s so far: repair what the code names. With {setting} above 0 it goes to quarantine after that time.")))
        {
            RetryAfter = NextDelay(),
            Code = failure.Code,
            IsUndone = true,
        };
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
                IsUndone = true,
            };
        }
    }

    private SinkUnavailableException Waiting(RowFailure failure, TimeSpan pause) => new(
        $"{_where}: {failure.Code}: {failure.Message}. {(_database.Dialect.FaultOf(failure.Code) == RowFault.Passing
            ? "Only some rows are refused, and this may pass"
            : "Another row may come or go that makes this one fit")}; it is tried again for "
        + $"{_database.Options.Retry.OtherRowsWait.TotalSeconds:0.#} s at most (retry.otherRowsWait) before it goes to quarantine.")
    {
        RetryAfter = pause,
        Code = failure.Code,
        IsUndone = true,
    };

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

    /// <summary>A transaction as it stood when COMMIT was sent.</summary>
    private sealed record PendingWrite(SinkWriteResult Result, LanePart Part, string? CommonCode, bool GaveUp)
    {
        /// <summary>Those of the rows in quarantine that were not there already.</summary>
        public long AddedToQuarantine { get; init; }
    }

    /// <summary>Rows may go in once other rows have changed.</summary>
    private sealed class OtherRowsException(RowFailure failure) : Exception
    {
        public RowFailure Failure { get; } = failure;
    }

    private sealed class LaneMovedException : Exception;

    private sealed record LaneRow(long Epoch, long Writes, long Progress, long Quarantined, long Written, long Already)
    {
        public static LaneRow Read(System.Data.Common.DbDataReader reader) => new(
            reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
    }
}
