using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <content>KOR2xxx.</content>
internal static partial class DefinitionRemedies
{
    private const string Dedup = "- { id: unique, type: dedup, scope: partition, key: [order_id], within: 1h }";
    private const string BySource = "  - { id: other, type: filter, from: source, where: amount > 5 }\nsinks:\n";

    private static IEnumerable<DefinitionRemedy> OfGraphs() =>
    [
        Of("KOR2001", "Rename one of them", With("id: rows,", "id: big,"), Base),
        Of("KOR2002", "Correct the name", With("from: more", "from: mroe"), Base),
        Of("KOR2002", "Correct the name", With("onFail: drop", "onFail: { route: refused }"), Routed("onFail: { route: failed }", "{ id: failed, connection: dwh, table: FAILED_T }")),
        Of("KOR2003", "Correct the name", With("key: [order_id]", "key: [ordre_id]"), Base),
        Of("KOR2004", "Let one of them read a step outside of the circle", With("id: shape, type: map,", "id: shape, type: map, from: unique,"), With("id: shape, type: map,", "id: shape, type: map, from: source,")),
        Of("KOR2005", "Read it from a sink", With("sinks:\n", BySource), With("sinks:\n", BySource + "  - { id: others, from: other, connection: dwh, table: OTHERS_T }\n")),
        Of("KOR2005", "or a step", With("sinks:\n", BySource), With("sinks:\n", BySource.Replace("sinks:\n", "  - { id: apart, type: map, set: { n: '1' } }\nsinks:\n  - { id: aparts, from: apart, connection: dwh, table: APART_T }\n", StringComparison.Ordinal))),
        Of("KOR2005", "or remove it", With("sinks:\n", BySource), Base),
        Of("KOR2006", "Name an output the step has", With("from: more", "from: unique.late"), With("from: more", "from: unique.duplicates")),
        Of("KOR2006", "side outputs can be read by sinks only", With("id: big, type: filter,", "id: big, type: filter, from: shape.quarantined,"), With("from: more", "from: shape.quarantined")),
        Of("KOR2007", "Give the step a 'from' that is before the window", After("{ id: after, type: map, set: { twice: n * 2 } }"), After("{ id: after, type: map, from: more, set: { twice: total * 2 } }")),
        Of("KOR2007", "give it a 'from' that is before it", After("{ id: after, type: map, set: { twice: n * 2 } }"), After("{ id: after, type: map, from: more, set: { twice: total * 2 } }")),
        Of("KOR2007", "inside the aggregates: sum(n * 2)", After("{ id: after, type: map, set: { twice: revenue * 2 } }"), With("revenue: sum(total)", "revenue: sum(total), twice: sum(total * 2)")),
    ];

    private static IEnumerable<DefinitionRemedy> OfFields() =>
    [
        Of("KOR2008", "Rename one of them", With("{ segment: SEGMENT }", "{ total: SEGMENT }"), Base),
        Of("KOR2008", "Rename one of them", With("mode: append", "columns: { ID: order_id, Id: customer }"), With("mode: append", "columns: { ID: order_id, CUSTOMER: customer }")),
        Of("KOR2008", "or take it out", With("key: [order_id]", "key: [order_id, order_id]"), Base),
        Of("KOR2008", "or take it out", With("topics: [orders]", "topics: [orders, orders]"), Base),
        Of("KOR2009", "Choose another name", With("id: big,", "id: source,"), Base),
        Of("KOR2009", "Choose another name", With("drop: [weight]", "rename: { extra: window_start }, drop: [weight]"), With("drop: [weight]", "rename: { extra: began_at }, drop: [weight]")),
        Of("KOR2009", "path: window_start", With("weight:   double", "weight: double\n    window_start: timestamp"), With("weight:   double", "weight: double\n    began_at: { type: timestamp, path: window_start }")),
        Of("KOR2009", "rename it with 'columns'", With("drop: [weight]", "rename: { extra: kor_topic }, drop: [weight]"),
            With(("drop: [weight]", "rename: { extra: kor_topic }, drop: [weight]"), ("mode: append", "mode: append, columns: { ID: order_id, TOPIC: kor_topic }"))),
        Of("KOR2010", "Declare the field as a timestamp", With("{ type: timestamp, pattern: epoch_ms }", "integer"), Base),
        Of("KOR2010", "with a pattern if needed", With("{ type: timestamp, pattern: epoch_ms }", "string"), With("{ type: timestamp, pattern: epoch_ms }", "{ type: timestamp, pattern: 'dd.MM.yyyy HH:mm:ss' }")),
        Of("KOR2010", "or name another", With("field: at,", "field: order_id,"), Base),
        Of("KOR2019", "Use another field", With("groupBy: [customer]", "groupBy: [extra]"), Base),
        Of("KOR2019", "cast it in a map step", With(Dedup, Dedup.Replace("[order_id]", "[order_id, extra]", StringComparison.Ordinal)),
            With(("{ total: amount * 2 }", "{ total: amount * 2, extra: CAST(extra AS string) }"), (Dedup, Dedup.Replace("[order_id]", "[order_id, extra]", StringComparison.Ordinal)))),
        Of("KOR2019", "cast it in a map step", With(("drop: [weight]", "drop: [at]"), ("groupBy: [customer]", "groupBy: [weight]")),
            With(("{ total: amount * 2 }, drop: [weight]", "{ total: amount * 2, grams: \"COALESCE(CAST(weight * 1000 AS decimal(12,0)), 0)\" }"), ("groupBy: [customer]", "groupBy: [grams]"))),
        Of("KOR2027", "Write a value of the type", With("weight:   double", "weight: { type: double, default: heavy }"), With("weight:   double", "weight: { type: double, default: 1.5 }")),
        Of("KOR2027", "in the field's pattern", With("pattern: epoch_ms", "pattern: epoch_ms, default: '2026-01-01'"), With("pattern: epoch_ms", "pattern: epoch_ms, default: 1767225600000")),
        Of("KOR2028", "Follow the message", With("default: none", "default: none, pattern: iso"), Base),
        Of("KOR2028", "'pattern' is for timestamps and dates", With("weight:   double", "weight: { type: string, pattern: epoch_ms }"), With("weight:   double", "weight: { type: timestamp, pattern: epoch_ms }")),
        Of("KOR2028", "yyyy MM dd HH mm ss fff zzz", With("pattern: epoch_ms", "pattern: 'JJJJ-MM-TT'"), With("pattern: epoch_ms", "pattern: 'yyyy-MM-dd HH:mm:ss.fff zzz'")),
        Of("KOR2028", "hh needs tt", With("pattern: epoch_ms", "pattern: 'dd.MM.yyyy hh:mm'"), With("pattern: epoch_ms", "pattern: 'dd.MM.yyyy hh:mm tt'")),
        Of("KOR2028", "months are MM, minutes mm", With("pattern: epoch_ms", "pattern: 'yyyy-mm-dd'"), With("pattern: epoch_ms", "pattern: 'yyyy-MM-dd'")),
        Of("KOR2028", "epoch_us", With("pattern: epoch_ms", "pattern: micros"), With("pattern: epoch_ms", "pattern: epoch_us")),
        Of("KOR2028", "'csv' is for format csv", With("format: json", "format: json\n  csv: { delimiter: ';' }"), Base),
        Of("KOR2028", "delimiter and quote are the same character", Csv("csv: { delimiter: ';', quote: ';' }"), Csv("csv: { delimiter: ';' }")),
        Of("KOR2028", "the path has an empty name", With("path: customer.id", "path: customer..id"), Base),
        Of("KOR2028", "remove 'path'", Csv("csv: {}").Replace("format: csv\n  csv: {}", "format: string", StringComparison.Ordinal).Replace("customer: string", "customer: { type: string, path: a }", StringComparison.Ordinal),
            Csv("csv: {}").Replace("format: csv\n  csv: {}", "format: string", StringComparison.Ordinal)),
        Of("KOR2029", "Correct the name", With("from: more, connection: dwh", "from: more, connection: lake"), Base),
        Of("KOR2029", "add the connection to the host's configuration", With("from: more, connection: dwh", "from: more, connection: lake"), With("from: more, connection: dwh", "from: more, connection: lake")) with { Registered = "lake" },
        Of("KOR2030", "Correct the name", With("id: big, type: filter, where: total > 0", "id: big, type: custom, name: Scroe"), With("id: big, type: filter, where: total > 0", "id: big, type: custom, name: Score")),
        Of("KOR2030", "or register it", With("id: big, type: filter, where: total > 0", "id: big, type: custom, name: Rank"), With("id: big, type: filter, where: total > 0", "id: big, type: custom, name: Rank")) with { Registered = "Rank" },
        Of("KOR2033", "Correct the name", Csv("csv: { columns: [order_id, custmer, at] }"), Csv("csv: { columns: [order_id, customer, at] }")),
        Of("KOR2033", "add the column", Csv("csv: { columns: [order_id, at] }"), Csv("csv: { columns: [order_id, customer, at] }")),
        Of("KOR2066", "Name a registry (registry: main)", Avro(""), Avro("registry: main")),
        Of("KOR2066", "give the schema", Avro("schema: ordres.avsc"), Avro("schema: '" + OrderSchema + "'")),
        Of("KOR2066", "send the schema's text", Avro("schema: orders.avsc"), Avro("schema: '" + OrderSchema + "'")),
        Of("KOR2067", "correct the path", Avro("schema: '" + OrderSchema + "'").Replace("customer.id", "customer.nr", StringComparison.Ordinal), Avro("schema: '" + OrderSchema + "'")),
        Of("KOR2067", "declare the type that the schema has", Avro("schema: '" + OrderSchema + "'").Replace("weight:   double", "weight:   date", StringComparison.Ordinal), Avro("schema: '" + OrderSchema + "'")),
        Of("KOR2065", "Declare the field as json in the source", After("{ id: after, type: explode, from: more, field: extra, item: it }").Replace("extra:    json", "extra:    integer", StringComparison.Ordinal),
            After("{ id: after, type: explode, from: more, field: extra, item: it }")),
        Of("KOR2065", "give the step 'fields' or 'item'", After("{ id: after, type: explode, from: more, field: extra }"), After("{ id: after, type: explode, from: more, field: extra, item: it }")),
        Of("KOR2065", "give the step 'fields' or 'item'", After("{ id: after, type: explode, from: more, field: extra }"),
            After("{ id: after, type: explode, from: more, field: extra, fields: { sku: string } }")),
        Of("KOR2075", "Order by fields of 'add' with 'onMultiple: first' or 'all'", With("add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, onMultiple: first, orderBy: [colour desc] }"),
            With("add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, onMultiple: first, orderBy: [segment desc] }")),
        Of("KOR2075", "say 'onMultiple: first' or 'all'", With("add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, orderBy: [segment] }"),
            With("add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, onMultiple: first, orderBy: [segment] }")),
        Of("KOR2075", "or leave 'orderBy' out", With("add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, orderBy: [segment] }"), Base),
        Of("KOR2075", "look up all rows before the step that makes several rows of a record",
            After("{ id: items, type: explode, from: more, field: extra, item: it }\n  - { id: after, type: lookup, from: items, connection: dwh, table: T, on: { ID: customer }, add: { x: X }, onMultiple: all }"),
            After("{ id: all, type: lookup, from: more, connection: dwh, table: T, on: { ID: customer }, add: { x: X }, onMultiple: all }\n  - { id: after, type: map, from: all, set: { y: x } }")),
        Of("KOR2075", "or say 'onMultiple: first'",
            After("{ id: items, type: explode, from: more, field: extra, item: it }\n  - { id: after, type: lookup, from: items, connection: dwh, table: T, on: { ID: customer }, add: { x: X }, onMultiple: all }"),
            After("{ id: items, type: explode, from: more, field: extra, item: it }\n  - { id: after, type: lookup, from: items, connection: dwh, table: T, on: { ID: customer }, add: { x: X }, onMultiple: first }")),
        Of("KOR2065", "Deduplicate with 'scope: global' before the step",
            After("{ id: items, type: explode, from: more, field: extra, item: it }\n  - { id: after, type: dedup, from: items, key: [order_id], within: 1h, scope: global }"),
            After("{ id: once, type: dedup, from: more, key: [order_id], within: 1h, scope: global }\n  - { id: after, type: explode, from: once, field: extra, item: it }")),
    ];

    private static IEnumerable<DefinitionRemedy> OfWindows() =>
    [
        Of("KOR2011", "eventTime: { field: ... }", With("  eventTime: { field: at, maxOutOfOrder: 30s, idleAfter: 10s }\n", ""), With("{ field: at, maxOutOfOrder: 30s, idleAfter: 10s }", "{ field: at }")),
        Of("KOR2011", "eventTime: kafka", With("  eventTime: { field: at, maxOutOfOrder: 30s, idleAfter: 10s }\n", ""), With("{ field: at, maxOutOfOrder: 30s, idleAfter: 10s }", "kafka")),
        Of("KOR2012", "Follow the message", Window("{ hopping: 5m }"), Window("{ hopping: 5m, every: 1m }")),
        Of("KOR2012", "a hopping window needs 'every'", Window("{ hopping: 5m }"), Window("{ hopping: 5m, every: 1m }")),
        Of("KOR2012", "must divide the size", Window("{ hopping: 5m, every: 2m }"), Window("{ hopping: 5m, every: 150s }")),
        Of("KOR2012", "at most 10000 times in its size", Window("{ hopping: 1d, every: 1s }"), Window("{ hopping: 1d, every: 10s }")),
        Of("KOR2012", "exactly one of tumbling, hopping, session and calendar", Window("{ tumbling: 5m, session: 5m }"), Window("{ session: 5m }")),
        Of("KOR2012", "'every' is for hopping windows", Window("{ tumbling: 5m, every: 1m }"), Window("{ hopping: 5m, every: 1m }")),
        Of("KOR2012", "'offset' is for tumbling and hopping windows", Window("{ session: 5m, offset: 1m }"), Window("{ tumbling: 5m, offset: 1m }")),
        Of("KOR2012", "'maxLength' is for session windows", Window("{ tumbling: 5m, maxLength: 1h }"), Window("{ session: 5m, maxLength: 1h }")),
        Of("KOR2012", "'zone' is for calendar windows", Window("{ tumbling: 5m, zone: Europe/Vienna }"), Window("{ calendar: day, zone: Europe/Vienna }")),
        Of("KOR2012", "'offset' must be less than 5m", Window("{ tumbling: 5m, offset: 5m }"), Window("{ tumbling: 5m, offset: 4m }")),
        Of("KOR2012", "'maxLength' is shorter than the gap", Window("{ session: 5m, maxLength: 1m }"), Window("{ session: 5m, maxLength: 5m }")),
        Of("KOR2013", "for example Europe/Vienna", Window("{ calendar: day, zone: Wien }"), Window("{ calendar: day, zone: Europe/Vienna }")),
        Of("KOR2014", "Make 'within' at least as long as maxOutOfOrder", With("within: 1h", "within: 10s"), With("within: 1h", "within: 30s")),
        Of("KOR2015", "in a map step", Sum("sum(total) / 2"), With(("{ total: amount * 2 }", "{ total: amount * 2, half: total / 2 }"), ("sum(total)", "sum(half)"))),
        Of("KOR2015", "sum(amount / 2)", Sum("sum(total) / 2"), Sum("sum(amount / 2)")),
        Of("KOR2015", "for example sum(amount)", Sum("total"), Sum("sum(amount)")),
        Of("KOR2015", "the '(' is never closed", Sum("'sum(total'"), Sum("sum(total)")),
        Of("KOR2016", "Use one of those listed", Sum("total_of(total)"), Sum("sum(total)")),
        Of("KOR2016", "known: count, sum, avg", Sum("mean(total)"), Sum("avg(total)")),
        Of("KOR2017", "Cast the argument", Sum("sum(customer)"), Sum("\"sum(TRY_CAST(customer AS decimal(12,2)))\"")),
        Of("KOR2017", "use another aggregate", Sum("sum(customer)"), Sum("count_distinct(customer)")),
        Of("KOR2017", "max takes a number, string, timestamp, date or boolean", Sum("max(extra)"), Sum("max(total)")),
        Of("KOR2018", "Follow the message", Sum("'percentile(total, 95)'"), Sum("'percentile(total, 0.95)'")),
        Of("KOR2018", "a number between 0 and 1, such as 0.95", Sum("'percentile(total, 95)'"), Sum("'percentile(total, 0.95)'")),
        Of("KOR2018", "a whole number from 1 to 1000", Sum("'top_k(total, 2.5)'"), Sum("'top_k(total, 1000)'")),
        Of("KOR2018", "percentile takes 2 arguments", Sum("percentile(total)"), Sum("'percentile(total, 0.5)'")),
        Of("KOR2018", "sum takes 1 argument", Sum("sum()"), Sum("sum(total)")),
        Of("KOR2034", "Rename the aggregate", Sum("sum(total)").Replace("revenue: sum", "customer: sum", StringComparison.Ordinal), Base),
        Of("KOR2036", "Take the property out", With("within: 1h", "within: 1h, shards: 4"), Base),
        Of("KOR2036", "change the scope", With("within: 1h", "within: 1h, shards: 4"), With("scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, shards: 4")),
        Of("KOR2036", "'grainPer' says how ids are spread over grains", With("within: 1h", "within: 1h, shards: 4"), With("within: 1h", "within: 1h, grainPer: group(4)")),
        Of("KOR2036", "'shards' says over how many owners", With("scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, grainPer: group(4)"),
            With("scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, shards: 4")),
        Of("KOR2036", "with scope: global they are found by the id", With("scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, cellBy: message_key"),
            With("scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h")),
        Of("KOR2060", "Add cellBy: message_key", With("within: 1h", "within: 1h, grainPer: key"), With("within: 1h", "within: 1h, grainPer: key, cellBy: message_key")),
        Of("KOR2060", "leave 'grainPer' out", With("within: 1h", "within: 1h, grainPer: key"), Base),
        Of("KOR2061", "Write scope: global", With("scope: partition, ", ""), With("scope: partition", "scope: global")),
        Of("KOR2061", "or scope: partition", With("scope: partition, ", ""), Base),
        Of("KOR2061", "cellBy: message_key", With("scope: partition, ", ""), With("scope: partition", "cellBy: message_key")),
        Of("KOR2061", "declare the whole message key as a field (from: key)", Csv("", "key: [order_id]"), Csv("", "key: [order_id, k]").Replace("fields: {", "fields: { k: { type: string, from: key },", StringComparison.Ordinal)),
        Of("KOR2061", "add scope: global to look in all of them", With("scope: partition, ", ""), With("scope: partition", "scope: global")),
        Of("KOR2065", "Declare the field as json in the source", Exploded("field: total, item: x"), Exploded("field: extra, item: x")),
        Of("KOR2065", "give the step 'fields'", Exploded("field: extra"), Exploded("field: extra, fields: { sku: string }")),
        Of("KOR2065", "or 'item'", Exploded("field: extra"), Exploded("field: extra, item: x")),
        Of("KOR2065", "Deduplicate with 'scope: global' before the step", Exploded("field: extra, item: x", "scope: global"), With(("scope: partition", "scope: global"),
            ("from: more, connection: dwh", "from: items, connection: dwh"), ("  - id: sums", "  - { id: items, type: explode, field: extra, item: x }\n  - id: sums\n    from: more"))),
        Of("KOR2065", "or use scope: partition", Exploded("field: extra, item: x", "scope: global"), Exploded("field: extra, item: x")),
    ];

    internal const string OrderSchema =
        """{"type":"record","name":"Order","fields":[{"name":"order_id","type":"string"},{"name":"customer","type":{"type":"record","name":"C","fields":[{"name":"id","type":"string"}]}},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},{"name":"weight","type":"double"},{"name":"extra","type":{"type":"array","items":"string"}},{"name":"at","type":"long"}]}""";

    /// <summary>The base pipeline with Avro in place of JSON.</summary>
    private static string Avro(string more) => With("format: json", $"format: avro\n  {more}");

    /// <summary>The base pipeline with a step that makes rows of items in place of its filter.</summary>
    private static string Exploded(string explode, string scope = "scope: partition") =>
        With(("- { id: big, type: filter, where: total > 0 }", $"- {{ id: big, type: explode, {explode} }}"), ("scope: partition", scope));

    /// <summary>The base pipeline with another window.</summary>
    private static string Window(string window) => With("{ tumbling: 5m }", window);

    /// <summary>The base pipeline with another aggregate.</summary>
    private static string Sum(string aggregate) => With("revenue: sum(total)", $"revenue: {aggregate}");

    /// <summary>The base pipeline with a step after the window, and a sink that reads it.</summary>
    private static string After(string step) => With("sinks:\n", $"  - {step}\nsinks:\n  - {{ id: afters, from: after, connection: dwh, table: AFTERS_T }}\n");

    /// <summary>The base pipeline with a rule that sends rows to a sink, and that sink.</summary>
    private static string Routed(string onFail, string sink) => With(("onFail: drop", onFail), ("sinks:\n", $"sinks:\n  - {sink}\n"));

    /// <summary>A pipeline that reads CSV lines.</summary>
    private static string Csv(string csv, string? dedup = null) =>
        "apiVersion: kor/v1\nname: lines\nsource:\n  kafka: { connection: main, topics: [lines] }\n  format: csv\n"
        + (csv.Length == 0 ? "" : $"  {csv}\n") + "  fields: { order_id: string, customer: string, at: string }\n"
        + (dedup is null ? "" : $"steps:\n  - {{ id: unique, type: dedup, {dedup}, within: 1h }}\n")
        + $"sinks: [{{ id: rows, from: {(dedup is null ? "source" : "unique")}, connection: dwh, table: LINES_T }}]\n";
}
