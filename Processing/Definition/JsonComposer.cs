using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>Reads JSON into the same nodes as YAML. Comments and trailing commas are allowed.</summary>
internal ref struct JsonComposer
{
    private readonly DiagnosticBag _diagnostics;
    private readonly byte[] _utf8;
    private readonly int[] _lineStarts;
    private Utf8JsonReader _reader;

    private JsonComposer(DiagnosticBag diagnostics)
    {
        _diagnostics = diagnostics;
        _utf8 = Encoding.UTF8.GetBytes(diagnostics.Text);
        _lineStarts = LineStarts(_utf8);
        _reader = new Utf8JsonReader(_utf8, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            MaxDepth = YamlComposer.MaxDepth + 1,
        });
    }

    /// <summary>The root, or null when the text cannot be read (which was noted).</summary>
    public static TextNode? Compose(DiagnosticBag diagnostics)
    {
        var composer = new JsonComposer(diagnostics);
        try
        {
            composer._reader.Read();
            var root = composer.Read("$");
            composer._reader.Read();
            return root;
        }
        catch (JsonException fault)
        {
            var line = (int)(fault.LineNumber ?? 0);
            var start = composer._lineStarts[Math.Min(line, composer._lineStarts.Length - 1)];
            var at = composer.At((int)Math.Min(start + (fault.BytePositionInLine ?? 0), composer._utf8.Length));
            var message = fault.Message;
            var tail = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            diagnostics.ErrorAt("KOR1001", at, 1, "$", tail < 0 ? message : message[..tail]);
        }
        catch (InvalidOperationException)
        {
            // GetString refuses an escaped lone surrogate.
            var at = composer.At((int)composer._reader.TokenStartIndex);
            diagnostics.ErrorAt("KOR1001", at, 1, "$", "the text is not valid Unicode");
        }

        return null;
    }

    private TextNode Read(string path)
    {
        var start = At((int)_reader.TokenStartIndex);
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(start, path);
            case JsonTokenType.StartArray:
                var items = new List<TextNode>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Read(string.Create(CultureInfo.InvariantCulture, $"{path}[{items.Count}]")));
                return new ListNode(start, path, items);
            default:
                return Scalar(start, path);
        }
    }

    private MapNode ReadObject(TextPosition start, string path)
    {
        var builder = new MapBuilder(_diagnostics);
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            var key = Scalar(At((int)_reader.TokenStartIndex), path);
            _reader.Read();
            builder.Add(key, Read($"{path}.{key.Raw}"));
        }

        return new MapNode(start, path, builder.ToEntries());
    }

    private readonly ScalarNode Scalar(TextPosition start, string path)
    {
        var quoted = _reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName;
        var value = quoted ? _reader.GetString()! : Encoding.UTF8.GetString(_reader.ValueSpan);
        var end = start.Index + Encoding.UTF8.GetCharCount(_reader.ValueSpan) + (quoted ? 2 : 0);
        return new ScalarNode(start, end, path, value, quoted ? ScalarStyle.DoubleQuoted : ScalarStyle.Plain);
    }

    private readonly TextPosition At(int byteIndex)
    {
        var line = Array.BinarySearch(_lineStarts, byteIndex);
        if (line < 0) line = ~line - 1;
        var column = Encoding.UTF8.GetCharCount(_utf8, _lineStarts[line], byteIndex - _lineStarts[line]);
        return new TextPosition(line + 1, column + 1, Encoding.UTF8.GetCharCount(_utf8, 0, byteIndex));
    }

    private static int[] LineStarts(byte[] utf8)
    {
        var starts = new List<int> { 0 };
        for (var i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == (byte)'\n') starts.Add(i + 1);
        }

        return [.. starts];
    }
}
