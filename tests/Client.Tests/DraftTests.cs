using System.Globalization;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>A pipeline drafted from a topic is valid, accepts every record it was drafted from, and passes its own test.</summary>
public sealed class DraftTests : IAsyncDisposable
{
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public DraftTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    /// <summary>What real topics hold: names that differ by case, dots and umlauts in names, kinds that change, numbers of any size.</summary>
    [Fact]
    public async Task A_topic_with_a_bit_of_everything()
    {
        var values = Enumerable.Range(0, 30).Select(i => string.Create(CultureInfo.InvariantCulture, $$"""
            {"zip": "0{{1000 + i}}", "phone": "0043{{i}}", "id": {{12345678901234567890m + i}}, "price": {{(i % 3 == 0 ? "3.333" : i % 3 == 1 ? "7" : "-0.5")}},
             "ts_ms": {{1767225600000 + i}}, "ts_s": {{1767225600 + i}}, "created_ns": {{1767225600000000000 + i}}, "d": "2026-01-{{1 + (i % 28):00}}", "at": "2026-01-31T10:00:00Z",
             "local": "31.01.2026 10:00", "flag": "true", "maybe": {{(i == 7 ? "5" : "null")}}, "addr": {"city": "Wien", "zip code": "1010"}, "items": [{"sku": "a"}],
             "a.b": 1, "gr\u00f6\u00dfe": 2, "order": {{i}}, "mixed": {{(i % 2 == 0 ? "1" : "\"x\"")}}, "sci": 1e-07, "num_str": "12.50", "big_str": "00012", "Order": 1,
             "ORDER": 2, "e": "", "wei": "123456789012345678901234567890123456789", "huge": 123456789012345678901234567890123456789, "long": {{(i == 0 ? "12345678901234567890123456" : "0.123")}},
             "sometimes": {{(i == 3 ? "\"2026-01-31T10:00\"" : "\"2026-01-31 22:10 PM\"")}}, "null": 1, "KOR_TOPIC": "t", "window_start": 1, "": 3, "${HOME}": "${HOME}", "1st": true}
            """).ReplaceLineEndings("")).ToList();
        var text = await DraftAsync("bits", values, _ => null, 3);
        string[] lines =
        [
            "    id: { type: \"decimal(20,0)\", required: true }", "    price: decimal(22,3)", "    ts_ms: { type: timestamp, pattern: epoch_ms }",
            "    ts_s: { type: timestamp, pattern: epoch_s }", "    created_ns: integer", "    d: date", "    mixed: json", "    huge: json", "    long: json",
            "    sometimes: string", "    sci: double", "    maybe: integer", "    a_b: { type: integer, path: [a.b] }", "    Order_2: { type: integer, path: [Order] }",
            "    ORDER_3: { type: integer, path: [ORDER] }", "  eventTime: { field: ts_ms, maxOutOfOrder: 30s, idleAfter: 30s }",
        ];
        Assert.All(lines.Where(l => !l.Contains("required", StringComparison.Ordinal)), l => Assert.Contains(l + "\n", text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("scope: partition", 3, true)]
    [InlineData("scope: global", 3, false)]
    [InlineData("scope: partition", 1, false)]
    public async Task The_scope_of_dedup_follows_from_the_message_keys(string scope, int partitions, bool keyed)
    {
        var text = await DraftAsync(
            "orders", [.. Enumerable.Range(0, 5).Select(i => $$"""{"order_id":"o{{i}}","at":"2026-01-31T10:00:00Z"}""")], i => keyed ? $"o{i}" : "customer", partitions);
        Assert.Contains(scope + " }", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_that_comes_in_two_partitions_is_looked_for_in_all()
    {
        // The message key is the id, and still the producer put copies into several partitions.
        var text = await DraftAsync(
            "orders", [.. Enumerable.Range(0, 6).Select(i => $$"""{"order_id":"o{{i / 2}}","at":"2026-01-31T10:00:00Z"}""")], i => $"o{i / 2}", 3);
        Assert.Contains("  # Copies come in several partitions: order_id o0 in 0 and 1. Only scope: global finds them.\n", text, StringComparison.Ordinal);
        Assert.Contains("scope: global }", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Objects_inside_are_taken_apart_and_what_is_no_object_everywhere_is_json()
    {
        var text = await DraftAsync(
            "nested",
            [
                .. Enumerable.Range(0, 4).Select(i => $$$$"""
                    {"id":"o{{{{i}}}}","customer":{"id":7,"home address":{"city":"Wien","geo":{"lat":48.2}}},"paid":{"at_ms":{{{{1767225600000 + i}}}}},"lines":[{"n":1}],"odd":{{{{(i == 0 ? "1" : "{\"a\":1}")}}}},"none":{}}
                    """.Trim()),
            ], _ => null, 1);
        Assert.Contains("    customer_id: { type: integer, path: [customer, id] }\n", text, StringComparison.Ordinal);
        Assert.Contains("    customer_home_address_city: { type: string, path: [customer, \"home address\", city] }\n", text, StringComparison.Ordinal);
        Assert.Contains("    paid_at_ms: { type: timestamp, pattern: epoch_ms, path: [paid, at_ms] }\n", text, StringComparison.Ordinal);
        Assert.Contains("  eventTime: { field: paid_at_ms, ", text, StringComparison.Ordinal);
        // The id is the record's own, not one of something inside it.
        Assert.Contains("key: [id]", text, StringComparison.Ordinal);
        foreach (var json in (string[])["lines", "odd", "none"]) Assert.Contains($"    {json}: json\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AAAAAAcCZm9v", "framed by a schema registry (magic byte 0, schema 7), with Avro or Protobuf inside")]
    [InlineData("AAAAAAd7fQ==", "framed by a schema registry (magic byte 0, schema 7), with JSON inside")]
    [InlineData("T2JqAQ==", "Avro container files")]
    [InlineData("H4sIAA==", "compressed with gzip")]
    [InlineData("PGE+", "they are XML")]
    [InlineData("WzFd", "JSON arrays")]
    [InlineData("YSxiLGM=", "CSV with 3 values in a line")]
    public async Task Values_that_are_no_JSON_are_told_by_what_they_are(string base64, string expected)
    {
        _silo.Answer("GET /api/v1/topics/t/records?limit=500", new TopicRecords("t", "main", 1, [.. Enumerable.Range(0, 3).Select(i => new TopicRecord(0, i, null, null, base64, "base64"))]));
        var result = await _kor.RunAsync("new", "--from-topic", "t");
        Assert.Equal(ExitCodes.Failed, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_no_type_takes_is_left_out_and_said()
    {
        var text = await DraftAsync("bad", ["""{"id":"a","t":"x\u0000y"}""", """{"id":"b","t":"\ud800"}""", """{"id":"c","t":"z"}"""], _ => null, 1);
        Assert.Contains("# Left out, since no type takes every record: t: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("    t:", text, StringComparison.Ordinal);
    }

    /// <summary>A time far beyond the Kafka timestamp is refused as event time (KOR4041), so that it is none.</summary>
    [Theory]
    [InlineData("\"valid_until\":\"2099-12-31T00:00:00Z\",", "  eventTime: { field: at,")]
    [InlineData("\"expires_at\":4000000000000,", "  eventTime: { field: at,")]
    [InlineData("", "  eventTime: { field: at,")]
    public async Task An_event_time_is_one_that_has_been(string far, string line)
    {
        var text = await DraftAsync("ends", [.. Enumerable.Range(0, 5).Select(i => $$"""{{{far}}"n":{{i}},"at":"2026-01-31T10:00:00Z"}""")], _ => null, 1);
        Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.DoesNotContain("field: valid_until", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Any_sample_is_accepted(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 25; round++)
        {
            var makers = Enumerable.Range(0, random.Next(1, 8)).Select(i => (Name: i == 0 ? "f0" : Name(random, i), Kinds: Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(Kinds)).ToArray())).ToList();
            var values = Enumerable.Range(0, random.Next(1, 30)).Select(_ => "{" + string.Join(',', makers.DistinctBy(m => m.Name).Where(m => m.Name == "f0" || random.Next(12) != 0)
                .Select(m => $"{JsonSerializer.Serialize(m.Name)}:{Value(random, m.Kinds[random.Next(m.Kinds.Length)])}")) + "}").ToList();
            await DraftAsync($"s{seed}-{round}", values, _ => null, 2);
        }
    }

    private const int Kinds = 20;
    private static readonly DateTimeOffset Sent = new(2026, 1, 31, 10, 0, 1, TimeSpan.Zero);

    private static string Name(Random random, int i) => random.Next(12) switch
    {
        0 => "id", 1 => "ID", 2 => "created_at", 3 => "a b", 4 => "é" + i, 5 => "select", 6 => "null", 7 => "ts", 8 => "kor_x", 9 => "", 10 => "a: #{", _ => "f" + i,
    };

    private static string Value(Random random, int kind) => kind switch
    {
        0 => random.Next().ToString(CultureInfo.InvariantCulture),
        1 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        2 => $"{random.Next(-9, 9)}.{random.Next(0, 9999)}",
        3 => $"{random.Next(1, 9)}e{random.Next(-30, 30)}",
        4 => new string('7', random.Next(18, 45)),
        5 => "0." + new string('3', random.Next(1, 40)),
        6 => "null",
        7 => random.Next(2) == 0 ? "true" : "false",
        8 => "\"2026-01-31T10:00:00Z\"",
        9 => "\"2026-01-31\"",
        10 => "\"2026-13-31T10:00:00Z\"",
        11 => random.Next(2) == 0 ? "\"12.50\"" : "\"\"",
        12 => "{\"a\":[1,{\"b\":null}]}",
        13 => "[]",
        14 => (1_767_225_600_000 + random.Next()).ToString(CultureInfo.InvariantCulture),
        15 => (1_767_225_600 + random.Next(1000)).ToString(CultureInfo.InvariantCulture),
        16 => "-0.0",
        17 => "1.50e2",
        18 => "\"\\u00e4\\ud83d\\ude00 it's: #1 ${X} \\\"q\\\" \\\\ \\n\"",
        _ => "12345678901234567890.12345678901",
    };

    /// <summary>Drafts, validates and tests; and gives the draft every record it was made from.</summary>
    private async Task<string> DraftAsync(string topic, List<string> values, Func<int, string?> key, int partitions)
    {
        _silo.Answer($"GET /api/v1/topics/{topic}/records?limit=500", new TopicRecords(
            topic, "main", partitions, [.. values.Select((v, i) => new TopicRecord(i % partitions, i, Sent, key(i), v, "utf8"))]));
        var made = await _kor.RunAsync("new", "--from-topic", topic, "--force");
        var sample = string.Join('\n', values.Take(5));
        Assert.True(made.Code == ExitCodes.Ok, sample + made.Error);
        var text = await File.ReadAllTextAsync(Path.Combine(_kor.Folder, topic + ".yaml"), TestContext.Current.CancellationToken);
        var valid = await _kor.RunAsync("validate", topic + ".yaml", "--deny-warnings");
        Assert.True(valid.Code == ExitCodes.Ok, sample + "\n" + text + valid.Out + valid.Error);
        var test = await _kor.RunAsync("test", topic + ".test.yaml");
        Assert.True(test.Code == ExitCodes.Ok, sample + "\n" + text + test.Out + test.Error);
        var plan = PipelineCompiler.Compile(text, topic + ".yaml").Plan!;
        var decoder = plan.Source.CreateDecoder();
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema, values.Count) };
        batch.Reset(RawRecords.Batch(topic, 0, 0, [.. values.Select((v, i) => new RawRecord(Encoding.UTF8.GetBytes(v), Offset: i))]));
        decoder.Decode(batch);
        if (plan.Source.EventTimeField >= 0)
        {
            var times = (LongColumn)batch.Rows.Columns[plan.Source.EventTimeField];
            Assert.All(Enumerable.Range(0, values.Count), i => Assert.True(times.Values[i] / 1000 <= Sent.ToUnixTimeMilliseconds() + plan.Source.MaxAhead, text));
        }

        Assert.True(batch.Errors.Count == 0, text + string.Join('\n', batch.Errors.Items.Select(e => values[e.Row] + " " + e.Place + " " + e.Message)));
        return text;
    }
}
