using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Processing.Tests.Definition;
using KafkaOracleOrleans.Processing.Tests.Records;
using static KafkaOracleOrleans.Processing.Tests.Schemas.AvroSupport;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

public sealed class AvroPipelineTests
{
    private const string Order =
        """{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"customer","type":{"type":"record","name":"C","fields":[{"name":"age","type":["null","int"],"default":null}]}},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"tags","type":{"type":"array","items":"string"},"default":[]}]}""";

    private static string Text(string source) => $$"""
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          {{source}}
        sinks:
          - { id: rows, from: source, connection: dwh, table: T, create: true }
        """;

    private static PipelineCompilation Compile(string source, params string[] registries) => PipelineCompiler.Compile(
        Text(source), "p.yaml", new PipelineCompilerOptions { Registries = registries.Length == 0 ? null : registries });

    private static PipelinePlan PlanOf(string source)
    {
        var compilation = Compile(source);
        return compilation.Plan ?? throw new InvalidOperationException(string.Join('\n', compilation.Diagnostics));
    }

    [Fact]
    public void Fields_that_are_left_out_are_those_of_the_schema()
    {
        var plan = PlanOf($"format: avro\n  schema: '{Order}'");
        Assert.Equal(
            ["id string False", "customer_age integer True", "amount decimal(12,2) False", "at timestamp False", "tags json False"],
            plan.Source.Schema.Fields.Select(f => $"{f.Name} {f.Type} {f.Nullable}"));
    }

    [Theory]
    [InlineData("format: avro\n  fields: { a: string }", "KOR2066", "registry")]
    [InlineData("format: avro\n  registry: main", "KOR1021", "schema")]
    [InlineData("format: json", "KOR1021", "fields")]
    [InlineData("format: avro\n  schema: orders.avsc\n  fields: { a: string }", "KOR2066", "orders.avsc")]
    [InlineData("format: avro\n  schema: '{\"type\":\"record\"}'\n  fields: { a: string }", "KOR2066", "name")]
    [InlineData("format: avro\n  schema: '\"string\"'", "KOR2066", "record")]
    [InlineData("format: json\n  registry: main\n  fields: { a: string }", "KOR2028", "registry")]
    [InlineData("format: json\n  schema: '\"int\"'\n  fields: { a: string }", "KOR2028", "schema")]
    [InlineData("format: avro\n  registry: other\n  fields: { a: string }", "KOR2029", "other")]
    [InlineData("format: avro\n  unknownSchema: quarantine\n  schema: '{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}'", "KOR2028", "unknownSchema")]
    public void What_cannot_work_is_told(string source, string code, string said)
    {
        var fault = Assert.Single(Compile(source, "main").Diagnostics, d => d.Severity == Processing.Diagnostics.Severity.Error);
        Assert.Equal(code, fault.Code);
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amonut: 'decimal(12,2)'", "the schema has no field 'amonut'", "amount")]
    [InlineData("amount: boolean", "decimal(12,2) takes it", null)]
    [InlineData("at: { type: date, path: customer }", "json takes it", null)]
    [InlineData("age: { type: integer, path: customer.agee }", "no field 'customer.agee'", "age")]
    [InlineData("x: { type: integer, path: id.x }", "above it is string", null)]
    public void Declared_fields_are_checked_against_the_schema(string field, string said, string? meant)
    {
        var fault = Assert.Single(Compile($"format: avro\n  schema: '{Order}'\n  fields: {{ {field} }}").Diagnostics);
        Assert.Equal(("KOR2067", meant), (fault.Code, fault.Suggestion));
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_asks_for_its_schemas_once_before_anything_else()
    {
        var pipeline = new PartitionPipeline(PlanOf("format: avro\n  registry: main\n  fields: { a: integer, k: { type: string, from: key } }"), 1);
        var raw = RawBatches.Of(
            (Framed(9, [0x02, 0x6B]), Framed(7, [0x0E])), ("plain"u8.ToArray(), Framed(8, [0x02, 0x78, 0x0E])), (null, Framed(7, [0x10])), (null, "{}"u8.ToArray()));
        pipeline.Begin(raw, 0);
        var request = Assert.IsType<SchemaRequest>(pipeline.Next());
        Assert.Equal(("main", "7 8 9"), (request.Registry, string.Join(' ', request.Ids.Order(Comparer<SchemaId>.Create((a, b) => a.Number - b.Number)))));
        request.Schemas[new SchemaId(7, Guid.Empty)] = new("AVRO", """{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}""", []);
        request.Schemas[new SchemaId(8, Guid.Empty)] = new("AVRO", """{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"a","type":"int"}]}""", []);
        request.Schemas[new SchemaId(9, Guid.Empty)] = new("AVRO", "\"string\"", []);
        var rows = Assert.IsType<SinkRequest>(pipeline.Next());
        Assert.Equal(3, rows.Rows.Count);
        Assert.Equal(["7", "7", "8"], Enumerable.Range(0, 3).Select(i => Show(rows, "A", i)));
        Assert.Equal(["k", "plain", "NULL"], Enumerable.Range(0, 3).Select(i => Show(rows, "K", i)));
        Assert.Equal("KOR4064", Assert.Single(Assert.IsType<QuarantineRequest>(pipeline.Next()).Records).Code);
        Assert.Null(pipeline.Next());
        pipeline.Begin(raw, 0);
        Assert.IsType<SinkRequest>(pipeline.Next());
    }

    private static string Show(SinkRequest rows, string column, int row) =>
        RawBatches.Show(rows.Rows.Columns[rows.Rows.Schema.Fields.ToList().FindIndex(f => f.Name.Equals(column, StringComparison.OrdinalIgnoreCase))], row);

    [Fact]
    public void A_schema_that_the_registry_does_not_have_refuses_its_records_until_it_is_asked_again()
    {
        var plan = PlanOf("format: avro\n  registry: main\n  unknownSchema: quarantine\n  fields: { a: integer }");
        Assert.True(plan.Source.Format!.RefuseUnknownSchemas);
        var decoder = (ISchemaDecoder)plan.Source.CreateDecoder();
        decoder.Supply(new SchemaId(7, Guid.Empty), null);
        Assert.Equal("KOR4067 value", RawBatches.Outcome(RawBatches.Decode(decoder, RawBatches.Of((null, Framed(7, [0x0E])))), 0));
        Assert.Equal("7", Resolve("""{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}""", null, [0x0E], Field("a", "integer")));
    }

    [Fact]
    public void Ids_may_be_guids_and_in_headers()
    {
        var guid = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        byte[] id = [1, .. guid.ToByteArray(bigEndian: true)];
        var decoder = (ISchemaDecoder)PlanOf("format: avro\n  registry: main\n  fields: { a: integer, k: { type: string, from: key } }").Source.CreateDecoder();
        var raw = RawRecords.Batch("t", 0, 0,
        [
            new RawRecord([.. id, 0x0E]),
            new RawRecord([0x10], [0x02, 0x6B], Offset: 1) { Headers = [new(SchemaId.KeyHeader, [0, 0, 0, 0, 9]), new(SchemaId.ValueHeader, id)] },
        ]);
        Assert.Equal([new SchemaId(0, guid), new SchemaId(9, Guid.Empty)], decoder.Missing(raw));
        decoder.Supply(new SchemaId(0, guid), new("AVRO", """{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}""", []));
        decoder.Supply(new SchemaId(9, Guid.Empty), new("AVRO", "\"string\"", []));
        var batch = RawBatches.Decode(decoder, raw);
        Assert.Equal(["7|NULL", "8|k"], [RawBatches.Outcome(batch, 0), RawBatches.Outcome(batch, 1)]);
        Assert.Equal("1", RawBatches.Outcome(RawBatches.Decode(
            PlanOf("format: json_schema\n  fields: { a: integer }").Source.CreateDecoder(), RawBatches.Of((null, [.. id, .. "{\"a\":1}"u8]))), 0));
    }

    private const string Envelope =
        """{"type":"record","name":"Envelope","fields":[{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"int"},{"name":"name","type":["null","string"],"default":null},{"name":"at","type":[{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"},"null"]}]}],"default":null},{"name":"after","type":["null","Value"],"default":null},{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"lsn","type":["null","long"]}]}},{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"]}]}""";

    [Theory]
    [InlineData("c", 0, 1, "1|x|1970-01-01T00:00:01|5|c|false")]
    [InlineData("u", 1, 2, "2|x|1970-01-01T00:00:01|5|u|false")]
    [InlineData("d", 3, 0, "3|x|1970-01-01T00:00:01|5|d|true")]
    [InlineData("d", 0, 0, "KOR4062 value")]
    [InlineData("c", 1, 0, "KOR4062 value")]
    [InlineData("t", 0, 0, "KOR4061 value")]
    [InlineData("m", 0, 0, "left out")]
    [InlineData("zz", 0, 1, "KOR4060 value")]
    public void Debezium_writes_avro_too(string op, int before, int after, string expected)
    {
        var decoder = PlanOf(
            $"format: debezium\n  schema: '{Envelope}'\n  debezium: {{ deletes: mark, deletedField: gone }}\n"
            + "  fields: { id: integer, name: string, at: timestamp, lsn: { type: integer, from: envelope, path: source.lsn }, op: { type: string, from: envelope } }").Source.CreateDecoder();
        static byte[] Row(int id) => id == 0 ? [0] : [2, (byte)(id * 2), 2, 2, 0x78, 0, 0x80, 0x89, 0x7A];
        byte[] value = [.. Row(before), .. Row(after), 2, 10, (byte)(op.Length * 2), .. op.Select(c => (byte)c), 0];
        Assert.StartsWith(expected.Split('|')[0], RawBatches.Outcome(RawBatches.Decode(decoder, RawBatches.Of((null, value))), 0), StringComparison.Ordinal);
        Assert.Equal(expected, RawBatches.Outcome(RawBatches.Decode(decoder, RawBatches.Of((null, value))), 0).Replace("01Z", "01", StringComparison.Ordinal));
        for (var length = 0; length < value.Length; length++)
            Assert.Equal("KOR4065 value", RawBatches.Outcome(RawBatches.Decode(decoder, RawBatches.Of((null, value[..length]))), 0));
    }

    [Fact]
    public void The_fields_of_a_change_are_those_of_its_row() => Assert.Equal(
        ["id", "name", "at"], PlanOf($"format: debezium\n  registry: main\n  schema: '{Envelope}'").Source.Schema.Fields.Select(f => f.Name));

    [Fact]
    public void A_schema_beside_the_pipeline_takes_its_place_on_its_line()
    {
        const string file = "{\n  // A comment.\n  \"type\": \"record\", \"name\": \"It's\", \"fields\": []\n}";
        string? Read(string name) => name == "a/b.avsc" ? file : null;
        const string brief = """{"type":"record","name":"It's","fields":[]}""";
        Assert.Equal(
            $"source:\n  schema: '{brief.Replace("'", "''", StringComparison.Ordinal)}'   # here\n  x: 1", SchemaFiles.Inline("source:\n  schema: a/b.avsc   # here\n  x: 1", false, Read));
        Assert.Equal(
            $"source: {{ format: avro, schema: '{brief.Replace("'", "''", StringComparison.Ordinal)}' }}", SchemaFiles.Inline("source: { format: avro, schema: \"a/b.avsc\" }", false, Read));
        Assert.Contains("\"schema\": \"{\\\"type\\\"", SchemaFiles.Inline("""{"schema": "a/b.avsc"}""", true, Read), StringComparison.Ordinal);
        foreach (var text in new[] { "  schema: ../b.avsc", "  schema: /a/b.avsc", "  schema: gone.avsc", "# schema: a/b.avsc", "  myschema: a/b.avsc" })
            Assert.Equal(text, SchemaFiles.Inline(text, false, n => n == "gone.avsc" ? null : file));
    }

    [Fact]
    public void Samples_are_written_as_json_and_read_as_avro()
    {
        var spec = PlanOf($"format: avro\n  registry: main\n  schema: '{Order}'").Source.Format!;
        var decoder = RecordDecoderFactory.CreateForSamples(spec);
        Assert.Empty(((ISchemaDecoder)decoder).Missing(RawBatches.Of((null, Framed(7, [0])))));
        string Of(string json) => RawBatches.Outcome(RawBatches.Decode(decoder, RawBatches.Of((null, System.Text.Encoding.UTF8.GetBytes(json)))), 0);
        Assert.StartsWith("A|7|-12.34|2026-01-01T00:00:00", Of("""{"id":"A","customer":{"age":7},"amount":-12.34,"at":"2026-01-01T00:00:00Z"}"""), StringComparison.Ordinal);
        Assert.EndsWith("|[\"x\"]", Of("""{"id":"A","customer":{},"amount":"1","at":1500,"tags":["x"]}"""), StringComparison.Ordinal);
        Assert.Equal("KOR4065 value", Of("""{"id":"A","customer":{},"amount":1,"at":0,"extra":1}"""));
        Assert.Equal("KOR4065 value", Of("""{"id":"A","customer":{},"amount":1.005,"at":0}"""));
        var bare = RecordDecoderFactory.CreateForSamples(PlanOf("format: avro\n  registry: main\n  fields: { a: integer }").Source.Format!);
        Assert.Equal("KOR4067 value", RawBatches.Outcome(RawBatches.Decode(bare, RawBatches.Of((null, Framed(7, [0x0E])))), 0));
    }
}
