using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>Fields from headers, topic, partition, offset and Kafka timestamp, of every type that can hold them.</summary>
public sealed class FieldOriginTests
{
    private static readonly byte[] Value = "{\"id\":\"a\"}"u8.ToArray();

    private const string Fields = """
            id: string
            trace: { type: string, from: header(trace-id) }
            tries: { type: integer, from: header(retries), default: 0 }
            sent: { type: timestamp, from: header(sent), pattern: epoch_ms }
            price: { type: "decimal(8,2)", from: "header(price)" }
            urgent: { type: boolean, from: header(urgent) }
            sig: { type: bytes, from: header(sig) }
            doc: { type: json, from: header(doc) }
            topic: { type: string, from: topic }
            part: { type: integer, from: partition }
            offs: { type: integer, from: offset }
            offs_text: { type: string, from: offset }
            offs_dec: { type: "decimal(20,0)", from: offset }
            at: { type: timestamp, from: kafka_timestamp }
            day: { type: date, from: kafka_timestamp }
            ms: { type: integer, from: kafka_timestamp }
        """;

    [Fact]
    public void Headers_and_coordinates_become_fields()
    {
        var rows = Rows(Fields, Record(Value, 1_767_225_600_123, ("trace-id", "t1"), ("retries", "3"), ("sent", "1767225600000"), ("price", "12.50"), ("urgent", "true"), ("sig", "\u0001\u0002"), ("doc", "[1]")));
        Assert.Equal("a|t1|3|2026-01-01T00:00:00|12.5|true|0102|[1]|orders|4|17|17|17|2026-01-01T00:00:00.123|2026-01-01|1767225600123", rows[0]);
    }

    [Fact]
    public void What_a_record_does_not_have_is_missing() =>
        Assert.Equal("a|NULL|0|NULL|NULL|NULL|NULL|NULL|orders|4|17|17|17|NULL|NULL|NULL", Rows(Fields, Record(Value, -1))[0]);

    [Fact]
    public void Of_several_headers_the_last_counts_and_one_without_value_is_null()
    {
        const string fields = "    id: string\n    trace: { type: string, from: header(x), default: none }\n    n: { type: integer, from: header(n), default: 7 }";
        Assert.Equal("a|two|7", Rows(fields, Record(Value, 0, ("x", "one"), ("X", "other"), ("x", "two")))[0]);
        // A header without a value is NULL, an empty number is missing, an empty text is empty.
        Assert.Equal("a|NULL|7", Rows(fields, Record(Value, 0, ("x", "one"), ("x", null), ("n", "")))[0]);
        Assert.Equal("a||7", Rows(fields, Record(Value, 0, ("x", "")))[0]);
    }

    [Theory]
    [InlineData("n: { type: integer, from: header(n) }", "n", "x", "KOR4013 n")]
    [InlineData("n: { type: integer, from: header(n), required: true }", "m", "1", "KOR4010 n")]
    [InlineData("t: { type: string, from: header(t) }", "t", "\u0000", "KOR4019 t")]
    public void Headers_that_do_not_fit_are_the_records_fault(string field, string header, string value, string outcome) =>
        Assert.Equal(outcome, Rows("    id: string\n    " + field, Record(Value, 0, (header, value)))[0]);

    [Fact]
    public void A_time_beyond_the_calendar_is_the_records_fault() =>
        Assert.Equal("KOR4018 at", Rows("    id: string\n    at: { type: timestamp, from: kafka_timestamp }", Record(Value, long.MaxValue / 2))[0]);

    [Fact]
    public void Deletions_have_headers_too()
    {
        var text = WithFields("    id: { type: string, from: header(id), required: true }\n    other: { type: string, required: true }\n    n: { type: integer, from: offset }")
            .Replace("  format: json\n", "  format: json\n  tombstones: delete\n", StringComparison.Ordinal)
            .Replace("sinks:\n", "sinks:\n  - { id: gone, from: source, connection: dwh, table: GONE, mode: upsert, keys: [id], deleteOnTombstone: true }\n", StringComparison.Ordinal);
        var plan = PlanOf(text);
        var batch = RawBatches.Decode(plan.Source.CreateDecoder(), RawRecords.Batch("orders", 4, 17, [new RawRecord(null, "k"u8.ToArray(), 0, 17) { Headers = [new("id", "a"u8.ToArray())] }]));
        Assert.Equal("a|NULL|17", RawBatches.Outcome(batch, 0));
    }

    [Theory]
    [InlineData("from: headers(x)", "header(NAME)")]
    [InlineData("from: header()", "no name")]
    [InlineData("from: timestamp", "kafka_timestamp")]
    [InlineData("from: ofset", "offset")]
    public void Other_origins_are_refused_with_what_was_meant(string from, string part)
    {
        var fault = Assert.Single(Compile(WithFields($"    id: {{ type: string, {from} }}")).Errors());
        Assert.Equal("KOR1012", fault.Code);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ type: date, from: topic }", "string")]
    [InlineData("{ type: boolean, from: partition }", "integer")]
    [InlineData("{ type: double, from: kafka_timestamp }", "timestamp")]
    [InlineData("{ type: timestamp, from: kafka_timestamp, pattern: epoch_ms }", "remove 'pattern'")]
    [InlineData("{ type: string, from: header(a), path: b }", "'path' is for")]
    [InlineData("{ type: integer, lenient: true }", "'lenient' is for strings")]
    [InlineData("{ type: double, encoding: base64 }", "for decimals")]
    [InlineData("{ type: date, zone: Europe/Vienna }", "'zone' is for timestamps")]
    [InlineData("{ type: timestamp, zone: Europe/Vienna, pattern: epoch_ms }", "'zone' is for timestamps")]
    [InlineData("{ type: timestamp, zone: Europe/Vienna, pattern: 'yyyy-MM-ddTHH:mm:sszzz' }", "reads an offset")]
    [InlineData("{ type: timestamp, zone: Europe/Vienna, pattern: 'yyyy-MM-ddTHH:mm:ssZ' }", "reads an offset")]
    public void What_does_not_go_together_is_refused(string field, string part) =>
        Assert.Contains(part, Assert.Single(Compile(WithFields("    id: string\n    x: " + field)).Errors(), e => e.Code == "KOR2028").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"s":12.50,"d":"BNI="}""", "12.50|12.34")]
    [InlineData("""{"s":true,"d":"+y4="}""", "true|-12.34")]
    [InlineData("""{"s":"x","d":"AA=="}""", "x|0")]
    [InlineData("""{"s":null,"d":null}""", "NULL|NULL")]
    [InlineData("""{"s":1e400,"d":"/////////////y4="}""", "1e400|-2.1")]
    [InlineData("""{"s":{}}""", "KOR4012 s")]
    [InlineData("""{"d":12.34}""", "KOR4012 d")]
    [InlineData("""{"d":"12.34"}""", "KOR4021 d")]
    [InlineData("""{"d":""}""", "KOR4021 d")]
    [InlineData("""{"d":"D0JA"}""", "KOR4015 d")]
    [InlineData("""{"d":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}""", "KOR4015 d")]
    public void Texts_may_take_numbers_and_decimals_may_be_base64(string value, string outcome) => Assert.Equal(
        outcome, Rows("    s: { type: string, lenient: true }\n    d: { type: \"decimal(5,2)\", encoding: base64 }", Record(Encoding.UTF8.GetBytes(value), 0))[0]);

    [Fact]
    public void A_decimal_in_base64_has_a_default_as_people_write_it() =>
        Assert.Equal("a|1.5", Rows("    id: string\n    d: { type: \"decimal(5,2)\", encoding: base64, default: 1.5 }", Record(Value, 0))[0]);

    [Theory]
    [InlineData("2026-07-31T22:30:05", "2026-07-31T20:30:05")]
    [InlineData("2026-01-31 22:30", "2026-01-31T21:30:00")]
    [InlineData("2026-01-31", "2026-01-30T23:00:00")]
    // What says its offset keeps it.
    [InlineData("2026-07-31T22:30:05Z", "2026-07-31T22:30:05")]
    [InlineData("2026-07-31T22:30:05+05:00", "2026-07-31T17:30:05")]
    // The gap of spring, and the hour of autumn that comes twice.
    [InlineData("2026-03-29T01:59:59.999999", "2026-03-29T00:59:59.999999")]
    [InlineData("2026-03-29T02:00:00", "2026-03-29T01:00:00")]
    [InlineData("2026-03-29T02:30:00", "2026-03-29T01:30:00")]
    [InlineData("2026-03-29T03:00:00", "2026-03-29T01:00:00")]
    [InlineData("2026-10-25T02:00:00", "2026-10-25T00:00:00")]
    [InlineData("2026-10-25T02:59:59", "2026-10-25T00:59:59")]
    [InlineData("2026-10-25T03:00:00", "2026-10-25T02:00:00")]
    [InlineData("0001-01-01T00:00:00", "KOR4018 t")]
    [InlineData("9999-12-31T23:00:00", "9999-12-31T22:00:00")]
    public void Clock_times_are_those_of_the_zone(string text, string outcome)
    {
        var value = Encoding.UTF8.GetBytes($$"""{"t":"{{text}}"}""");
        Assert.Equal(outcome, Rows("    t: { type: timestamp, zone: Europe/Vienna }", Record(value, 0))[0]);
    }

    [Theory]
    [InlineData("America/New_York", "dd.MM.yyyy HH:mm", "08.03.2026 02:30", "2026-03-08T07:30:00")]
    [InlineData("Asia/Kathmandu", "dd.MM.yyyy HH:mm", "01.06.2026 00:00", "2026-05-31T18:15:00")]
    [InlineData("Pacific/Apia", "dd.MM.yyyy HH:mm", "30.12.2011 12:00", "2011-12-30T22:00:00")]
    [InlineData("W. Europe Standard Time", "dd.MM.yyyy HH:mm", "31.07.2026 22:30", "2026-07-31T20:30:00")]
    public void Patterns_are_read_in_the_zone(string zone, string pattern, string text, string outcome)
    {
        var value = Encoding.UTF8.GetBytes($$"""{"t":"{{text}}"}""");
        Assert.Equal(outcome, Rows($"    t: {{ type: timestamp, zone: {zone}, pattern: {pattern} }}", Record(value, 0))[0]);
    }

    [Fact]
    public void Unknown_zones_are_named_with_what_was_meant()
    {
        var fault = Assert.Single(Compile(WithFields("    t: { type: timestamp, zone: Vienna }")).Errors());
        Assert.Equal(("KOR2013", "Europe/Vienna"), (fault.Code, fault.Suggestion));
    }

    [Theory]
    [InlineData("a,b", "a|b")]
    [InlineData("id,full name", "left out")]
    [InlineData("\uFEFFID , \"Full Name\"\r\n", "left out")]
    [InlineData("id,full name,x", "KOR4031 value")]
    [InlineData("id,name", "id|name")]
    [InlineData("id", "KOR4031 value")]
    public void Header_lines_of_csv_are_left_out_where_the_source_says_so(string line, string outcome)
    {
        var text = WithFields("    id: string\n    name: { type: string, path: [full name] }")
            .Replace("  format: json\n", "  format: csv\n  csv: { columns: [id, full name], header: skip }\n", StringComparison.Ordinal);
        Assert.Equal(outcome, Rows(PlanOf(text), Record(Encoding.UTF8.GetBytes(line), 0))[0]);
        if (outcome != "left out") return;
        var asRecord = Rows(PlanOf(text.Replace(", header: skip", "", StringComparison.Ordinal)), Record(Encoding.UTF8.GetBytes(line), 0))[0];
        Assert.NotEqual("left out", asRecord);
    }

    private static string WithFields(string fields) => $$"""
        apiVersion: kor/v1
        name: origins
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields:
        {{fields.ReplaceLineEndings("\n")}}
        sinks:
          - { id: rows, from: source, connection: dwh, table: ROWS_T }

        """.ReplaceLineEndings("\n");

    private static List<string> Rows(string fields, params RawRecord[] records) => Rows(PlanOf(WithFields(fields)), records);

    private static List<string> Rows(Processing.Plan.PipelinePlan plan, params RawRecord[] records)
    {
        var batch = RawBatches.Decode(plan.Source.CreateDecoder(), RawRecords.Batch("orders", 4, 17, records));
        return [.. Enumerable.Range(0, records.Length).Select(i => RawBatches.Outcome(batch, i))];
    }

    private static RawRecord Record(byte[] value, long timestamp, params (string Name, string? Value)[] headers) => new(value, null, timestamp, 17)
    {
        Headers = [.. headers.Select(h => new KeyValuePair<string, byte[]?>(h.Name, h.Value is null ? null : Encoding.UTF8.GetBytes(h.Value)))],
    };
}
