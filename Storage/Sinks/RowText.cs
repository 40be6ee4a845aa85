using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A row as a JSON object, for the quarantine of rows that have no raw record behind them.</summary>
internal static class RowText
{
    public static byte[] Json(SinkTable table, RowBlock rows, int row, bool keysOnly)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var column in table.Columns)
            {
                if (keysOnly && !column.IsKey) continue;
                json.WritePropertyName(rows.Schema[column.Field].Name);
                Write(json, rows.Columns[column.Field], row);
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>A key's value for messages.</summary>
    public static string Plain(Column column, int row) => column switch
    {
        _ when column.IsNull[row] => "NULL",
        LongColumn { Type.Kind: FieldKind.Integer } c => c.Values[row].ToString(System.Globalization.CultureInfo.InvariantCulture),
        LongColumn c => TimeText(c, row),
        BinaryColumn { Type.Kind: not FieldKind.Bytes } c => Encoding.UTF8.GetString(c.Span(row)),
        _ => column.Type.ToString(),
    };

    private static void Write(Utf8JsonWriter json, Column column, int row)
    {
        if (column.IsNull[row])
        {
            json.WriteNullValue();
            return;
        }

        switch (column)
        {
            case LongColumn { Type.Kind: FieldKind.Integer } c: json.WriteNumberValue(c.Values[row]); break;
            case LongColumn c: json.WriteStringValue(TimeText(c, row)); break;
            case DecimalColumn c: json.WriteNumberValue(c.Values[row]); break;
            // JSON has no NaN and no infinity, and it is such rows that are refused.
            case DoubleColumn c when !double.IsFinite(c.Values[row]):
                json.WriteStringValue(c.Values[row].ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            case DoubleColumn c: json.WriteNumberValue(c.Values[row]); break;
            case BooleanColumn c: json.WriteBooleanValue(c.Values[row]); break;
            case BinaryColumn { Type.Kind: FieldKind.Bytes } c: json.WriteBase64StringValue(c.Span(row)); break;
            case BinaryColumn c: json.WriteStringValue(Encoding.UTF8.GetString(c.Span(row))); break;
        }
    }

    /// <summary>The time as text, or its bare number when no calendar has it.</summary>
    private static string TimeText(LongColumn column, int row)
    {
        try
        {
            return column.Type.Kind == FieldKind.Date
                ? SqliteDialect.DateText(column.Values[row])
                : SqliteDialect.TimestampText(column.Values[row]);
        }
        catch (Exception outside) when (outside is OverflowException or ArgumentOutOfRangeException)
        {
            return column.Values[row].ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
