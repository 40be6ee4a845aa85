using System.Data.Common;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// Rows appended without keys of their own are known by the place of their record in the log. A row that is there already is
/// a replay's and equal; when it differs, it is another record's (the topic was made anew, or somebody else writes the
/// table), and leaving it alone would lose a good row in silence.
/// </summary>
internal sealed class PlaceCheck
{
    /// <summary>Rows of one question.</summary>
    private const int MaxRows = 500;

    private const long SecondInMicroseconds = 1_000_000;

    private readonly SinkTable _table;
    private readonly LookupTable _lookup;
    private readonly SinkColumn[] _compared;

    private PlaceCheck(SinkTable table, SinkColumn[] compared)
    {
        _table = table;
        _compared = compared;
        _lookup = new LookupTable(
            table.Name, [.. table.Keys.ToArray().Select(k => new LookupColumn(k.Name, k.Type))],
            [.. compared.Select(c => new LookupColumn(c.Name, c.Type))]);
    }

    /// <summary>True when rows are appended and known by topic, partition and offset of their record.</summary>
    public static bool IsKeyedByPlace(SinkSpec spec) => spec.Mode == SinkMode.Append
        && spec.Keys.Contains(MetadataColumns.Field(MetadataColumn.Offset).Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The check of a table, or null where keys are declared: then equal keys are the author's to say.</summary>
    public static PlaceCheck? For(SinkTable table)
    {
        if (!IsKeyedByPlace(table.Spec)) return null;
        var metadata = Enum.GetValues<MetadataColumn>().Select(m => MetadataColumns.Field(m).Name);
        var refusals = SideOutputs.Quarantined.Fields.All(f => table.Spec.Schema.IndexOf(f.Name) >= 0);
        // What a database may give back in another form than it was given would differ without being another row; the
        // words of a refusal change with versions.
        var compared = table.Values.ToArray().Where(c =>
            c.Type.Kind is FieldKind.Integer or FieldKind.Boolean or FieldKind.String or FieldKind.Date or FieldKind.Timestamp
                or FieldKind.Bytes
            && !metadata.Contains(c.Name, StringComparer.OrdinalIgnoreCase)
            && !(refusals && c.Type.Kind == FieldKind.String)).ToArray();
        return compared.Length == 0 ? null : new PlaceCheck(table, compared);
    }

    /// <summary>
    /// Compares rows with what the table holds under their keys. Throws <see cref="SinkConfigurationException"/> for the first
    /// that differs.
    /// </summary>
    public async Task RunAsync(DbSession session, RowBlock block, int[] rows, CancellationToken cancellation)
    {
        var keys = new RowBlock(
            new Schema([.. _table.Keys.ToArray().Select(k => new Field(k.Name, k.Type))]),
            [.. _table.Keys.ToArray().Select(k => block.Columns[k.Field])], block.Count);
        var held = Array.ConvertAll(_compared, c => Column.Create(c.Type));
        foreach (var column in held) column.EnsureCapacity(1);
        (int Row, SinkColumn Column)? other = null;
        foreach (var some in rows.Chunk(MaxRows))
        {
            await session.Dialect.LookupAsync(
                session, _lookup, keys, some,
                (row, reader, at) => other ??= Differs(session.Dialect, reader, at, block, row, held) is { } c ? (row, c) : null,
                cancellation).ConfigureAwait(false);
            if (other is { } found) throw Taken(block, found.Row, found.Column);
        }
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
            BinaryColumn c => Trimmed(c.Span(row)).SequenceEqual(Trimmed(((BinaryColumn)held).Span(0))),
            _ => true,
        };
    }

    /// <summary>NULL, or the empty text that some databases take for it.</summary>
    private static bool IsEmpty(Column column, int row) =>
        column.IsNull[row] || (column is BinaryColumn text && Trimmed(text.Span(row)).IsEmpty);

    /// <summary>Without the blanks that CHAR columns add.</summary>
    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> text) => text.TrimEnd((byte)' ');

    private SinkConfigurationException Taken(RowBlock block, int row, SinkColumn column)
    {
        var spec = _table.Spec;
        var place = string.Join(", ", _table.Keys.ToArray().Select(k => $"{spec.Schema[k.Field].Name} {RowText.Plain(block.Columns[k.Field], row)}"));
        return new SinkConfigurationException(
            $"Sink '{spec.Sink}' of pipeline '{spec.Pipeline}': {spec.Table} holds another row at {place} ({column.Name} differs), which is left as it is. "
            + "Either the topic was deleted and made again, or another sink or pipeline writes this table, or the pipeline was changed and reads "
            + "its log again. Nothing of this write is stored. Give the sink another 'table', or 'keys' of your own; to have rows written over, "
            + $"use mode: upsert, metadata: true, keys: [{string.Join(", ", spec.Keys)}]; or delete the old rows.")
        {
            Code = SinkRowCodes.KeyTaken,
        };
    }
}
