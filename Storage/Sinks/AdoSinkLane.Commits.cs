using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <content>
/// COMMITs that fail again and again: a deferred constraint that nothing checks before, a trigger that ends the session. The
/// row behind it is found by committing halves.
/// </content>
internal sealed partial class AdoSinkLane
{
    /// <summary>COMMITs without an answer that did not happen before the row behind it is looked for.</summary>
    private const int MaxLostCommits = 3;

    /// <summary>Single rows that fail without an answer, and none that goes in, after which the database is at fault.</summary>
    private const int MaxSuspects = 8;

    /// <summary>True when the database refused COMMIT for what is in the rows and does not say of which.</summary>
    private bool IsRefusedCommit(DatabaseException failure) =>
        failure.Error.Class == ErrorClass.Row && failure.Phase == DatabasePhase.Commit
        && (_constraintsAtOnce || _database.Dialect.ConstraintsAtOnce is null);

    /// <summary>
    /// Returns when the lane's row is to be asked what became of a COMMIT. Every further one waits longer: a server that loses
    /// sessions is not helped by logins in a loop.
    /// </summary>
    private async Task UnknownOutcomeAsync(DatabaseException failure, int maxLostCommits, CancellationToken cancellation)
    {
        StorageMetrics.UnknownCommits.Add(1, new KeyValuePair<string, object?>("connection", _database.Name));
        if (failure.Error.Class == ErrorClass.Unreachable) throw SinkFailures.Translate(_where, _database.Dialect, failure, NextDelay());
        if (_lostCommits++ > 0)
        {
            var pause = _database.Options.Retry.Delay(_lostCommits, Random.Shared.NextDouble());
            await Task.Delay(pause, _database.Time, cancellation).ConfigureAwait(false);
        }

        if (_lostCommits < maxLostCommits || await ResolveAsync(cancellation).ConfigureAwait(false)) return;
        throw Refused(failure);
    }

    private CommitRefusedException Refused(DatabaseException failure)
    {
        _pending = null;
        return new CommitRefusedException(failure);
    }

    /// <summary>
    /// Commits a write in halves, in order, until each row is committed or alone. A row that fails alone is refused when others
    /// went in; if none did, the database is at fault. The lane's progress moves with the last transaction: after a crash
    /// the write is repeated as a whole, which its keys make harmless.
    /// </summary>
    private async Task<SinkWriteResult> SearchAsync(SinkWrite write, CommitRefusedException first, CancellationToken cancellation)
    {
        var total = new SinkWriteResult(0, 0);
        var refused = new List<RowFailure>();
        var isCertain = first.IsRowFault;
        var work = new Stack<int[]>();
        Push(write.Rows.Count == 0 ? [] : [.. Enumerable.Range(0, write.Rows.Count)]);
        while (work.TryPop(out var rows))
        {
            _lostCommits = 0;
            try
            {
                var done = await PartAsync(write, new LanePart(rows, _progress), rows.Length > 1 ? 1 : MaxLostCommits, cancellation)
                    .ConfigureAwait(false);
                total = new SinkWriteResult(
                    total.Written + done.Written, total.Quarantined + done.Quarantined, total.Already + done.Already,
                    total.Superseded + done.Superseded) { Differing = total.Differing + done.Differing };
            }
            catch (CommitRefusedException failed) when (rows.Length == 1)
            {
                isCertain &= failed.IsRowFault;
                refused.Add(new RowFailure(rows[0], failed.Failure.Error.Code, failed.Failure.Error.Message));
                if (refused.Count >= MaxSuspects) ThrowUnlessAnyTaken();
            }
            catch (CommitRefusedException)
            {
                Push(rows);
            }
        }

        _lostCommits = 0;
        ThrowUnlessAnyTaken();
        if (refused.Count > 0) Refuse(refused[0], null, refused.Count);
        var closing = new LanePart([], write.Progress) { Released = write.Released, Refused = refused };
        try
        {
            var end = await PartAsync(write, closing, MaxLostCommits, cancellation).ConfigureAwait(false);
            return total with { Quarantined = total.Quarantined + end.Quarantined };
        }
        catch (CommitRefusedException failed)
        {
            // There are no rows in it.
            throw SinkFailures.Translate(_where, _database.Dialect, failed.Failure, NextDelay());
        }

        void ThrowUnlessAnyTaken()
        {
            if (refused.Count > 0 && !isCertain && total.Written + total.Already == 0)
                throw SinkFailures.Translate(_where, _database.Dialect, first.Failure, NextDelay());
        }

        void Push(int[] rows)
        {
            if (rows.Length == 0) return;
            if (rows.Length == 1)
            {
                work.Push(rows);
                return;
            }

            work.Push(rows[(rows.Length / 2)..]);
            work.Push(rows[..(rows.Length / 2)]);
        }
    }

    /// <summary>Rows of a write that are committed together, and what the lane's progress is then.</summary>
    private sealed record LanePart(int[] Rows, long Progress)
    {
        /// <summary>Ids that leave quarantine with it.</summary>
        public IReadOnlyList<string> Released { get; init; } = [];

        /// <summary>Rows of the write that COMMIT refused.</summary>
        public IReadOnlyList<RowFailure> Refused { get; init; } = [];
    }

    /// <summary>COMMIT was refused, or got no answer and did not happen several times.</summary>
    private sealed class CommitRefusedException(DatabaseException failure) : Exception(failure.Message, failure)
    {
        public DatabaseException Failure { get; } = failure;

        public bool IsRowFault => Failure.Error.Class == ErrorClass.Row;
    }
}
