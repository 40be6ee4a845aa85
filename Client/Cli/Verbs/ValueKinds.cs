using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>Recognises what record values are that are no JSON objects, so that whoever drafts a pipeline hears what to do rather than that it cannot be.</summary>
internal static class ValueKinds
{
    private const int Frame = 5;

    /// <summary>What the values are, and what helps; null: nothing that is known.</summary>
    public static string? Describe(IReadOnlyList<TopicRecord> records)
    {
        var values = records.Where(r => r.Value is not null).Select(BytesOf).Where(v => v.Length != 0).ToList();
        if (values.Count == 0) return records.Count == 0 ? null : "its values are empty (tombstones)";
        if (Most(values, v => v.Length >= Frame && v[0] == 0)) return Framed(values);
        if (Most(values, v => v.Length > 17 && v[0] == 1))
            return "they are framed by a schema registry (magic byte 1, a 16-byte schema id); " + NoRegistry;
        if (Most(values, v => v.AsSpan().StartsWith("Obj\u0001"u8))) return "they are Avro container files, one in each record; let the producer write JSON";
        if (Most(values, v => v is [0x1f, 0x8b, ..])) return "they are compressed with gzip by the producer's own code; let it use Kafka's compression (compression.type), which consumers undo by themselves";
        if (Most(values, v => v[0] == (byte)'<')) return "they are XML; let the producer write JSON, or take each as one text with format: string";
        if (Most(values, v => v[0] == (byte)'[')) return "they are JSON arrays; take each as one text with format: string, or let the producer write one object in each record";
        var commas = values.ConvertAll(v => v.Count(b => b == (byte)','));
        if (commas[0] > 0 && commas.TrueForAll(c => c == commas[0]))
            return string.Create(CultureInfo.InvariantCulture, $"they look like CSV with {commas[0] + 1} values in a line; write the fields by hand with format: csv");
        return null;
    }

    private const string NoRegistry =
        "where it is Avro, begin with 'kor new NAME --template avro' and put the schema that the registry has (GET /schemas/ids/ID/schema) in its place; Protobuf is read by no format of a pipeline: let the "
        + "producer write JSON, or convert the topic first (a Kafka Connect converter does)";

    private static string Framed(List<byte[]> values)
    {
        var ids = values.Where(v => v.Length >= Frame && v[0] == 0).Select(v => BinaryPrimitives.ReadInt32BigEndian(v.AsSpan(1))).Distinct().Order().Take(4).ToList();
        var inside = values.Where(v => v.Length > Frame).ToList() is { Count: > 0 } full && Most(full, v => v[Frame] is (byte)'{') ? "JSON" : "Avro or Protobuf";
        var list = string.Join(", ", ids.Select(i => i.ToString(CultureInfo.InvariantCulture)));
        return $"they are framed by a schema registry (magic byte 0, schema {list}), with {inside} inside; "
            + (inside == "JSON" ? "write the fields by hand with format: json_schema" : NoRegistry);
    }

    private static bool Most(List<byte[]> values, Func<byte[], bool> test) => values.Count(test) * 10 >= values.Count * 9;

    private static byte[] BytesOf(TopicRecord record) => record.Encoding == "base64" ? FromBase64(record.Value!) : Encoding.UTF8.GetBytes(record.Value!);

    private static byte[] FromBase64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : Encoding.UTF8.GetBytes(text);
    }
}
