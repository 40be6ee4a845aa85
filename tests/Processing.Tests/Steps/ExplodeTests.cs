using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Definition;
using KafkaOracleOrleans.Processing.Tests.Records;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>One record, many rows: what they are, that they are there once, and that a record counts once.</summary>
public sealed class ExplodeTests
{
    private const string Orders = """
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { id: string, g: string, lines: json }
          eventTime: { maxOutOfOrder: 5s }
        steps:
          - { id: unique, type: dedup, key: [id], within: 1h, scope: partition }
          - id: lines
            type: explode
            field: lines
            position: no
            fields: { sku: { type: string, required: true }, qty: { type: integer, default: 1 } }
          - { id: some, type: filter, where: "qty <> 7" }
          - { id: double_qty, type: map, set: { twice: "CASE WHEN 100 / qty > 0 THEN qty * 2 END" } }
          - { id: skus, type: dedup, key: [id, sku], within: 1h, scope: partition }
          - id: w
            type: window
            window: { tumbling: 1m }
            groupBy: [sku]
            aggregates: { n: count(), s: sum(qty) }
        sinks:
          - { id: rows, from: skus, connection: d, table: T, mode: append, create: true }
          - { id: whole, from: unique, connection: d, table: W, mode: append, create: true }
          - { id: twice, from: skus.duplicates, connection: d, table: U, mode: append, create: true }
        """;

    private static readonly Gen<string> Line = Gen.Frequency(
        (12, Gen.Select(Gen.Int[0, 6], Gen.Int[1, 9]).Select((s, q) => $$"""{"sku":"s{{s}}","qty":{{q}}}""")),
        (1, Gen.Const("""{"sku":"s1"}""")),
        (1, Gen.Const("""{"sku":"z","qty":0}""")),
        (1, Gen.Const("""{"qty":1}""")),
        (1, Gen.Const("3")));

    private static readonly Gen<string?> Record = Gen.Frequency(
        (10, Gen.Select(Gen.Int[0, 30], Line.Array[0, 5]).Select((i, l) => (string?)$$"""{"id":"i{{i}}","g":"g","lines":[{{string.Join(" , ", l)}}]}""")),
        (1, Gen.Const((string?)"""{"id":"none","g":"g"}""")),
        (1, Gen.Const((string?)"""{"id":"null","g":"g","lines":null}""")),
        (1, Gen.Const((string?)"""{"id":"bad","g":"g","lines":{}}""")),
        (1, Gen.Const((string?)"{")),
        (1, Gen.Const((string?)null)));

    /// <summary>Rows, counts and windows are a matter of the records: one by one, in batches and played again they are those of the model.</summary>
    [Fact]
    public void Batches_and_replays_change_nothing()
    {
        Gen.Select(Record.Array[1, 40], Gen.Int[1, 15], Gen.Int[0, 39]).Sample((records, size, from) =>
        {
            var model = Expected(records);
            foreach (var at in (int[])[1, size, records.Length])
            {
                var (run, counts) = Run(records, at);
                Assert.Equal(model.Rows, run.Sinks.GetValueOrDefault("rows") ?? []);
                Assert.Equal(
                    model.Windows.Order(StringComparer.Ordinal),
                    (run.Windows.GetValueOrDefault("w") ?? []).Select(r => r[..r.IndexOf(' ')] + r[r.LastIndexOf(':')..]).Order(StringComparer.Ordinal));
                Assert.Equal(model.Counts, counts);
            }

            // The log is read again from somewhere: the rows are known by their place, and those that came before come again as they were.
            var (again, _) = Run(records, size);
            var first = (again.Sinks.GetValueOrDefault("rows") ?? []).ToList();
            var start = from % records.Length;
            again.Send(RawBatches.Of([.. records.Skip(start).Select(r => ((byte[]?)null, r is null ? null : Encoding.UTF8.GetBytes(r)))], start));
            var replayed = (again.Sinks.GetValueOrDefault("rows") ?? []).Skip(first.Count).ToList();
            Assert.Equal(first.Where(r => long.Parse(r[..r.IndexOf(':')], CultureInfo.InvariantCulture) >= start), replayed);
        }, iter: 60);
    }

    [Theory]
    [InlineData("field: f, item: x", "[1, \"a\\u0041\", null , {\"b\" : [ ]},true]", "1:1 | 2:\"a\\u0041\" | 3:NULL | 4:{\"b\" : [ ]} | 5:true")]
    [InlineData("field: f, item: x, itemType: string", "[\"a\\u0041\",\"\"]", "1:aA | 2:")]
    [InlineData("field: f, item: x, itemType: \"decimal(5,2)\"", "[1.50,\"2\"]", "1:1.5 | 2:2")]
    [InlineData("field: f, item: x, itemType: integer", "[ 1 ,2 ]", "1:1 | 2:2")]
    [InlineData("field: f, item: x, itemType: integer", "[1,\"x\"]", "KOR4013 e.x")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":{\"c\":[9],\"b\":[1,2]}}", "1:1 | 2:2")]
    [InlineData("field: f, item: x, path: [\"a.b\", \"\\\"ü\"]", "{\"a.b\":{\"\\\"\\u00fc\":[1]}}", "1:1")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":{\"b\":[1],\"b\":[2]}}", "1:2")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":{}}", "left out")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":null}", "left out")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":[1]}", "KOR4049 e")]
    [InlineData("field: f, item: x, path: a.b", "{\"a\":{\"b\":1}}", "KOR4049 e")]
    [InlineData("field: f, item: x", "{\"a\":1}", "KOR4049 e")]
    [InlineData("field: f, item: x", "\"text\"", "KOR4049 e")]
    [InlineData("field: f, item: x, key: k", "[1]", "KOR4049 e")]
    [InlineData("field: f, item: x", "[]", "left out")]
    [InlineData("field: f, item: x", " [ ] ", "left out")]
    [InlineData("field: f, item: x, empty: keep", "[]", "NULL:NULL")]
    [InlineData("field: f, item: x, empty: keep", "null", "NULL:NULL")]
    [InlineData("field: f, item: x, maxItems: 2", "[1,2]", "1:1 | 2:2")]
    [InlineData("field: f, item: x, maxItems: 2", "[1,2,3]", "KOR4054 e")]
    public void Items_become_rows(string step, string value, string rows) => Assert.Equal(rows, RowsOf(step, $$"""{"f":{{value}}}"""));

    [Fact]
    public void Entries_of_an_object_have_their_names() =>
        Assert.Equal("a \"b:1:1 | ü:2:{}", RowsOf("field: f, item: x, key: k", """{"f":{"a \"b":1,"\u00fc":{}}}""", "k"));

    [Theory]
    [InlineData("{\"a\":1}\n\r\n  {\"a\":2} \r\n[3]", "1:{\"a\":1} | 2:{\"a\":2} | 3:[3]")]
    [InlineData("{\"a\":1}\n{\"a\":", "KOR4049 e")]
    [InlineData("", "left out")]
    [InlineData(" \n ", "left out")]
    public void Lines_are_items(string value, string rows) => Assert.Equal(rows, RowsOf("field: f, item: x, split: lines", value, format: "string"));

    [Fact]
    public void An_array_may_be_the_whole_value() => Assert.Equal("1:1 | 2:{\"a\":2}", RowsOf("field: f, item: x", "[1,{\"a\":2}]", format: "json text"));

    /// <summary>A copy of a record for each of its rows would be the square of its size.</summary>
    [Fact]
    public void Rows_share_what_their_record_has()
    {
        var plan = PipelineTexts.PlanOf(Text("field: f, item: x, itemType: integer, maxItems: 5000", "", "json"));
        var value = Encoding.UTF8.GetBytes("{\"big\":\"" + new string('b', 100_000) + "\",\"f\":[" + string.Join(',', Enumerable.Repeat("1", 2_000)) + "]}");
        var pipeline = new PartitionPipeline(plan, 1);
        pipeline.Begin(RawBatches.Of((null, value), (null, value)), 0);
        var request = Assert.IsType<SinkRequest>(pipeline.Next());
        Assert.Equal(4_000, request.Rows.Count);
        Assert.Equal(4_000, request.Raw.Count);
        Assert.Equal(2 * value.Length, request.Raw.Buffer.Length);
        Assert.Equal(value, request.Raw.Value(3_999).ToArray());
        Assert.Equal([0L, 0, 1, 1], (long[])[request.Offsets[0], request.Offsets[1_999], request.Offsets[2_000], request.Offsets[3_999]]);
    }

    [Fact]
    public void Late_records_are_late_with_all_their_rows()
    {
        var run = new PipelineRun(Orders.Replace("  - { id: twice", "  - { id: late, from: w.late, connection: d, table: L, mode: append, create: true }\n  - { id: twice", StringComparison.Ordinal));
        run.Late.Add(1);
        var counts = run.Send(
            """{"id":"a","g":"g","lines":[{"sku":"s"}]}""", """{"id":"b","g":"g","lines":[{"sku":"s"},{"sku":"t","qty":7},{"sku":"u"}]}""");
        Assert.Equal(new BatchCounts(2, 1, 0, 1, 0, 0), counts);
        Assert.Equal(["1", "1"], run.Sinks["late"].Select(r => r[..r.IndexOf(':')]));
        Assert.Equal(["1|s", "1|u"], run.Sinks["late"].Select(r => r.Split(": ")[1].Split('|')).Select(c => $"{c[3]}|{c[2]}"));
    }

    [Fact]
    public void A_tap_says_of_which_record_a_row_is()
    {
        var run = new PipelineRun(Orders);
        run.Send("""{"id":"a","g":"g","lines":[]}""", """{"id":"b","g":"g","lines":[{"sku":"s"},{"sku":"t"}]}""");
        var rows = run.Pipeline.Output(new InputRef("skus"))!;
        Assert.Equal([1, 1], rows.Selected.Span.ToArray().Select(rows.RecordOf));
    }

    [Theory]
    [InlineData("field: n, item: x", "is integer")]
    [InlineData("field: s, item: x", "'split: lines'")]
    [InlineData("field: f, item: x, split: lines", "is for strings")]
    [InlineData("field: s, item: x, split: lines, path: a", "look into JSON")]
    [InlineData("field: f", "needs 'fields'")]
    [InlineData("field: f, fields: { a: { type: string, from: key } }", "comes from the item")]
    [InlineData("field: f, fields: { a: string }, itemType: json", "which is missing")]
    public void What_cannot_be_exploded_is_refused(string step, string part)
    {
        var fault = Assert.Single(PipelineTexts.Compile(Text(step, "", "json")).Errors());
        Assert.Equal("KOR2065", fault.Code);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  - { id: again, type: explode, field: other, item: y }\n", "", "KOR2065")]
    [InlineData("  - { id: d, type: dedup, key: [s], within: 1h, scope: global }\n", "", "KOR2065")]
    [InlineData("  - { id: m, type: map, set: { pos: n } }\n", "mode: upsert, keys: [s], deleteOnTombstone: true", "KOR2023")]
    public void What_needs_whole_records_is_refused_behind_it(string steps, string sink, string code)
    {
        var text = Text("field: f, item: x", steps, "json", sink).Replace("s: string", "s: { type: string, from: key, required: true }", StringComparison.Ordinal)
            .Replace("  format: json\n", "  format: json\n  tombstones: delete\n", StringComparison.Ordinal);
        Assert.Contains(PipelineTexts.Compile(text).Errors(), e => e.Code == code);
    }

    private static (PipelineRun Run, BatchCounts Counts) Run(string?[] records, int size)
    {
        var run = new PipelineRun(Orders);
        var total = default(BatchCounts);
        foreach (var chunk in records.Chunk(size))
        {
            var c = run.Send(chunk);
            total = new BatchCounts(
                total.Consumed + c.Consumed, total.Absorbed + c.Absorbed, total.Duplicate + c.Duplicate, total.Late + c.Late, total.Filtered + c.Filtered,
                total.Quarantined + c.Quarantined);
        }

        return (run, total);
    }

    private static (List<string> Rows, List<string> Windows, BatchCounts Counts) Expected(string?[] records)
    {
        var (rows, windows, seen) = (new List<string>(), new List<string>(), new HashSet<string>());
        long absorbed = 0, duplicate = 0, filtered = 0, quarantined = 0;
        for (var offset = 0; offset < records.Length; offset++)
        {
            if (records[offset] is not { } text)
            {
                filtered++;
                continue;
            }

            if (text == "{")
            {
                quarantined++;
                continue;
            }

            var record = JsonNode.Parse(text)!;
            if (!seen.Add((string)record["id"]!))
            {
                duplicate++;
                continue;
            }

            var lines = record["lines"];
            var bad = lines is JsonObject || (lines is JsonArray all && all.Any(l => l is not JsonObject o || o["sku"] is null || (int?)o["qty"] == 0));
            if (bad)
            {
                quarantined++;
                continue;
            }

            // The record itself goes to a table as well.
            absorbed++;
            var skus = new HashSet<string>();
            foreach (var (i, line) in (lines as JsonArray ?? []).Index())
            {
                var (sku, qty) = ((string)line!["sku"]!, (int?)line["qty"] ?? 1);
                if (qty == 7 || !skus.Add(sku)) continue;
                rows.Add($"{offset}: {record["id"]}|g|{sku}|{qty}|{i + 1}|{qty * 2}|t|3|{offset}|{i + 1}");
                windows.Add($"{offset}: {qty}");
            }
        }

        return (rows, windows, new BatchCounts(records.Length, absorbed, duplicate, 0, filtered, quarantined));
    }

    private static string Text(string step, string steps, string format, string sink = "mode: append") => $$"""
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          format: {{(format == "json" ? "json" : "string")}}
          fields: { {{(format == "string" ? "f: string" : format == "json" ? "f: json, other: json, n: integer, s: string" : "f: json")}} }
        steps:
          - { id: e, type: explode, position: pos, {{step}} }
        {{steps.TrimEnd('\n')}}
        sinks:
          - { id: rows, connection: dwh, table: T, create: true, {{(sink.Length == 0 ? "mode: append" : sink)}}, from: {{(steps.Length == 0 ? "e" : steps.Split("id: ")[1].Split(',')[0])}} }

        """.ReplaceLineEndings("\n");

    private static string RowsOf(string step, string value, string? key = null, string format = "json")
    {
        var run = new PipelineRun(Text(step, "", format));
        run.Send(value);
        if (run.Quarantine is [var refused]) return $"{refused.Code} {refused.Place}";
        if (!run.Sinks.TryGetValue("rows", out var rows)) return "left out";
        var names = run.Plan.Sinks[0].InputSchema.Fields.Select(f => f.Name).ToList();
        return string.Join(" | ", rows.Select(r => r[(r.IndexOf(": ", StringComparison.Ordinal) + 2)..].Split('|')).Select(c =>
            (key is null ? "" : c[names.IndexOf(key)] + ":") + c[names.IndexOf("pos")] + ":" + c[names.IndexOf("x")]));
    }
}
