namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>
/// Faults by name. Each takes a piece of <see cref="PipelineTexts.Base"/> and puts another in its place; « marks where a diagnostic
/// must point, and the expectations (code, and after a blank a part of its text) follow in the order of the marks.
/// </summary>
internal static class BadPipelines
{
    public sealed record Case(string Name, string From, string To, params string[] Expected);

    public static IReadOnlyList<Case> All { get; } =
    [
        // The text
        new("tab indentation", "  format: json", "«\tformat: json", "KOR1001 spaces, not tabs"),
        new("unclosed flow mapping", "{ tumbling: 5m }", "«{ tumbling: 5m\n    allowedLateness", "KOR1001"),
        new("unclosed quote", "where: total > 0", "where: 'total > 0", "KOR1001"),
        new("colon in a plain value", "paid: amount > 0", "paid: amount > 0«: 1", "KOR1001"),
        new("document start inside", "sinks:", "«---\nsinks:", "KOR1010"),
        new("tag", "name: base", "name: «!!str base", "KOR1003 !!str"),
        new("unknown tag", "name: base", "name: «!include base", "KOR1003"),
        new("alias without anchor", "name: base", "name: «*nothing", "KOR1005 nothing"),
        new("repeated key", "name: base", "name: base\n«name: other", "KOR1006 line 2"),
        new("repeated key deep", "{ tumbling: 5m }", "{ tumbling: 5m, «tumbling: 6m }", "KOR1006"),
        new("repeated field", "weight:   double", "weight: double\n    «amount: double", "KOR1006"),
        new("merge of text", "name: base", "«<<: text\nname: base", "KOR1007"),
        new("list as key", "name: base", "name: base\n? «[a, b]\n: c", "KOR1002"),
        new("null value", "name: base", "name:« ", "KOR1014"),
        new("null word", "where: total > 0", "where: «null", "KOR1014"),
        new("variable not set", "table: ROWS_T", "table: '«${TABLE}'", "KOR1008 TABLE"),
        new("variable in the middle", "table: ROWS_T", "table: 'ROWS_«${SUFFIX}_T'", "KOR1008"),
        new("variable not closed", "table: ROWS_T", "table: '«${TABLE'", "KOR1008 no '}'"),
        new("variable in braces without quotes", "table: ROWS_T", "table: $«{TABLE}", "KOR1001 needs quotes"),
        new("variable with a bad name", "table: ROWS_T", "table: '«${MY TABLE}'", "KOR1008"),

        // Keys and forms
        new("unknown key at the top", "name: base", "name: base\n«nmae: x", "KOR1020 unknown key 'nmae'"),
        new("unknown key with suggestion", "mode: append", "«mod: append", "KOR1020 Did you mean 'mode'?"),
        new("unknown key in kafka", "start: earliest", "«begin: earliest", "KOR1020 known: connection"),
        new("unknown key in a step", "within: 1h", "within: 1h, «keep: first", "KOR1020 a dedup step"),
        new("unknown key in a field", "path: customer.id", "«pth: customer.id", "KOR1020 Did you mean 'path'?"),
        new("unknown key in a window", "{ tumbling: 5m }", "{ tumbling: 5m, «size: 1 }", "KOR1020"),
        new("missing api version", "apiVersion: kor/v1\n", "«", "KOR1021 apiVersion"),
        new("missing name", "apiVersion: kor/v1\nname: base", "«apiVersion: kor/v1", "KOR1021 name"),
        new("missing topics", "{ connection: main, topics: [orders], start", "«{ connection: main, start", "KOR1021 topics"),
        new("missing table", "- { id: rows, from: more, connection: dwh, table: ROWS_T,", "- «{ id: rows, from: more, connection: dwh,", "KOR1021 table"),
        new("missing within", "- { id: unique, type: dedup, scope: partition, key: [order_id], within: 1h }", "- «{ id: unique, type: dedup, scope: partition, key: [order_id] }", "KOR1021 within"),
        new("missing type", "- { id: big, type: filter, where: total > 0 }", "- «{ id: big, where: total > 0 }", "KOR1021 type"),
        new("missing rules", "    rules:\n      paid: amount > 0\n      known: { check: customer IS NOT NULL, severity: error, onFail: drop }\n", "", "KOR1021@17,5 rules"),
        new("missing check", "{ check: customer IS NOT NULL, severity: error, onFail: drop }", "«{ severity: error }", "KOR1021 check"),
        new("wrong api version", "kor/v1", "«kor/v2", "KOR1013 kor/v1"),
        new("steps as text", "steps:\n", "x-steps:\n", "KOR1020@14,1", "KOR2002@32,23", "KOR2002@33,25"),
        new("list for a mapping", "{ tumbling: 5m }", "«[tumbling, 5m]", "KOR1011"),
        new("mapping for a list", "groupBy: [customer]", "groupBy: «{ customer: 1 }", "KOR1011"),
        new("mapping for a value", "table: ROWS_T", "table: «{ name: ROWS_T }", "KOR1011"),
        new("text for a mapping", "kafka: { connection: main, topics: [orders], start: earliest }", "kafka: «orders", "KOR1011"),
        new("list of sinks empty", Sinks, "sinks: «[]\n", "KOR1015 at least 1"),
        new("empty dedup key", "key: [order_id]", "key: «[]", "KOR1015"),
        new("no aggregates", "{ n: count(), revenue: sum(total) }", "«{}", "KOR1015"),
        new("map step that does nothing", "set: { total: amount * 2 }, drop: [weight]", "from: source", "KOR1015@15,5", "KOR2003@16,37", "KOR2003@30,44"),

        // Values
        new("duration without unit", "within: 1h", "within: «60", "KOR1012 unit is missing"),
        new("duration in words", "within: 1h", "within: «1 hour", "KOR1012 duration"),
        new("duration out of order", "within: 1h", "within: «5m1h", "KOR1012"),
        new("negative duration", "allowedLateness: 1m", "allowedLateness: «-1m", "KOR1012"),
        new("zero window", "{ tumbling: 5m }", "{ tumbling: «0s }", "KOR1012"),
        new("endless duration", "within: 1h", "within: «99999999999999d", "KOR1012"),
        new("boolean yes", "required: true", "required: «yes", "KOR1012 write true or false"),
        new("boolean word", "required: true", "required: «maybe", "KOR1012"),
        new("unknown type", "weight:   double", "weight:   «float", "KOR1012 did you mean double"),
        new("int type", "weight:   double", "weight:   «int", "KOR1012 integer or decimal"),
        new("misspelt type", "weight:   double", "weight:   «duoble", "KOR1012 did you mean double"),
        new("decimal too wide", "decimal(12,2)", "«decimal(39,2)", "KOR1012 1 to 28"),
        new("decimal scale above precision", "decimal(12,2)", "«decimal(4,5)", "KOR1012"),
        new("decimal without digits", "decimal(12,2)", "«decimal", "KOR1012 decimal(p,s)"),
        new("a call in braces without quotes", "n: count(), revenue: sum(total)", "n: count(), p: «percentile(total, 0.9), revenue: sum(total)", "KOR1012 \"percentile(total, 0.9)\""),
        new("a call of three in braces", "set: { total: amount * 2 }", "set: { total: amount * 2, x: «coalesce(amount, 1, round(amount, 2)) }", "KOR1012 \"coalesce(amount, 1, round(amount, 2))\""),
        new("a span in words", "within: 1h", "within: «1 hour", "KOR1012 write 1h"),
        new("a span of Spark", "tumbling: 5m", "tumbling: «5 minutes", "KOR1012 write 5m"),
        new("a span of ISO 8601", "within: 1h", "within: «PT1H30M", "KOR1012 write 1h30m"),
        new("decimal in braces without quotes", "decimal(12,2)", "{ type: «decimal(12,«2) }", "KOR1012 needs quotes", "KOR1020"),
        new("decimal with words", "decimal(12,2)", "«decimal(a,b)", "KOR1012"),
        new("unknown step type", "type: filter", "type: «fliter", "KOR1013 Did you mean 'filter'?"),
        new("unknown format", "format: json", "format: «jsn", "KOR1013 Did you mean 'json'?"),
        new("unknown action", "onFail: quarantine", "onFail: «quarentine", "KOR1013 Did you mean 'quarantine'?"),
        new("unknown mode", "mode: append", "mode: «merge", "KOR1013 append, upsert"),
        new("unknown severity", "severity: error", "severity: «fatal", "KOR1013"),
        new("bad start", "start: earliest", "start: «yesterday", "KOR1012 earliest, latest"),
        new("bad topic", "[orders]", "[«or ders]", "KOR1012 topic"),
        new("bad topic pattern", "[orders]", "[«'^or(ders']", "KOR1012"),
        new("topic pattern with look-ahead", "[orders]", "[«'^(?=a)b']", "KOR1012"),
        new("bad id", "id: big,", "id: «2big,", "KOR1012 letter first"),
        new("bad field name", "weight:   double", "«wei-ght: double", "KOR1012 field's name", "KOR2003@15,64"),
        new("bad table", "table: ROWS_T", "table: «a.b.c", "KOR1012 SCHEMA.TABLE"),
        new("table with blanks", "table: ROWS_T", "table: «ROWS T", "KOR1012"),
        new("table injection", "table: ROWS_T", "table: «'T; DROP TABLE X'", "KOR1012"),
        new("bad grain", "within: 1h", "within: 1h, grainPer: «group", "KOR1012 group(n)"),
        new("bad grain count", "within: 1h", "within: 1h, grainPer: «group(0)", "KOR1012"),
        new("grainPer across partitions", "scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, grainPer: «group(4)", "KOR2036 shards"),
        new("cells across partitions", "scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, cellBy: «id", "KOR2036 scope: global"),
        new("unknown cells", "within: 1h", "within: 1h, cellBy: «key", "KOR1013"),
        new("shards within a partition", "within: 1h", "within: 1h, shards: «4", "KOR2036 grainPer"),
        new("bad shards", "scope: partition, key: [order_id], within: 1h", "scope: global, key: [order_id], within: 1h, shards: «0", "KOR1012 4096"),
        new("shards out of range", "allowedLateness: 1m", "shards: «100000", "KOR1012 4096"),
        new("flush rows text", "mode: append", "flush: { rows: «many }", "KOR1012 whole number"),
        new("delimiter too long", "format: json", "format: csv\n  csv: { delimiter: «'||' }", "KOR1012", "KOR2033@9,37"),

        // References
        new("duplicate step id", "id: big,", "id: «shape,", "KOR2001 line 15"),
        new("duplicate id by case", "id: big,", "id: «SHAPE,", "KOR2001"),
        new("step and sink share an id", "id: rows,", "id: «unique,", "KOR2001"),
        new("reserved id", "id: big,", "id: «source,", "KOR2009"),
        new("reserved id quarantined", "id: rows,", "id: «quarantined,", "KOR2009"),
        new("sink from an unknown step", "from: more", "from: «mroe", "KOR2002 Did you mean 'more'?"),
        new("step from an unknown step", "id: big, type: filter,", "id: big, type: filter, from: «shap,", "KOR2002 Did you mean 'shape'?"),
        new("step that reads itself", "id: big, type: filter,", "id: big, type: filter, from: «big,", "KOR2004 big reads big"),
        new("steps in a circle", "id: shape, type: map,", "id: shape, type: map, from: «unique,", "KOR2004 shape reads unique"),
        new("step that reaches nothing", "sinks:", "  - { id: «dead, type: filter, from: shape, where: total > 1 }\nsinks:", "KOR2005 dead"),
        new("step after a window", "sinks:", "  - { id: «after, type: filter, where: n > 1 }\nsinks:", "KOR2007", "KOR2005"),
        new("step from a side output", "id: big, type: filter,", "id: big, type: filter, from: «unique.duplicates,", "KOR2006 sinks only"),
        new("late output of a dedup", "from: more", "from: «unique.late", "KOR2006 unique.duplicates"),
        new("misspelt side output", "from: more", "from: «unique.duplicate", "KOR2006 Did you mean 'unique.duplicates'?"),
        new("late rows without their step", "from: more", "from: «late", "KOR2002 Did you mean 'sums.late'?"),
        new("duplicates without their step", "from: more", "from: «duplicates", "KOR2002 Did you mean 'unique.duplicates'?"),
        new("side output of nothing", "from: more", "from: «uniqe.duplicates", "KOR2002 Did you mean 'unique'?"),
        new("side output of the source", "from: more", "from: «source.late", "KOR2006 source.quarantined"),
        new("route to nothing", "onFail: drop", "onFail: { route: «nowhere }", "KOR2002 nowhere"),
        new("route to a sink that reads", "onFail: drop", "onFail: { route: rows }", "KOR2025@32,23"),
        new("two sinks of one table", "table: TOTALS_T", "table: «rows_t", "KOR2041 'rows' and 'totals'"),
        new("sink without from", "{ id: rows, from: more,", "«{ id: rows,", "KOR2026"),
        new("unknown kafka connection", "connection: main", "connection: «mian", "KOR2029 Did you mean 'main'?"),
        new("unknown lookup connection", "type: lookup, connection: dwh", "type: lookup, connection: «dhw", "KOR2029 Did you mean 'dwh'?"),
        new("unknown sink connection", "from: more, connection: dwh", "from: more, connection: «lake", "KOR2029 configured: dwh"),
        new("unknown transform", "id: big, type: filter, where: total > 0", "id: big, type: custom, name: «Scroe", "KOR2030 Did you mean 'Score'?"),

        // Fields
        new("unknown dedup key", "key: [order_id]", "key: [«ordre_id]", "KOR2003 Did you mean 'order_id'?"),
        new("unknown group field", "groupBy: [customer]", "groupBy: [«custmer]", "KOR2003 Did you mean 'customer'?"),
        new("dropped field used", "key: [order_id]", "key: [«weight]", "KOR2003"),
        new("unknown dropped field", "drop: [weight]", "drop: [«wieght]", "KOR2003 Did you mean 'weight'?"),
        new("unknown renamed field", "drop: [weight]", "rename: { «wieght: w }", "KOR2003"),
        new("unknown lookup key", "{ ID: customer }", "{ ID: «cust }", "KOR2003"),
        new("unknown event-time field", "field: at,", "field: «att,", "KOR2003 Did you mean 'at'?"),
        new("event time of the wrong type", "field: at,", "field: «order_id,", "KOR2010"),
        new("window without event time", "  eventTime: { field: at, maxOutOfOrder: 30s, idleAfter: 10s }\n", "", "KOR2011@26,13"),
        new("rename onto a field", "drop: [weight]", "rename: { extra: «amount }, drop: [weight]", "KOR2008"),
        new("rename onto a reserved field", "drop: [weight]", "rename: { extra: «window_start }, drop: [weight]", "KOR2009 window_start"),
        new("lookup adds a reserved field", "{ segment: SEGMENT }", "{ «late_reason: SEGMENT }", "KOR2009 late_reason"),
        new("lookup adds a field that exists", "{ segment: SEGMENT }", "{ «total: SEGMENT }", "KOR2008"),
        new("lookup column twice", "{ ID: customer }", "{ ID: customer, «id: order_id }", "KOR2008"),
        new("dedup key twice", "key: [order_id]", "key: [order_id, «order_id]", "KOR2008"),
        new("topic twice", "[orders]", "[orders, «orders]", "KOR2008"),
        new("reserved field", "weight:   double", "weight: double\n    «window_start: timestamp", "KOR2009"),
        new("json group key", "groupBy: [customer]", "groupBy: [«extra]", "KOR2019"),
        new("double dedup key", "set: { total: amount * 2 }", "set: { total: amount * 2, order_id: weight }", "KOR2019@23,56"),
        new("default of the wrong type", "weight:   double", "weight: { type: double, default: «heavy }", "KOR2027"),
        new("default beyond the scale", "amount:   decimal(12,2)", "amount: { type: 'decimal(12,2)', default: «0.001 }", "KOR2027"),
        new("default time with a pattern", "pattern: epoch_ms", "pattern: epoch_ms, default: «'2026-01-01'", "KOR2027"),
        new("pattern on a string", "default: none", "pattern: «epoch_ms", "KOR2028"),
        new("bad pattern", "pattern: epoch_ms", "pattern: «millis", "KOR2028 Did you mean 'epoch_ms'?"),
        new("path in a string source", "format: json", "format: string", "KOR2028@8,37"),
        new("csv options of json", "format: json", "format: «json\n  csv: { delimiter: ';' }", "KOR2028"),
        new("unknown csv column", "format: json", "format: csv\n  csv: { columns: [order_id, amount, weight, extra, at] }", "KOR2033@9,37"),
        new("avro without registry", "format: json", "format: «avro", "KOR2066 registry"),
        new("field that the schema does not have", "format: json", "format: avro\n  schema: '" + DefinitionRemedies.OrderSchema.Replace("extra", "extras", StringComparison.Ordinal) + "'", "KOR2067@12,5 Did you mean 'extras'?"),
        new("empty path part", "path: customer.id", "path: «customer..id", "KOR2028"),

        // Windows and aggregates
        new("hopping without every", "{ tumbling: 5m }", "{ hopping: «5m }", "KOR2012 every"),
        new("every does not divide", "{ tumbling: 5m }", "{ hopping: 5m, every: «2m }", "KOR2012 divide"),
        new("every longer than the window", "{ tumbling: 5m }", "{ hopping: 5m, every: «10m }", "KOR2012"),
        new("too many panes", "{ tumbling: 5m }", "{ hopping: 1d, every: «1s }", "KOR2012 10000"),
        new("too many windows open", "{ tumbling: 5m }", "{ tumbling: «3ms }", "KOR2012 1000000"),
        new("too many windows open of hopping ones", "{ tumbling: 5m }", "{ hopping: 6ms, every: «3ms }", "KOR2012 1000000"),
        new("every on tumbling", "{ tumbling: 5m }", "{ tumbling: 5m, every: «1m }", "KOR2012 hopping"),
        new("two kinds of window", "{ tumbling: 5m }", "{ tumbling: 5m, session: «5m }", "KOR2012 exactly one"),
        new("no kind of window", "{ tumbling: 5m }", "«{ offset: 1m }", "KOR2012 exactly one"),
        new("offset beyond the size", "{ tumbling: 5m }", "{ tumbling: 5m, offset: «5m }", "KOR2012 offset"),
        new("session shorter than its gap", "{ tumbling: 5m }", "{ session: 5m, maxLength: «1m }", "KOR2012"),
        new("zone on session", "{ tumbling: 5m }", "{ session: 5m, zone: «UTC }", "KOR2012"),
        new("unknown zone", "{ tumbling: 5m }", "{ calendar: day, zone: «Vienna }", "KOR2013 Did you mean 'Europe/Vienna'?"),
        new("unknown calendar unit", "{ tumbling: 5m }", "{ calendar: «decade }", "KOR1013"),
        new("not an aggregate", "revenue: sum(total)", "revenue: «total", "KOR2015"),
        new("aggregate in a formula", "revenue: sum(total)", "revenue: sum(total) «/ 2", "KOR2015"),
        new("aggregate not closed", "revenue: sum(total)", "revenue: 'sum«(total'", "KOR2015"),
        new("unknown aggregate", "revenue: sum(total)", "revenue: «summ(total)", "KOR2016 Did you mean 'sum'?"),
        new("foreign aggregate", "revenue: sum(total)", "revenue: «average(total)", "KOR2016 Did you mean 'avg'?"),
        new("sum of text", "revenue: sum(total)", "revenue: sum(«customer)", "KOR2017 is string"),
        new("max of json", "revenue: sum(total)", "revenue: max(«extra)", "KOR2017 is json"),
        new("percentile without share", "revenue: sum(total)", "revenue: «percentile(total)", "KOR2018 takes 2"),
        new("percentile of 95", "revenue: sum(total)", "revenue: 'percentile(total, «95)'", "KOR2018 between 0 and 1"),
        new("top_k of half", "revenue: sum(total)", "revenue: 'top_k(total, «2.5)'", "KOR2018 whole number"),
        new("collect of everything", "revenue: sum(total)", "revenue: 'collect(total, «1000000)'", "KOR2018"),
        new("sum of nothing", "revenue: sum(total)", "revenue: «sum()", "KOR2018"),
        new("sum of two", "revenue: sum(total)", "revenue: '«sum(total, amount)'", "KOR2018"),
        new("count distinct in SQL", "revenue: sum(total)", "revenue: count(«DISTINCT total)", "KOR2018 write count_distinct(total)"),
        new("aggregate named like the key", "revenue: sum(total)", "«customer: sum(total)", "KOR2034"),
        new("aggregate named like a window field", "revenue: sum(total)", "«revision: sum(total)", "KOR2009"),
        new("unknown field in an aggregate", "revenue: sum(total)", "revenue: sum(«totl)", "KOR2003 Did you mean 'total'?"),

        // Quarantine
        new("a quarantine that comes round", "sinks:\n", "quarantine: { kafka: { connection: main, topic: «orders } }\nsinks:\n", "KOR2035"),
        new("a quarantine pattern", "sinks:\n", "quarantine: { kafka: { connection: main, topic: «^bad } }\nsinks:\n", "KOR2035"),
        new("keepFor without a table", "sinks:\n", "quarantine: «{ keepFor: 1d, kafka: { connection: main, topic: bad } }\nsinks:\n", "KOR2035"),

        // Expressions
        new("unknown field in an expression", "where: total > 0", "where: «totl > 0", "KOR2003 Did you mean 'total'?"),
        new("unknown field after a quote", "where: total > 0", "where: \"total > 0 AND «totl > 1\"", "KOR2003"),
        new("unknown field after a doubled quote", "where: total > 0", "where: 'customer = ''x'' AND «totl > 1'", "KOR2003"),
        new("unknown field after an escape", "where: total > 0", "where: \"customer = '\\u0041\\\\' AND «totl > 1\"", "KOR2003"),
        new("unknown field in a block", "where: total > 0 }", "where: total > 0 }\n  - id: block\n    type: filter\n    where: |\n      total > 0\n        AND «totl > 1", "KOR2003"),
        new("unknown field in a folded value", "where: total > 0 }", "where: total > 0 }\n  - id: folded\n    type: filter\n    where: total > 0\n      AND «totl > 1", "KOR2003"),
        new("two unknown fields", "where: total > 0", "where: «totl > 0 OR «amnt > 1", "KOR2003", "KOR2003"),
        new("explode of a number", "- { id: big, type: filter, where: total > 0 }", "- { id: big, type: explode, field: «total, item: x }", "KOR2065 json"),
        new("order without several rows", "add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, orderBy: [«segment] }", "KOR2075 several are refused here"),
        new("order by what is not added", "add: { segment: SEGMENT } }", "add: { segment: SEGMENT }, onMultiple: all, orderBy: [segment, «segmnt desc] }", "KOR2075 no added field"),
        new("type that is more than a type", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, create: true, types: { TOTAL: «\"NUMBER(12,2)) TABLESPACE x --\" } }\n", "KOR2022 not a type"),
        new("type of no column", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, create: true, types: { «TOTL: NUMBER } }\n", "KOR2022 no column"),
        new("types where nothing is made", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, types: { «TOTAL: NUMBER } }\n", "KOR2022 create: true"),
        new("index of no column", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, create: true, indexes: [[«TOTL]] }\n", "KOR2022 no column"),
        new("missing with append", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, missing: «keep }\n", "KOR2022 upsert and update"),
        new("update of keys only", "sinks:\n", "sinks:\n  - { id: more_rows, from: more, connection: dwh, table: MORE_T, mode: «update, columns: [order_id], keys: [order_id] }\n", "KOR2022 no keys"),
        new("explode without fields", "- { id: big, type: filter, where: total > 0 }", "- «{ id: big, type: explode, field: extra }", "KOR2065 needs"),
        new("filter that is no condition", "where: total > 0", "where: «total", "KOR3"),
        new("syntax error in an expression", "where: total > 0", "where: total > «)", "KOR3"),
        new("unknown function", "{ total: amount * 2 }", "{ total: «ruond(amount) }", "KOR3"),
        new("text times number", "{ total: amount * 2 }", "{ total: customer * 2 }", "KOR3@15,"),

        // Quality
        new("warn rule that drops", "severity: error, onFail: drop", "severity: warn, onFail: «drop", "KOR2024"),
        new("tag field that exists", "onFail: quarantine", "onFail: tag\n  - { id: again, type: quality, rules: { «paid: amount > 1 }, onFail: tag }", "KOR2008"),
        new("ratio above one", "onFail: quarantine", "stopIf: { failedRatio: «1.5, over: 5m }", "KOR1012"),
        new("rule that is no condition", "paid: amount > 0", "paid: «amount + 0", "KOR3"),

        // Sinks
        new("upsert of records without keys", "id: rows, from: more, connection: dwh, table: ROWS_T, mode: append", "id: «rows, from: more, connection: dwh, table: ROWS_T, mode: upsert", "KOR2021"),
        new("unknown key column", "mode: append", "mode: upsert, keys: [«ordre_id]", "KOR2022 Did you mean 'order_id'?"),
        new("key renamed away", "mode: append", "mode: upsert, keys: [«order_id], columns: { ID: order_id }", "KOR2022"),
        new("key listed twice", "mode: append", "mode: upsert, keys: [«order_id, order_id]", "KOR2008"),
        new("unknown column field", "mode: append", "columns: { ID: «ordre_id }", "KOR2003 Did you mean 'order_id'?"),
        new("columns that differ by case", "mode: append", "columns: { ID: order_id, «Id: customer }", "KOR2008"),
        new("reserved column", "mode: append", "columns: { «KOR_TOPIC: order_id }", "KOR2009"),
        new("json key column", "mode: append", "mode: upsert, keys: [«extra]", "KOR2019"),
        new("window sink with other keys", "table: TOTALS_T", "table: TOTALS_T, keys: [«customer]", "KOR2022"),
        new("window sink without its key", "table: TOTALS_T", "table: TOTALS_T, columns: { «N: n }", "KOR2022 'customer'", "KOR2022 'window_start'"),
        new("revision of a window sink", "table: TOTALS_T", "table: TOTALS_T, revision: «n", "KOR2022"),
        new("revision without upsert", "mode: append", "mode: append, revision: «total", "KOR2022 mode upsert"),
        new("revision of json", "mode: append", "mode: upsert, keys: [order_id], revision: «extra", "KOR2022 is json"),
        new("misspelt evolve", "mode: append", "evolve: «add-colums", "KOR1012 did you mean add-columns?"),
        new("totals of everything", "type: window\n    window: { tumbling: 5m }\n    allowedLateness: 1m\n    groupBy: [customer]\n", "type: aggregate\n", "KOR2021@30,11"),
        new("deletes without policy", "mode: append", "mode: upsert, keys: [order_id], deleteOnTombstone: «true", "KOR2023 tombstones", "KOR2023 from: key"),
        new("deletes of windows", "table: TOTALS_T", "table: TOTALS_T, deleteOnTombstone: «true", "KOR2023 tombstones", "KOR2023 only sinks of records"),
    ];

    private const string Sinks = """
        sinks:
          - { id: rows, from: more, connection: dwh, table: ROWS_T, mode: append }
          - { id: totals, from: sums, connection: dwh, table: TOTALS_T }

        """;

    /// <summary>A case's text, and its marked places as messages show them.</summary>
    public static (string Text, List<string> Places) TextOf(Case test)
    {
        Assert.Contains(test.From, PipelineTexts.Base, StringComparison.Ordinal);
        var marked = PipelineTexts.Base.Replace(test.From, test.To, StringComparison.Ordinal);
        var places = new List<string>();
        var (line, column) = (1, 1);
        foreach (var c in marked)
        {
            if (c == '«')
            {
                places.Add($"({line},{column})");
                continue;
            }

            (line, column) = c == '\n' ? (line + 1, 1) : (line, column + 1);
        }

        return (marked.Replace("«", "", StringComparison.Ordinal), places);
    }
}
