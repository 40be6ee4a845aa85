using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A row and the number of its key within a write.</summary>
internal readonly record struct KeyedRow(int Row, int Key);

/// <summary>
/// Leaves one row per key, so that no statement meets a key twice: of appended rows the first, of updates the one that
/// <see cref="Supersedes"/> all others, as if they had been written one by one.
/// </summary>
/// <param name="table">The table.</param>
/// <param name="withoutBlanks">Per key column, whether the database takes texts that differ in trailing blanks only for one (CHAR).</param>
internal sealed class RowReducer(SinkTable table, bool[] withoutBlanks)
{
    private readonly List<int> _writes = [];
    private readonly List<int> _deletes = [];
    private readonly Dictionary<int, (int From, int To)> _groups = [];
    private int[] _sorted = [];

    /// <summary>The rows to insert or update.</summary>
    public int[] Writes { get; private set; } = [];

    /// <summary>
    /// The rows whose key is deleted before the others are written; a key that came back after its deletion is among both.
    /// </summary>
    public int[] Deletes { get; private set; } = [];

    /// <summary>Reduces the rows given by <paramref name="rows"/> (ascending).</summary>
    /// <param name="block">The rows.</param>
    /// <param name="rows">Which of them.</param>
    /// <param name="deletes">True at the rows that delete their key; null when there are none.</param>
    /// <param name="guardDeletes">
    /// Deletions have revisions, as withdrawn windows do, and delete only what is older; others delete what came before.
    /// </param>
    /// <param name="byKey">
    /// The result by key instead of by arrival: writers that share keys then lock them in the same order.
    /// </param>
    public void Reduce(RowBlock block, int[] rows, bool[]? deletes, bool guardDeletes, bool byKey)
    {
        _writes.Clear();
        _deletes.Clear();
        _groups.Clear();
        _sorted = rows;
        var comparer = new KeyComparer(table, block, withoutBlanks);
        if (!comparer.IsStrictlyAscending(rows)) Array.Sort(rows, comparer);
        for (var i = 0; i < rows.Length;)
        {
            var from = i;
            var winner = rows[i++];
            var deleted = IsDelete(winner) ? winner : -1;
            for (; i < rows.Length && comparer.CompareKeys(rows[i], winner) == 0; i++)
            {
                if (!Supersedes(block, rows[i], winner, deletes, guardDeletes)) continue;
                winner = rows[i];
                if (IsDelete(winner)) deleted = winner;
            }

            if (i - from > 1) _groups[winner] = (from, i);
            if (deleted >= 0)
            {
                _deletes.Add(deleted);
                if (i - from > 1) _groups[deleted] = (from, i);
            }

            if (deleted != winner) _writes.Add(winner);
        }

        if (!byKey)
        {
            _writes.Sort();
            _deletes.Sort();
        }

        Writes = [.. _writes];
        Deletes = [.. _deletes];

        bool IsDelete(int row) => deletes is not null && deletes[row];
    }

    /// <summary>
    /// All rows in sets none of which has a key twice, the first of each key in the first set, and so on: what rows change one after the other, where each changes
    /// a part, they change set after set.
    /// </summary>
    public IReadOnlyList<int[]> Waves(RowBlock block, int[] rows, bool byKey)
    {
        _groups.Clear();
        _sorted = rows;
        var comparer = new KeyComparer(table, block, withoutBlanks);
        if (!comparer.IsStrictlyAscending(rows)) Array.Sort(rows, comparer);
        var waves = new List<List<int>>();
        for (var i = 0; i < rows.Length;)
        {
            var from = i;
            for (; i < rows.Length && (i == from || comparer.CompareKeys(rows[i], rows[from]) == 0); i++)
            {
                if (waves.Count == i - from) waves.Add([]);
                waves[i - from].Add(rows[i]);
            }

            if (i - from == 1) continue;
            for (var row = from; row < i; row++) _groups[rows[row]] = (from, i);
        }

        foreach (var wave in waves)
        {
            if (!byKey) wave.Sort();
        }

        return waves.ConvertAll(w => w.ToArray());
    }

    /// <summary>
    /// All rows that share their key with one of the given rows of <see cref="Writes"/> and <see cref="Deletes"/>, in the order
    /// in which they came; rows of one key have one number.
    /// </summary>
    public KeyedRow[] WithSuperseded(IEnumerable<int> rows)
    {
        var keys = new HashSet<int>();
        var all = new List<KeyedRow>();
        foreach (var row in rows)
        {
            var (from, to) = _groups.TryGetValue(row, out var group) ? group : (-1 - row, -row);
            if (!keys.Add(from)) continue;
            if (from < 0) all.Add(new KeyedRow(row, from));
            else all.AddRange(_sorted[from..to].Select(r => new KeyedRow(r, from)));
        }

        return [.. all.OrderBy(r => r.Row)];
    }

    /// <summary>
    /// Whether a row replaces an earlier one of its key. The rule is that of the statements of every dialect: without a
    /// revision the later row does; with one, a row whose revision is not lower does, and NULL is the lowest.
    /// </summary>
    private bool Supersedes(RowBlock block, int later, int earlier, bool[]? deletes, bool guardDeletes)
    {
        if (deletes is not null && (deletes[earlier] || (deletes[later] && !guardDeletes))) return true;
        if (table.Spec.Mode == SinkMode.Append) return false;
        if (table.Revision < 0) return true;
        var revision = block.Columns[table.Columns[table.Revision].Field];
        if (revision.IsNull[earlier]) return true;
        if (revision.IsNull[later]) return false;
        var order = KeyComparer.Compare(revision, later, earlier);
        return order > 0 || (order == 0 && !(deletes is not null && deletes[later]));
    }

    private sealed class KeyComparer(SinkTable table, RowBlock block, bool[] withoutBlanks) : IComparer<int>
    {
        private readonly Column[] _keys = [.. table.Keys.ToArray().Select(k => block.Columns[k.Field])];

        public bool IsStrictlyAscending(int[] rows)
        {
            for (var i = 1; i < rows.Length; i++)
            {
                if (CompareKeys(rows[i - 1], rows[i]) >= 0) return false;
            }

            return true;
        }

        public int Compare(int x, int y)
        {
            var order = CompareKeys(x, y);
            return order != 0 ? order : x.CompareTo(y);
        }

        public int CompareKeys(int x, int y)
        {
            for (var i = 0; i < _keys.Length; i++)
            {
                var order = withoutBlanks[i] && _keys[i] is BinaryColumn text
                    ? text.Span(x).TrimEnd((byte)' ').SequenceCompareTo(text.Span(y).TrimEnd((byte)' '))
                    : Compare(_keys[i], x, y);
                if (order != 0) return order;
            }

            return 0;
        }

        public static int Compare(Column column, int x, int y) => column switch
        {
            LongColumn c => c.Values[x].CompareTo(c.Values[y]),
            BinaryColumn c => c.Span(x).SequenceCompareTo(c.Span(y)),
            DecimalColumn c => c.Values[x].CompareTo(c.Values[y]),
            DoubleColumn c => c.Values[x].CompareTo(c.Values[y]),
            BooleanColumn c => c.Values[x].CompareTo(c.Values[y]),
            _ => throw new InvalidOperationException($"Rows cannot be ordered by a {column.Type}."),
        };
    }
}
