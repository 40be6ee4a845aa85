using System.Data.Common;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// Rows that were left alone because their key was there already: a replay's are equal to what the table holds, others would be lost.
/// Rows appended without keys of their own are known by the place of their record in the log. A row that is there already is
/// a replay's and equal; when it differs, it is another record's (the topic was made anew, or somebody else writes the
/// table), and leaving it alone would lose a good row in silence. Declared keys are the author's to say, but where
/// several sinks of the pipeline write the table a row that differs may be another sink's and is refused; elsewhere it is counted.
/// </summary>
internal sealed class PlaceCheck
{
    /// <summary>Rows of one question.</summary>
    private const int MaxRows = 500;

    private const long SecondInMicroseconds = 1_000_000;

    private readonly SinkTable _table;
    private readonly LookupTable _lookup;
    private readonly SinkColumn[] _compared;
    private readonly bool _byPlace;

    private PlaceCheck(SinkTable table, SinkColumn[] compared)
    {
        _table = table;
        _byPlace = IsKeyedByPlace(table.Spec);
        _compared = compared;
        _lookup = new LookupTable(
            table.Name, [.. table.Keys.ToArray().Select(k => new LookupColumn(k.Name, k.Type))],
            [.. compared.Select(c => new LookupColumn(c.Name, c.Type))]);
    }

    /// <summary>True when rows are appended and known by topic, partition and offset of their record.</summary>
    public static bool IsKeyedByPlace(SinkSpec spec) => spec.Mode == SinkMode.Append
        && spec.Keys.Contains(MetadataColumns.Field(MetadataColumn.Offset).Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The check of a table that is appended to; null for others, and where there is nothing to compare.</summary>
    public static PlaceCheck? For(SinkTable table)
    {
        if (table.Spec.Mode != SinkMode.Append) return null;
        var declared = !IsKeyedByPlace(table.Spec);
        var metadata = Enum.GetValues<MetadataColumn>().Select(m => MetadataColumns.Field(m).Name);
        var refusals = SideOutputs.Quarantined.Fields.All(f => table.Spec.Schema.IndexOf(f.Name) >= 0);
        // What a database may give back in another form than it was given would differ without being another row; the
        // words of a refusal change with versions.
        var compared = table.Values.ToArray().Where(c =>
            ((declared && c.Type.Kind is (FieldKind.Decimal or FieldKind.Double)) || c.Type.Kind is FieldKind.Integer or FieldKind.Boolean or FieldKind.String or FieldKind.Date or FieldKind.Timestamp
                or FieldKind.Bytes)
            && !metadata.Contains(c.Name, StringComparer.OrdinalIgnoreCase)
            && !(refusals && c.Type.Kind == FieldKind.String)).ToArray();
        return compared.Length == 0 ? null : new PlaceCheck(table, compared);
    }

    /// <summary>
    /// Compares rows with what the table holds under their keys; gives those that differ, one entry each. Throws <see cref="SinkConfigurationException"/> for
    /// the first where rows are known by their place.
    /// </summary>
    public async Task<IReadOnlyList<RowFailure>> RunAsync(DbSession session, RowBlock block, int[] rows, CancellationToken cancellation)
    {
        var keys = new RowBlock(
            new Schema([.. _table.Keys.ToArray().Select(k => new Field(k.Name, k.Type))]),
            [.. _table.Keys.ToArray().Select(k => block.Columns[k.Field])], block.Count);
        var held = Array.ConvertAll(_compared, c => Column.Create(c.Type));
        foreach (var column in held) column.EnsureCapacity(1);
        var others = new SortedDictionary<int, SinkColumn>();
        foreach (var some in rows.Chunk(MaxRows))
        {
            await session.Dialect.LookupAsync(
                session, _lookup, keys, some,
                (row, reader, at) =>
                {
                    if (Differs(session.Dialect, reader, at, block, row, held) is { } column) others.TryAdd(row, column);
                },
                cancellation).ConfigureAwait(false);
            if (_byPlace && others.Count > 0) throw Taken(block, others.First().Key, others.First().Value);
        }

        return [.. others.Select(o => new RowFailure(o.Key, SinkRowCodes.SharedKeyTaken, Shared(block, o.Key, o.Value)))];
    }

    private SinkColumn? Differs(Dialect dialect, DbDataReader reader, int at, RowBlock block, int row, Column[] held)
    {
        for (var i = 0; i < _compared.Length; i++)
        {
            try
            {
                held[i].Reset();
                dialect.ReadValue(reader, at + i, held[i], 0);
            }
            catch (Exception unreadable) when (unreadable is InvalidCastException or OverflowException or FormatException)
            {
                // Of another type by now: nothing that could be compared.
                continue;
            }

            if (!AreAlike(block.Columns[_compared[i].Field], row, held[i])) return _compared[i];
        }

        return null;
    }

    private static bool AreAlike(Column given, int row, Column held)
    {
        if (IsEmpty(given, row) || IsEmpty(held, 0)) return IsEmpty(given, row) == IsEmpty(held, 0);
        return given switch
        {
            LongColumn { Type.Kind: FieldKind.Timestamp } c =>
                Math.Abs(c.Values[row] - ((LongColumn)held).Values[0]) < SecondInMicroseconds,
            LongColumn c => c.Values[row] == ((LongColumn)held).Values[0],
            BooleanColumn c => c.Values[row] == ((BooleanColumn)held).Values[0],
            DecimalColumn c => AreClose((double)c.Values[row], (double)((DecimalColumn)held).Values[0]),
            DoubleColumn c => AreClose(c.Values[row], ((DoubleColumn)held).Values[0]),
            BinaryColumn c => Trimmed(c.Span(row)).SequenceEqual(Trimmed(((BinaryColumn)held).Span(0))),
            _ => true,
        };
    }

    /// <summary>Columns keep six digits at least.</summary>
    private static bool AreClose(double given, double held) =>
        given.Equals(held) || Math.Abs(given - held) <= 1e-6 * Math.Max(Math.Abs(given), Math.Abs(held));

    /// <summary>NULL, or the empty text that some databases take for it.</summary>
    private static bool IsEmpty(Column column, int row) =>
        column.IsNull[row] || (column is BinaryColumn text && Trimmed(text.Span(row)).IsEmpty);

    /// <summary>Without the blanks that CHAR columns add.</summary>
    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> text) => text.TrimEnd((byte)' ');

    private string Place(RowBlock block, int row) =>
        string.Join(", ", _table.Keys.ToArray().Select(k => $"{_table.Spec.Schema[k.Field].Name} {RowText.Plain(block.Columns[k.Field], row)}"));

    private string Shared(RowBlock block, int row, SinkColumn column) =>
        $"{_table.Spec.Table}, which several sinks write, holds a row of the same key with another {column.Name} at {Place(block, row)}: one of the two would be lost. Give the "
        + "sinks 'keys' that tell their rows apart, or a table each, and replay the row.";

    private SinkConfigurationException Taken(RowBlock block, int row, SinkColumn column)
    {
        var spec = _table.Spec;
        return new SinkConfigurationException(
            $"Sink '{spec.Sink}' of pipeline '{spec.Pipeline}': {spec.Table} holds another row at {Place(block, row)} ({column.Name} differs), which is left as it is. "
            + "Either the topic was deleted and made again, or another sink or pipeline writes this table, or the pipeline was changed and reads "
            + "its log again. Nothing of this write is stored. Give the sink another 'table', or 'keys' of your own; to have rows written over, "
            + $"use mode: upsert, metadata: true, keys: [{string.Join(", ", spec.Keys)}]; or delete the old rows.")
        {
            Code = SinkRowCodes.KeyTaken,
        };
    }
}
