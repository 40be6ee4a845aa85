using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// The rows of a table in memory. Sinks that write one table share it: each by its own keys and its own columns, as in a database.
/// </summary>
internal sealed class SharedTable
{
    private readonly List<Dictionary<string, object?>?> _rows = [];
    private readonly List<Index> _indexes = [];

    private sealed record Index(string[] Columns)
    {
        public Dictionary<string, int> Rows { get; } = new(StringComparer.Ordinal);

        /// <summary>The row's key, or null where a column of it has no value.</summary>
        public string? KeyOf(Dictionary<string, object?> row)
        {
            var values = Columns.Select(c => row.GetValueOrDefault(c)).ToArray();
            return Array.Exists(values, v => v is null) ? null : string.Join('\u001f', values.Select(ColumnText.Text));
        }
    }

    /// <summary>What the table holds, in the order the rows first came.</summary>
    public IEnumerable<IReadOnlyDictionary<string, object?>> Rows => _rows.OfType<Dictionary<string, object?>>();

    /// <summary>
    /// Sinks that write one table, by the rules that pipelines are refused by: a name without a schema may be that of any. What collects an output has no table,
    /// and one of its own.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<SinkPlan>> Group(IEnumerable<SinkPlan> sinks)
    {
        var groups = new List<List<SinkPlan>>();
        foreach (var sink in sinks)
        {
            var same = groups.FindAll(g => g.Exists(o => MayBeOne(sink, o)));
            groups.RemoveAll(same.Contains);
            groups.Add([.. same.SelectMany(g => g), sink]);
        }

        return groups;
    }

    private static bool MayBeOne(SinkPlan sink, SinkPlan other) => sink.Spec.Table.Length > 0 && other.Spec.Table.Length > 0
        && sink.Spec.Connection.Equals(other.Spec.Connection, StringComparison.OrdinalIgnoreCase) && SharedTables.MayBeOne(sink.Spec.Table, other.Spec.Table);

    /// <summary>An empty row; databases ignore the case of columns.</summary>
    public static Dictionary<string, object?> NewRow() => new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Has the table find rows by columns; gives the number to ask with.</summary>
    public int AddKey(string[] columns)
    {
        var index = _indexes.FindIndex(i => i.Columns.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(columns));
        if (index >= 0) return index;
        _indexes.Add(new Index(columns));
        return _indexes.Count - 1;
    }

    /// <summary>The number of the stored row with the key of a given one; -1 when there is none.</summary>
    public int Find(int key, Dictionary<string, object?> row) =>
        _indexes[key].KeyOf(row) is { } text ? _indexes[key].Rows.GetValueOrDefault(text, -1) : -1;

    /// <summary>A value of a stored row.</summary>
    public object? Value(int at, string column) => _rows[at]!.GetValueOrDefault(column);

    /// <summary>Adds a row.</summary>
    public void Add(Dictionary<string, object?> row)
    {
        foreach (var index in _indexes)
        {
            if (index.KeyOf(row) is { } key) index.Rows.TryAdd(key, _rows.Count);
        }

        _rows.Add(row);
    }

    /// <summary>Writes the values of a row over those of a stored one; columns it does not have stay.</summary>
    public void Update(int at, Dictionary<string, object?> row)
    {
        var stored = _rows[at]!;
        Forget(stored, at);
        foreach (var (column, value) in row) stored[column] = value;
        foreach (var index in _indexes)
        {
            if (index.KeyOf(stored) is { } key) index.Rows.TryAdd(key, at);
        }
    }

    /// <summary>Removes a stored row.</summary>
    public void Remove(int at)
    {
        Forget(_rows[at]!, at);
        _rows[at] = null;
    }

    private void Forget(Dictionary<string, object?> stored, int at)
    {
        foreach (var index in _indexes)
        {
            if (index.KeyOf(stored) is { } key && index.Rows.GetValueOrDefault(key, -1) == at) index.Rows.Remove(key);
        }
    }
}
