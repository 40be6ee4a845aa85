using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>
/// Writes JSON as Avro's binary encoding: defaults of schemas, and records of tests. A union is its value alone, and takes the first branch that fits. Beside
/// what defaults may be, logical types may be written as people write them: times in ISO 8601, decimals as numbers, bytes as base64.
/// </summary>
internal sealed class AvroEncoder
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly bool _samples;

    private AvroEncoder(bool samples) => _samples = samples;

    /// <summary>A default of a schema. Throws <see cref="SchemaException"/> when it does not fit.</summary>
    public static byte[] Encode(AvroSchema schema, JsonElement value) => Encode(schema, value, samples: false);

    /// <summary>A record of a test. Throws <see cref="SchemaException"/> when it does not fit.</summary>
    public static byte[] EncodeSample(AvroSchema schema, JsonElement value) => Encode(schema, value, samples: true);

    private static byte[] Encode(AvroSchema schema, JsonElement value, bool samples)
    {
        var encoder = new AvroEncoder(samples);
        encoder.Value(schema, value, "$");
        return encoder._bytes.WrittenSpan.ToArray();
    }

    private void Value(AvroSchema schema, JsonElement value, string at)
    {
        switch (schema.Kind)
        {
            case AvroKind.Null when value.ValueKind == JsonValueKind.Null:
                break;
            case AvroKind.Boolean when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                _bytes.Write([value.GetBoolean() ? (byte)1 : (byte)0]);
                break;
            case AvroKind.Int or AvroKind.Long:
                Whole(schema, value, at);
                break;
            case AvroKind.Float when value.ValueKind == JsonValueKind.Number:
                BinaryPrimitives.WriteSingleLittleEndian(_bytes.GetSpan(4), value.GetSingle());
                _bytes.Advance(4);
                break;
            case AvroKind.Double when value.ValueKind == JsonValueKind.Number:
                BinaryPrimitives.WriteDoubleLittleEndian(_bytes.GetSpan(8), value.GetDouble());
                _bytes.Advance(8);
                break;
            case AvroKind.String when value.ValueKind == JsonValueKind.String:
                Bytes(Encoding.UTF8.GetBytes(value.GetString()!));
                break;
            case AvroKind.Bytes:
                Bytes(Binary(schema, value, at));
                break;
            case AvroKind.Fixed:
                _bytes.Write(Sized(Binary(schema, value, at), schema, at));
                break;
            case AvroKind.Enum when value.ValueKind == JsonValueKind.String && schema.Symbols.ToList().IndexOf(value.GetString()!) is var place and >= 0:
                Long(place);
                break;
            case AvroKind.Array when value.ValueKind == JsonValueKind.Array:
                Array(schema, value, at);
                break;
            case AvroKind.Map when value.ValueKind == JsonValueKind.Object:
                Map(schema, value, at);
                break;
            case AvroKind.Record when value.ValueKind == JsonValueKind.Object:
                Record(schema, value, at);
                break;
            case AvroKind.Union:
                Union(schema, value, at);
                break;
            default:
                throw Fault(schema, at);
        }
    }

    private void Record(AvroSchema schema, JsonElement value, string at)
    {
        foreach (var field in schema.Fields)
        {
            if (value.TryGetProperty(field.Name, out var own)) Value(field.Schema, own, $"{at}.{field.Name}");
            else if (field.Default is { } otherwise) Value(field.Schema, otherwise, $"{at}.{field.Name}");
            else if (_samples && field.Schema.IsNullable) Union(field.Schema, JsonElement.Parse("null"), $"{at}.{field.Name}");
            else throw new SchemaException($"{at} has no '{field.Name}', which the schema wants and has no default for.");
        }

        if (!_samples) return;
        foreach (var property in value.EnumerateObject())
        {
            if (schema.Fields.All(f => f.Name != property.Name)) throw new SchemaException($"{at} has '{property.Name}', which the schema does not have.");
        }
    }

    private void Union(AvroSchema schema, JsonElement value, string at)
    {
        if (schema.Kind == AvroKind.Null) return;
        for (var i = 0; i < schema.Branches.Count; i++)
        {
            byte[] bytes;
            try
            {
                bytes = Encode(schema.Branches[i], value, _samples);
            }
            catch (SchemaException) when (schema.Branches.Count > 1)
            {
                // It is of another branch, or of none.
                continue;
            }

            Long(i);
            _bytes.Write(bytes);
            return;
        }

        throw Fault(schema, at);
    }

    private void Array(AvroSchema schema, JsonElement value, string at)
    {
        if (value.GetArrayLength() != 0)
        {
            Long(value.GetArrayLength());
            foreach (var item in value.EnumerateArray()) Value(schema.Item!, item, at + "[]");
        }

        Long(0);
    }

    private void Map(AvroSchema schema, JsonElement value, string at)
    {
        var entries = value.EnumerateObject().ToList();
        if (entries.Count != 0)
        {
            Long(entries.Count);
            foreach (var entry in entries)
            {
                Bytes(Encoding.UTF8.GetBytes(entry.Name));
                Value(schema.Item!, entry.Value, $"{at}.{entry.Name}");
            }
        }

        Long(0);
    }

    private void Whole(AvroSchema schema, JsonElement value, string at)
    {
        long number;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out number))
        {
            if (schema.Kind == AvroKind.Int && number is < int.MinValue or > int.MaxValue) throw Fault(schema, at);
        }
        else if (!_samples || value.ValueKind != JsonValueKind.String || !TryTime(schema.Logical, value.GetString()!, out number))
        {
            throw Fault(schema, at);
        }

        Long(number);
    }

    private static bool TryTime(AvroLogical logical, string text, out long value)
    {
        value = 0;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (logical == AvroLogical.None) return false;
        if (logical == AvroLogical.Date) return TimeText.ParseIsoDate(bytes, out value) == ValueFault.None;
        if (logical is AvroLogical.TimeMillis or AvroLogical.TimeMicros)
        {
            if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time)) return false;
            value = logical == AvroLogical.TimeMillis ? (long)time.TotalMilliseconds : time.Ticks / 10;
            return true;
        }

        if (TimeText.ParseIso(bytes, out var micros) != ValueFault.None) return false;
        value = logical switch
        {
            AvroLogical.TimestampMillis or AvroLogical.LocalTimestampMillis => micros / 1000,
            AvroLogical.TimestampNanos or AvroLogical.LocalTimestampNanos => micros * 1000,
            _ => micros,
        };
        return true;
    }

    private byte[] Binary(AvroSchema schema, JsonElement value, string at)
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : null;
        if (_samples && schema.Logical == AvroLogical.Decimal && Unscaled(text ?? (value.ValueKind == JsonValueKind.Number ? value.GetRawText() : ""), schema.Scale) is { } unscaled)
            return unscaled.ToByteArray(isBigEndian: true);
        if (text is null) throw Fault(schema, at);
        if (_samples && schema.Logical == AvroLogical.Uuid && Guid.TryParse(text, out var guid)) return guid.ToByteArray(bigEndian: true);
        // Defaults are characters 0 to 255, one for each byte.
        if (!_samples) return text.All(c => c <= 255) ? Encoding.Latin1.GetBytes(text) : throw Fault(schema, at);
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : throw Fault(schema, at);
    }

    private static BigInteger? Unscaled(string text, int scale)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return null;
        var whole = new BigInteger(decimal.Truncate(number));
        var rest = number - decimal.Truncate(number);
        for (var i = 0; i < scale; i++)
        {
            rest *= 10;
            whole = (whole * 10) + new BigInteger(decimal.Truncate(rest));
            rest -= decimal.Truncate(rest);
        }

        return rest == 0 ? whole : null;
    }

    private static byte[] Sized(byte[] bytes, AvroSchema schema, string at)
    {
        if (bytes.Length == schema.Size) return bytes;
        if (schema.Logical != AvroLogical.Decimal || bytes.Length > schema.Size) throw Fault(schema, at);
        var all = new byte[schema.Size];
        all.AsSpan().Fill((byte)((sbyte)bytes[0] >> 7));
        bytes.CopyTo(all, schema.Size - bytes.Length);
        return all;
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        Long(bytes.Length);
        _bytes.Write(bytes);
    }

    private void Long(long value)
    {
        var raw = (ulong)((value << 1) ^ (value >> 63));
        for (; raw > 0x7F; raw >>= 7) _bytes.Write([(byte)(raw | 0x80)]);
        _bytes.Write([(byte)raw]);
    }

    private static SchemaException Fault(AvroSchema schema, string at) => new($"{at} is no value of {schema}.");
}
