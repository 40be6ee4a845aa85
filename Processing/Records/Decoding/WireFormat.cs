using System.Buffers.Binary;
using System.Globalization;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>What producers with a schema registry put before a value: a zero byte and the schema's id in four bytes.</summary>
internal static class WireFormat
{
    /// <summary>How many bytes stand before the value.</summary>
    public const int Length = 5;

    /// <summary>True for bytes that begin so.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out int id)
    {
        id = 0;
        // Ids are counted up from 1; where a character follows, it is a text with a stray zero before it.
        if (value.Length < Length || value[0] != 0 || value[1] >= '\t') return false;
        id = BinaryPrimitives.ReadInt32BigEndian(value[1..]);
        return true;
    }

    /// <summary>What a reader of JSON says of it.</summary>
    public static string Describe(ReadOnlySpan<byte> value, int id)
    {
        var isJson = JsonScanner.SkipWhitespace(value, Length) is var start && start < value.Length && value[start] == '{';
        return string.Create(CultureInfo.InvariantCulture, $"The bytes begin as a schema registry's wire format (schema id {id}), and {(isJson
            ? "JSON follows: use format: json_schema"
            : "what follows is Avro or Protobuf: use format: avro with 'registry' for the one; the other is not read by this version, so let the producer or connector write JSON")}.");
    }
}

/// <summary>
/// Values that are one JSON object each behind the id of their schema, as the serializers of JSON Schema write them; or without it, where a client writes the
/// id into a header. The registry is not asked: the fields are those that the pipeline declares.
/// </summary>
internal sealed class JsonSchemaRecordDecoder(SourceFormatSpec spec) : RecordDecoder(spec)
{
    private JsonObjectReader? _reader;

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row) => JsonObjects.Decode(
        _reader ??= new JsonObjectReader(JsonNode.Build(ValueSlots), this), this, Behind(value), row, ValuePlace);

    private protected override ReadOnlySpan<byte> KeyText(ReadOnlySpan<byte> key) => Behind(key);

    /// <summary>The bytes behind the id, be it a number or the GUID of newer clients.</summary>
    private static ReadOnlySpan<byte> Behind(ReadOnlySpan<byte> bytes) =>
        WireFormat.TryRead(bytes, out _) ? bytes[WireFormat.Length..] : bytes.Length > 0 && bytes[0] == 1 && SchemaId.TryRead(bytes, out _, out var length) ? bytes[length..] : bytes;
}
