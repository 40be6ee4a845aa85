namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR2xxx: what a pipeline file means.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] MeaningErrors() =>
    [
        new(
            "KOR2001",
            "Duplicate id",
            "Ids of steps and sinks name grains, state, metrics and tables' lanes; each is used once, by steps "
                + "and sinks together.",
            "steps:\n  - { id: a, type: filter, where: 'x > 1' }\n  - { id: a, type: filter, where: 'x > 2' }",
            "Rename one of them."),
        new(
            "KOR2002",
            "Unknown step",
            "'from' or 'route' names something the pipeline does not have.",
            "sinks:\n  - { id: s, from: clena, connection: dwh, table: T }",
            "Correct the name."),
        new(
            "KOR2003",
            "Unknown field",
            "The field does not exist at this point of the pipeline: it was never declared, or a step before "
                + "dropped or renamed it.",
            "key: [ordre_id]",
            "Correct the name; 'kor explain FILE' lists the fields of every step."),
        new(
            "KOR2004",
            "Steps in a circle",
            "Following 'from' leads back to the same step.",
            "steps:\n  - { id: a, type: filter, from: b, where: 'x > 1' }\n  - { id: b, type: filter, from: a, "
                + "where: 'x > 1' }",
            "Let one of them read a step outside of the circle."),
        new(
            "KOR2005",
            "A step's rows go nowhere",
            "No sink and no window reads the step, directly or through others: it would only cost time.",
            "steps:\n  - { id: unused, type: map, from: source, set: { a: '1' } }",
            "Read it from a sink or a step, or remove it."),
        new(
            "KOR2006",
            "The side output does not exist",
            "'late' belongs to window steps, 'duplicates' to dedup steps, 'quarantined' to every step and the "
                + "source. Side outputs can be read by sinks only.",
            "from: enrich.late",
            "Name an output the step has."),
        new(
            "KOR2007",
            "A step reads the rows of a window",
            "Window rows leave by the outbox of their shard and go to sinks only.",
            "steps:\n  - { id: w, type: window, window: { tumbling: 5m }, aggregates: { n: count() } }\n  - { "
                + "id: m, type: map, set: { k: n * 2 } }",
            "Give the step a 'from' that is before the window, compute inside the aggregates: sum(n * 2), or use a view "
                + "in the database."),
        new(
            "KOR2008",
            "Duplicate field or column",
            "Two fields, or two columns of a table, have the same name; databases do not tell names apart by "
                + "case.",
            "set: { total: a }\nrename: { b: total }",
            "Rename one of them, or take it out."),
        new(
            "KOR2009",
            "The name is reserved",
            "quarantined and source are inputs of sinks and steps; window_start, window_end and revision are "
                + "added to window rows; KOR_ columns are the engine's.",
            "- { id: source, type: map }",
            "Choose another name. A field of the source finds its value by 'path': began_at: { type: timestamp, path: window_start }. A column of a table is renamed "
                + "with the sink's 'columns'."),
        new(
            "KOR2010",
            "The event-time field does not fit",
            "The event time is a timestamp or date field of the source.",
            "fields: { at: string }\neventTime: { field: at }",
            "Declare the field as a timestamp (with a pattern if needed), or name another."),
        new(
            "KOR2011",
            "A window without event time",
            "Windows are cut by event time, so the source must say what that is.",
            "source: { kafka: ..., fields: ... }   # no eventTime",
            "Add eventTime: { field: ... }, or eventTime: kafka for the Kafka timestamp."),
        new(
            "KOR2012",
            "The window does not fit together",
            "A window is exactly one of tumbling, hopping, session and calendar; 'every' belongs to hopping and "
                + "must divide its size into at most 10,000 parts, 'maxLength' to session, 'zone' to calendar. "
                + "What a key may have open at once (size, maxOutOfOrder, maxAhead and allowedLateness together) is at most 1,000,000 windows.",
            "window: { hopping: 5m, every: 2m }",
            "Follow the message."),
        new(
            "KOR2013",
            "The time zone is not known",
            "Zones are IANA names and must be known on the machine that checks and on those that run.",
            "window: { calendar: day, zone: Vienna }",
            "Write it as in the IANA list, for example Europe/Vienna."),
        new(
            "KOR2014",
            "The remembered span is shorter than the disorder allowed",
            "A duplicate may come maxOutOfOrder late; ids forgotten before that let it through.",
            "eventTime: { field: t, maxOutOfOrder: 1h }\n...\nwithin: 10m",
            "Make 'within' at least as long as maxOutOfOrder."),
        new(
            "KOR2015",
            "The aggregate is malformed",
            "An aggregate is one call such as sum(amount), nothing before or after it.",
            "revenue: sum(amount) / 2",
            "Compute before, in a map step, or inside: sum(amount / 2)."),
        new(
            "KOR2016",
            "Unknown aggregate",
            "Aggregates are a fixed set.",
            "revenue: summ(amount)",
            "Use one of those listed."),
        new(
            "KOR2017",
            "The aggregate does not fit the type",
            "Each aggregate takes certain types only.",
            "x: sum(customer_id)   # a string",
            "Cast the argument, or use another aggregate."),
        new(
            "KOR2018",
            "The aggregate's argument is missing, superfluous or out of range",
            "percentile takes a share between 0 and 1, top_k, collect and count_distinct a bound.",
            "p: percentile(amount, 95)",
            "Follow the message."),
        new(
            "KOR2019",
            "The type does not fit a key",
            "Keys are compared byte by byte across restarts: doubles and json are not.",
            "groupBy: [payload]   # json",
            "Use another field, or cast it in a map step."),
        new(
            "KOR2020",
            "A key column may be NULL",
            "Key columns of tables cannot hold NULL: rows with NULL in this field will be refused and go to "
                + "quarantine. In a group key, NULL is a value of its own.",
            "groupBy: [customer_id]",
            "Declare the field 'required: true', check it with a rule field IS NOT NULL, or replace NULL by "
                + "COALESCE(field, 'none') in a map step."),
        new(
            "KOR2021",
            "Upsert without keys",
            "To update a row the sink must know which; rows of windows are keyed by groupBy and window_start, "
                + "records have no key of their own.",
            "- { id: s, from: clean, connection: dwh, table: T, mode: upsert }",
            "Add keys: [COLUMN, ...], or use mode: append."),
        new(
            "KOR2022",
            "The key or revision column does not exist",
            "Keys and the revision name columns of the sink.",
            "columns: { ID: order_id }\nkeys: [ORDER_ID]",
            "Name a column the sink has; without 'columns' those are the fields' names."),
        new(
            "KOR2023",
            "Deletes cannot work here",
            "deleteOnTombstone needs source.tombstones: delete, an upsert sink of records (no window in "
                + "between), and key columns that come from the Kafka key (from: key), because a tombstone has no "
                + "value.",
            "- { id: s, mode: upsert, keys: [ID], deleteOnTombstone: true }",
            "Follow the message."),
        new(
            "KOR2024",
            "A rule that only warns cannot remove rows",
            "severity: warn counts, or tags with onFail: tag.",
            "r: { check: 'a > 1', severity: warn, onFail: drop }",
            "Use severity: error, or onFail: tag."),
        new(
            "KOR2025",
            "The sink rows are routed to is wrong",
            "A route ends at one sink, which reads nothing else: it says no 'from', or STEP.routed.",
            "onFail: { route: clean }   # and clean has from: customer",
            "Give the routed rows a sink of their own: it says no 'from', or from: STEP.routed."),
        new(
            "KOR2026",
            "The sink says not what it reads",
            "A sink without 'from' must be the target of a route.",
            "- { id: s, connection: dwh, table: T }",
            "Add from: STEP, or route rows to it: onFail: { route: SINK } of a quality step."),
        new(
            "KOR2027",
            "The default does not fit the field's type",
            "The default is converted like a value of the field.",
            "amount: { type: 'decimal(12,2)', default: none }",
            "Write a value of the type, a time in the field's pattern (ISO 8601 without one)."),
        new(
            "KOR2028",
            "The field's options do not fit together",
            "pattern belongs to timestamps and dates; path to json and avro; a key field of csv and string formats is "
                + "the whole key.",
            "name: { type: string, pattern: epoch_ms }",
            "Follow the message. Patterns are .NET's: yyyy MM dd HH mm ss fff zzz (months are MM, minutes mm; hh needs tt)."),
        new(
            "KOR2029",
            "The connection is not known",
            "Connections are defined in the host's configuration, not in pipelines.",
            "connection: dhw",
            "Correct the name, or add the connection to the host's configuration."),
        new(
            "KOR2030",
            "The transform is not registered",
            "C# transforms are registered in the host by name.",
            "type: custom, name: Scroe",
            "Correct the name, or register it."),
        new(
            "KOR2033",
            "A CSV column is not known",
            "A field of a CSV source names a column that csv.columns does not list.",
            "csv: { columns: [a, b] }\nfields: { c: string }",
            "Correct the name, or add the column."),
        new(
            "KOR2034",
            "The aggregates of a step repeat a name",
            "An aggregate has the name of a groupBy field or of a field the engine adds.",
            "groupBy: [n], aggregates: { n: count() }",
            "Rename the aggregate."),
        new(
            "KOR2035",
            "A quarantine that cannot work",
            "A quarantine topic must be a topic of its own, which neither the source's topics nor its patterns name; and 'table' and 'keepFor' belong to a table.",
            "quarantine: { kafka: { connection: main, topic: orders } } in a pipeline that reads orders",
            "Name a topic that the pipeline does not read; add 'connection' to keep the records in a database as well."),
        new(
            "KOR2036",
            "A property of the other scope",
            "A dedup step spreads its ids by 'grainPer' and 'cellBy' (scope: partition) or by 'shards' (scope: global).",
            "{ type: dedup, key: [id], within: 1h, scope: global, grainPer: group(64) }",
            "Take the property out, or change the scope."),
        new(
            "KOR2060",
            "A grain per message key for ids that may come with any key",
            "A grain for each message key knows the ids that came with that key only. Unless the pipeline says that an id always comes with the same "
                + "message key, ids are spread over grains by the id.",
            "{ type: dedup, key: [id], within: 1h, scope: partition, grainPer: key }",
            "Add cellBy: message_key if producers always send an id with the same message key, or leave 'grainPer' out."),
        new(
            "KOR2061",
            "Nothing says where copies of an id come",
            "By default an id is looked for in its own partition: cheap, and right when the same id always comes in the same partition, as it does when the "
                + "message key is (part of) the id. A copy that comes in another partition or topic passes. dropDuplicates of Spark looks in all of them.",
            "- { id: unique, type: dedup, key: [order_id], within: 1h }   # and nothing says that the topic is keyed by order_id",
            "Write scope: global to look in all partitions and topics (every batch then waits for a transaction of each of its shards); or scope: partition, or "
                + "cellBy: message_key, if the same id always comes in the same partition; or declare the whole message key as a field (from: key) and make it part of the dedup key."),
        new(
            "KOR2062",
            "Pipelines that read each other's quarantine",
            "The quarantine topic of one pipeline is read by another one, whose own quarantine topic comes back to the first. A record that none of them takes goes round for ever.",
            "a.yaml: topics: [orders, b-bad], quarantine topic a-bad; b.yaml: topics: [a-bad], quarantine topic b-bad",
            "Send the quarantine of one of them to another topic, or to a table (quarantine: { connection: ... })."),
        new(
            "KOR2063",
            "Pipelines that write one table without keys of their own",
            "A row of one pipeline would be taken for a row of the other and be lost, or be written over it: rows are told apart by the place of their record in the log, or by "
                + "group and window, unless 'keys' are declared. Pipelines that append the records of different topics may share a table as they are.",
            "a.yaml and b.yaml: topics: [orders], { id: rows, connection: dwh, table: ORDERS, mode: append }",
            "Give each a table of its own. A table without its schema counts as that of any schema, and connections of two names that lead to one database as one: write "
                + "the schema in both where they are two tables. Or declare 'keys' in both sinks that tell their rows apart; if nothing else does, set a field with the pipeline's name in a map step "
                + "and make it one of the keys."),
        new(
            "KOR2065",
            "Explode step that does not fit",
            "An explode step makes a row of each item of an array in a json field, of each entry of an object ('key'), or of each line of a string ('split: lines'). Behind it a record has "
                + "several rows, which are told apart by KOR_POSITION.",
            "field: amount, where amount is a decimal",
            "Declare the field as json in the source, and give the step 'fields' or 'item'. Deduplicate with 'scope: global' before the step, and explode one array on the way to a sink."),
        new(
            "KOR2075",
            "Lookup of several rows that does not fit",
            "Where a key of a lookup has several rows, 'onMultiple' says what becomes of them and 'orderBy' which is the first. With 'all' a record has several rows, which are told apart by KOR_POSITION: once on the "
                + "way to a sink.",
            "onMultiple: all behind an explode step; orderBy: [colour] where the step adds no field 'colour'",
            "Order by fields of 'add' with 'onMultiple: first' or 'all', and look up all rows before the step that makes several rows of a record."),
        new(
            "KOR2066",
            "An Avro source that cannot work",
            "Avro values are read by the schemas of a registry of the host's configuration, or by the schema of the pipeline: as JSON, or as the name of a file .avsc that lies beside the "
                + "pipeline or in a folder below. kor and the silo's folder put the file's text into the pipeline when they read it.",
            "format: avro without 'registry' and 'schema'; schema: ordres.avsc where there is no such file",
            "Name a registry (registry: main), or give the schema (schema: orders.avsc). Over the HTTP API send the schema's text, as 'kor apply' does."),
        new(
            "KOR2067",
            "The field does not go with the schema",
            "A declared field names what the pipeline's schema does not have, or has a type that cannot take the schema's.",
            "fields: { amonut: 'decimal(12,2)' } where the schema has 'amount'",
            "Follow the message: correct the path, or declare the type that the schema has; or leave 'fields' out, then they are those of the schema."),
        new(
            "KOR2041",
            "Sinks of one table without keys of their own",
            "Rows are told apart by the place of their record in the log, or by group and window, when a sink declares no 'keys'; two sinks "
                + "would then take each other's rows for their own.",
            "{ id: s1, from: m1, table: T } and { id: s2, from: m2, table: T }",
            "Give each a table of its own, or declare in each of the sinks 'keys' that tell its rows from those of the others, too (a field that says which sink a row is of, if nothing else does): "
                + "of two rows with equal keys only one stays. A table without its schema counts as that of any schema: write it in both."),
    ];
}
