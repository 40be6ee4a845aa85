using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Lookups.</content>
internal sealed partial class OracleDialect
{
    /// <summary>Keys of one query; Oracle allows 1,000 items in a list.</summary>
    private const int KeysPerLookup = 256;

    /// <summary>Texts above this are no VARCHAR2 to Oracle, and nothing else can be a key.</summary>
    private const int MaxKeyBytes = 4000;

    public override string? KeyFault(Column key, int row) =>
        key is BinaryColumn text && text.Length[row] > MaxKeyBytes
            ? string.Create(CultureInfo.InvariantCulture, $"it has {text.Length[row]} bytes, and a key has at most {MaxKeyBytes} on Oracle")
            : null;

    public override string LookupText(LookupTable table, int keys)
    {
        var width = table.Keys.Length;
        var items = Enumerable.Range(0, keys).Select(row => string.Join(", ", Enumerable.Range(0, width).Select(
            i => string.Create(CultureInfo.InvariantCulture, $":P{(row * width) + i}"))));
        var names = string.Join(", ", table.Keys.Select(k => k.Quoted));
        var list = string.Join(", ", width == 1 ? items : items.Select(i => $"({i})"));
        var columns = string.Join(", ", table.Keys.Concat(table.Values).Select(c => c.Quoted));
        return $"SELECT {columns} FROM {table.Quoted} WHERE {(width == 1 ? names : $"({names})")} IN ({list})";
    }

    public override async Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation)
    {
        // Answers carry no place: they are matched by the value of their key.
        var read = new RowBlock(new Schema([.. table.Keys.Select(k => new Field(k.Name, k.Type))]), 1);
        foreach (var chunk in rows.Chunk(KeysPerLookup))
        {
            var places = new Dictionary<string, List<int>>(StringComparer.Ordinal);
            foreach (var row in chunk)
            {
                var key = KeyText(keys, row);
                if (!places.TryGetValue(key, out var same)) places.Add(key, same = []);
                same.Add(row);
            }

            var padded = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)chunk.Length);
            await using var command = session.Command(LookupText(table, padded));
            PrepareQuery(command);
            for (var i = 0; i < padded; i++) AddKey(command, table, keys, chunk[Math.Min(i, chunk.Length - 1)]);
            await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
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
                if (!places.TryGetValue(KeyText(read, 0), out var asking)) continue;
                foreach (var row in asking) take(row, reader, table.Keys.Length);
            }
        }
    }

    private static void AddKey(DbCommand command, LookupTable table, RowBlock keys, int row)
    {
        var driver = OracleDriverInstance(command);
        for (var i = 0; i < table.Keys.Length; i++)
        {
            var binds = new ColumnBinds(keys.Columns[i], ColumnBinds.TypeOf(table.Keys[i].Type));
            Add(driver, command, TypeOf(binds.Type, false), ValueOf(binds, row));
        }
    }

    private static Connections.OracleDriver OracleDriverInstance(DbCommand command)
    {
        var driver = Connections.OracleDriver.Instance;
        driver.Prepare(command, 0);
        return driver;
    }

    private static string KeyText(RowBlock keys, int row) => string.Join('\u0001', keys.Columns.Select(c => c switch
    {
        LongColumn l => l.Values[row].ToString(CultureInfo.InvariantCulture),
        DecimalColumn d => (d.Values[row] / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture),
        DoubleColumn d => d.Values[row].ToString("R", CultureInfo.InvariantCulture),
        BooleanColumn b => b.Values[row] ? "1" : "0",
        BinaryColumn { Type.Kind: FieldKind.Bytes } b => Convert.ToHexString(b.Span(row)),
        BinaryColumn b => System.Text.Encoding.UTF8.GetString(b.Span(row)),
        _ => throw new InvalidOperationException($"A {c.Type} is no key."),
    }));
}
