using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// Leaves one row per key, in key order: no statement then meets a key twice, and concurrent writers lock rows in the
/// same order.
/// </summary>
internal sealed class RowReducer(SinkTable table)
{
    private readonly List<int> _writes = [];
    private readonly List<int> _deletes = [];

    /// <summary>The rows to insert or update, by key.</summary>
    public int[] Writes { get; private set; } = [];

    /// <summary>The rows whose key is deleted, by key.</summary>
    public int[] Deletes { get; private set; } = [];

    /// <summary>Reduces the rows given by <paramref name="rows"/> (ascending).</summary>
    public void Reduce(RowBlock block, int[] rows, bool[]? deletes)
    {
        _writes.Clear();
        _deletes.Clear();
        var comparer = new KeyComparer(table, block);
        if (!comparer.IsStrictlyAscending(rows)) Array.Sort(rows, comparer);
        for (var i = 0; i < rows.Length;)
        {
            var winner = rows[i++];
            for (; i < rows.Length && comparer.CompareKeys(rows[i], winner) == 0; i++)
            {
                if (Supersedes(block, rows[i], winner, deletes)) winner = rows[i];
            }

            (deletes is not null && deletes[winner] ? _deletes : _writes).Add(winner);
        }

        Writes = [.. _writes];
        Deletes = [.. _deletes];
    }

    /// <summary>
    /// Whether a row replaces an earlier one of its key: the higher revision does, and without one the later row.
    /// </summary>
    private bool Supersedes(RowBlock block, int later, int earlier, bool[]? deletes)
    {
        if (deletes is not null && (deletes[later] || deletes[earlier])) return true;
        if (table.Spec.Mode == SinkMode.Append) return false;
        if (table.Revision < 0) return true;
        var revision = block.Columns[table.Columns[table.Revision].Field];
        return revision.IsNull[later] || revision.IsNull[earlier]
            || KeyComparer.Compare(revision, later, earlier) >= 0;
    }

    private sealed class KeyComparer(SinkTable table, RowBlock block) : IComparer<int>
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
            foreach (var key in _keys)
            {
                var order = Compare(key, x, y);
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
