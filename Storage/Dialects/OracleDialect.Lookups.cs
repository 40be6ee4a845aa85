using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Lookups.</content>
internal sealed partial class OracleDialect
{
    /// <summary>Keys of one query; Oracle allows 1,000 items in a list.</summary>
    private const int KeysPerLookup = 256;

    /// <summary>Texts above this are no VARCHAR2 to Oracle, and nothing else can be a key.</summary>
    private const int MaxKeyBytes = 4000;

    private const long MicrosecondsPerSecond = 1_000_000;

    public override string? KeyFault(Column key, int row) =>
        key is BinaryColumn text && text.Length[row] > MaxKeyBytes
            ? string.Create(CultureInfo.InvariantCulture, $"it has {text.Length[row]} bytes, and a key has at most {MaxKeyBytes} on Oracle")
            : null;

    /// <summary>
    /// What a query of a lookup said the key columns are, by the query's text without its keys: a hint for the next
    /// one, which finds out by itself when it is no longer true.
    /// </summary>
    private readonly ConcurrentDictionary<string, BindType[]> _keyBinds = new(StringComparer.Ordinal);

    public override string LookupText(LookupTable table, int keys)
    {
        var width = table.Keys.Length;
        var items = Enumerable.Range(0, keys).Select(row => string.Join(", ", Enumerable.Range(0, width).Select(
            i => string.Create(CultureInfo.InvariantCulture, $":P{(row * width) + i}"))));
        var names = string.Join(", ", table.Keys.Select(k => k.Quoted));
        var list = string.Join(", ", width == 1 ? items : items.Select(i => $"({i})"));
        return $"{SelectText(table)} WHERE {(width == 1 ? names : $"({names})")} IN ({list})";
    }

    /// <summary>
    /// A NUMBER may have more digits than a decimal, and a decimal's are more than a double's: the database converts.
    /// </summary>
    public override string SelectText(LookupColumn column) =>
        column.Type.Kind == FieldKind.Double ? $"TO_BINARY_DOUBLE({column.Quoted}) AS {column.Quoted}" : column.Quoted;

    private string SelectText(LookupTable table) =>
        $"SELECT {string.Join(", ", table.Keys.Concat(table.Values).Select(SelectText))} FROM {table.Quoted}";

    public override async Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation)
    {
        foreach (var chunk in rows.Chunk(KeysPerLookup))
            await LookupAsync(session, table, keys, chunk, take, retried: false, cancellation).ConfigureAwait(false);
    }

    private async Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take, bool retried,
        CancellationToken cancellation)
    {
        var query = SelectText(table);
        var binds = _keyBinds.GetValueOrDefault(query) ?? Array.ConvertAll(table.Keys, k => ColumnBinds.TypeOf(k.Type));
        // Answers carry no place: they are matched by the value of their key.
        var places = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            var key = KeyText(keys, row, binds);
            if (!places.TryGetValue(key, out var same)) places.Add(key, same = []);
            same.Add(row);
        }

        var padded = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows.Length);
        await using var command = session.Command(LookupText(table, padded));
        OracleDriver.Instance.Prepare(command, 0);
        PrepareQuery(command);
        for (var i = 0; i < padded; i++) AddKey(command, keys, rows[Math.Min(i, rows.Length - 1)], binds);
        BindType[] actual;
        await using (var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false))
        {
            PrepareReader(reader);
            actual = [.. table.Keys.Select((k, i) => KeyBind(k.Type, reader.GetDataTypeName(i)))];
            if (retried || actual.AsSpan().SequenceEqual(binds))
            {
                var read = new RowBlock(new Schema([.. table.Keys.Select(k => new Field(k.Name, k.Type))]), 1);
                while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
                {
                    var unread = 0;
                    for (var i = 0; i < read.Columns.Length; i++)
                    {
                        read.Columns[i].Reset();
                        if (TryReadValue(reader, i, read.Columns[i], 0) is not null) unread++;
                    }

                    // A key that is none of the field's values cannot have been asked for.
                    if (unread > 0) continue;
                    if (!places.TryGetValue(KeyText(read, 0, binds), out var asking)) continue;
                    foreach (var row in asking) take(row, reader, table.Keys.Length);
                }

                return;
            }
        }

        _keyBinds[query] = actual;
        await LookupAsync(session, table, keys, rows, take, retried: true, cancellation).ConfigureAwait(false);
    }

    /// <summary>What a key is bound as, by the type the driver gives its column.</summary>
    private static BindType KeyBind(FieldType type, string column) => type.Kind switch
    {
        FieldKind.String when column.Equals("Char", StringComparison.OrdinalIgnoreCase) => BindType.FixedText,
        FieldKind.String when column.Equals("NChar", StringComparison.OrdinalIgnoreCase) => BindType.NationalFixedText,
        FieldKind.String when column.Equals("NVarchar2", StringComparison.OrdinalIgnoreCase) => BindType.NationalText,
        // As TIMESTAMP the column would be converted, row by row, and its index not be used.
        FieldKind.Timestamp when column.Equals("Date", StringComparison.OrdinalIgnoreCase) => BindType.Seconds,
        _ => ColumnBinds.TypeOf(type),
    };

    private static void AddKey(DbCommand command, RowBlock keys, int row, BindType[] types)
    {
        for (var i = 0; i < types.Length; i++)
        {
            var values = new ColumnBinds(keys.Columns[i], types[i]);
            // Bound as DATE a time would lose its fraction and find what it is not.
            var type = types[i] == BindType.Seconds && values.Long(row) % MicrosecondsPerSecond != 0 ? BindType.Timestamp : types[i];
            Add(OracleDriver.Instance, command, TypeOf(type, false), ValueOf(values, row));
        }
    }

    /// <summary>Keys equal to the database are equal texts.</summary>
    private static string KeyText(RowBlock keys, int row, BindType[] binds) => string.Join('\u0001', keys.Columns.Select((c, i) => c switch
    {
        LongColumn l => l.Values[row].ToString(CultureInfo.InvariantCulture),
        DecimalColumn d => (d.Values[row] / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture),
        DoubleColumn d => d.Values[row].ToString("R", CultureInfo.InvariantCulture),
        BooleanColumn b => b.Values[row] ? "1" : "0",
        BinaryColumn { Type.Kind: FieldKind.Bytes } b => Convert.ToHexString(b.Span(row)),
        BinaryColumn b when binds[i] is BindType.FixedText or BindType.NationalFixedText => Encoding.UTF8.GetString(b.Span(row)).TrimEnd(' '),
        BinaryColumn b => Encoding.UTF8.GetString(b.Span(row)),
        _ => throw new InvalidOperationException($"A {c.Type} is no key."),
    }));

    /// <summary>A CHAR comes with blanks up to its length, which nobody has written.</summary>
    protected override string ReadText(DbDataReader reader, int ordinal)
    {
        var text = base.ReadText(reader, ordinal);
        return IsColumn(reader, ordinal, "Char") || IsColumn(reader, ordinal, "NChar") ? text.TrimEnd(' ') : text;
    }

    /// <summary>
    /// GetValue makes a single or a double of a NUMBER of few digits, and so another number of it; GetDecimal does not.
    /// </summary>
    protected override decimal ReadDecimal(DbDataReader reader, int ordinal) =>
        reader.GetFieldType(ordinal) is { } type && (type == typeof(string)
            || IsColumn(reader, ordinal, "BinaryDouble") || IsColumn(reader, ordinal, "BinaryFloat"))
            ? base.ReadDecimal(reader, ordinal)
            : reader.GetDecimal(ordinal);

    protected override long ReadInteger(DbDataReader reader, int ordinal)
    {
        var value = ReadDecimal(reader, ordinal);
        return decimal.Truncate(value) == value ? checked((long)value) : throw new InvalidCastException($"{value} is no integer");
    }

    /// <summary>A DATE has a time of day, and what has one is no date.</summary>
    protected override long ReadDate(DbDataReader reader, int ordinal) =>
        reader.GetValue(ordinal) is DateTime time && time.TimeOfDay != TimeSpan.Zero
            ? throw new InvalidCastException($"{time:yyyy-MM-dd HH:mm:ss} has a time of day and is no date; declare the field timestamp")
            : base.ReadDate(reader, ordinal);

    private static bool IsColumn(DbDataReader reader, int ordinal, string type) =>
        reader.GetDataTypeName(ordinal).Equals(type, StringComparison.OrdinalIgnoreCase);
}
