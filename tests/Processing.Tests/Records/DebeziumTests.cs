using System.Text;
using KafkaOracleOrleans.Processing.Tests.Definition;
using KafkaOracleOrleans.Processing.Tests.Steps;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>Changes of a table as Debezium writes them: rows, deletions, marks, and what is no change.</summary>
public sealed class DebeziumTests
{
    private const string Before = """{"id":1,"name":"old"}""";
    private const string After = """{"id":1,"name":"new","x":[{}]}""";

    [Theory]
    [InlineData("""{"before":null,"after":A,"source":{"table":"t"},"op":"c","ts_ms":5}""", "1|new|c|t")]
    [InlineData("""{"op":"u","after":A,"before":B}""", "1|new|u|NULL")]
    [InlineData(""" { "after" : A , "op" : "r" , "source" : {"table":"t"} } """, "1|new|r|t")]
    [InlineData("""{"schema":{"type":"struct","op":"x"},"payload":{"after":A,"op":"c","source":{"table":"t"}}}""", "1|new|c|t")]
    [InlineData("""{"payload":{"after":A,"op":"c"},"schema":null}""", "1|new|c|NULL")]
    // A row may have columns of these names.
    [InlineData("""{"after":{"id":1,"name":"n","op":"d","payload":{},"after":null},"op":"c"}""", "1|n|c|NULL")]
    [InlineData("""{"before":B,"after":null,"op":"d","source":{"table":"t"}}""", "delete 1|old|d|t")]
    // Of a row that is gone only the key may be known.
    [InlineData("""{"before":{"id":1},"op":"d"}""", "delete 1|NULL|d|NULL")]
    [InlineData("""{"before":{"id":1,"name":null},"op":"d"}""", "delete 1|NULL|d|NULL")]
    [InlineData("""{"before":{"id":"x"},"op":"d"}""", "KOR4013 id")]
    [InlineData("""{"before":null,"op":"d"}""", "KOR4062 value")]
    [InlineData("""{"op":"d"}""", "KOR4062 value")]
    [InlineData("""{"after":null,"op":"c"}""", "KOR4062 value")]
    [InlineData("""{"after":{"id":1},"op":"c"}""", "KOR4010 name")]
    [InlineData("""{"op":"t"}""", "KOR4061 value")]
    [InlineData("""{"op":"m"}""", "left out")]
    [InlineData("""{"op":"z","after":A}""", "KOR4060 value")]
    [InlineData("""{"op":1,"after":A}""", "KOR4060 value")]
    [InlineData("""{"id":1,"name":"flat"}""", "KOR4060 value")]
    [InlineData("""{"payload":{"id":1}}""", "KOR4060 value")]
    [InlineData("""{"payload":null}""", "KOR4060 value")]
    [InlineData("{}", "KOR4060 value")]
    [InlineData("", "KOR4001 value")]
    [InlineData("[]", "KOR4008 value")]
    [InlineData("""{"op":"c","after":A""", "KOR4006 value")]
    [InlineData("""{"op":"c","after":A,}""", "KOR4006 value")]
    [InlineData("""{"op":"c","after":A} x""", "KOR4009 value")]
    [InlineData(null, "left out")]
    public void A_change_is_a_row_a_deletion_or_a_fault(string? value, string outcome)
    {
        var plan = PipelineTexts.PlanOf(Text());
        var batch = RawBatches.Decode(plan.Source.CreateDecoder(), RawBatches.Of(Filled(value)));
        Assert.Equal(outcome, (batch.Alive.Count == 1 && batch.IsDelete(0) ? "delete " : "") + RawBatches.Outcome(batch, 0));
    }

    [Fact]
    public void Deletions_reach_sinks_that_delete_in_their_places_and_no_steps()
    {
        foreach (var size in (int[])[1, 2, 5])
        {
            var run = new PipelineRun(Text());
            foreach (var chunk in ((string[])
            [
                """{"after":A,"op":"c"}""", """{"before":B,"op":"d"}""", """{"after":{"id":2,"name":"b"},"op":"c"}""", """{"after":{"id":1,"name":"c"},"op":"c"}""",
                """{"before":{"id":2},"op":"d"}""",
            ]).Chunk(size))
            {
                Assert.Equal(0, run.Send([.. chunk.Select(Filled)]).Filtered);
            }

            Assert.Equal(["0: 1|new!|c|NULL", "-1: 1|NULL|d|NULL", "2: 2|b!|c|NULL", "3: 1|c!|c|NULL", "-4: 2|NULL|d|NULL"], run.Sinks["rows"]);
        }
    }

    [Fact]
    public void Deleted_rows_may_go_on_with_a_mark()
    {
        var run = new PipelineRun(Text("debezium: { deletes: mark, deletedField: gone }", sink: "mode: upsert, keys: [id]").Replace("name: { type: string, required: true }", "name: string", StringComparison.Ordinal));
        run.Send(Filled("""{"after":A,"op":"c"}"""), Filled("""{"before":B,"op":"d"}"""), Filled("""{"before":{"id":3},"op":"d"}"""));
        Assert.Equal(["0: 1|new!|c|NULL|false", "1: 1|old!|d|NULL|true", "2: 3|NULL|d|NULL|true"], run.Sinks["rows"]);
    }

    [Fact]
    public void Deleted_rows_may_be_left_out()
    {
        var run = new PipelineRun(Text("debezium: { deletes: skip }", sink: "mode: upsert, keys: [id]"));
        Assert.Equal(1, run.Send(Filled("""{"after":A,"op":"c"}"""), Filled("""{"before":null,"op":"d"}""")).Filtered);
        Assert.Equal(["0: 1|new!|c|NULL"], run.Sinks["rows"]);
    }

    [Theory]
    [InlineData("""{"id":7}""", "7")]
    [InlineData("""{"schema":{"type":"struct"},"payload":{"id":7}}""", "7")]
    [InlineData("""{"payload":{"id":7},"schema":{}}""", "7")]
    [InlineData("""{"payload":{"id":7}}""", "NULL")]
    [InlineData("""{"id":""", "KOR4006 key")]
    public void Keys_have_their_schema_beside_them_or_not(string key, string outcome)
    {
        var plan = PipelineTexts.PlanOf(Text(fields: "id: { type: integer, from: key, path: id }"));
        var batch = RawBatches.Decode(plan.Source.CreateDecoder(), RawBatches.Of((Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes("""{"after":{},"op":"c"}"""))));
        Assert.Equal(outcome, RawBatches.Outcome(batch, 0));
    }

    [Theory]
    [InlineData("format: json\n  debezium: { deletes: skip }", "KOR2028", "format debezium")]
    [InlineData("format: debezium\n  debezium: { deletes: mark }", "KOR2028", "needs 'deletedField'")]
    [InlineData("format: debezium\n  debezium: { deletedField: gone }", "KOR2028", "deletes: mark")]
    [InlineData("format: debezium\n  debezium: { deletes: mark, deletedField: id }", "KOR2008", "exists already")]
    [InlineData("format: debezium\n  debezium: { deletes: skip }", "KOR2023", "nothing is deleted")]
    [InlineData("format: json\n  tombstones: delete", "KOR2028", "'from: envelope'")]
    public void What_does_not_go_together_is_refused(string source, string code, string part)
    {
        var text = Text().Replace("format: debezium", source, StringComparison.Ordinal);
        Assert.Contains(PipelineTexts.Compile(text).Errors(), e => e.Code == code && e.Message.Contains(part, StringComparison.Ordinal));
    }

    private static string? Filled(string? text) => text?.Replace(":A", ":" + After, StringComparison.Ordinal).Replace(": A", ":" + After, StringComparison.Ordinal)
        .Replace(":B", ":" + Before, StringComparison.Ordinal);

    private static string Text(string debezium = "", string sink = "mode: upsert, keys: [id], deleteOnTombstone: true", string? fields = null) => $$"""
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          format: debezium
          {{debezium}}
          fields: { {{fields ?? "id: { type: integer, required: true }, name: { type: string, required: true }, op: { type: string, from: envelope }, tab: { type: string, from: envelope, path: source.table }"}} }
        steps:
          - { id: m, type: map, set: { {{(fields is null ? "name: \"name || '!'\"" : "x: '1'")}} } }
        sinks:
          - { id: rows, from: m, connection: dwh, table: T, create: true, {{sink}} }

        """.ReplaceLineEndings("\n").Replace("  \n", "", StringComparison.Ordinal);
}
