using static KafkaOracleOrleans.Processing.Tests.Schemas.AvroSupport;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

/// <summary>Records of one version of a schema, read by another: the rules of Avro's schema resolution.</summary>
public sealed class AvroResolutionTests
{
    private static string Record(params string[] fields) => $$"""{"type":"record","name":"R","fields":[{{string.Join(',', fields)}}]}""";

    private const string A = """{"name":"a","type":"int"}""";

    private static readonly byte[] Seven = [0x0E];

    [Fact]
    public void A_new_field_has_its_default() => Assert.Equal(
        "7|none|1970-01-02|1.5", Resolve(
            Record(A), Record(
                A, """{"name":"b","type":"string","default":"none"}""", """{"name":"c","type":{"type":"int","logicalType":"date"},"default":1}""",
                """{"name":"d","type":["null",{"type":"record","name":"D","fields":[{"name":"x","type":"double"}]}],"default":{"x":1.5}}"""), Seven));

    [Fact]
    public void A_field_that_went_is_read_over() => Assert.Equal(
        "7", Resolve(Record("""{"name":"gone","type":{"type":"map","values":{"type":"array","items":"string"}}}""", A), Record(A), [0x02, 0x02, 0x78, 0x02, 0x02, 0x79, 0x00, 0x00, 0x0E]));

    [Fact]
    public void A_field_without_default_that_the_record_does_not_have_is_refused() =>
        Assert.Equal("KOR4066 b", Resolve(Record(A), Record(A, """{"name":"b","type":"string"}"""), Seven));

    [Fact]
    public void The_readers_alias_finds_the_writers_name() =>
        Assert.Equal("7", Resolve(Record(A), Record("""{"name":"b","aliases":["a"],"type":"long"}"""), Seven));

    [Fact]
    public void An_alias_does_not_take_what_another_field_is() => Assert.Equal(
        "7|9", Resolve(Record(A, """{"name":"b","type":"int"}"""), Record(A, """{"name":"b","aliases":["a"],"type":"int"}"""), [0x0E, 0x12]));

    [Theory]
    [InlineData("\"long\"", "7")]
    [InlineData("\"double\"", "7")]
    [InlineData("[\"null\",\"long\"]", "7")]
    [InlineData("\"string\"", "KOR4012 a")]
    [InlineData("\"boolean\"", "KOR4012 a")]
    public void An_int_is_promoted(string type, string expected) => Assert.Equal(expected, Resolve(Record(A), Record($$"""{"name":"a","type":{{type}}}"""), Seven));

    [Fact]
    public void Bytes_are_a_string_where_the_reader_says_so() => Assert.Equal(
        "x", Resolve(Record("""{"name":"a","type":"bytes"}"""), Record("""{"name":"a","type":"string"}"""), [0x02, 0x78]));

    [Fact]
    public void A_null_in_a_field_that_became_required_is_refused() => Assert.Equal(
        "KOR4012 a", Resolve(Record("""{"name":"a","type":["null","int"]}"""), Record(A), [0x00]));

    [Theory]
    [InlineData("", "KOR4012 a")]
    [InlineData(",\"default\":\"X\"", "X")]
    public void An_unknown_symbol_is_the_readers_default(string otherwise, string expected) => Assert.Equal(expected, Resolve(
        Record("""{"name":"a","type":{"type":"enum","name":"E","symbols":["X","Y"]}}"""),
        Record("""{"name":"a","type":{"type":"enum","name":"E","symbols":["X"]""" + otherwise + "}}"), [0x02]));

    [Fact]
    public void The_reader_says_what_a_number_means() => Assert.StartsWith("1970-01-01T00:00:01", Resolve(
        Record("""{"name":"a","type":"long"}"""), Record("""{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}}"""), [0xD0, 0x0F]), StringComparison.Ordinal);

    [Fact]
    public void Without_a_schema_of_its_own_the_pipeline_takes_fields_by_name() => Assert.Equal(
        "7|NULL", Resolve(Record(A), null, Seven, Field("a", "integer"), Field("b.c", "string")));

    [Fact]
    public void A_record_may_contain_itself()
    {
        const string list = """{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]}]}""";
        byte[] bytes = [0x02, 0x02, 0x04, 0x02, 0x06, 0x00];
        Assert.Equal("1|2|{\"v\":3,\"next\":null}", Outcome(Spec(list, Field("v", "integer"), Field("next.v", "integer"), Field("next.next", "json")), bytes));
    }
}
