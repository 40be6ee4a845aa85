using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Benchmarks.Micro;

/// <summary>Decoding batches of 5,000 records of about 160 bytes into columns; the figures are per record.</summary>
[MemoryDiagnoser]
public class DecodeBenchmarks
{
    private const int Records = 5_000;
    private IRecordDecoder _decoder = null!;
    private RecordBatch _batch = null!;
    private IRecordDecoder _avroDecoder = null!;
    private RecordBatch _avroBatch = null!;
    private RawBatch _avro = null!;
    private RawBatch _same = null!;
    private RawBatch _spaced = null!;
    private RawBatch _shuffled = null!;
    private RawBatch _escaped = null!;

    [GlobalSetup]
    public void Setup()
    {
        SourceFieldSpec[] fields =
        [
            Field("id", FieldType.String), Field("key", FieldType.String),
            Field("ts", FieldType.Timestamp) with { Encoding = TimeEncoding.EpochMilliseconds },
            Field("value", FieldType.Decimal(12, 2)), Field("region", FieldType.String), Field("seq",
                FieldType.Integer),
        ];
        var schema = new Schema([.. fields.Select(f => new Field(f.Name, f.Type))]);
        _decoder = RecordDecoderFactory.Create(
            new SourceFormatSpec { Format = SourceFormatKind.Json, Fields = fields, Schema = schema });
        _batch = new RecordBatch { Rows = new RowBlock(schema) };
        _avroDecoder = AvroRecords.Decoder();
        _avroBatch = new RecordBatch { Rows = new RowBlock(_avroDecoder.Schema) };
        _avro = Make(AvroRecords.Record);
        _same = Make((r, i) => Join(Properties(r, i), ",", ":"));
        _spaced = Make((r, i) => Join(Properties(r, i), ", ", ": "));
        _shuffled = Make((r, i) =>
        {
            var properties = Properties(r, i);
            r.Shuffle(properties);
            return Join(properties, ",", ":");
        });
        _escaped = Make((r, i) => Join(Properties(r, i), ",", ":").Replace("dev-", "dev\\u002d",
            StringComparison.Ordinal));
    }

    [Benchmark(OperationsPerInvoke = Records, Baseline = true)]
    public int Json_same_order() => Decode(_same);

    [Benchmark(OperationsPerInvoke = Records)]
    public int Json_with_blanks() => Decode(_spaced);

    [Benchmark(OperationsPerInvoke = Records)]
    public int Json_random_order() => Decode(_shuffled);

    [Benchmark(OperationsPerInvoke = Records)]
    public int Json_with_escapes() => Decode(_escaped);

    [Benchmark(OperationsPerInvoke = Records)]
    public int Avro()
    {
        _avroBatch.Reset(_avro);
        _avroDecoder.Decode(_avroBatch);
        return _avroBatch.Alive.Count == Records ? Records : throw new InvalidOperationException("Records were refused.");
    }

    private int Decode(RawBatch raw)
    {
        _batch.Reset(raw);
        _decoder.Decode(_batch);
        return _batch.Alive.Count == Records ? Records : throw new InvalidOperationException("Records were refused.");
    }

    private static SourceFieldSpec Field(string name, FieldType type) => new() { Name = name, Type = type,
        Path = [name] };

    private static string[] Properties(Random random, int i)
    {
        var id = new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))]);
        var c = CultureInfo.InvariantCulture;
        return
        [
            $"\"id\"|\"{id}\"", string.Create(c, $"\"key\"|\"dev-{random.Next(10_000):D7}\""),
            string.Create(c, $"\"ts\"|{1_767_225_600_000 + i * 3L}"), "\"type\"|\"reading\"",
            string.Create(c, $"\"value\"|{random.Next(10_000, 99_999) / 100m}"), "\"unit\"|\"kWh\"",
            string.Create(c, $"\"region\"|\"eu-west-{random.Next(1, 9)}\""), string.Create(c, $"\"seq\"|{i}"),
        ];
    }

    private static string Join(string[] properties, string comma, string colon) =>
        "{" + string.Join(comma, properties.Select(p => p.Replace("|", colon, StringComparison.Ordinal))) + "}";

    private static RawBatch Make(Func<Random, int, string> record) => Make((random, i) => Encoding.UTF8.GetBytes(record(random, i)));

    private static RawBatch Make(Func<Random, int, byte[]> record)
    {
        var random = new Random(7);
        var buffer = new MemoryStream();
        int[] start = new int[Records], length = new int[Records], key = new int[Records], keyLength = new int[Records];
        long[] offsets = new long[Records], timestamps = new long[Records];
        for (var i = 0; i < Records; i++)
        {
            var bytes = record(random, i);
            start[i] = (int)buffer.Length;
            length[i] = bytes.Length;
            keyLength[i] = -1;
            offsets[i] = i;
            buffer.Write(bytes);
        }

        return new RawBatch
        {
            Topic = "readings", Partition = 0, From = 0, To = Records, Count = Records, Buffer = buffer.ToArray(),
            KeyStart = key, KeyLength = keyLength, ValueStart = start, ValueLength = length, Offsets = offsets,
                Timestamps = timestamps,
        };
    }
}
