using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>How a value of a type becomes a field of a type.</summary>
internal static class AvroLeaves
{
    /// <summary>The action that takes a value that is no union into a field.</summary>
    public static AvroAction Of(AvroSchema writer, AvroSchema? reader, FieldSlot slot, RecordDecoder decoder, AvroJson json, AvroSkips skips, bool mixed)
    {
        // What a value means is the reader's to say where it has the same type; and bytes are a string where it says so.
        var logical = reader is not null && reader.Kind == writer.Kind ? reader.Logical : writer.Logical;
        var size = writer.Kind == AvroKind.Fixed ? writer.Size : -1;
        var scale = writer.Logical == AvroLogical.Decimal ? writer.Scale : reader?.Scale ?? 0;
        var kind = writer.Kind == AvroKind.Bytes && reader?.Kind == AvroKind.String ? AvroKind.String : writer.Kind;
        if (!Fits(kind, logical, slot.Spec)) return new TakeNothing(slot, decoder, skips.Of(writer));
        // A string alone is JSON text; among other types it is a string.
        if (slot.Kind == FieldKind.Json && (kind != AvroKind.String || mixed)) return new TakeJson(slot, decoder, writer, json);
        switch (kind)
        {
            case AvroKind.Boolean:
                return new TakeBoolean(slot, decoder);
            case AvroKind.Int or AvroKind.Long:
                return Whole(writer.Kind == AvroKind.Int, logical, slot, decoder);
            case AvroKind.Float or AvroKind.Double:
                return new TakeReal(slot, decoder, writer.Kind == AvroKind.Float);
            case AvroKind.String:
                return slot.Kind switch
                {
                    FieldKind.String => new TakeString(slot, decoder),
                    FieldKind.Bytes => new TakeBytes(slot, decoder, -1),
                    _ => new TakeText(slot, decoder),
                };
            case AvroKind.Enum:
                return new TakeEnum(slot, decoder, [.. writer.Symbols.Select(s => Symbol(s, reader))]);
            default:
                if (logical == AvroLogical.Decimal && slot.Kind != FieldKind.Bytes) return new TakeDecimal(slot, decoder, size, scale);
                if (slot.Kind == FieldKind.Bytes) return new TakeBytes(slot, decoder, size);
                return logical is AvroLogical.Uuid or AvroLogical.Duration ? new TakeFixedText(slot, decoder, writer) : new TakeString(slot, decoder);
        }
    }

    /// <summary>Whether a field can take a type's values; a text may still not be what the field wants.</summary>
    public static bool Fits(AvroKind kind, AvroLogical logical, SourceFieldSpec field)
    {
        var to = field.Type.Kind;
        if (to == FieldKind.Json) return true;
        var number = to is FieldKind.Integer or FieldKind.Decimal or FieldKind.Double || (to == FieldKind.String && field.Lenient);
        return kind switch
        {
            AvroKind.String => true,
            AvroKind.Boolean => to == FieldKind.Boolean || (to == FieldKind.String && field.Lenient),
            AvroKind.Float or AvroKind.Double => number,
            AvroKind.Enum => to is FieldKind.String or FieldKind.Boolean,
            AvroKind.Int or AvroKind.Long => logical switch
            {
                AvroLogical.None => number || (to is FieldKind.Timestamp or FieldKind.Date && field.Encoding is not (TimeEncoding.Iso8601 or TimeEncoding.Pattern)),
                AvroLogical.TimeMillis or AvroLogical.TimeMicros => number || to == FieldKind.String,
                _ => number || to is FieldKind.Timestamp or FieldKind.Date or FieldKind.String,
            },
            AvroKind.Bytes or AvroKind.Fixed => to == FieldKind.Bytes || logical switch
            {
                AvroLogical.Decimal => number || to == FieldKind.String,
                AvroLogical.Uuid or AvroLogical.Duration => to == FieldKind.String,
                // Bytes are read as a string where the schema of the pipeline says string.
                _ => kind == AvroKind.Bytes && to == FieldKind.String && field.Lenient,
            },
            _ => false,
        };
    }

    private static AvroAction Whole(bool isInt, AvroLogical logical, FieldSlot slot, RecordDecoder decoder)
    {
        var byTime = slot.Kind is FieldKind.Timestamp or FieldKind.Date or FieldKind.String;
        return logical switch
        {
            AvroLogical.Date when byTime => new TakeDate(slot, decoder),
            AvroLogical.TimeMillis or AvroLogical.TimeMicros when slot.Kind == FieldKind.String => new TakeTimeOfDay(slot, decoder, logical),
            >= AvroLogical.TimestampMillis and <= AvroLogical.LocalTimestampNanos when byTime => new TakeTimestamp(slot, decoder, logical),
            _ when slot.Kind == FieldKind.Integer => new TakeLong(slot, decoder, isInt),
            _ => new TakeWhole(slot, decoder, isInt),
        };
    }

    private static byte[]? Symbol(string symbol, AvroSchema? reader) =>
        reader is null || reader.Symbols.Contains(symbol) ? Encoding.UTF8.GetBytes(symbol) : reader.Fallback is { } fallback ? Encoding.UTF8.GetBytes(fallback) : null;
}
