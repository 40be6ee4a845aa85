using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>What became of rows within a transaction; together they are all rows handed in.</summary>
/// <param name="Written">Rows inserted, updated or deleted, as the database counts them.</param>
/// <param name="Already">
/// Rows the database left alone: an appended row that was there, an update below the stored revision, a deletion of nothing.
/// </param>
/// <param name="Superseded">Rows for which a later row of their key was written instead.</param>
/// <param name="Failures">Rows that were refused.</param>
internal sealed record RowTally(int Written, int Already, int Superseded, List<RowFailure> Failures)
{
    /// <summary>Those of the rows left alone under whose declared key the table holds other values.</summary>
    public int Differing { get; init; }

    /// <summary>True when the database took at least one row: it is then not the table that is at fault.</summary>
    public bool AnyTaken => Written + Already > 0;
}

/// <summary>
/// Writes the rows of a transaction as if they came one by one: reduced to one row per key first, because that is fast;
/// and where the database refuses some of these, with every row of their keys in the order in which they came, again
/// after the others.
/// </summary>
internal sealed class RowWriter
{
    private readonly SinkTable _table;
    private readonly RowChecks _checks;
    private readonly RowReducer _reducer;
    private readonly PlaceCheck? _places;
    private readonly BindType[] _bindTypes;
    private readonly IReadOnlyList<string> _writeTexts;
    private readonly string _deleteText;
    private readonly string? _deleteOlderText;

    public RowWriter(SinkTable table, TableInfo info, Dialect dialect)
    {
        _table = table;
        _checks = new RowChecks(table, info, dialect);
        _places = PlaceCheck.For(table);
        _bindTypes = Array.ConvertAll(table.Columns, c => dialect.BindTypeOf(c.Type, info.Find(c.Name)));
        _reducer = new RowReducer(table, [.. _bindTypes.Take(table.KeyCount).Select(b => b is BindType.FixedText or BindType.NationalFixedText)]);
        _writeTexts = dialect.WriteTexts(table);
        _deleteText = dialect.DeleteText(table);
        _deleteOlderText = table.Revision < 0 ? null : dialect.DeleteOlderText(table);
    }

    /// <summary>Writes rows <paramref name="part"/> (ascending) of a write.</summary>
    /// <param name="session">A session in a transaction.</param>
    /// <param name="write">The write.</param>
    /// <param name="part">Which of its rows.</param>
    /// <param name="byKey">By key instead of by arrival, after a deadlock.</param>
    /// <param name="cancellation">Cancels.</param>
    /// <exception cref="KeysMeetException">
    /// Two keys are one to the database, so that the order of arrival matters; only with <paramref name="byKey"/>.
    /// </exception>
    public async Task<RowTally> WriteAsync(
        DbSession session, SinkWrite write, int[] part, bool byKey, CancellationToken cancellation)
    {
        var failures = _checks.Run(write.Rows, part, write.Deletes);
        var refused = failures.Count == 0 ? null : failures.Select(f => f.Row).ToHashSet();
        var rows = refused is null ? [.. part] : Array.FindAll(part, r => !refused.Contains(r));
        var run = new Run(this, session, write, cancellation);
        await ExecuteAsync(run, write, rows, byKey).ConfigureAwait(false);
        if (byKey && session.KeysMet) throw new KeysMeetException();
        if (run.Failures.Count > 0) await RepeatAsync(run).ConfigureAwait(false);
        failures.AddRange(run.Failures);
        var already = run.LeftAlone;
        var superseded = part.Length - failures.Count - run.Affected - already;
        if (_table.Spec.Mode == SinkMode.Append) (already, superseded) = (already + superseded, 0);
        // Each row is written, and those of a key that was refused perhaps twice.
        if (_table.Spec.KeepMissing) (already, superseded) = (Math.Max(0, part.Length - failures.Count - run.Affected), 0);
        var differing = 0;
        if (already > 0 && _places is not null)
        {
            var others = await _places.RunAsync(session, write.Rows, OnlyGood(rows, failures), cancellation).ConfigureAwait(false);
            if (!_table.Spec.IsTableShared)
            {
                differing = Math.Min(others.Count, already);
            }
            else if (others.Count <= already)
            {
                // Were there more than were left alone, a trigger changes what is written, and nothing could be told from it.
                failures.AddRange(others);
                already -= others.Count;
            }
        }

        // A trigger may count rows of its own.
        var written = _table.Spec.KeepMissing ? Math.Min(run.Affected, part.Length - failures.Count) : run.Affected;
        return new RowTally(written, already, Math.Max(0, superseded), failures) { Differing = differing };
    }

    private async Task ExecuteAsync(Run run, SinkWrite write, int[] rows, bool byKey)
    {
        // Of rows that each change a part none makes another needless.
        if (_table.Spec.KeepMissing)
        {
            foreach (var wave in _reducer.Waves(write.Rows, rows, byKey))
            {
                var deletes = write.Deletes is null ? [] : Array.FindAll(wave, r => write.Deletes[r]);
                if (deletes.Length > 0) await run.ExecuteAsync(deletes).ConfigureAwait(false);
                var writes = deletes.Length == 0 ? wave : Array.FindAll(wave, r => !write.Deletes![r]);
                if (writes.Length > 0) await run.ExecuteAsync(writes).ConfigureAwait(false);
            }

            return;
        }

        _reducer.Reduce(write.Rows, rows, write.Deletes, run.GuardsDeletes, byKey);
        if (_reducer.Deletes.Length > 0) await run.ExecuteAsync(_reducer.Deletes).ConfigureAwait(false);
        if (_reducer.Writes.Length > 0) await run.ExecuteAsync(_reducer.Writes).ConfigureAwait(false);
    }

    private static int[] OnlyGood(int[] rows, List<RowFailure> failures)
    {
        if (failures.Count == 0) return rows;
        var refused = failures.Select(f => f.Row).ToHashSet();
        return Array.FindAll(rows, r => !refused.Contains(r));
    }

    /// <summary>
    /// What was refused again: with the rows that were left out for it, which may be good ones, or may have made way for
    /// it; then, as long as that gets on, what depends on other rows: to and fro, since parents may come after their children or
    /// before them, and one pass against the order takes in a whole line of either.
    /// </summary>
    private async Task RepeatAsync(Run run)
    {
        var again = _reducer.WithSuperseded(run.Failures.Select(f => f.Row));
        if (again.Length == run.Failures.Count && !run.Failures.Exists(run.DependsOnOthers)) return;
        var kept = new List<RowFailure>();
        while (true)
        {
            var before = run.Failures.Count;
            run.Failures = [];
            foreach (var rows in run.Sequence(again)) await run.ExecuteAsync(rows).ConfigureAwait(false);
            run.DropSuperseded(again);
            var waiting = run.Failures.FindAll(run.DependsOnOthers);
            if (waiting.Count == 0 || run.Failures.Count >= before) break;
            kept.AddRange(run.Failures.Except(waiting));
            run.Failures = waiting;
            var rowsLeft = waiting.Select(f => f.Row).ToHashSet();
            again = Array.FindAll(again, r => rowsLeft.Contains(r.Row));
            if (again.DistinctBy(r => r.Key).Count() == again.Length) Array.Reverse(again);
        }

        run.Failures.AddRange(kept);
    }

    /// <summary>The statements of one transaction and what they did.</summary>
    private sealed class Run(RowWriter writer, DbSession session, SinkWrite write, CancellationToken cancellation)
    {
        private readonly BindValues[] _binds = writer.Binds(write.Rows);

        public int Affected { get; private set; }

        public int LeftAlone { get; private set; }

        public List<RowFailure> Failures { get; set; } = [];

        public bool DependsOnOthers(RowFailure failure) => session.Dialect.FaultOf(failure.Code) == RowFault.OtherRows;

        /// <summary>A window that is withdrawn has a revision as any other row has; a tombstone has none.</summary>
        public bool GuardsDeletes { get; } = write.Origin is null && writer._deleteOlderText is not null;

        /// <summary>Executes rows that all delete, or all write.</summary>
        public async Task ExecuteAsync(int[] rows)
        {
            var keys = _binds[..writer._table.KeyCount];
            var (texts, binds) = !IsDelete(rows[0]) ? (writer._writeTexts, _binds)
                : GuardsDeletes ? ([writer._deleteOlderText!], [.. keys, _binds[writer._table.Revision]])
                : ([writer._deleteText], keys);
            var (affected, left) = (0, rows);
            foreach (var text in texts)
            {
                if (left.Length == 0) break;
                var outcome = await session.ExecuteRowsAsync(text, binds, left, isolate: true, cancellation).ConfigureAwait(false);
                affected += outcome.Affected;
                Failures.AddRange(outcome.Failures);
                if (outcome.Failures.Count == 0) continue;
                var refused = outcome.Failures.Select(f => f.Row).ToHashSet();
                left = Array.FindAll(left, r => !refused.Contains(r));
            }

            Affected += affected;
            LeftAlone += Math.Max(0, left.Length - affected);
        }

        /// <summary>Rows in statements that keep their order: none has a key twice, and none deletes and writes.</summary>
        public IEnumerable<int[]> Sequence(KeyedRow[] rows)
        {
            var statement = new List<int>();
            var keys = new HashSet<int>();
            foreach (var row in rows)
            {
                if (statement.Count > 0 && (keys.Contains(row.Key) || IsDelete(row.Row) != IsDelete(statement[0])))
                {
                    yield return [.. statement];
                    statement.Clear();
                    keys.Clear();
                }

                statement.Add(row.Row);
                keys.Add(row.Key);
            }

            if (statement.Count > 0) yield return [.. statement];
        }

        /// <summary>A row in whose way another one was is no fault when a later row of its key was written.</summary>
        public void DropSuperseded(KeyedRow[] rows)
        {
            var failed = Failures.Select(f => f.Row).ToHashSet();
            var last = rows.Where(r => !failed.Contains(r.Row)).GroupBy(r => r.Key).ToDictionary(g => g.Key, g => g.Max(r => r.Row));
            var keys = rows.ToDictionary(r => r.Row, r => r.Key);
            Failures.RemoveAll(f => DependsOnOthers(f) && last.TryGetValue(keys[f.Row], out var row) && row > f.Row);
        }

        private bool IsDelete(int row) => write.Deletes is not null && write.Deletes[row];
    }

    private BindValues[] Binds(RowBlock rows)
    {
        var binds = new BindValues[_table.Columns.Length];
        for (var i = 0; i < binds.Length; i++) binds[i] = new ColumnBinds(rows.Columns[_table.Columns[i].Field], _bindTypes[i]);
        return binds;
    }
}

/// <summary>Two keys that differ here are one to the database: what came later must be written later.</summary>
internal sealed class KeysMeetException : Exception;
