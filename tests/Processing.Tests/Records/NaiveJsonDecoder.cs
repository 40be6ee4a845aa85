using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>What a JSON record decodes to, the slow and obvious way. Either the values as text, or "refused".</summary>
internal static class NaiveJsonDecoder
{
    private const string Refused = "refused";

    public static string Decode(SourceFormatSpec spec, byte[] text)
    {
        try
        {
            _ = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text);
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = spec.MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Refused;
            CheckNames(document.RootElement, [], spec);
            return string.Join('|', spec.Fields.Select(f => Field(document.RootElement, f)));
        }
        catch (Exception e) when (e is JsonException or DecoderFallbackException or FormatException or InvalidOperationException)
        {
            return Refused;
        }
    }

    // Names are looked at only where a declared path leads through; there, half a surrogate pair refuses the record.
    private static void CheckNames(JsonElement element, string[] path, SourceFormatSpec spec)
    {
        if (element.ValueKind != JsonValueKind.Object) return;
        if (!spec.Fields.Any(f => f.Path.Count > path.Length && f.Path.Take(path.Length).SequenceEqual(path))) return;
        foreach (var property in element.EnumerateObject())
        {
            // Throws InvalidOperationException for half a pair.
            CheckNames(property.Value, [.. path, property.Name], spec);
        }
    }

    private static string Field(JsonElement root, SourceFieldSpec field)
    {
        var element = root;
        foreach (var part in field.Path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(part, out element)) return "NULL";
        }

        if (element.ValueKind == JsonValueKind.Null) return "NULL";
        return field.Type.Kind switch
        {
            FieldKind.String => Text(element),
            FieldKind.Boolean => element.GetBoolean() ? "true" : "false",
            FieldKind.Integer => Integer(NumberText(element)),
            FieldKind.Decimal => Decimal(NumberText(element), field.Type),
            FieldKind.Double => Double(NumberText(element)),
            FieldKind.Bytes => Convert.ToHexString(Convert.FromBase64String(NoSpace(Text(element)))),
            FieldKind.Json => Json(element),
            FieldKind.Date => DateTime.ParseExact(Text(element), "yyyy-MM-dd",
                CultureInfo.InvariantCulture).ToString("yyyy-MM-dd"),
            _ => field.Encoding == TimeEncoding.Iso8601
                ? Time(Text(element)) : Epoch(NumberText(element), field.Encoding),
        };
    }

    private static string NoSpace(string text) => text.Any(char.IsWhiteSpace) ? throw new FormatException() : text;

    private static string Text(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String) throw new FormatException();
        var text = element.GetString()!;
        return text.Contains('\0') ? throw new FormatException() : text;
    }

    private static string Json(JsonElement element)
    {
        CheckStrings(element);
        return element.GetRawText();
    }

    private static void CheckStrings(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String) _ = Text(element);
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) CheckStrings(item);
        }

        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var property in element.EnumerateObject())
        {
            if (property.Name.Contains('\0')) throw new FormatException();
            CheckStrings(property.Value);
        }
    }

    private static string NumberText(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Number) return element.GetRawText();
        var text = Text(element);
        var number = JsonDocument.Parse(text).RootElement;
        if (number.ValueKind != JsonValueKind.Number || number.GetRawText() != text) throw new FormatException();
        return text;
    }

    private static (BigInteger Mantissa, int Scale) Exact(string text)
    {
        var e = text.IndexOfAny(['e', 'E']);
        // Beyond 2000 nothing changes any more, but the integers would grow without end.
        var exponent = e < 0 ? 0 : (int)BigInteger.Clamp(
            BigInteger.Parse(text[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), -2000,
                2000);
        var digits = e < 0 ? text : text[..e];
        var point = digits.IndexOf('.');
        var scale = point < 0 ? 0 : digits.Length - point - 1;
        var mantissa = BigInteger.Parse(digits.Replace(".", ""), NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);
        if (mantissa.IsZero) return (0, 0);
        scale -= exponent;
        while (scale > 0 && mantissa % 10 == 0)
        {
            mantissa /= 10;
            scale--;
        }

        return scale < 0 ? (mantissa * BigInteger.Pow(10, -scale), 0) : (mantissa, scale);
    }

    private static string Integer(string text)
    {
        var (mantissa, scale) = Exact(text);
        return scale == 0 ? ((long)Check(mantissa, long.MinValue,
            long.MaxValue)).ToString() : throw new FormatException();
    }

    private static BigInteger Check(BigInteger value, BigInteger min, BigInteger max) =>
        value < min || value > max ? throw new FormatException() : value;

    private static string Decimal(string text, FieldType type)
    {
        var (mantissa, scale) = Exact(text);
        if (scale > type.Scale) throw new FormatException();
        Check(BigInteger.Abs(mantissa), 0, BigInteger.Pow(10, type.Precision - type.Scale + scale) - 1);
        return Canonical((decimal)mantissa / (decimal)BigInteger.Pow(10, scale));
    }

    // How many zeros a decimal carries at its end does not matter.
    private static string Canonical(decimal value) => value.ToString("0.############################",
        CultureInfo.InvariantCulture);

    private static string Double(string text)
    {
        var value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : throw new FormatException();
    }

    private static string Epoch(string text, TimeEncoding encoding)
    {
        var (mantissa, scale) = Exact(text);
        if (encoding == TimeEncoding.EpochMilliseconds && scale != 0) throw new FormatException();
        var unit = encoding == TimeEncoding.EpochMilliseconds ? 1000 : 1_000_000;
        var micros = BigInteger.Divide(mantissa * unit, BigInteger.Pow(10, scale));
        if (mantissa.Sign < 0 && mantissa * unit % BigInteger.Pow(10, scale) != 0) micros -= 1;
        Check(micros, (DateTime.MinValue - DateTime.UnixEpoch).Ticks / 10,
            (DateTime.MaxValue - DateTime.UnixEpoch).Ticks / 10);
        return RawBatches.ShowTime((long)micros);
    }

    private static string Time(string text)
    {
        string[] formats =
        [
            "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd HH:mm:ss.FFFFFFF",
        ];
        var time = DateTime.ParseExact(text, formats, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        return RawBatches.ShowTime((long)Math.Floor((time - DateTime.UnixEpoch).Ticks / 10.0));
    }
}
