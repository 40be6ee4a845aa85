using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Tests.Definition;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>What the serializers of a schema registry write is read where it is JSON, and named where it is not.</summary>
public sealed class WireFormatTests
{
    private static readonly byte[] Prefix = [0, 0, 0, 1, 2];

    [Theory]
    [InlineData("json_schema", true, "{\"id\":1}", "1|NULL")]
    [InlineData("json_schema", false, "{\"id\":1}", "1|NULL")]
    [InlineData("json_schema", true, "", "KOR4001 value")]
    [InlineData("json_schema", true, "[1]", "KOR4008 value")]
    [InlineData("json_schema", true, "{\"id\":\"x\"}", "KOR4013 id")]
    [InlineData("json", true, "{\"id\":1}", "KOR4063 value")]
    [InlineData("json", true, "\u0002\u0006abc", "KOR4063 value")]
    [InlineData("json", false, "abc", "KOR4006 value")]
    [InlineData("debezium", true, "{\"op\":\"c\"}", "KOR4063 value")]
    public void Values_are_read_or_named(string format, bool prefixed, string text, string outcome)
    {
        byte[] value = [.. prefixed ? Prefix : [], .. System.Text.Encoding.UTF8.GetBytes(text)];
        Assert.Equal(outcome, RawBatches.Outcome(Decode(format, null, value), 0));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_named_too()
    {
        byte[] avro = [.. Prefix, 0x80, 0xFF, 0x01];
        var batch = Decode("json", null, avro);
        Assert.Equal("KOR4063 value", RawBatches.Outcome(batch, 0));
        Assert.Contains("schema id 258", batch.Errors.Items[0].Message, StringComparison.Ordinal);
        Assert.Contains("Avro or Protobuf", batch.Errors.Items[0].Message, StringComparison.Ordinal);
        Assert.Equal("KOR4004 value", RawBatches.Outcome(Decode("json", null, [1, 0x80, 0xFF, 1, 2, 3]), 0));
    }

    [Fact]
    public void Keys_have_an_id_as_well() =>
        Assert.Equal("1|k", RawBatches.Outcome(Decode("json_schema", [.. Prefix, .. "{\"k\":\"k\"}"u8], [.. Prefix, .. "{\"id\":1}"u8]), 0));

    private static RecordBatch Decode(string format, byte[]? key, byte[] value)
    {
        var plan = PipelineTexts.PlanOf($$"""
            apiVersion: kor/v1
            name: p
            source:
              kafka: { connection: main, topics: [t] }
              format: {{format}}
              fields: { id: integer, k: { type: string, from: key, path: k } }
            sinks:
              - { id: rows, from: source, connection: dwh, table: T, create: true }
            """);
        return RawBatches.Decode(plan.Source.CreateDecoder(), RawBatches.Of((key, value)));
    }
}
