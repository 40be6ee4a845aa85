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
    /// are all ISO 8601 times with a time of day are timestamps, what differs from line to line is json. Lines that are no objects are left out.
    /// </summary>
    public static Schema Infer(IEnumerable<byte[]> lines) =>
        new([.. SampleFields.Infer(lines, times: false).Select(f => new Field(f.Name, f.Type))]);

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
}
