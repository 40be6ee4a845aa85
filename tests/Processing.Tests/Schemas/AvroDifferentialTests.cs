using System.Globalization;
using System.Numerics;
using System.Text;
using Avro;
using Avro.Generic;
using KafkaOracleOrleans.Processing.Tests.Records;
using static KafkaOracleOrleans.Processing.Tests.Schemas.AvroSupport;
using Schema = Avro.Schema;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

/// <summary>Random schemas and values, written by the official library: the columns hold what was written, whatever else the record has.</summary>
public sealed class AvroDifferentialTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Columns_hold_what_the_official_writer_wrote(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            var made = new Made(random);
            var count = random.Next(1, 9);
            var types = Enumerable.Range(0, count).Select(i => made.Type(0, i.ToString(CultureInfo.InvariantCulture))).ToArray();
            var text = $$"""{"type":"record","name":"R","fields":[{{string.Join(',', types.Select((t, i) => $$"""{"name":"f{{i}}","type":{{t}}}"""))}}]}""";
            var schema = (RecordSchema)Schema.Parse(text);
            var spec = Spec(text);
            // A part of the fields, so that others are stepped over.
            var wanted = spec.Fields.Where(_ => random.Next(4) != 0).ToArray();
            if (wanted.Length == 0) wanted = [.. spec.Fields];
            spec = Spec(text, wanted);
            var rows = new List<(byte[]?, byte[]?)>();
            var expected = new List<string>();
            for (var row = 0; row < 8; row++)
            {
                var record = new GenericRecord(schema);
                foreach (var field in schema.Fields) record.Add(field.Name, made.Value(field.Schema));
                rows.Add((null, Write(schema, record)));
                expected.Add(string.Join('|', wanted.Select(w => Text(record, schema, w.Path))));
            }

            var batch = RawBatches.Decode(spec, RawBatches.Of([.. rows]));
            for (var row = 0; row < 8; row++) Assert.Equal(expected[row], RawBatches.Outcome(batch, row));
        }
    }

    private static string Text(object? value, Schema schema, IReadOnlyList<string> path)
    {
        foreach (var part in path)
        {
            if (value is null) return "NULL";
            if (schema is UnionSchema union) schema = union.Schemas.First(s => s.Tag != Schema.Type.Null);
            schema = ((RecordSchema)schema)[part].Schema;
            value = ((GenericRecord)value)[part];
        }

        return value is null ? "NULL" : Show(value, schema, json: IsJson(schema));
    }

    private static bool IsJson(Schema schema) => schema switch
    {
        UnionSchema union => union.Schemas.Count(s => s.Tag != Schema.Type.Null) is var n && (n > 1 || IsJson(union.Schemas.First(s => s.Tag != Schema.Type.Null))),
        ArraySchema or MapSchema => true,
        _ => false,
    };

    private static string Show(object? value, Schema schema, bool json)
    {
        if (schema is UnionSchema union && value is not null) schema = union.Schemas.First(s => Fits(s, value));
        var quote = json ? "\"" : "";
        return value switch
        {
            null => "null",
            bool b => b ? "true" : "false",
            int or long => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            float f => json ? f.ToString("R", CultureInfo.InvariantCulture) : ((double)f).ToString("R", CultureInfo.InvariantCulture),
            double d => d.ToString("R", CultureInfo.InvariantCulture),
            string s => quote + s + quote,
            byte[] bytes => json ? $"\"{Convert.ToBase64String(bytes)}\"" : Convert.ToHexString(bytes),
            GenericFixed f => json ? $"\"{Convert.ToBase64String(f.Value)}\"" : Convert.ToHexString(f.Value),
            GenericEnum e => quote + e.Value + quote,
            AvroDecimal d => Digits(d, json),
            DateTime t when schema is LogicalSchema { LogicalTypeName: "date" } => quote + t.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + quote,
            DateTime t => Time(t, schema, json),
            object[] list => $"[{string.Join(',', list.Select(i => Show(i, ((ArraySchema)schema).ItemSchema, true)))}]",
            IDictionary<string, object> map => $"{{{string.Join(',', map.Select(e => $"\"{e.Key}\":{Show(e.Value, ((MapSchema)schema).ValueSchema, true)}"))}}}",
            GenericRecord r => $"{{{string.Join(',', r.Schema.Fields.Select(f => $"\"{f.Name}\":{Show(r[f.Name], f.Schema, true)}"))}}}",
            _ => throw new InvalidOperationException(value.GetType().Name),
        };
    }

    private static string Time(DateTime time, Schema schema, bool json)
    {
        if (!json) return RawBatches.ShowTime((time.Ticks - DateTime.UnixEpoch.Ticks) / 10);
        var ticks = time.Ticks % TimeSpan.TicksPerSecond;
        var pattern = ticks == 0 ? "yyyy-MM-dd'T'HH:mm:ss" : ticks % 10_000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff" : "yyyy-MM-dd'T'HH:mm:ss.ffffff";
        var local = ((LogicalSchema)schema).LogicalTypeName.StartsWith("local", StringComparison.Ordinal);
        return $"\"{time.ToString(pattern, CultureInfo.InvariantCulture)}{(local ? "" : "Z")}\"";
    }

    private static string Digits(AvroDecimal value, bool json)
    {
        var digits = BigInteger.Abs(value.UnscaledValue).ToString(CultureInfo.InvariantCulture).PadLeft(value.Scale + 1, '0');
        var text = value.Scale == 0 ? digits : $"{digits[..^value.Scale]}.{digits[^value.Scale..]}";
        if (!json && value.Scale > 0) text = text.TrimEnd('0').TrimEnd('.');
        return (value.UnscaledValue.Sign < 0 ? "-" : "") + text;
    }

    private static bool Fits(Schema schema, object value) => (schema.Tag, value) switch
    {
        (Schema.Type.Boolean, bool) or (Schema.Type.Int, int) or (Schema.Type.Long, long) or (Schema.Type.Float, float) or (Schema.Type.Double, double) => true,
        (Schema.Type.String, string) or (Schema.Type.Bytes, byte[]) or (Schema.Type.Fixed, GenericFixed) or (Schema.Type.Enumeration, GenericEnum) => true,
        (Schema.Type.Array, object[]) or (Schema.Type.Map, IDictionary<string, object>) or (Schema.Type.Record, GenericRecord) => true,
        (Schema.Type.Logical, AvroDecimal or DateTime) => true,
        _ => false,
    };

    /// <summary>Makes types and values of them.</summary>
    private sealed class Made(Random random)
    {
        private static readonly string[] Logical =
        [
            """{"type":"int","logicalType":"date"}""", """{"type":"long","logicalType":"timestamp-millis"}""", """{"type":"long","logicalType":"timestamp-micros"}""",
            """{"type":"long","logicalType":"local-timestamp-micros"}""", """{"type":"bytes","logicalType":"decimal","precision":20,"scale":4}""",
        ];

        private static readonly string[] Primitive = ["\"boolean\"", "\"int\"", "\"long\"", "\"float\"", "\"double\"", "\"string\"", "\"bytes\""];

        public string Type(int depth, string name) => random.Next(depth > 2 ? 8 : 13) switch
        {
            0 or 1 or 2 or 3 => Primitive[random.Next(Primitive.Length)],
            4 or 5 => Logical[random.Next(Logical.Length)],
            6 => $$"""{"type":"enum","name":"E{{name}}","symbols":["A","B","C"]}""",
            7 => $$"""{"type":"fixed","name":"F{{name}}","size":{{random.Next(1, 9)}}}""",
            8 => $$"""["null",{{Type(9, name + "u")}}]""",
            9 => "[\"string\",\"null\",\"long\"]",
            10 => "{\"type\":\"array\",\"items\":" + Type(depth + 1, name + "i") + "}",
            11 => "{\"type\":\"map\",\"values\":" + Type(depth + 1, name + "m") + "}",
            _ => "{\"type\":\"record\",\"name\":\"R" + name + "\",\"fields\":[{\"name\":\"x\",\"type\":" + Type(depth + 1, name + "x") + "},{\"name\":\"y\",\"type\":" + Type(depth + 1, name + "y") + "}]}",
        };

        public object? Value(Schema schema)
        {
            switch (schema)
            {
                case UnionSchema union:
                    return Value(union.Schemas[random.Next(union.Schemas.Count)]);
                case LogicalSchema { LogicalTypeName: "date" }:
                    return DateTime.UnixEpoch.AddDays(random.Next(-20_000, 60_000));
                case LogicalSchema { LogicalTypeName: "decimal" }:
                    return new AvroDecimal(new BigInteger(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(60)), 4);
                case LogicalSchema { LogicalTypeName: "timestamp-millis" }:
                    return DateTime.UnixEpoch.AddMilliseconds(random.NextInt64(-1_000_000_000_000, 4_000_000_000_000));
                case LogicalSchema { LogicalTypeName: "local-timestamp-micros" }:
                    return new DateTime(DateTime.UnixEpoch.Ticks + (random.NextInt64(-1_000_000_000_000, 4_000_000_000_000) * 10), DateTimeKind.Unspecified);
                case LogicalSchema:
                    return DateTime.UnixEpoch.AddTicks(random.NextInt64(-1_000_000_000_000, 4_000_000_000_000) * 10);
                case EnumSchema e:
                    return new GenericEnum(e, e.Symbols[random.Next(e.Symbols.Count)]);
                case FixedSchema f:
                    var bytes = new byte[f.Size];
                    random.NextBytes(bytes);
                    return new GenericFixed(f, bytes);
                case ArraySchema array:
                    return Enumerable.Range(0, random.Next(4)).Select(_ => Value(array.ItemSchema)!).ToArray();
                case MapSchema map:
                    return Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"k{i}", _ => Value(map.ValueSchema)!);
                case RecordSchema record:
                    var made = new GenericRecord(record);
                    foreach (var field in record.Fields) made.Add(field.Name, Value(field.Schema));
                    return made;
            }

            return schema.Tag switch
            {
                Schema.Type.Null => null,
                Schema.Type.Boolean => random.Next(2) == 0,
                Schema.Type.Int => random.Next(int.MinValue, int.MaxValue) >> random.Next(31),
                Schema.Type.Long => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(63),
                Schema.Type.Float => (float)random.NextDouble() * random.Next(1000),
                Schema.Type.Double => random.NextDouble() * random.Next(1000),
                Schema.Type.Bytes => Encoding.UTF8.GetBytes(Letters()),
                _ => Letters(),
            };
        }

        private string Letters() => new([.. Enumerable.Range(0, random.Next(12)).Select(_ => "abc \u00e4\u20ac/"[random.Next(7)])]);
    }
}
