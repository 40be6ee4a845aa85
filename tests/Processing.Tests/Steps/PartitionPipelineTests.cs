using System.Text;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Records;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

public sealed class PartitionPipelineTests
{
    private const string Orders = """
        apiVersion: kor/v1
        name: orders
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields:
            order_id:    string
            customer_id: string
            amount:      decimal(12,2)
            currency:    { type: string, default: EUR }
            created_at:  timestamp
          eventTime: { field: created_at, maxOutOfOrder: 30s, idleAfter: 10s, maxAhead: 1h }
        steps:
          - { id: enrich,  type: map, set: { tax: "round(amount * 0.1, 2)", total: "amount + tax" } }
          - id: quality
            type: quality
            rules:
              valid_amount: amount > 0
              valid_id: order_id IS NOT NULL
            onFail: quarantine
          - { id: unique,  type: dedup, key: [order_id], within: 1h }
          - { id: customer, type: lookup, connection: dwh, table: CUSTOMERS, on: { CUSTOMER_ID: customer_id },
              add: { segment: SEGMENT }, cache: 10m }
          - id: revenue_5m
            type: window
            window: { tumbling: 5m }
            allowedLateness: 2m
            groupBy: [customer_id]
            aggregates: { orders: count(), revenue: sum(total), average: avg(total), largest: max(total) }
        sinks:
          - { id: clean,   from: customer,   connection: dwh, table: ORDERS_CLEAN, mode: append, create: true }
          - { id: twice,   from: unique.duplicates, connection: dwh, table: TWICE, mode: append, create: true }
          - { id: missed,  from: revenue_5m.late, connection: dwh, table: MISSED, mode: append, create: true }
          - { id: bad,     from: quarantined, connection: dwh, table: BAD, mode: append, create: true }
          - { id: revenue, from: revenue_5m, connection: dwh, table: REVENUE_5M, mode: upsert, create: true,
              flush: { rows: 1000, interval: 1s } }
        """;

    [Fact]
    public void Rows_go_where_the_example_of_the_design_says()
    {
        var run = new PipelineRun(Orders) { Now = 1_767_225_600_000 };
        run.Table["c1"] = ["gold"];
        run.Late.Add(6);
        var counts = run.Send(
            Order("o1", "c1", "10.00", 0), Order("o2", "c2", "20.50", 1), Order("o1", "c1", "10.00", 2), Order("o3",
                "c1", "-1", 3),
            "{nonsense", Order("o4", "c1", "1", 90_000_000), Order("o5", "c1", "5", 4), null, Order(null, "c1", "5",
                5));

        Assert.Equal(new BatchCounts(9, 2, 1, 1, 1, 4), counts);
        Assert.Equal(["o1", "o2", "o5"], run.Sinks["clean"].Select(r => r.Split(' ')[1].Split('|')[0]));
        Assert.Equal("0: o1|c1|10|EUR|2026-01-01T00:00:00|1|11|gold|t|3|0", run.Sinks["clean"][0]);
        Assert.Equal("1: o2|c2|20.5|EUR|2026-01-01T00:00:01|2.05|22.55|NULL|t|3|1", run.Sinks["clean"][1]);
        Assert.Equal(["0 c1 2026-01-01T00:00:00: 11", "1 c2 2026-01-01T00:00:01: 22.55",
            "6 c1 2026-01-01T00:00:04: 5.5"], run.Windows["revenue_5m"]);
        Assert.StartsWith("2: o1|", Assert.Single(run.Sinks["twice"]), StringComparison.Ordinal);
        Assert.Contains("1970-01-01T00:00:00|1970-01-01T00:01:00|5", Assert.Single(run.Sinks["missed"]),
            StringComparison.Ordinal);
        Assert.Equal(
            ["3 quality.valid_amount KOR4042", "4 source.value KOR4006", "5 source.created_at KOR4041",
                "8 quality.valid_id KOR4042"],
            run.Quarantine.Select(q => $"{q.Offset} {q.Place} {q.Code}"));
        Assert.Equal(4, run.Sinks["bad"].Count);
        Assert.Equal("{nonsense"u8.ToArray(), run.Quarantine[1].Value);
        Assert.Equal(1, run.Pipeline.RuleFailures["quality.valid_amount"]);
        Assert.Equal(1_767_225_605_000 - 30_000, run.Pipeline.Watermark);
    }

    [Fact]
    public void Lookups_ask_once_per_key_and_again_when_the_time_is_over()
    {
        var run = new PipelineRun(Orders);
        run.Table["c1"] = ["gold"];
        run.Send(Order("o1", "c1", "1", 0), Order("o2", "c1", "1", 0), Order("o3", "c9", "1", 0));
        Assert.Equal(["c1", "c9"], run.Lookups);
        run.Send(Order("o4", "c1", "1", 0));
        Assert.Equal(["c1", "c9"], run.Lookups);
        run.Now += 600_000;
        run.Table["c1"] = ["silver"];
        run.Send(Order("o5", "c1", "1", 0));
        Assert.Equal(["c1", "c9", "c1"], run.Lookups);
        Assert.Contains("|silver|", run.Sinks["clean"][^1], StringComparison.Ordinal);
        Assert.Contains("|gold|", run.Sinks["clean"][3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("keep", new[] { "0: a|gold", "1: b|NULL" }, 0)]
    [InlineData("drop", new[] { "0: a|gold" }, 0)]
    [InlineData("quarantine", new[] { "0: a|gold" }, 1)]
    public void A_row_that_a_lookup_does_not_find_is_kept_dropped_or_quarantined(string onMissing, string[] rows, int quarantined)
    {
        foreach (var preload in new[] { false, true })
        {
            var run = new PipelineRun(Enriching($"onMissing: {onMissing}, preload: {(preload ? "true" : "false")}"));
            run.Table["a"] = ["gold"];
            var counts = run.Send("""{"id":"a"}""", """{"id":"b"}""");
            Assert.Equal(rows, run.Sinks["rows"].Select(r => string.Join('|', r.Split('|').Take(2))));
            Assert.Equal(quarantined, run.Quarantine.Count);
            Assert.Equal((2 - rows.Length - quarantined, quarantined), (counts.Filtered, counts.Quarantined));
            if (quarantined > 0) Assert.Equal(("KOR4043", 1L), (run.Quarantine[0].Code, run.Quarantine[0].Offset));
        }
    }

    [Theory]
    [InlineData("keep", new[] { "0: a|gold", "3: b|NULL", "4: a|gold" })]
    [InlineData("drop", new[] { "0: a|gold", "4: a|gold" })]
    [InlineData("quarantine", new[] { "0: a|gold", "4: a|gold" })]
    public void A_key_without_an_answer_is_the_fault_of_its_records_alone(string onMissing, string[] rows)
    {
        foreach (var preload in new[] { false, true })
        {
            var run = new PipelineRun(Enriching($"onMissing: {onMissing}, preload: {(preload ? "true" : "false")}"));
            foreach (var key in (string[])["a", "two", "unfit"]) run.Table[key] = ["gold"];
            run.Doubled.Add("two");
            run.Unfit.Add("unfit");
            string[] batch = ["""{"id":"a"}""", """{"id":"two"}""", """{"id":"unfit"}""", """{"id":"b"}""", """{"id":"a"}"""];
            run.Send(batch);
            Assert.Equal(rows, run.Sinks["rows"].Select(r => string.Join('|', r.Split('|').Take(2))));
            Assert.Equal(
                ["1 found KOR4051", "2 found KOR4052"],
                run.Quarantine.Where(q => q.Code != "KOR4043").Select(q => $"{q.Offset} {q.Place} {q.Code}"));

            // From memory it is the same, without asking again.
            var asked = run.Lookups.Count;
            run.Send(batch);
            Assert.Equal(asked, run.Lookups.Count);
            Assert.Equal(rows.Length * 2, run.Sinks["rows"].Count);
            Assert.Equal([1L, 2, 6, 7], run.Quarantine.Where(q => q.Code != "KOR4043").Select(q => q.Offset));
        }
    }

    [Fact]
    public void A_miss_is_remembered_for_its_own_time_and_a_whole_table_is_read_again_when_its_time_is_over()
    {
        var run = new PipelineRun(Enriching("cache: { ttl: 10m, missTtl: 1m }"));
        run.Send("""{"id":"a"}""");
        run.Table["a"] = ["gold"];
        run.Now += 59_999;
        run.Send("""{"id":"a"}""");
        Assert.Equal(["a"], run.Lookups);
        run.Now += 1;
        run.Send("""{"id":"a"}""");
        Assert.Equal(["a", "a"], run.Lookups);
        Assert.Contains("|gold|", run.Sinks["rows"][^1], StringComparison.Ordinal);

        var whole = new PipelineRun(Enriching("cache: { ttl: 10m }, preload: true"));
        whole.Send("""{"id":"a"}""");
        whole.Table["a"] = ["gold"];
        whole.Now += 599_999;
        whole.Send("""{"id":"a"}""");
        Assert.DoesNotContain("gold", whole.Sinks["rows"][^1], StringComparison.Ordinal);
        whole.Now += 1;
        whole.Send("""{"id":"a"}""");
        Assert.Contains("|gold|", whole.Sinks["rows"][^1], StringComparison.Ordinal);
        Assert.Equal(["*", "*"], whole.Lookups);
    }

    [Fact]
    public void A_key_that_the_table_writes_differently_is_asked_for_though_the_table_was_read_whole()
    {
        foreach (var ignoresCase in new[] { false, true })
        {
            var run = new PipelineRun(Enriching("cache: { ttl: 10m, missTtl: 1m }, preload: true")) { IgnoresCase = ignoresCase };
            run.Table["a"] = ["gold"];
            string[] batch = ["""{"id":"a"}""", """{"id":"A"}""", """{"id":"B"}"""];
            run.Send(batch);
            run.Send(batch);
            string[] expected = ["0: a|gold", ignoresCase ? "1: A|gold" : "1: A|NULL", "2: B|NULL"];
            Assert.Equal(expected, run.Sinks["rows"].Take(3).Select(r => string.Join('|', r.Split('|').Take(2))));
            // What was answered is kept, and a miss for its own time.
            Assert.Equal(ignoresCase ? ["*", "A", "B"] : ["*"], run.Lookups);
            run.Now += 60_000;
            run.Send(batch);
            Assert.Equal(ignoresCase ? ["*", "A", "B", "B"] : ["*"], run.Lookups);
            run.Now += 600_000;
            run.Send(batch);
            Assert.Equal(ignoresCase ? ["*", "A", "B", "B", "*", "A", "B"] : ["*", "*"], run.Lookups);
        }
    }

    /// <summary>A table that is read anew is read whole: what was asked for between is asked for again, however young it is.</summary>
    [Fact]
    public void What_was_asked_for_beside_a_table_goes_with_the_table()
    {
        var run = new PipelineRun(Enriching("cache: { ttl: 10m, missTtl: 10m }, preload: true")) { IgnoresCase = true };
        run.Table["a"] = ["gold"];
        run.Send("""{"id":"a"}""");
        run.Now += 540_000;
        run.Send("""{"id":"A"}""", """{"id":"B"}""");
        run.Table["a"] = ["silver"];
        run.Table["b"] = ["iron"];
        run.Now += 60_000;
        run.Send("""{"id":"A"}""", """{"id":"B"}""");
        Assert.Equal(["A|gold", "B|NULL", "A|silver", "B|iron"], run.Sinks["rows"].Skip(1).Select(r => string.Join('|', r.Split(": ")[1].Split('|').Take(2))));
    }

    private static string Enriching(string options) => $$"""
        apiVersion: kor/v1
        name: enriching
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { id: string }
        steps:
          - { id: found, type: lookup, connection: dwh, table: T, on: { ID: id }, add: { level: LEVEL }, {{options}} }
        sinks:
          - { id: rows, from: found, connection: dwh, table: ROWS, mode: append, create: true }
        """;

    [Fact]
    public void A_record_refused_in_one_branch_has_no_effect_in_another()
    {
        var run = new PipelineRun(Branches);
        var counts = run.Send("""{"id":"a","n":1}""", """{"id":"b","n":0}""", """{"id":"c","n":-5}""");
        Assert.Equal(new BatchCounts(3, 1, 0, 0, 1, 1), counts);
        Assert.Equal("b", run.Quarantine.Select(q => System.Text.Encoding.UTF8.GetString(q.Value!)[7..8]).Single());
        Assert.Equal(["0"], run.Sinks["inverted"].Select(r => r.Split(':')[0]));
        Assert.Equal(["0"], run.Sinks["all"].Select(r => r.Split(':')[0]));
    }

    [Fact]
    public void Deletions_reach_the_sinks_that_want_them_and_nothing_else()
    {
        var run = new PipelineRun(Deletes);
        var counts = run.Send(("k1", """{"name":"a"}"""), ("k2", null), ("k3", """{"name":"b"}"""), (null, null));
        Assert.Equal(new BatchCounts(4, 3, 0, 0, 0, 1), counts);
        Assert.Equal(["0: k1|a|1", "-1: k2|NULL|NULL", "2: k3|b|1"], run.Sinks["live"]);
        Assert.Equal(["0", "2"], run.Sinks["log"].Select(r => r.Split(':')[0]));
        Assert.Equal("KOR4002", run.Quarantine.Single().Code);
    }

    [Fact]
    public void Quality_tags_routes_drops_and_counts()
    {
        var run = new PipelineRun(Quality);
        var counts = run.Send("""{"n":1}""", """{"n":2}""", """{"n":-3}""", """{"n":100}""", """{"n":null}""");
        Assert.Equal(["0: 1|true", "1: 2|false"], run.Sinks["good"].Select(r => string.Join('|', r.Split('|')[..2])));
        Assert.Equal(["2", "4"], run.Sinks["odd"].Select(r => r.Split(':')[0]));
        Assert.Equal(["is_one,positive,warned", "is_one,positive,small,warned"], run.Sinks["odd"].Select(r => r.Split('|')[1]));
        Assert.Equal(new BatchCounts(5, 4, 0, 0, 1, 0), counts);
        Assert.Equal(4, run.Pipeline.RuleFailures["check.is_one"]);
        Assert.Equal(2, run.Pipeline.RuleFailures["check.positive"]);
        Assert.Equal(2, run.Pipeline.RuleFailures["check.small"]);
        Assert.Equal(4, run.Pipeline.RuleFailures["check.warned"]);
    }

    [Fact]
    public void A_stop_rule_stops_before_anything_leaves()
    {
        var run = new PipelineRun(Orders.Replace(
            "    onFail: quarantine", "    onFail: quarantine\n    stopIf: { failedRatio: 0.5, over: 1m, minRecords: 4 }",
            StringComparison.Ordinal));
        run.Send(Order("o1", "c1", "-1", 0), Order("o2", "c1", "-1", 1));
        var seen = run.Quarantine.Count;
        var stop = Assert.Throws<PipelineStopException>(() => run.Send(Order("o3", "c1", "-1", 2), Order("o4", "c1",
            "1", 3)));
        Assert.Contains("3 of 4 records", stop.Message, StringComparison.Ordinal);
        Assert.Equal(seen, run.Quarantine.Count);
    }

    [Fact]
    public void The_watermark_survives_a_checkpoint_and_never_moves_back()
    {
        var run = new PipelineRun(Orders);
        run.Send(Order("o1", "c1", "1", 100));
        var watermark = run.Pipeline.Watermark;
        var next = new PipelineRun(Orders);
        next.Pipeline.Restore(watermark, run.Pipeline.SaveState());
        Assert.Equal(watermark, next.Pipeline.Watermark);
        next.Send(Order("o2", "c1", "1", 0));
        Assert.Equal(watermark, next.Pipeline.Watermark);
        Assert.Throws<Processing.Records.CorruptStateException>(() => next.Pipeline.Restore(0, [9]));
    }

    [Fact]
    public void A_batch_after_a_longer_one_sees_nothing_of_it()
    {
        var run = new PipelineRun(Orders);
        var many = Enumerable.Range(0, 700).Select(i => i % 7 == 0
            ? "{}" : Order($"o{i}", "c1", $"{i}.5", i)).ToArray();
        run.Send(many);
        run.Sinks.Clear();
        run.Windows.Clear();
        var counts = run.Send(Order("x1", "c3", "2", 9),
            """{"order_id":"x2","amount":1,"created_at":"2026-01-01T00:00:00Z"}""");
        Assert.Equal(2, counts.Absorbed);
        Assert.Equal(["700 c3 2026-01-01T00:00:00.009: 2.2", "701 ~n 2026-01-01T00:00:00: 1.1"],
            run.Windows["revenue_5m"].Select(Shorten));
    }

    private static string Shorten(string row) => row.Replace("00:00:09", "00:00:00.009", StringComparison.Ordinal);

    private static string Order(string? id, string customer, string amount, int second)
    {
        var time = DateTime.UnixEpoch.AddMilliseconds(1_767_225_600_000).AddSeconds(second).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        var name = id is null ? "null" : $"\"{id}\"";
        return $$"""{"order_id":{{name}},"customer_id":"{{customer}}","amount":{{amount}},"created_at":"{{time}}"}""";
    }

    private const string Branches = """
        apiVersion: kor/v1
        name: branches
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { id: string, n: integer }
        steps:
          - { id: positive, type: filter, from: source, where: "n > 0 OR id = 'b'" }
          - { id: inverse, type: map, from: positive, set: { inverse: "100 / n" } }
        sinks:
          - { id: all, from: positive, connection: dwh, table: A, mode: append, create: true }
          - { id: inverted, from: inverse, connection: dwh, table: B, mode: append, create: true }
        """;

    private const string Deletes = """
        apiVersion: kor/v1
        name: deletes
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          tombstones: delete
          fields:
            id: { type: string, from: key }
            name: string
        steps:
          - { id: add, type: map, set: { one: "1" } }
          - { id: named, type: filter, where: "name IS NOT NULL" }
        sinks:
          - { id: live, from: named, connection: dwh, table: A, mode: upsert, keys: [id], deleteOnTombstone: true,
              create: true }
          - { id: log, from: named, connection: dwh, table: B, mode: append, create: true }
        """;

    private const string Quality = """
        apiVersion: kor/v1
        name: quality
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { n: integer }
        steps:
          - id: check
            type: quality
            rules:
              is_one: { check: "n = 1", onFail: tag }
              positive: { check: "n > 0", onFail: { route: odd } }
              small: { check: "n < 50", onFail: drop }
              warned: { check: "n = 1", severity: warn }
        sinks:
          - { id: good, from: check, connection: dwh, table: A, mode: append, create: true }
          - { id: odd, connection: dwh, table: B, mode: append, create: true }
        """;

    /// <summary>A reset to a time goes by Kafka's: what it suggests must be before the records of an event time.</summary>
    [Theory]
    [InlineData(0, "5000", "4000")]
    [InlineData(700, "5700", "4000")]
    [InlineData(1000, "4000", "6000")]
    [InlineData(0, null, "x")]
    public void By_how_much_event_times_are_ahead_is_known(long ahead, params string?[] times)
    {
        var run = new PipelineRun("""
            apiVersion: kor/v1
            name: p
            source:
              kafka: { connection: main, topics: [t] }
              format: json
              fields: { at: { type: timestamp, pattern: epoch_ms } }
              eventTime: { field: at, maxOutOfOrder: 1s }
            sinks:
              - { id: rows, from: source, connection: dwh, table: T }
            """);
        run.Pipeline.Begin(RawBatches.Of([.. times.Select(t => ((byte[]?)null, (byte[]?)Encoding.UTF8.GetBytes($$"""{"at":{{t ?? "null"}}}""")))], 0, [5000, 5000]), 0);
        Assert.Equal(ahead, run.Pipeline.AheadOfKafka());
    }
}
