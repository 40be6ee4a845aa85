using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A column of a sink's statements.</summary>
/// <param name="Name">The name as the database keeps it.</param>
/// <param name="Field">The field's place in the rows' schema.</param>
/// <param name="Type">The field's type.</param>
/// <param name="IsKey">Part of the key.</param>
internal sealed record SinkColumn(string Name, int Field, FieldType Type, bool IsKey)
{
    public string Quoted => Identifiers.Quote(Name);

    /// <summary>The column as the database describes it; null before that was asked.</summary>
    public ColumnInfo? Present { get; init; }
}

/// <summary>A sink's table as statements name it: keys first, values of unbounded size last.</summary>
internal sealed class SinkTable
{
    private SinkTable(SinkSpec spec, TableName name, SinkColumn[] columns, int keyCount, int revision)
    {
        Spec = spec;
        Name = name;
        Columns = columns;
        KeyCount = keyCount;
        Revision = revision;
    }

    public SinkSpec Spec { get; }

    public TableName Name { get; }

    public string Quoted => Identifiers.Quote(Name);

    public SinkColumn[] Columns { get; }

    public int KeyCount { get; }

    public ReadOnlySpan<SinkColumn> Keys => Columns.AsSpan(0, KeyCount);

    public ReadOnlySpan<SinkColumn> Values => Columns.AsSpan(KeyCount);

    /// <summary>The revision's place in <see cref="Columns"/>, or -1.</summary>
    public int Revision { get; }

    /// <summary>
    /// Resolves a spec against a dialect's naming rules. Throws <see cref="SinkConfigurationException"/> with every
    /// fault.
    /// </summary>
    public static SinkTable From(SinkSpec spec, Dialect dialect)
    {
        var faults = new List<string>();
        var names = new string[spec.Schema.Count];
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < names.Length; i++)
        {
            var field = spec.Schema[i].Name;
            try
            {
                names[i] = Identifiers.Column(field, dialect.Fold, dialect.MaxIdentifierBytes);
                if (!seen.TryAdd(names[i], field))
                    faults.Add(
                        $"Fields '{seen[names[i]]}' and '{field}' are both column {names[i]}: rename one in a map step.");
            }
            catch (SinkConfigurationException fault)
            {
                faults.Add(fault.Message);
            }
        }

        if (spec.Keys.Count == 0) faults.Add("The sink has no key: declare 'keys', so that a repeated row is recognised.");
        foreach (var key in spec.Keys)
        {
            var field = spec.Schema.IndexOf(key);
            if (field < 0) faults.Add($"The key '{key}' is not a field of the sink's rows.");
            else if (spec.Schema[field].Type.Kind is FieldKind.Json or FieldKind.Bytes)
                faults.Add($"The key '{key}' is {spec.Schema[field].Type}: a key is a scalar value.");
        }

        if (spec.RevisionColumn is { } revision && spec.Schema.IndexOf(revision) < 0)
            faults.Add($"The revision column '{revision}' is not a field of the sink's rows.");
        if (faults.Count > 0) throw Faulty(spec, faults);

        var keys = spec.Keys.Select(k => spec.Schema.IndexOf(k)).ToArray();
        var columns = keys
            .Concat(Enumerable.Range(0, names.Length).Except(keys).OrderBy(i => IsUnbounded(spec.Schema[i].Type) ? 1
                : 0))
            .Select((field, place) => new SinkColumn(names[field], field, spec.Schema[field].Type, place < keys.Length))
            .ToArray();
        var at = spec.RevisionColumn is null
            ? -1
            : Array.FindIndex(columns, c => c.Field == spec.Schema.IndexOf(spec.RevisionColumn));
        return new SinkTable(
            spec, Identifiers.Table(spec.Table, dialect.Fold, dialect.MaxIdentifierBytes), columns, keys.Length, at);
    }

    /// <summary>The same table, with its columns as the database describes them.</summary>
    public SinkTable Against(TableInfo info) =>
        new(Spec, Name, [.. Columns.Select(c => c with { Present = info.Find(c.Name) })], KeyCount, Revision);

    /// <summary>The same columns in a table of another name: the one behind a synonym.</summary>
    public SinkTable At(TableName name) => new(Spec, name, Columns, KeyCount, Revision);

    /// <summary>The same table with the columns last whose values may travel as large objects.</summary>
    public SinkTable LongLast(Func<SinkColumn, bool> isLong)
    {
        // Keys stay first: they are never long. The order within either group stays.
        var columns = Columns.Take(KeyCount).Concat(Columns.Skip(KeyCount).OrderBy(c => isLong(c) ? 1 : 0)).ToArray();
        return new(Spec, Name, columns, KeyCount, Revision < 0 ? Revision : Array.IndexOf(columns, Columns[Revision]));
    }

    public static SinkConfigurationException Faulty(SinkSpec spec, IEnumerable<string> faults) =>
        new($"Sink '{spec.Sink}' of pipeline '{spec.Pipeline}', table {spec.Table} on connection '{spec.Connection}':"
            + string.Concat(faults.Select(f => $"{Environment.NewLine}  - {f}")));

    private static bool IsUnbounded(FieldType type) => type.Kind is FieldKind.Json or FieldKind.Bytes;
}
