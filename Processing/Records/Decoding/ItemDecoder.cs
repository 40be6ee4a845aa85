using System.Text.Unicode;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Values that are one JSON value each, of any kind. Fields without a path take the whole value, the others are properties of an object; where there
/// are such, an item that is no object is refused, and null is an object without properties.
/// </summary>
internal sealed class ItemDecoder : RecordDecoder
{
    private readonly FieldSlot[] _whole;
    private readonly JsonObjectReader? _object;
    private readonly JsonObjectReader _values;

    public ItemDecoder(SourceFormatSpec spec) : base(spec)
    {
        _whole = [.. ValueSlots.Where(s => s.Spec.Path.Count == 0)];
        var parts = ValueSlots.Where(s => s.Spec.Path.Count != 0).ToArray();
        _values = new JsonObjectReader(JsonNode.Build([]), this);
        if (parts.Length != 0) _object = new JsonObjectReader(JsonNode.Build(parts), this);
    }

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row)
    {
        if (!Utf8.IsValid(value)) return Refuse(row, "KOR4004", ValuePlace, "The text is not valid UTF-8.");
        if (_object is not null && !value.SequenceEqual("null"u8) && !JsonObjects.Decode(_object, this, value, row, ValuePlace)) return false;
        foreach (var slot in _whole)
        {
            if (!_values.ReadValue(value, slot, row)) return Refuse(row, "KOR4006", ValuePlace, "The text is not JSON.");
        }

        return true;
    }
}
