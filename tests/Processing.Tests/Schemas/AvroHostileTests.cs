using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Tests.Records;
using static KafkaOracleOrleans.Processing.Tests.Schemas.AvroSupport;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

/// <summary>Bytes that somebody made up: the record is refused, nothing is thrown, nothing hangs.</summary>
public sealed class AvroHostileTests
{
    private const string All = """
        {"type":"record","name":"R","fields":[
          {"name":"i","type":"int"},{"name":"s","type":"string"},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},
          {"name":"u","type":["null","double"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
          {"name":"l","type":{"type":"array","items":["null","string"]}},{"name":"m","type":{"type":"map","values":"long"}},
          {"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"b","type":"boolean"}]}
        """;

    private static readonly byte[] Whole =
    [
        0x0E, 0x04, 0x68, 0x69, 0x02, 0x7B, 0x02, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x02, 0x04, 0x00, 0x02, 0x02, 0x79, 0x00, 0x02, 0x02, 0x6B, 0x08, 0x00, 0x02, 1, 2, 3, 0x01,
    ];

    [Fact]
    public void The_whole_record_is_read() => Assert.StartsWith("7|hi|1.23|1.5|Y|[null,\"y\"]|{\"k\":4}|", Outcome(Spec(All), Whole), StringComparison.Ordinal);

    [Fact]
    public void Cut_anywhere_it_is_refused()
    {
        for (var length = 0; length < Whole.Length; length++) Assert.Equal("KOR4065 value", Outcome(Spec(All), Whole[..length]));
        Assert.Equal("KOR4065 value", Outcome(Spec(All), [.. Whole, 0]));
    }

    [Theory]
    [InlineData("\"string\"", "01")] // A length of -1.
    [InlineData("\"string\"", "FEFFFFFF0F")] // 2 GiB.
    [InlineData("\"bytes\"", "FEFFFFFFFFFFFFFFFF01")] // 2^63 - 1.
    [InlineData("\"long\"", "FFFFFFFFFFFFFFFFFFFF01")] // 77 bits.
    [InlineData("\"int\"", "8080808080808001")]
    [InlineData("\"boolean\"", "02")]
    [InlineData("[\"null\",\"int\"]", "04")]
    [InlineData("[\"null\",\"int\"]", "01")]
    [InlineData("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}", "02")]
    [InlineData("{\"type\":\"array\",\"items\":\"null\"}", "FEFFFFFFFFFFFFFFFF0100")] // 2^63 - 1 items of no bytes.
    [InlineData("{\"type\":\"array\",\"items\":\"null\"}", "FFFFFFFFFFFFFFFFFF010000")] // -2^63 items.
    [InlineData("{\"type\":\"array\",\"items\":\"int\"}", "010100")] // A block of -1 bytes.
    [InlineData("{\"type\":\"map\",\"values\":\"null\"}", "8080808080808080010000")]
    public void Numbers_that_make_no_sense_are_refused(string type, string hex)
    {
        var schema = $$"""{"type":"record","name":"R","fields":[{"name":"a","type":{{type}}},{"name":"b","type":["null","int"]}]}""";
        Assert.Equal("KOR4065 value", Outcome(Spec(schema), Convert.FromHexString(hex)));
        // The same where the value is stepped over.
        Assert.Equal("KOR4065 value", Outcome(Spec(schema, Field("b", "integer")), Convert.FromHexString(hex)));
    }

    [Theory]
    [InlineData("json")]
    [InlineData("skipped")]
    public void Depth_has_a_limit(string how)
    {
        const string list = """{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]}]}""";
        byte[] deep = [.. Enumerable.Repeat<byte[]>([0x02, 0x02], 100_000).SelectMany(b => b), 0x02, 0x00];
        Assert.Equal("KOR4007 value", Outcome(Spec(list, how == "json" ? Field("next", "json") : Field("v", "integer")), deep));
    }

    [Fact]
    public void Texts_that_no_database_takes_are_faults_of_their_field()
    {
        const string schema = """{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}""";
        Assert.Equal("KOR4020 a", Outcome(Spec(schema), 0x02, 0xFF));
        Assert.Equal("KOR4019 a", Outcome(Spec(schema), 0x02, 0x00));
    }

    [Fact]
    public void Any_change_of_a_byte_is_read_or_refused()
    {
        var random = new Random(4711);
        var decoder = RecordDecoderFactory.Create(Spec(All));
        for (var round = 0; round < 200; round++)
        {
            var records = Enumerable.Range(0, 200).Select(_ =>
            {
                var bytes = (byte[])Whole.Clone();
                for (var n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return ((byte[]?)null, (byte[]?)bytes);
            }).ToArray();
            var batch = RawBatches.Decode(decoder, RawBatches.Of(records));
            Assert.Equal(records.Length, batch.Alive.Count + batch.Errors.Count);
        }
    }
}
