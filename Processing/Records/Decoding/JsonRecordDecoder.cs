using System.Globalization;
using System.Text.Unicode;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>Values that are one JSON object each.</summary>
internal sealed class JsonRecordDecoder : RecordDecoder
{
    private readonly JsonObjectReader _reader;

    public JsonRecordDecoder(SourceFormatSpec spec) : base(spec) =>
        _reader = new JsonObjectReader(JsonNode.Build(ValueSlots), this);

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row) =>
        JsonObjects.Decode(_reader, this, value, row, ValuePlace);
}

/// <summary>Key fields that are properties of a JSON object in the key.</summary>
internal sealed class KeyObjectDecoder(FieldSlot[] slots, RecordDecoder decoder)
{
    private readonly JsonObjectReader _reader = new(JsonNode.Build(slots), decoder);

    public bool Decode(ReadOnlySpan<byte> key, int row) => JsonObjects.Decode(_reader, decoder, key, row, "key");
}

/// <summary>What can be wrong with a text that should be one JSON object.</summary>
internal static class JsonObjects
{
    public static bool Decode(JsonObjectReader reader, RecordDecoder decoder, ReadOnlySpan<byte> text, int row,
        string place)
    {
        if (!Utf8.IsValid(text))
        {
            return WireFormat.TryRead(text, out var id)
                ? decoder.Refuse(row, "KOR4063", place, WireFormat.Describe(text, id))
                : decoder.Refuse(row, "KOR4004", place, "The text is not valid UTF-8.");
        }

        var start = text.Length != 0 && text[0] == '{' ? 0 : JsonScanner.SkipWhitespace(text, 0);
        if (start < text.Length && text[start] == '{' && reader.Read(text, start, row)) return true;
        return RefuseText(reader.Fault, decoder, text, start, row, place);
    }

    /// <summary>Refuses a text that could not be read as an object, for what is wrong with it; always false.</summary>
    public static bool Refuse(RecordDecoder decoder, ReadOnlySpan<byte> text, int row, string place)
    {
        var start = JsonScanner.SkipWhitespace(text, 0);
        JsonFault fault = default;
        if (start < text.Length && text[start] == '{')
        {
            var end = JsonScanner.SkipValue(text, start, 0, decoder.MaxDepth, ref fault);
            if (end >= 0) fault.Set(JsonError.TextAfterEnd, end);
        }

        return RefuseText(fault, decoder, text, start, row, place);
    }

    private static bool RefuseText(
        JsonFault fault, RecordDecoder decoder, ReadOnlySpan<byte> text, int start, int row, string place)
    {
        if (start == text.Length) return decoder.Refuse(row, "KOR4001", place, "The text is empty.");
        if (WireFormat.TryRead(text, out var id)) return decoder.Refuse(row, "KOR4063", place, WireFormat.Describe(text, id));
        if (text.StartsWith("\uFEFF"u8))
            return decoder.Refuse(row, "KOR4005", place,
                "The text begins with a byte order mark, which JSON does not have.");
        if (text[start] != '{') return RefuseOther(decoder, text, start, row, place);
        var code = fault.Error switch
        {
            JsonError.TooDeep => "KOR4007",
            JsonError.TextAfterEnd => "KOR4009",
            JsonError.LoneSurrogateInName => "KOR4020",
            _ => "KOR4006",
        };
        return decoder.Refuse(row, code, place, string.Create(
            CultureInfo.InvariantCulture, $"{Describe(fault.Error, decoder.MaxDepth)} (at byte {fault.At})."));
    }

    private static bool RefuseOther(RecordDecoder decoder, ReadOnlySpan<byte> text, int start, int row, string place)
    {
        JsonFault fault = default;
        var end = JsonScanner.SkipValue(text, start, 0, decoder.MaxDepth, ref fault);
        if (end >= 0)
        {
            return JsonScanner.SkipWhitespace(text, end) == text.Length
                ? decoder.Refuse(row, "KOR4008", place, "The text is JSON, but not an object.")
                : decoder.Refuse(row, "KOR4009", place, string.Create(
                    CultureInfo.InvariantCulture, $"{Describe(JsonError.TextAfterEnd, 0)} (at byte {end})."));
        }

        return decoder.Refuse(row, fault.Error == JsonError.TooDeep ? "KOR4007" : "KOR4006", place, string.Create(
            CultureInfo.InvariantCulture, $"{Describe(fault.Error, decoder.MaxDepth)} (at byte {fault.At})."));
    }

    private static string Describe(JsonError error, int maxDepth) => error switch
    {
        JsonError.UnexpectedEnd => "The JSON text ends too early",
        JsonError.UnexpectedByte => "The text is not JSON: something else was expected here",
        JsonError.ControlCharacter => "The text is not JSON: a string has a control character that is not escaped",
        JsonError.BadEscape => "The text is not JSON: a string has an escape that JSON does not know",
        JsonError.BadNumber => "The text is not JSON: a number is not written as JSON has it",
        JsonError.BadLiteral => "The text is not JSON: only true, false and null may stand without quotes",
        JsonError.TooDeep => string.Create(
            CultureInfo.InvariantCulture, $"Objects and arrays lie more than {maxDepth} deep in each other"),
        JsonError.TextAfterEnd => "There is more text after the JSON value",
        JsonError.LoneSurrogateInName => "A property's name has half of a surrogate pair",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "There is no error."),
    };
}
