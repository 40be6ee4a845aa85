using System.Text.Json;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Fields that are not declared in a pipeline: written on a command line, or guessed from samples.</summary>
public static class FieldList
{
    /// <summary>Reads <c>amount:decimal(10,2),note:string</c>; faults name their column in the text.</summary>
    public static Schema? Parse(string text, out IReadOnlyList<Diagnostic> faults)
    {
        ArgumentNullException.ThrowIfNull(text);
        var diagnostics = new DiagnosticBag("fields", text);
        var fields = new List<Field>();
        foreach (var (start, length) in Split(text))
        {
            var part = text.AsSpan(start, length);
            var colon = part.IndexOf(':');
            var name = Scalar(text, start, colon < 0 ? length : colon);
            var type = Scalar(text, start + colon + 1, colon < 0 ? 0 : length - colon - 1);
            if (colon < 0)
            {
                diagnostics.Error("KOR1012", name, $"'{name.Text}' is not NAME:TYPE");
                continue;
            }

            var readName = Forms.FieldName().Read(name, diagnostics);
            var readType = Forms.Type().Read(type, diagnostics);
            if (readName.Faulty || readType.Faulty) continue;
            if (fields.Exists(f => f.Name == readName.Value))
                diagnostics.Error("KOR1006", name, $"the field '{readName.Value}' is given twice");
            else
                fields.Add(new Field(readName.Value, readType.Value));
        }

        faults = diagnostics.ToList();
        return diagnostics.HasErrors ? null : new Schema(fields);
    }

    /// <summary>
    /// Guesses fields from JSON objects, one per line: whole numbers are integers, other numbers decimals while they fit 28 digits, texts that
    /// are all ISO 8601 times with a time of day are timestamps, what differs from line to line is a string. Lines that are no objects are
    /// left out.
    /// </summary>
    public static Schema Infer(IEnumerable<byte[]> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var order = new List<string>();
        var types = new Dictionary<string, FieldType?>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            if (ParseObject(line) is not { } document) continue;
            using (document)
            {
                foreach (var property in document.RootElement.EnumerateObject())
                {
                    if (types.TryAdd(property.Name, null)) order.Add(property.Name);
                    types[property.Name] = Widen(types[property.Name], TypeOf(property.Value));
                }
            }
        }

        return new Schema([.. order.Select(name => new Field(name, types[name] ?? FieldType.String))]);
    }

    /// <summary>How JSON objects with these fields at their top are decoded.</summary>
    public static SourceFormatSpec JsonFormat(Schema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return new SourceFormatSpec
        {
            Format = SourceFormatKind.Json,
            Schema = schema,
            Fields = [.. schema.Fields.Select(f => new SourceFieldSpec { Name = f.Name, Type = f.Type, Path = [f.Name] })],
        };
    }

    /// <summary>The parts between commas that are not in parentheses.</summary>
    private static IEnumerable<(int Start, int Length)> Split(string text)
    {
        var (start, depth) = (0, 0);
        for (var i = 0; i <= text.Length; i++)
        {
            var c = i == text.Length ? ',' : text[i];
            if (c == '(') depth++;
            if (c == ')') depth--;
            if (c != ',' || (depth > 0 && i < text.Length)) continue;
            yield return (start, i - start);
            start = i + 1;
        }
    }

    private static ScalarNode Scalar(string text, int start, int length)
    {
        while (length > 0 && text[start] == ' ') (start, length) = (start + 1, length - 1);
        while (length > 0 && text[start + length - 1] == ' ') length--;
        return new ScalarNode(
            new TextPosition(1, start + 1, start), start + length, "", text.Substring(start, length), ScalarStyle.DoubleQuoted);
    }

    private static JsonDocument? ParseObject(byte[] line)
    {
        try
        {
            var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            // The decoder will say what is wrong with it.
            return null;
        }
    }

    private static FieldType? TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => FieldType.Boolean,
        JsonValueKind.Number when value.TryGetInt64(out _) => FieldType.Integer,
        JsonValueKind.Number => NumberType(value),
        JsonValueKind.Object or JsonValueKind.Array => FieldType.Json,
        JsonValueKind.String => IsTime(value.GetString()!) ? FieldType.Timestamp : FieldType.String,
        _ => null,
    };

    private static FieldType NumberType(JsonElement value)
    {
        var text = value.GetRawText();
        if (text.Contains('e', StringComparison.OrdinalIgnoreCase)) return FieldType.Double;
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var scale = point < 0 ? 0 : text.Length - point - 1;
        var whole = (point < 0 ? text.Length : point) - (text[0] == '-' ? 1 : 0);
        return whole + scale > FieldType.MaxPrecision || scale > 10 ? FieldType.Double : Decimal(whole, scale);
    }

    // With room for what the samples did not show.
    private static FieldType Decimal(int whole, int scale) =>
        FieldType.Decimal(Math.Min(FieldType.MaxPrecision, Math.Max(whole, 16) + scale), scale);

    private static bool IsTime(string text) => text.Length >= 16 && text[10] is 'T' or ' ' && Forms.IsIsoTime(text, out _);

    private static FieldType? Widen(FieldType? left, FieldType? right)
    {
        if (left is not { } a) return right;
        if (right is not { } b || a == b) return a;
        if (a.IsNumeric && b.IsNumeric)
        {
            if (a.Kind == FieldKind.Double || b.Kind == FieldKind.Double) return FieldType.Double;
            var (p, s) = (Math.Max(a.Precision - a.Scale, b.Precision - b.Scale), Math.Max(a.Scale, b.Scale));
            return Decimal(Math.Max(p, 19), s);
        }

        return FieldType.String;
    }
}
