using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Values of columns as people and programs read them.</summary>
public static class ColumnText
{
    private static readonly int EpochDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    /// <summary>
    /// A value: <see cref="bool"/>, <see cref="long"/>, <see cref="decimal"/>, <see cref="double"/>, <see cref="DateTime"/> (UTC),
    /// <see cref="DateOnly"/>, <see cref="string"/> (also JSON text) or <c>byte[]</c>; null for NULL.
    /// </summary>
    public static object? Value(Column column, int row)
    {
        ArgumentNullException.ThrowIfNull(column);
        if (column.IsNull[row]) return null;
        return column switch
        {
            BooleanColumn c => c.Values[row],
            LongColumn { Type.Kind: FieldKind.Timestamp } c => DateTime.UnixEpoch.AddTicks(c.Values[row] * 10),
            LongColumn { Type.Kind: FieldKind.Date } c => DateOnly.FromDayNumber((int)c.Values[row] + EpochDay),
            LongColumn c => c.Values[row],
            // Zeros up to the declared scale, as databases show it.
            DecimalColumn c => c.Values[row] + new decimal(0, 0, 0, false, c.Type.Scale),
            DoubleColumn c => c.Values[row],
            BinaryColumn { Type.Kind: FieldKind.Bytes } c => c.Span(row).ToArray(),
            BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
            _ => throw new ArgumentException($"Values of {column.Type} are not known here.", nameof(column)),
        };
    }

    /// <summary>A time, ms since the Unix epoch; one beyond the calendar is shown as its first or last instant.</summary>
    public static DateTime Time(long ms) =>
        DateTime.UnixEpoch.AddMilliseconds(Math.Clamp(ms, Windows.WindowRange.CalendarStart, Windows.WindowRange.CalendarEnd));

    /// <summary>A value as text: numbers with a point, times in ISO 8601, bytes in base64, NULL as <c>NULL</c>.</summary>
    public static string Text(Column column, int row) => Text(Value(column, row));

    /// <summary>As <see cref="Text(Column, int)"/>, of a value that <see cref="Value"/> returned.</summary>
    public static string Text(object? value) => value switch
    {
        null => "NULL",
        bool b => b ? "true" : "false",
        string s => s,
        byte[] b => Convert.ToBase64String(b),
        DateTime t => t.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
        DateOnly d => d.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>A value as JSON: numbers as numbers, JSON text as it is, everything else as text.</summary>
    public static JsonNode? Json(Column column, int row)
    {
        var value = Value(column, row);
        return value switch
        {
            null => null,
            bool b => JsonValue.Create(b),
            long n => JsonValue.Create(n),
            decimal n => JsonValue.Create(n),
            double n => JsonValue.Create(n),
            string s when column.Type.Kind == FieldKind.Json => ForeignJson.Parse(s),
            _ => JsonValue.Create(Text(value)),
        };
    }
}
