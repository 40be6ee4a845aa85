using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// A sink's table in memory, with the rules databases go by here: append keeps the first row of a key, upsert the one of the highest revision
/// (or the last), and a row without a key is refused.
/// </summary>
internal sealed class SinkTable(SinkPlan sink)
{
    private readonly List<object?[]> _rows = [];
    private readonly Dictionary<string, int> _byKey = new(StringComparer.Ordinal);
    private readonly int[] _keys = [.. sink.Spec.Keys.Select(k => IndexOf(sink.Spec.Schema, k))];
    private readonly int _revision = sink.Spec.RevisionColumn is { } revision ? IndexOf(sink.Spec.Schema, revision) : -1;

    public Schema Schema => sink.Spec.Schema;

    /// <summary>What the table holds, in the order the rows first came.</summary>
    public IEnumerable<object?[]> Rows => _rows.Where(r => r.Length != 0);

    /// <summary>Rows without a value in a key column: a database refuses them.</summary>
    public int Refused { get; private set; }

    /// <summary>Takes in rows of the sink's schema.</summary>
    public void Write(RowBlock block, bool[]? deletes)
    {
        for (var row = 0; row < block.Count; row++)
            Write([.. block.Columns.Select(c => ColumnText.Value(c, row))], deletes is not null && deletes[row]);
    }

    /// <summary>Takes in rows of a window step.</summary>
    public void WriteWindows(RowBlock block, long nowMs, int version)
    {
        var deletes = Windows.WithdrawnRows.Of(block, sink);
        for (var row = 0; row < block.Count; row++)
        {
            Write(
                [.. sink.Source.Select(s => s >= 0 ? ColumnText.Value(block.Columns[s], row) : Metadata(s, nowMs, version))],
                deletes is not null && deletes[row]);
        }
    }

    private void Write(object?[] values, bool delete)
    {
        if (_keys.Length == 0)
        {
            _rows.Add(values);
            return;
        }

        if (Array.Exists(_keys, k => values[k] is null))
        {
            Refused++;
            return;
        }

        var key = string.Join('\u001f', _keys.Select(k => ColumnText.Text(values[k])));
        if (!_byKey.TryGetValue(key, out var at))
        {
            if (delete) return;
            _byKey.Add(key, _rows.Count);
            _rows.Add(values);
        }
        else if (delete)
        {
            _rows[at] = [];
            _byKey.Remove(key);
        }
        else if (sink.Spec.Mode == SinkMode.Upsert && !IsStale(values, _rows[at]))
        {
            _rows[at] = values;
        }
    }

    private bool IsStale(object?[] values, object?[] held) =>
        _revision >= 0 && held[_revision] is { } old && (values[_revision] is not { } next || Comparer<object>.Default.Compare(next, old) <= 0);

    private static object? Metadata(int source, long nowMs, int version) => MetadataColumns.FromSource(source) switch
    {
        MetadataColumn.ProcessedAt => ColumnText.Time(nowMs),
        MetadataColumn.PipelineVersion => (long)version,
        _ => null,
    };

    private static int IndexOf(Schema schema, string column)
    {
        for (var i = 0; i < schema.Count; i++)
        {
            if (string.Equals(schema[i].Name, column, StringComparison.OrdinalIgnoreCase)) return i;
        }

        throw new ArgumentException($"The sink has no column '{column}'.", nameof(column));
    }
}
