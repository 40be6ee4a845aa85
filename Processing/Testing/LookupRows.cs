using System.Text;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Text;
using KafkaOracleOrleans.Processing.Windows;
using MapNode = KafkaOracleOrleans.Processing.Definition.MapNode;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>A lookup step's table, written into the test.</summary>
internal sealed class LookupRows
{
    private readonly LookupPlan _step;
    private readonly RowBlock _table;
    private readonly Dictionary<string, List<int>> _rowsOf = new(StringComparer.Ordinal);

    private LookupRows(LookupPlan step, int rows)
    {
        _step = step;
        var keys = step.Lookup.KeyColumns.Select((name, i) => new Field("key." + name, step.InputSchema[step.Key[i]].Type));
        var values = step.Lookup.ValueColumns.Select((name, i) => new Field("value." + i.ToString("D3") + name, step.Lookup.ValueTypes[i]));
        _table = new RowBlock(new Schema([.. keys, .. values]), rows) { Count = rows };
    }

    /// <summary>Reads the rows; columns that are left out are NULL. Faults are noted.</summary>
    public static LookupRows Read(LookupPlan step, IReadOnlyList<TextNode> rows, DiagnosticBag diagnostics)
    {
        var table = new LookupRows(step, rows.Count);
        string[] columns = [.. step.Lookup.KeyColumns, .. step.Lookup.ValueColumns];
        for (var row = 0; row < rows.Count; row++)
        {
            foreach (var column in table._table.Columns) column.SetNull(row);
            if (rows[row] is not MapNode map)
            {
                diagnostics.Error("KOR6006", rows[row], "a row of a lookup table is a mapping, COLUMN: value");
                continue;
            }

            foreach (var entry in map.Entries) table.Set(entry, columns, row, diagnostics);
            var key = table.KeyOf(table._table.Columns, row);
            if (!table._rowsOf.TryGetValue(key, out var same)) table._rowsOf.Add(key, same = []);
            same.Add(row);
        }

        return table;
    }

    /// <summary>Answers a step's request.</summary>
    public void Answer(LookupRequest request)
    {
        if (request.Preload)
        {
            request.Table = new LookupTableRows(_table);
            return;
        }

        request.Result = _step.Lookup.Several ? RowsOf(request.Keys) : RowOf(request.Keys);
    }

    private LookupResult RowOf(RowBlock keys)
    {
        var values = new RowBlock(new Schema([.. _table.Schema.Fields.Skip(_step.Key.Count)]), keys.Count) { Count = keys.Count };
        var found = new bool[keys.Count];
        var faults = new List<LookupFault>();
        for (var row = 0; row < keys.Count; row++)
        {
            var rows = _rowsOf.GetValueOrDefault(KeyOf(keys.Columns, row)) ?? [];
            if (rows.Count > 1) faults.Add(LookupFault.Several(row, _step.Lookup.Table, _step.Lookup.KeyColumns));
            found[row] = rows.Count == 1;
            for (var c = 0; c < values.Columns.Length; c++)
            {
                if (found[row]) values.Columns[c].CopyFrom(_table.Columns[_step.Key.Count + c], rows[0], row);
                else values.Columns[c].SetNull(row);
            }
        }

        return new LookupResult(values, found) { Faults = faults };
    }

    private LookupResult RowsOf(RowBlock keys)
    {
        var rows = new IReadOnlyList<int>[keys.Count];
        var faults = new List<LookupFault>();
        for (var row = 0; row < keys.Count; row++)
        {
            rows[row] = _rowsOf.GetValueOrDefault(KeyOf(keys.Columns, row)) ?? [];
            if (rows[row].Count <= LookupSpec.MaxRowsPerKey) continue;
            rows[row] = [];
            faults.Add(LookupFault.TooMany(row, _step.Lookup.Table));
        }

        var values = new RowBlock(new Schema([.. _table.Schema.Fields.Skip(_step.Key.Count)]), [.. _table.Columns.Skip(_step.Key.Count)], _table.Count);
        return new LookupResult(values, Array.ConvertAll(rows, r => r.Count != 0)) { Rows = rows, Faults = faults };
    }

    private void Set(MapEntry entry, string[] columns, int row, DiagnosticBag diagnostics)
    {
        var places = Enumerable.Range(0, columns.Length)
            .Where(i => string.Equals(columns[i], entry.Key.Raw, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (places.Length == 0)
        {
            diagnostics.Error(
                "KOR6006", entry.Key, $"the lookup '{_step.Id}' reads no column '{entry.Key.Raw}'; it reads {string.Join(", ", columns)}",
                Suggestions.Nearest(entry.Key.Raw, columns));
            return;
        }

        foreach (var place in places)
        {
            if (ExpectedValue.TryFill(_table.Columns[place], row, entry.Value)) continue;
            diagnostics.Error("KOR6006", entry.Value, $"{entry.Value.Kind} is no {_table.Columns[place].Type} of column '{entry.Key.Raw}'");
        }
    }

    private string KeyOf(Column[] columns, int row)
    {
        var writer = new ByteWriter(32);
        GroupKeyCodec.Append(columns[.._step.Key.Count], row, ref writer);
        return Convert.ToHexString(writer.Written);
    }
}
