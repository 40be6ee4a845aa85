using Avro.Generic;
using static KafkaOracleOrleans.Processing.Tests.Schemas.AvroSupport;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

public sealed class AvroTypesTests
{
    private static string One(string type) => $$"""{"type":"record","name":"R","fields":[{"name":"a","type":{{type}}}]}""";

    [Theory]
    [InlineData("\"int\"", "0A", "5")]
    [InlineData("\"long\"", "80808080808080808001", "4611686018427387904")]
    [InlineData("\"long\"", "FFFFFFFFFFFFFFFFFF01", "-9223372036854775808")]
    [InlineData("\"boolean\"", "01", "true")]
    [InlineData("\"double\"", "000000000000F83F", "1.5")]
    [InlineData("\"float\"", "0000C03F", "1.5")]
    [InlineData("\"string\"", "0668C3A4", "h\u00e4")]
    [InlineData("\"bytes\"", "0400FF", "00FF")]
    [InlineData("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "00FF", "00FF")]
    [InlineData("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\",\"Y\"]}", "02", "Y")]
    [InlineData("[\"null\",\"string\"]", "00", "NULL")]
    [InlineData("[\"null\",\"string\"]", "020278", "x")]
    [InlineData("[\"string\",\"null\"]", "02", "NULL")]
    [InlineData("[\"null\",\"string\",\"long\"]", "020278", "\"x\"")]
    [InlineData("[\"null\",\"string\",\"long\"]", "0402", "1")]
    [InlineData("{\"type\":\"array\",\"items\":\"long\"}", "0602040600", "[1,2,3]")]
    [InlineData("{\"type\":\"array\",\"items\":\"long\"}", "0304020400", "[1,2]")]
    [InlineData("{\"type\":\"map\",\"values\":\"boolean\"}", "0202780100", "{\"x\":true}")]
    [InlineData("{\"type\":\"int\",\"logicalType\":\"date\"}", "02", "1970-01-02")]
    [InlineData("{\"type\":\"int\",\"logicalType\":\"time-millis\"}", "D00F", "00:00:01")]
    [InlineData("{\"type\":\"long\",\"logicalType\":\"time-micros\"}", "02", "00:00:00.000001")]
    [InlineData("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", "04FF38", "-2")]
    [InlineData("{\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,\"scale\":3}}", "000004D2", "1.234")]
    [InlineData("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":2}", "220100000000000000000000000000000000", "3402823669209384634633746074317682114.56")]
    [InlineData("{\"type\":\"string\",\"logicalType\":\"uuid\"}", "0278", "x")]
    [InlineData("{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}", "00112233445566778899AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff")]
    [InlineData("{\"type\":\"fixed\",\"name\":\"D\",\"size\":12,\"logicalType\":\"duration\"}", "0100000002000000DC050000", "P1M2DT1.5S")]
    public void A_value_becomes_its_field(string type, string hex, string expected) =>
        Assert.Equal(expected, Outcome(Spec(One(type)), Convert.FromHexString(hex)));

    [Theory]
    [InlineData("timestamp-millis", 1_500, "1970-01-01T00:00:01.5")]
    [InlineData("timestamp-micros", -1, "1969-12-31T23:59:59.999999")]
    [InlineData("timestamp-nanos", -1, "1969-12-31T23:59:59.999999")]
    [InlineData("timestamp-nanos", 1_999, "1970-01-01T00:00:00.000001")]
    [InlineData("local-timestamp-millis", 1_500, "1970-01-01T00:00:01.5")]
    [InlineData("local-timestamp-micros", 1_500_000, "1970-01-01T00:00:01.5")]
    [InlineData("local-timestamp-nanos", 1_500_000_000, "1970-01-01T00:00:01.5")]
    public void Times_of_all_units_become_timestamps(string logical, long value, string expected)
    {
        var bytes = Write(Avro.Schema.Parse("\"long\""), value);
        var outcome = Outcome(Spec(One($$"""{"type":"long","logicalType":"{{logical}}"}""")), bytes);
        Assert.StartsWith(expected, outcome, StringComparison.Ordinal);
    }

    [Fact]
    public void Local_times_are_of_the_zone_of_their_field()
    {
        var schema = One("""{"type":"long","logicalType":"local-timestamp-millis"}""");
        var spec = Spec(schema, Field("a", "timestamp") with { Zone = "Europe/Vienna" });
        Assert.StartsWith("1970-01-01T09:00:00", Outcome(spec, Write(Avro.Schema.Parse("\"long\""), 36_000_000L)), StringComparison.Ordinal);
    }

    [Fact]
    public void Nested_records_are_fields_and_maps_give_entries_by_path()
    {
        const string schema = """
            {"type":"record","name":"Order","fields":[
              {"name":"customer","type":["null",{"type":"record","name":"Customer","fields":[{"name":"id","type":"string"},{"name":"age","type":["null","int"]}]}]},
              {"name":"attrs","type":{"type":"map","values":"string"}},
              {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}}}]}
            """;
        var avro = (Avro.RecordSchema)Avro.Schema.Parse(schema);
        var customer = new GenericRecord((Avro.RecordSchema)((Avro.UnionSchema)avro["customer"].Schema)[1]);
        customer.Add("id", "C-1");
        customer.Add("age", 41);
        var item = new GenericRecord((Avro.RecordSchema)((Avro.ArraySchema)avro["items"].Schema).ItemSchema);
        item.Add("sku", "S\"1");
        item.Add("at", DateTime.UnixEpoch.AddMilliseconds(1500));
        var bytes = Write(schema, ("customer", customer), ("attrs", new Dictionary<string, object> { ["color"] = "red", ["size"] = "L" }), ("items", new object[] { item }));
        Assert.Equal(
            "C-1|41|{\"color\":\"red\",\"size\":\"L\"}|[{\"sku\":\"S\\\"1\",\"at\":\"1970-01-01T00:00:01.500Z\"}]", Outcome(Spec(schema), bytes));
        var bare = Write(schema, ("customer", null), ("attrs", new Dictionary<string, object> { ["color"] = "red" }), ("items", Array.Empty<object>()));
        Assert.Equal("NULL|red|NULL|[]", Outcome(
            Spec(schema, Field("customer.id", "string"), Field("attrs.color", "string"), Field("attrs.size", "string"), Field("items", "json")), bare));
    }

    [Fact]
    public void A_field_that_is_asked_for_twice_is_filled_twice() => Assert.Equal(
        "7|7", Outcome(Spec(One("\"int\""), Field("a", "integer"), Field("a", "decimal(5,2)") with { Name = "b" }), 0x0E));

    [Theory]
    [InlineData("string", "KOR4012 a")]
    [InlineData("decimal(3,1)", "7")]
    [InlineData("double", "7")]
    [InlineData("json", "7")]
    [InlineData("boolean", "KOR4012 a")]
    public void What_a_field_cannot_take_is_refused_with_its_name(string type, string expected) =>
        Assert.Equal(expected, Outcome(Spec(One("\"int\""), Field("a", type)), 0x0E));

    [Fact]
    public void A_decimal_of_another_scale_is_the_same_number()
    {
        var schema = One("""{"type":"bytes","logicalType":"decimal","precision":10,"scale":3}""");
        Assert.Equal("1.23", Outcome(Spec(schema, Field("a", "decimal(10,2)")), 0x04, 0x04, 0xCE));
        Assert.Equal("KOR4015 a", Outcome(Spec(schema, Field("a", "decimal(10,2)")), 0x04, 0x04, 0xD2));
    }
}
