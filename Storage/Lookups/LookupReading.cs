using System.Data.Common;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Lookups;

/// <summary>The answers to the keys of one call, each found, missing or a fault of its own.</summary>
internal sealed class Answers(LookupSpec spec, Dialect dialect, RowBlock values, bool[] found)
{
    private readonly Dictionary<int, LookupFault> _faults = [];

    // Where all rows of a key are wanted: per key its rows, as places in the values.
    private readonly Dictionary<int, List<int>>? _rows = spec.Several ? [] : null;

    /// <summary>False when the database would not take the key; then it has its fault.</summary>
    public bool CanAsk(RowBlock keys, int row)
    {
        foreach (var column in keys.Columns)
        {
            if (dialect.KeyFault(column, row) is not { } why) continue;
            Refuse(row, why);
            return false;
        }

        return true;
    }

    /// <summary>Takes a row found for a key.</summary>
    public void Take(int key, DbDataReader reader, int offset)
    {
        if (_faults.ContainsKey(key)) return;
        if (_rows is not null)
        {
            TakeOneMore(_rows, key, reader, offset);
            return;
        }

        if (found[key])
        {
            Fault(LookupFault.Several(key, spec.Table, spec.KeyColumns));
            return;
        }

        found[key] = true;
        Read(key, reader, offset, key);
    }

    private void TakeOneMore(Dictionary<int, List<int>> rows, int key, DbDataReader reader, int offset)
    {
        if (!rows.TryGetValue(key, out var own)) rows.Add(key, own = []);
        if (own.Count == LookupSpec.MaxRowsPerKey)
        {
            Fault(LookupFault.TooMany(key, spec.Table));
            return;
        }

        var row = values.Count++;
        foreach (var column in values.Columns) column.EnsureCapacity(values.Count);
        own.Add(row);
        found[key] = true;
        Read(key, reader, offset, row);
    }

    private void Read(int key, DbDataReader reader, int offset, int row)
    {
        for (var i = 0; i < values.Columns.Length; i++)
        {
            if (dialect.TryReadValue(reader, offset + i, values.Columns[i], row) is not { } why) continue;
            Fault(LookupFaults.Unfit(key, spec, i, reader.GetDataTypeName(offset + i), why));
            return;
        }
    }

    /// <summary>Notes that the database refuses a key.</summary>
    public void Refuse(int key, string why) => Fault(new LookupFault(
        key, "KOR4053", $"The database does not take the record's key as one of {spec.Table}: {why}. Refuse or cut such keys before the lookup."));

    /// <summary>Forgets what was found for some keys.</summary>
    public void Forget(int[] keys)
    {
        foreach (var key in keys)
        {
            found[key] = false;
            _faults.Remove(key);
            // What was read for it stays in the values, where nothing points to it any more.
            if (_rows is not null) _rows.Remove(key);
            else foreach (var column in values.Columns) column.SetNull(key);
        }
    }

    public LookupResult Result() => new(values, found)
    {
        Faults = [.. _faults.Values],
        Rows = _rows is null ? null : [.. Enumerable.Range(0, found.Length).Select(key => (IReadOnlyList<int>?)_rows.GetValueOrDefault(key) ?? [])],
    };

    private void Fault(LookupFault fault)
    {
        found[fault.Key] = false;
        _faults[fault.Key] = fault;
    }
}

/// <summary>A whole table as it is read.</summary>
internal sealed class WholeTable(LookupSpec spec, Dialect dialect, LookupTable table, RowBlock block, int maxRows)
{
    private readonly List<LookupFault> _faults = [];
    private string? _unreadKey;

    public void Take(DbDataReader reader)
    {
        if (block.Count == maxRows)
        {
            throw new SinkConfigurationException(
                $"The lookup table {table.Name} has more than {maxRows} rows, too many to preload: "
                + "raise the limit with cache: { rows }, or take preload away and look rows up with a cache instead.");
        }

        var row = block.Count++;
        LookupFault? fault = null;
        for (var i = 0; i < block.Columns.Length; i++)
        {
            block.Columns[i].EnsureCapacity(block.Count);
            if (dialect.TryReadValue(reader, i, block.Columns[i], row) is not { } why) continue;
            if (i < table.Keys.Length)
            {
                // No record has such a key: its field could not hold it.
                _unreadKey ??= $"{table.Keys[i].Name} holds a value that is no {table.Keys[i].Type} ({reader.GetDataTypeName(i)}: {why})";
                block.Count--;
                return;
            }

            fault ??= LookupFaults.Unfit(row, spec, i - table.Keys.Length, reader.GetDataTypeName(i), why);
        }

        if (fault is not null) _faults.Add(fault);
    }

    public LookupTableRows Result() => block.Count == 0 && _unreadKey is not null
        ? throw new SinkConfigurationException(
            $"No row of the lookup table {table.Name} has a key the records could have: {_unreadKey}. Give the key field the type the column has.")
        : new LookupTableRows(block) { Faults = _faults, AskForOthers = Array.Exists(table.Keys, k => k.CastTo is not (null or LookupColumn.Padded)) };
}

/// <summary>Texts of faults that both ways of reading have.</summary>
internal static class LookupFaults
{
    public static LookupFault Unfit(int key, LookupSpec spec, int value, string found, string why) => new(
        key, "KOR4052",
        $"The lookup column {spec.Table}.{spec.ValueColumns[value]} holds a value that is no {spec.ValueTypes[value]} ({found}: {why.TrimEnd('.')}). "
        + "Declare the type the column has, or mend the row, then replay.");
}
