using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>
/// Writes a value as JSON, for fields of type json: records and maps are objects, arrays are arrays, bytes base64, enums and UUIDs texts, decimals numbers
/// with all their digits, times ISO 8601. A union is its value alone.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The writer holds nothing but the buffer beside it; it lives as long as the decoder.")]
internal sealed class AvroJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = 1000 };
    // Items without bytes and symbols of enums take more room as JSON than in the record.
    private const long MaxBytes = 32 << 20;
    private readonly ArrayBufferWriter<byte> _buffer = new(256);
    private readonly Utf8JsonWriter _json;
    private ValueFault _fault;

    public AvroJson() => _json = new Utf8JsonWriter(_buffer, Options);

    /// <summary>Writes a value into a column.</summary>
    public ValueFault Write(ref AvroReader reader, AvroSchema schema, BinaryColumn column, int row)
    {
        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        _fault = ValueFault.None;
        Value(ref reader, schema);
        _json.Flush();
        column.Set(row, _buffer.WrittenSpan);
        return _fault;
    }

    private void Value(ref AvroReader reader, AvroSchema schema)
    {
        switch (schema.Kind)
        {
            case AvroKind.Null:
                _json.WriteNullValue();
                break;
            case AvroKind.Boolean:
                _json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case AvroKind.Int:
                Number(reader.ReadInt(), schema.Logical);
                break;
            case AvroKind.Long:
                Number(reader.ReadLong(), schema.Logical);
                break;
            case AvroKind.Float:
                Raw(AvroText.Number(reader.ReadFloat(), true), ValueFault.NotFinite);
                break;
            case AvroKind.Double:
                Raw(AvroText.Number(reader.ReadDouble(), false), ValueFault.NotFinite);
                break;
            case AvroKind.String:
                Text(reader.ReadBytes());
                break;
            case AvroKind.Bytes:
                Bytes(ref reader, reader.ReadBytes(), schema);
                break;
            case AvroKind.Fixed:
                Bytes(ref reader, reader.ReadFixed(schema.Size), schema);
                break;
            case AvroKind.Enum:
                var symbol = reader.ReadInt();
                if ((uint)symbol >= (uint)schema.Symbols.Count) reader.Fail("an enum has no such symbol");
                else _json.WriteStringValue(schema.Symbols[symbol]);
                break;
            default:
                if (!reader.Enter()) return;
                Composite(ref reader, schema);
                reader.Leave();
                break;
        }
    }

    private void Composite(ref AvroReader reader, AvroSchema schema)
    {
        switch (schema.Kind)
        {
            case AvroKind.Union:
                Value(ref reader, schema.Branches[reader.ReadBranch(schema.Branches.Count)]);
                break;
            case AvroKind.Record:
                _json.WriteStartObject();
                foreach (var field in schema.Fields)
                {
                    _json.WritePropertyName(field.Name);
                    Value(ref reader, field.Schema);
                }

                _json.WriteEndObject();
                break;
            case AvroKind.Array:
                _json.WriteStartArray();
                Items(ref reader, schema);
                _json.WriteEndArray();
                break;
            default:
                _json.WriteStartObject();
                Items(ref reader, schema);
                _json.WriteEndObject();
                break;
        }
    }

    private void Items(ref AvroReader reader, AvroSchema schema)
    {
        while (reader.ReadBlock() is var count and > 0)
        {
            for (; count > 0 && reader.Fault is null; count--)
            {
                if (schema.Kind == AvroKind.Map)
                {
                    var name = reader.ReadBytes();
                    _json.WritePropertyName(IsText(name) ? name : default);
                }

                Value(ref reader, schema.Item!);
                if (_json.BytesCommitted + _json.BytesPending > MaxBytes) reader.Fail("an array or map is longer than 32 MiB as JSON");
            }
        }
    }

    private void Number(long value, AvroLogical logical)
    {
        switch (logical)
        {
            case AvroLogical.None:
                _json.WriteNumberValue(value);
                break;
            case AvroLogical.Date:
                String(AvroText.Date(value), ValueFault.TimeRange);
                break;
            case AvroLogical.TimeMillis or AvroLogical.TimeMicros:
                String(AvroText.TimeOfDay(value, logical), ValueFault.TimeRange);
                break;
            default:
                String(AvroText.TryMicros(value, logical, out var micros) ? AvroText.Timestamp(micros, logical >= AvroLogical.LocalTimestampMillis) : null, ValueFault.TimeRange);
                break;
        }
    }

    private void Bytes(ref AvroReader reader, ReadOnlySpan<byte> bytes, AvroSchema schema)
    {
        if (reader.Fault is not null) return;
        switch (schema.Logical)
        {
            case AvroLogical.Decimal:
                Raw(AvroText.Decimal(bytes, schema.Scale), ValueFault.DecimalPrecision);
                break;
            case AvroLogical.Uuid:
                _json.WriteStringValue(AvroText.Uuid(bytes));
                break;
            case AvroLogical.Duration:
                _json.WriteStringValue(AvroText.Duration(bytes));
                break;
            default:
                _json.WriteBase64StringValue(bytes);
                break;
        }
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        if (IsText(text)) _json.WriteStringValue(text);
    }

    private bool IsText(ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text)) Note(ValueFault.InvalidUtf8);
        else if (text.Contains((byte)0)) Note(ValueFault.NulCharacter);
        else return true;
        return false;
    }

    private void Raw(string? number, ValueFault otherwise)
    {
        if (number is null) Note(otherwise);
        else _json.WriteRawValue(number, skipInputValidation: true);
    }

    private void String(string? text, ValueFault otherwise)
    {
        if (text is null) Note(otherwise);
        else _json.WriteStringValue(text);
    }

    private void Note(ValueFault fault)
    {
        if (_fault == ValueFault.None) _fault = fault;
    }
}
