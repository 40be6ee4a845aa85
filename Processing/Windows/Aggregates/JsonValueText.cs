using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>Column values as JSON text; equal values have equal text.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design", "CA1001", Justification = "A writer over a buffer in memory holds nothing that must be given back.")]
internal sealed class JsonValueText
{
    private const long MicrosecondsPerDay = 86_400_000_000;
    private readonly ArrayBufferWriter<byte> _buffer = new(64);
    private readonly Utf8JsonWriter _writer;

    public JsonValueText() => _writer = new Utf8JsonWriter(
        _buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    /// <summary>The text of a value that is not NULL. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Of(Column column, int row)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        switch (column)
        {
            case BooleanColumn booleans:
                _writer.WriteBooleanValue(booleans.Values[row]);
                break;
            case DecimalColumn decimals:
                _writer.WriteNumberValue(Decimals.Normalize(decimals.Values[row]));
                break;
            case DoubleColumn doubles:
                _writer.WriteNumberValue(doubles.Values[row] + 0.0);
                break;
            case LongColumn numbers:
                WriteLong(column.Type.Kind, numbers.Values[row]);
                break;
            case BinaryColumn bytes when column.Type.Kind == FieldKind.Json:
                _writer.WriteRawValue(bytes.Span(row), skipInputValidation: true);
                break;
            case BinaryColumn bytes when column.Type.Kind == FieldKind.Bytes:
                _writer.WriteBase64StringValue(bytes.Span(row));
                break;
            case BinaryColumn bytes:
                _writer.WriteStringValue(bytes.Span(row));
                break;
            default:
                throw new InvalidOperationException($"A column of type {column.Type} has no JSON text.");
        }

        _writer.Flush();
        return _buffer.WrittenSpan;
    }

    /// <summary>A string as JSON text. Valid until the next call.</summary>
    public ReadOnlySpan<byte> OfString(ReadOnlySpan<byte> text)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        _writer.WriteStringValue(text);
        _writer.Flush();
        return _buffer.WrittenSpan;
    }

    private void WriteLong(FieldKind kind, long value)
    {
        var micros = kind == FieldKind.Date ? (Int128)value * MicrosecondsPerDay : value;
        var ticks = (micros * 10) + DateTime.UnixEpoch.Ticks;
        // Times that the calendar of ISO 8601 does not have stay numbers.
        if (kind == FieldKind.Integer || ticks < 0 || ticks > DateTime.MaxValue.Ticks)
        {
            _writer.WriteNumberValue(value);
            return;
        }

        Span<char> text = stackalloc char[40];
        var format = kind == FieldKind.Date ? "yyyy-MM-dd" : "yyyy-MM-ddTHH:mm:ss.FFFFFFZ";
        new DateTime((long)ticks).TryFormat(text, out var length, format, CultureInfo.InvariantCulture);
        _writer.WriteStringValue(text[..length]);
    }
}
