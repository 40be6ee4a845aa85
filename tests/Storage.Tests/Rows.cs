using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>
/// Row blocks from plain values: null, bool, long, decimal, double, string, byte[], DateTime (UTC) or DateOnly.
/// </summary>
internal static class Rows
{
    public static RowBlock Block(Schema schema, params object?[][] rows)
    {
        var block = new RowBlock(schema);
        block.Reset(rows.Length);
        for (var row = 0; row < rows.Length; row++)
        {
            for (var i = 0; i < schema.Count; i++) Set(block.Columns[i], row, rows[row][i]);
        }

        return block;
    }

    public static void Set(Column column, int row, object? value)
    {
        switch (value)
        {
            case null: column.SetNull(row); break;
            case bool v: ((BooleanColumn)column).Set(row, v); break;
            case int v: ((LongColumn)column).Set(row, v); break;
            case long v: ((LongColumn)column).Set(row, v); break;
            case decimal v: ((DecimalColumn)column).Set(row, v); break;
            case double v: ((DoubleColumn)column).Set(row, v); break;
            case string v: ((BinaryColumn)column).Set(row, Encoding.UTF8.GetBytes(v)); break;
            case byte[] v: ((BinaryColumn)column).Set(row, v); break;
            case DateTime v: ((LongColumn)column).Set(row, (v.Ticks - DateTime.UnixEpoch.Ticks) / 10); break;
            case DateOnly v:
                ((LongColumn)column).Set(row, v.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber);
                break;
            default: throw new ArgumentException($"{value.GetType()} is no column value.");
        }
    }

    public static object? Get(Column column, int row)
    {
        if (column.IsNull[row]) return null;
        return column switch
        {
            BooleanColumn c => c.Values[row],
            LongColumn { Type.Kind: FieldKind.Timestamp } c => DateTime.UnixEpoch.AddTicks(c.Values[row] * 10),
            LongColumn { Type.Kind: FieldKind.Date } c =>
                DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays((int)c.Values[row]),
            LongColumn c => c.Values[row],
            DecimalColumn c => c.Values[row],
            DoubleColumn c => c.Values[row],
            BinaryColumn { Type.Kind: FieldKind.Bytes } c => Convert.ToHexString(c.Span(row)),
            BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
            _ => throw new ArgumentException($"{column.Type}"),
        };
    }

    /// <summary>The rows as texts, sorted: <c>a|1|null</c>.</summary>
    public static string[] Texts(RowBlock block) =>
        [.. Enumerable.Range(0, block.Count).Select(row => Text(block, row)).Order(StringComparer.Ordinal)];

    public static string Text(RowBlock block, int row) => string.Join("|", block.Columns.Select(c => Get(c, row) switch
    {
        null => "null",
        decimal v => (v / 1.0000000000000000000000000000m).ToString(),
        DateTime v => v.ToString("yyyy-MM-ddTHH:mm:ss.ffffff"),
        DateOnly v => v.ToString("yyyy-MM-dd"),
        var v => v.ToString(),
    }));

    /// <summary>A raw batch of one partition with one record per value, offsets from <paramref name="from"/>.</summary>
    public static RawBatch Raw(string topic, int partition, long from, params string?[] values)
    {
        var buffer = new MemoryStream();
        var raw = new RawBatch
        {
            Topic = topic, Partition = partition, From = from, To = from + values.Length, Count = values.Length,
            KeyStart = new int[values.Length], KeyLength = new int[values.Length],
            ValueStart = new int[values.Length], ValueLength = new int[values.Length],
            Offsets = [.. Enumerable.Range(0, values.Length).Select(i => from + i)],
            Timestamps = [.. values.Select(_ => 1_700_000_000_000L)],
            Headers = i => [new("trace", Encoding.UTF8.GetBytes($"t{i}")), new("empty", null)],
            Buffer = new byte[values.Sum(v => Encoding.UTF8.GetByteCount(v ?? "")) + (values.Length * 8)],
        };
        for (var i = 0; i < values.Length; i++)
        {
            raw.KeyStart[i] = (int)buffer.Position;
            buffer.Write(Encoding.UTF8.GetBytes($"k{i}"));
            raw.KeyLength[i] = (int)buffer.Position - raw.KeyStart[i];
            raw.ValueStart[i] = (int)buffer.Position;
            buffer.Write(Encoding.UTF8.GetBytes(values[i] ?? ""));
            raw.ValueLength[i] = values[i] is null ? -1 : (int)buffer.Position - raw.ValueStart[i];
        }

        buffer.ToArray().CopyTo(raw.Buffer, 0);
        return raw;
    }
}
