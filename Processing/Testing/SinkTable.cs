using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// A sink's table in memory, with the rules databases go by here: append keeps the first row of a key, upsert the one of the highest revision
/// (of equal ones and without one the last; NULL is the lowest), and a row without a key is refused. Sinks that write one table share its rows.
/// </summary>
internal sealed class SinkTable
{
    private readonly SinkPlan _sink;
    private readonly SharedTable _table;
    private readonly int _key;

    public SinkTable(SinkPlan sink, SharedTable table)
    {
        _sink = sink;
        _table = table;
        _key = sink.Spec.Keys.Count == 0 ? -1 : table.AddKey([.. sink.Spec.Keys]);
    }

    public Schema Schema => _sink.Spec.Schema;

    /// <summary>What the table holds, in the order the rows first came, in the sink's columns.</summary>
    public IEnumerable<object?[]> Rows => _table.Rows.Select(r => Schema.Fields.Select(f => r.GetValueOrDefault(f.Name)).ToArray());

    /// <summary>Rows without a value in a key column: a database refuses them.</summary>
    public int Refused { get; private set; }

    /// <summary>Rows whose key the table, which several sinks write, holds with other values: sinks refuse them.</summary>
    public int Taken { get; private set; }

    /// <summary>Takes in rows of the sink's schema.</summary>
    public void Write(RowBlock block, bool[]? deletes)
    {
        for (var row = 0; row < block.Count; row++)
            Write([.. block.Columns.Select(c => ColumnText.Value(c, row))], deletes is not null && deletes[row]);
    }

    /// <summary>Takes in rows of a window step.</summary>
    public void WriteWindows(RowBlock block, long nowMs, int version)
    {
        var deletes = Windows.WithdrawnRows.Of(block, _sink);
        for (var row = 0; row < block.Count; row++)
        {
            Write(
                [.. _sink.Source.Select(s => s >= 0 ? ColumnText.Value(block.Columns[s], row) : Metadata(s, nowMs, version))],
                deletes is not null && deletes[row]);
        }
    }

    private void Write(object?[] values, bool delete)
    {
        var row = SharedTable.NewRow();
        for (var i = 0; i < values.Length; i++) row[Schema[i].Name] = values[i];
        if (_key < 0)
        {
            _table.Add(row);
            return;
        }

        if (_sink.Spec.Keys.Any(k => row.GetValueOrDefault(k) is null))
        {
            Refused++;
            return;
        }

        var at = _table.Find(_key, row);
        if (at < 0)
        {
            if (!delete && !_sink.Spec.UpdateOnly) _table.Add(row);
        }
        else if (delete)
        {
            _table.Remove(at);
        }
        else if (_sink.Spec.Mode == SinkMode.Upsert && !IsStale(row, at))
        {
            if (_sink.Spec.KeepMissing) Keep(row, at);
            _table.Update(at, row);
        }
        else if (_sink.Spec is { Mode: SinkMode.Append, IsTableShared: true } && Differs(row, at))
        {
            Taken++;
        }
    }

    /// <summary>What is missing in a row is what the table has.</summary>
    private void Keep(Dictionary<string, object?> row, int at)
    {
        foreach (var field in Schema.Fields) row[field.Name] ??= _table.Value(at, field.Name);
    }

    private bool Differs(Dictionary<string, object?> row, int at)
    {
        var values = Schema.Fields.Where((f, i) => _sink.Source[i] >= 0 && f.Type.Kind is not (FieldKind.Json or FieldKind.Bytes));
        return values.Any(f => !Equals(row.GetValueOrDefault(f.Name), _table.Value(at, f.Name)));
    }

    /// <summary>Whether the stored row stays: the rule of the sinks' statements.</summary>
    private bool IsStale(Dictionary<string, object?> row, int at) =>
        _sink.Spec.RevisionColumn is { } revision && _table.Value(at, revision) is { } old
        && (row.GetValueOrDefault(revision) is not { } next || Compare(next, old) < 0);

    /// <summary>Texts by their bytes, as sinks have databases compare them.</summary>
    private static int Compare(object next, object old) => (next, old) switch
    {
        (string x, string y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
        _ => Comparer<object>.Default.Compare(next, old),
    };

    private static object? Metadata(int source, long nowMs, int version) => MetadataColumns.FromSource(source) switch
    {
        MetadataColumn.ProcessedAt => ColumnText.Time(nowMs),
        MetadataColumn.PipelineVersion => (long)version,
        _ => null,
    };
}
