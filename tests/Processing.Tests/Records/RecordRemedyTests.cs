using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Tests.Steps;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>
/// What the error catalog advises for records is done here: the record is refused with the code, and after the remedy
/// it is written. A code without an entry fails.
/// </summary>
public sealed class RecordRemedyTests
{
    private const string Json = "format: json\n  fields: ";

    /// <summary>Codes whose remedy is outside of what a pipeline file and a record show, and where they are tested.</summary>
    private static readonly string[] Elsewhere =
    [
        "KOR4005", "KOR4004", // Bytes that are no text: the corpus of records has them, mended and not.
        "KOR4044", "KOR4045", // Code of the host: TransformTests.
        "KOR4051", "KOR4052", "KOR4053", // Rows of a database: LookupTests of every database, PartitionPipelineTests.
        "KOR4067", // A registry that gets its schema back, samples without one: AvroPipelineTests.
        "KOR4041", "KOR4046", // What is too far ahead or at the calendar's end depends on the clock: the watermark's and windows' tests.
    ];

    private static readonly Remedy[] Remedies =
    [
        new("KOR4001", "an object for everything else", Json + "{ a: string }", "  ") { Mended = """{"a":"x"}""" },
        new("KOR4002", "Set tombstones: skip or delete", "tombstones: quarantine\n  " + Json + "{ a: string }", null)
            { Source2 = "tombstones: skip\n  " + Json + "{ a: string }", Rows = 0 },
        new("KOR4003", "Raise limits: { maxValueBytes: ... }", "limits: { maxValueBytes: 10 }\n  " + Json + "{ a: string }", """{"a":"xxxx"}""")
            { Source2 = "limits: { maxValueBytes: 80 }\n  " + Json + "{ a: string }" },
        new("KOR4006", "NaN and Infinity become null", Json + "{ a: double }", """{"a":NaN}""") { Mended = """{"a":null}""" },
        new("KOR4007", "Flatten the record", Json + "{ a: json }", """{"a":""" + new string('[', 70) + new string(']', 70) + "}") { Mended = """{"a":[]}""" },
        new("KOR4008", "Send one object per record", Json + "{ a: integer }", """[{"a":1}]""") { Mended = """{"a":1}""" },
        new("KOR4009", "Send one object per record", Json + "{ a: integer }", """{"a":1}{"a":2}""") { Mended = """{"a":1}""" },
        new("KOR4010", "Give the field a default", Json + "{ a: { type: string, required: true } }", "{}")
            { Source2 = Json + "{ a: { type: string, required: true, default: none } }" },
        new("KOR4010", "take required away", Json + "{ a: { type: string, required: true } }", "{}") { Source2 = Json + "{ a: string }" },
        new("KOR4011", "Take required away", Json + "{ a: { type: string, required: true } }", """{"a":null}""") { Source2 = Json + "{ a: string }" },
        new("KOR4012", "Declare the field as what the producer sends", Json + "{ a: boolean }", """{"a":"yes"}""")
            { Source2 = Json + "{ a: string }", Steps2 = "{ id: m, type: map, set: { b: \"a = 'yes'\" } }" },
        new("KOR4013", "declare a string and convert in a map step", Json + "{ a: 'decimal(10,2)' }", """{"a":"1,299.00"}""")
            { Source2 = Json + "{ a: string }", Steps2 = "{ id: m, type: map, set: { b: \"CAST(replace(a, ',', '') AS decimal(10,2))\" } }" },
        new("KOR4014", "Declare decimal(p,s) or double", Json + "{ a: integer }", """{"a":1.5}""") { Source2 = Json + "{ a: 'decimal(3,1)' }" },
        new("KOR4014", "Declare decimal(p,s) or double", Json + "{ a: integer }", """{"a":1.5}""") { Source2 = Json + "{ a: double }" },
        new("KOR4015", "Declare more digits", Json + "{ a: 'decimal(12,2)' }", """{"a":0.005}""") { Source2 = Json + "{ a: 'decimal(13,3)' }" },
        new("KOR4016", "mend the producer", Json + "{ a: double }", """{"a":1e400}""") { Mended = """{"a":1e300}""" },
        new("KOR4017", "pattern: epoch_ms", Json + "{ a: timestamp }", """{"a":"1767225600000"}""") { Mended = """{"a":1767225600000}""", Source2 = Json + "{ a: { type: timestamp, pattern: epoch_ms } }" },
        new("KOR4017", "dd.MM.yyyy", Json + "{ a: date }", """{"a":"31.01.2026"}""") { Source2 = Json + "{ a: { type: date, pattern: 'dd.MM.yyyy' } }" },
        new("KOR4018", "Declare the unit", Json + "{ a: { type: timestamp, pattern: epoch_ms } }", """{"a":1767225600000000}""")
            { Source2 = Json + "{ a: { type: timestamp, pattern: epoch_us } }" },
        new("KOR4018", "epoch_ns", Json + "{ ts: { type: timestamp, pattern: epoch_ms } }", """{"ts":1767225600000000000}""")
            { Source2 = Json + "{ ts: { type: timestamp, pattern: epoch_ns } }" },
        new("KOR4019", "declare the field as bytes", Json + "{ a: string }", """{"a":"a\u0000b"}""") { Mended = """{"a":"YQBi"}""", Source2 = Json + "{ a: bytes }" },
        new("KOR4020", "Cut texts between characters", Json + "{ a: string }", """{"a":"\uD83D"}""") { Mended = """{"a":"\uD83D\uDE00"}""" },
        new("KOR4021", "base64url has to be converted", Json + "{ a: bytes }", """{"a":"_-8="}""") { Mended = """{"a":"/+8="}""" },
        new("KOR4022", "a map step: active_text = 'yes'", Csv("active_text: boolean"), "yes")
            { Source2 = Csv("active_text: string"), Steps2 = "{ id: m, type: map, set: { b: \"active_text = 'yes'\" } }" },
        new("KOR4023", "Quote the JSON text", Csv("active_text: json"), "{a:1}") { Mended = "\"{\"\"a\"\":1}\"" },
        new("KOR4030", "Quote values", Csv("active_text: string"), "un\"finished") { Mended = "\"un\"\"finished\"" },
        new("KOR4031", "csv: { ragged: allow }", "format: csv\n  csv: { columns: [a, b] }\n  fields: { a: string, b: string }", "1")
            { Source2 = "format: csv\n  csv: { columns: [a, b], ragged: allow }\n  fields: { a: string, b: string }" },
        new("KOR4040", "Make the field required with a default", Timed("{ type: timestamp }"), """{"a":null}""") { Mended = "{}", Source2 = Timed("{ type: timestamp, required: true, default: '2025-12-31T10:00:00Z' }"), Steps = Dedup },
        new("KOR4040", "use the Kafka timestamp", Timed("{ type: timestamp }"), """{"a":null}""") { Source2 = Json + "{ a: timestamp }\n  eventTime: kafka", Steps = Dedup },
        new("KOR4042", "mend the producer or the rule", Json + "{ a: integer }", """{"a":-1}""")
            { Steps = "{ id: m, type: quality, rules: { r: 'a > 0' } }", Steps2 = "{ id: m, type: quality, rules: { r: 'a > -5' } }" },
        new("KOR4043", "set onMissing: keep", Json + "{ a: string }", """{"a":"C-404"}""") { Steps = Lookup("quarantine"), Steps2 = Lookup("keep") },
        new("KOR4049", "Mend the producer", Json + "{ a: json }", """{"a":3}""")
            { Mended = """{"a":[3]}""", Steps = "{ id: m, type: explode, field: a, item: b }" },
        new("KOR4049", "a filter before the step", Json + "{ a: json }", """{"a":3}""")
        {
            Steps = "{ id: m, type: explode, field: a, item: b }",
            Steps2 = "{ id: f, type: filter, where: \"json_array_length(a, '$') IS NOT NULL\" }\n  - { id: m, type: explode, field: a, item: b }", Rows = 0,
        },
        new("KOR4054", "Raise the step's 'maxItems'", Json + "{ a: json }", """{"a":[1,2]}""")
        {
            Steps = "{ id: m, type: explode, field: a, item: b, maxItems: 1 }", Steps2 = "{ id: m, type: explode, field: a, item: b, maxItems: 2 }", Rows = 2,
        },
        new("KOR4060", "Use format: json for flattened records", "format: debezium\n  fields: { a: string }", """{"a":"x"}""") { Source2 = Json + "{ a: string }" },
        new("KOR4061", "leaves such records out", "format: debezium\n  fields: { a: string }", """{"op":"t"}""") { Mended = """{"op":"c","after":{"a":"x"}}""" },
        new("KOR4062", "REPLICA IDENTITY FULL", "format: debezium\n  debezium: { deletes: mark, deletedField: gone }\n  fields: { a: string }", """{"op":"d","before":null}""")
            { Mended = """{"op":"d","before":{"a":"x"}}""" },
        new("KOR4062", "deletes: skip", "format: debezium\n  fields: { a: string }", """{"op":"d","before":null}""")
            { Source2 = "format: debezium\n  debezium: { deletes: skip }\n  fields: { a: string }", Rows = 0 },
        new("KOR4063", "use format: json_schema", Json + "{ a: string }", "\0\0\0\u0001\u0002{\"a\":\"x\"}") { Source2 = "format: json_schema\n  fields: { a: string }" },
        new("KOR4063", "write JSON", Json + "{ a: string }", "\0\0\0\u0001\u0002\u0002x") { Mended = """{"a":"x"}""" },
        new("KOR4063", "format: avro with 'registry'", Json + "{ a: string }", "\0\0\0\0\u0001\u0002x") { Source2 = Avro },
        new("KOR4064", "write with a serializer of the registry", Avro, "{}") { Mended = "\0\0\0\0\u0001\u0002x" },
        new("KOR4064", "are read by 'schema' without 'registry'", Avro, "\u0002x")
            { Source2 = """format: avro""" + "\n  schema: '" + """{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}""" + "'" },
        new("KOR4065", "Mend the producer", Avro, "\0\0\0\0\u0001\u0004x") { Mended = "\0\0\0\0\u0001\u0002x" },
        new("KOR4066", "Give the field a default in the pipeline's schema", AvroBy(""), "\0\0\0\0\u0001\u0002x") { Source2 = AvroBy(""","default":"none" """) },
        new("KOR4066", "use the format that the producer writes", Avro, "\0\0\0\0\u0002{\"a\":\"x\"}") { Source2 = "format: json_schema\n  fields: { a: string }" },
        new("KOR4047", "last(left(body, 1000))", Keyed, $$"""{"a":"{{new string('x', 262_145)}}"}""")
            { Steps = Window("last(a)", "[]"), Steps2 = Window("last(left(a, 1000))", "[]"), Rows = 0 },
        new("KOR4047", "last(sha256(body))", Keyed, $$"""{"a":"{{new string('x', 262_145)}}"}""")
            { Steps = Window("collect(a, 5)", "[]"), Steps2 = Window("last(sha256(a))", "[]"), Rows = 0 },
        new("KOR4048", "set: { body_id: sha256(body) }", Keyed, $$"""{"a":"{{new string('x', 4_097)}}"}""")
        {
            Steps = Window("count()", "[a]"), Steps2 = "{ id: by, type: map, set: { body_id: sha256(a) } }\n  - " + Window("count()", "[body_id]"), Rows = 0,
        },
        Math("KOR3101", "Widen the type with CAST", "a * 9223372036854775807", "CAST(a AS double) * 9223372036854775807"),
        Math("KOR3101", "try(...)", "a * 9223372036854775807", "try(a * 9223372036854775807)"),
        Math("KOR3102", "amount / NULLIF(qty, 0)", "1 / (a - 5)", "1 / NULLIF(a - 5, 0)"),
        Math("KOR3103", "TRY_CAST", "CAST(CAST(a AS string) || 'x' AS integer)", "TRY_CAST(CAST(a AS string) || 'x' AS integer)"),
        Math("KOR3104", "Guard it with CASE", "sqrt(-a)", "CASE WHEN a < 0 THEN sqrt(-a) END"),
        Math("KOR3104", "try(...)", "sqrt(-a)", "try(sqrt(-a))"),
        Math("KOR3105", "Make shorter strings", "lpad('x', a * 1000000)", "lpad('x', a * 100)"),
        Math("KOR3107", "left(body, 10000)", "length(regexp_replace(rpad('x', a * 100000, 'a'), 'a(.*b)?', ''))", "length(regexp_replace(left(rpad('x', a * 100000, 'a'), 10000), 'a(.*b)?', ''))"),
        Math("KOR3106", "try(...)", "timestamp_add('year', a * 2000, TIMESTAMP '2026-01-01')", "try(timestamp_add('year', a * 2000, TIMESTAMP '2026-01-01'))"),
    ];

    public static TheoryData<int> Places => [.. Enumerable.Range(0, Remedies.Length)];

    [Theory]
    [MemberData(nameof(Places))]
    public void The_remedy_makes_the_record_pass(int place)
    {
        var remedy = Remedies[place];
        Assert.Contains(remedy.Said, ErrorCatalog.Find(remedy.Code)!.Remedy, StringComparison.Ordinal);
        var before = new PipelineRun(Pipeline(remedy.Source, remedy.Steps));
        before.Send(("k", remedy.Value));
        Assert.Equal(remedy.Code, Assert.Single(before.Quarantine).Code);

        var after = new PipelineRun(Pipeline(remedy.Source2 ?? remedy.Source, remedy.Steps2 ?? remedy.Steps));
        after.Send(("k", remedy.Mended ?? remedy.Value));
        Assert.Empty(after.Quarantine);
        Assert.Equal(remedy.Rows, after.Sinks.GetValueOrDefault("rows")?.Count ?? 0);
    }

    [Fact]
    public void Every_code_of_records_has_a_remedy_that_was_tried() => Assert.Empty(
        ErrorCatalog.All.Select(e => e.Code)
            .Where(c => c.StartsWith("KOR4", StringComparison.Ordinal) || c.StartsWith("KOR31", StringComparison.Ordinal))
            .Except(Remedies.Select(r => r.Code)).Except(Elsewhere));

    private static string Csv(string field) => $"format: csv\n  csv: {{ columns: [active_text] }}\n  fields: {{ {field} }}";

    private static string Timed(string field) => Json + $"{{ a: {field} }}\n  eventTime: {{ field: a }}";

    private const string Avro = "format: avro\n  registry: main\n  fields: { a: string }";

    private static string AvroBy(string otherwise) => "format: avro\n  registry: main\n  schema: '"
        + """{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"string" """ + otherwise + "}]}'";

    private const string Keyed = Json + "{ a: string }\n  eventTime: kafka";

    private static string Window(string aggregate, string groupBy) =>
        $"{{ id: m, type: window, window: {{ tumbling: 1m }}, groupBy: {groupBy}, aggregates: {{ b: \"{aggregate}\" }} }}";

    private const string Dedup = "{ id: m, type: dedup, scope: partition, key: [a], within: 1h }";

    private static string Lookup(string onMissing) =>
        $"{{ id: m, type: lookup, connection: dwh, table: T, on: {{ ID: a }}, add: {{ level: LEVEL }}, onMissing: {onMissing} }}";

    private static Remedy Math(string code, string said, string expression, string mended) => new(code, said, Json + "{ a: integer }", """{"a":5}""")
    {
        Steps = $"{{ id: m, type: map, set: {{ b: \"{expression}\" }} }}", Steps2 = $"{{ id: m, type: map, set: {{ b: \"{mended}\" }} }}",
    };

    private static string Pipeline(string source, string? step) =>
        "apiVersion: kor/v1\nname: remedies\nsource:\n  kafka: { connection: main, topics: [t] }\n  " + source
        + (step is null ? "" : $"\nsteps:\n  - {step}")
        + $"\nsinks:\n  - {{ id: rows, from: {(step is null ? "source" : "m")}, connection: dwh, table: ROWS, mode: append }}\n";

    /// <param name="Code">The code the record is refused with.</param>
    /// <param name="Said">The part of the catalog's remedy that is done.</param>
    /// <param name="Source">The source before.</param>
    /// <param name="Value">The record before.</param>
    private sealed record Remedy(string Code, string Said, string Source, string? Value)
    {
        public string? Source2 { get; init; }

        public string? Steps { get; init; }

        public string? Steps2 { get; init; }

        public string? Mended { get; init; }

        public int Rows { get; init; } = 1;
    }
}
