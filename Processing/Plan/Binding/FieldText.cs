using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Checks texts that stand for values of a field.</summary>
internal static class FieldText
{
    /// <summary>True when the text is a value of the field.</summary>
    public static bool IsValid(SourceFieldSpec field, string text) => field.Type.Kind switch
    {
        FieldKind.Boolean => text is "true" or "false",
        FieldKind.Integer => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        FieldKind.Decimal => IsDecimal(text, field.Type),
        FieldKind.Double => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var d)
            && double.IsFinite(d),
        FieldKind.Timestamp => IsTime(text, field),
        FieldKind.Date when field.Encoding is not (TimeEncoding.Iso8601 or TimeEncoding.Pattern) => IsTime(text, field),
        FieldKind.Date => field.Pattern is null
            ? DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            : DateOnly.TryParseExact(text, field.Pattern, CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        FieldKind.Bytes => Base64.IsValid(text),
        FieldKind.Json => IsJson(text),
        _ => true,
    };

    /// <summary>True when the text is a pattern that can write a time of the kind and read it back.</summary>
    public static bool IsPattern(string pattern, FieldKind kind)
    {
        var time = new DateTime(2031, 11, 28, 13, 47, 59, 123, DateTimeKind.Utc);
        try
        {
            var text = kind == FieldKind.Date
                ? DateOnly.FromDateTime(time).ToString(pattern, CultureInfo.InvariantCulture)
                : time.ToString(pattern, CultureInfo.InvariantCulture);
            return pattern.Contains('y', StringComparison.Ordinal) && pattern.Contains('M', StringComparison.Ordinal)
                && DateTime.TryParseExact(
                    text, pattern, CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                    out var back)
                && back.Date == time.Date;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsDecimal(string text, FieldType type)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out var value)) return false;
        if (decimal.Round(value, type.Scale) != value) return false;
        var limit = 1m;
        for (var i = type.Scale; i < type.Precision; i++) limit *= 10m;
        return Math.Abs(value) < limit;
    }

    private static bool IsTime(string text, SourceFieldSpec field) => field.Encoding switch
    {
        TimeEncoding.Iso8601 => Definition.Forms.IsIsoTime(text, out _),
        TimeEncoding.EpochSeconds => decimal.TryParse(
            text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _),
        TimeEncoding.EpochMilliseconds or TimeEncoding.EpochMicroseconds or TimeEncoding.EpochNanoseconds or TimeEncoding.EpochDays => long.TryParse(
            text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        _ => DateTime.TryParseExact(text, field.Pattern, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out _),
    };

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
