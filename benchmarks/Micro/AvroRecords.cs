using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Benchmarks.Micro;

/// <summary>The records of the JSON benchmarks in Avro, behind the id of a schema.</summary>
internal static class AvroRecords
{
    private const string Text = """
        {"type":"record","name":"Reading","fields":[
          {"name":"id","type":"string"},{"name":"key","type":"string"},{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"type","type":"string"},
          {"name":"value","type":["null",{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}]},{"name":"unit","type":"string"},
          {"name":"region","type":{"type":"enum","name":"Region","symbols":["eu-west-0","eu-west-1","eu-west-2","eu-west-3","eu-west-4","eu-west-5","eu-west-6","eu-west-7","eu-west-8"]}},
          {"name":"seq","type":"long"}]}
        """;

    public static IRecordDecoder Decoder()
    {
        SourceFieldSpec[] fields =
        [
            Field("id", FieldType.String), Field("key", FieldType.String), Field("ts", FieldType.Timestamp), Field("value", FieldType.Decimal(12, 2)),
            Field("region", FieldType.String), Field("seq", FieldType.Integer),
        ];
        var schema = new Schema([.. fields.Select(f => new Field(f.Name, f.Type))]);
        var decoder = (ISchemaDecoder)RecordDecoderFactory.Create(new SourceFormatSpec { Format = SourceFormatKind.Avro, Fields = fields, Schema = schema, Registry = "main" });
        decoder.Supply(new SchemaId(7, Guid.Empty), new RegisteredSchema("AVRO", Text, []));
        return decoder;
    }

    public static byte[] Record(Random random, int i)
    {
        var bytes = new List<byte> { 0, 0, 0, 0, 7 };
        String(bytes, new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))]).ToString());
        String(bytes, string.Create(CultureInfo.InvariantCulture, $"dev-{random.Next(10_000):D7}"));
        Long(bytes, 1_767_225_600_000 + (i * 3L));
        String(bytes, "reading");
        var value = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(value, random.Next(10_000, 99_999));
        Long(bytes, 1);
        Long(bytes, 4);
        bytes.AddRange(value);
        String(bytes, "kWh");
        Long(bytes, random.Next(1, 9));
        Long(bytes, i);
        return [.. bytes];
    }

    private static void String(List<byte> bytes, string text)
    {
        Long(bytes, text.Length);
        bytes.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static void Long(List<byte> bytes, long value)
    {
        var raw = (ulong)((value << 1) ^ (value >> 63));
        for (; raw > 0x7F; raw >>= 7) bytes.Add((byte)(raw | 0x80));
        bytes.Add((byte)raw);
    }

    private static SourceFieldSpec Field(string name, FieldType type) => new() { Name = name, Type = type, Path = [name] };
}
