using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Definition.Shapes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// The format of pipeline files: every key, its form, and what it is for. Read top down from <see cref="Pipeline"/>.
/// </summary>
internal static class PipelineFormat
{
    /// <summary>The version of the format this code reads.</summary>
    public const string ApiVersion = "kor/v1";

    public static ObjectShape<PipelineDefinition> Pipeline { get; } = MakePipeline();

    private static ObjectShape<PipelineDefinition> MakePipeline()
    {
        var version = Prop.Required("apiVersion", new WordShape<bool>((ApiVersion, true)),
            "The version of the format.");
        var name = Prop.Required("name", Forms.Id("a pipeline's name"),
            "The pipeline's name; part of grain ids, groups and metrics.");
        var description = Prop.Optional("description", ScalarRules.Text("a text"), "What the pipeline is for.");
        var owner = Prop.Optional("owner", ScalarRules.Text("a text", 200), "Who answers for it.");
        var source = Prop.Required("source", SourceFormat.Source, "Where records come from and what they are.");
        var steps = Prop.Optional(
            "steps", new ListShape<StepDefinition>("a list of steps", StepFormat.Step, max: 100),
            "What happens to records. A step reads the step before it unless it says 'from'.");
        var sinks = Prop.Required(
            "sinks", new ListShape<SinkDefinition>("a list of sinks", SinkFormat.Sink, min: 1, max: 50),
            "Where rows go.");
        var quarantine = Prop.Optional(
            "quarantine", SinkFormat.Quarantine,
            "Where refused records go. Left out: a table beside the engine's state.");
        return new ObjectShape<PipelineDefinition>(
            "pipeline", "a pipeline", [version, name, description, owner, source, steps, sinks, quarantine], read =>
            {
                _ = read.Get(version);
                _ = read.Find(owner);
                return new PipelineDefinition
                {
                    Name = read.Get(name),
                    Description = read.Find(description),
                    Source = read.Get(source),
                    Steps = read.Find(steps) ?? [],
                    Sinks = read.Get(sinks),
                    Quarantine = read.Find(quarantine),
                    Node = read.Node,
                };
            });
    }
}

/// <summary>The section <c>source</c>.</summary>
internal static class SourceFormat
{
    private const long Day = 86_400_000;

    private static ObjectShape<SourceDefinition> MakeSource()
    {
        var kafka = Prop.Required("kafka", MakeKafka(), "The topics.");
        var format = Prop.Required(
            "format",
            new WordShape<SourceFormatKind>(
                ("json", SourceFormatKind.Json), ("csv", SourceFormatKind.Csv), ("string", SourceFormatKind.String),
                ("debezium", SourceFormatKind.Debezium), ("json_schema", SourceFormatKind.JsonSchema), ("avro", SourceFormatKind.Avro)),
            "How values are written: json, csv, string, avro, debezium (changes of a table, in Avro where 'registry' or 'schema' is given, else in JSON; fields are of the row), or json_schema (JSON behind the id of a schema registry, which is not asked).");
        var registry = Prop.Optional(
            "registry", Forms.Connection(), "Avro: a schema registry of the host's configuration (Kor:Registries). Values begin with the id of their schema, or a header has it.");
        var schema = Prop.Optional(
            "schema", ScalarRules.Text("an Avro schema, or the name of a file .avsc beside the pipeline", SchemaFiles.MaxBytes),
            "Avro: the schema the pipeline reads by, as JSON or as a file beside it. With 'registry', records of other versions are converted to it; without, it is the records' own. Fields may be left out then.");
        var unknownSchema = Prop.Optional(
            "unknownSchema", new WordShape<bool>(("wait", false), ("quarantine", true)),
            "Records of a schema that the registry does not have: wait (default; the partition waits and says so) or quarantine.");
        var debezium = Prop.Optional("debezium", MakeDebezium(), "What becomes of rows that were deleted.");
        var csv = Prop.Optional("csv", MakeCsv(), "How CSV lines are cut.");
        var fields = Prop.Optional(
            "fields",
            new MapShape<FieldDefinition>("the source's fields", Forms.FieldName(), Field, min: 1),
            "The fields to decode: 'name: type', or a mapping with type, path, from, default, required, pattern. Only with 'schema' they may be left out: then they are those of the schema.");
        var eventTime = Prop.Optional("eventTime", MakeEventTime(), "Which time windows and dedup go by.");
        var tombstones = Prop.Optional(
            "tombstones",
            new WordShape<TombstonePolicy>(
                ("skip", TombstonePolicy.Skip), ("delete", TombstonePolicy.Delete),
                ("quarantine", TombstonePolicy.Quarantine)),
            "Records without a value: skip (default), delete (see deleteOnTombstone of sinks) or quarantine.");
        var limits = Prop.Optional("limits", MakeLimits(), "What a value may not exceed.");
        return new ObjectShape<SourceDefinition>(
            "source", "the source", [kafka, format, registry, schema, unknownSchema, csv, debezium, fields, eventTime, tombstones, limits], read =>
            {
                if (!read.IsMissing && !read.Has(fields) && !read.Has(schema))
                    read.Note("KOR1021", read.Node, $"the source needs the key 'fields' ({fields.Shape.What}); with format avro or debezium, 'schema' (an Avro schema, or a file .avsc beside the pipeline) may stand in its place");
                var limit = read.Find(limits) ?? (SourceFormatSpec.DefaultMaxValueBytes,
                    SourceFormatSpec.DefaultMaxDepth).AsLimits();
                return new SourceDefinition
                {
                    Kafka = read.Get(kafka),
                    Format = read.Get(format),
                    Csv = read.Find(csv),
                    Debezium = read.Find(debezium),
                    Fields = read.Find(fields) ?? [],
                    Registry = read.Find(registry),
                    Schema = read.Find(schema),
                    UnknownSchema = read.Find(unknownSchema),
                    EventTime = read.Find(eventTime),
                    Tombstones = read.Or(tombstones, TombstonePolicy.Skip),
                    MaxValueBytes = limit.MaxValueBytes,
                    MaxDepth = limit.MaxDepth,
                    Node = read.Node,
                };
            });
    }

    private static ObjectShape<KafkaDefinition> MakeKafka()
    {
        var topic = Forms.Topic();
        var topics = Prop.Required(
            "topics",
            new EitherShape<IReadOnlyList<Located<string>>>(
                "a list of topics",
                new ListShape<Located<string>>("a list of topics", topic, min: 1),
                topic.Select<IReadOnlyList<Located<string>>>((one, _) => one.Faulty ? [] : [one])),
            "Topics by name, or by a regular expression that begins with '^'.");
        var connection = Prop.Required("connection", Forms.Connection(),
            "A Kafka connection of the host's configuration.");
        var start = Prop.Optional(
            "start", Forms.Start(),
            "Where reading starts when there is no checkpoint: earliest (default), latest or a time. Partitions and topics that appear later are read from their beginning.");
        var group = Prop.Optional(
            "group", ScalarRules.Text("a consumer group", 255),
            "The consumer group for offset commits; default kor-NAME.");
        var isolation = Prop.Optional(
            "isolation",
            new WordShape<bool>(("read_committed", true), ("read_uncommitted", false)),
            "read_committed (default) leaves aborted transactions out.");
        return new ObjectShape<KafkaDefinition>(
            "kafka", "'kafka'", [connection, topics, start, group, isolation], read => new KafkaDefinition(
                read.Get(connection), read.Get(topics), read.Find(start), read.Find(group), read.Or(isolation, true),
                read.Node));
    }

    private static ObjectShape<DebeziumDefinition> MakeDebezium()
    {
        var deletes = Prop.Optional(
            "deletes", new WordShape<DebeziumDeletes>(("delete", DebeziumDeletes.Delete), ("mark", DebeziumDeletes.Mark), ("skip", DebeziumDeletes.Skip)),
            "delete (default): sinks with deleteOnTombstone delete the row of the key, others take no notice. mark: the row as it was goes on, with true in 'deletedField'. skip: left out.");
        var field = Prop.Optional("deletedField", Forms.FieldName(), "deletes: mark. A boolean field, true for rows that were deleted.");
        return new ObjectShape<DebeziumDefinition>(
            "debezium", "'debezium'", [deletes, field], read => new DebeziumDefinition(read.Find(deletes), read.Find(field), read.Node));
    }

    private static ObjectShape<CsvDefinition> MakeCsv()
    {
        var character = Forms.AsciiCharacter();
        var delimiter = Prop.Optional("delimiter", character, "The character between values; default ','.");
        var quote = Prop.Optional("quote", character, "The character around values; default '\"'.");
        var columns = Prop.Optional(
            "columns",
            new ListShape<Located<string>>("a list of column names", ScalarRules.Text("a column's name", 200), min: 1),
            "The names of the values of a line, in order; default: the fields in order.");
        var ragged = Prop.Optional(
            "ragged", new WordShape<bool>(("refuse", false), ("allow", true)),
            "Lines with fewer or more values than columns: refuse (default; the record goes to quarantine) or allow (missing; not looked at).");
        var header = Prop.Optional(
            "header", new WordShape<bool>(("none", false), ("skip", true)),
            "Lines that consist of the columns' names (case and spaces around do not count): none (default; they are records) or skip (counted as filtered).");
        return new ObjectShape<CsvDefinition>(
            "csv", "'csv'", [delimiter, quote, columns, ragged, header],
            read => new CsvDefinition(
                read.Find(delimiter), read.Find(quote), read.Find(columns), read.Or(ragged, false), read.Or(header, false)));
    }

    /// <summary>A field of records or of items.</summary>
    public static EitherShape<FieldDefinition> Field { get; } = MakeField();

    /// <summary>The section itself. Comes after the fields it is made of.</summary>
    public static ObjectShape<SourceDefinition> Source { get; } = MakeSource();

    private static EitherShape<FieldDefinition> MakeField()
    {
        var type = Prop.Required("type", Forms.Type(), "The field's type.");
        var from = Prop.Optional(
            "from", Forms.Origin(),
            "Which part of the record it comes from: value (default), key, header(NAME) (of several the last), topic, partition, offset or kafka_timestamp; with format debezium also envelope (path: op, ts_ms, source.table ...).");
        var path = Prop.Optional(
            "path", Forms.Path(),
            "Where it stands: customer.address.city, or a list of names; default: the field's name.");
        var byDefault = Prop.Optional(
            "default", ScalarRules.Anything("a value"),
            "What stands in when it is missing. An explicit null stays NULL.");
        var required = Prop.Optional(
            "required", ScalarRules.Boolean(), "true: a record without it is refused. Default false.");
        var pattern = Prop.Optional(
            "pattern", ScalarRules.Text("a pattern", 100),
            "Times: iso (default), epoch_s, epoch_ms, epoch_us, epoch_ns, epoch_days, or a .NET pattern such as 'yyyy-MM-dd HH:mm:ss'.");
        var zone = Prop.Optional(
            "zone", ScalarRules.Text("a time zone such as Europe/Vienna", 100),
            "Timestamps that say no offset are clock times of this zone. A time that the clocks skip counts on from before the change (02:30 becomes 03:30); of two it is the first. Default: UTC.");
        var lenient = Prop.Optional("lenient", ScalarRules.Boolean(), "Strings: true takes JSON numbers and booleans as they are written. Default false.");
        var encoding = Prop.Optional(
            "encoding", new WordShape<bool>(("text", false), ("base64", true)),
            "Decimals: text (default), or base64 of the unscaled value (Kafka Connect's Decimal in JSON; the scale is the type's).");
        var full = new ObjectShape<FieldDefinition>(
            "field", "a field", [type, from, path, byDefault, required, pattern, zone, lenient, encoding], read =>
            {
                var source = read.Find(from);
                return new FieldDefinition(
                    read.Get(type), source is { Faulty: false } ? source.Value.Origin : FieldOrigin.Value, read.Find(path), read.Find(byDefault),
                    read.Or(required, false), read.Find(pattern))
                {
                    Source = source, Zone = read.Find(zone), Lenient = read.Find(lenient), Base64 = read.Find(encoding),
                };
            });
        var brief = Forms.Type().Select((t, _) => new FieldDefinition(t, FieldOrigin.Value, null, null, false, null));
        return new EitherShape<FieldDefinition>("a type, or a mapping with 'type'", brief, full);
    }

    private static EitherShape<EventTimeDefinition> MakeEventTime()
    {
        var field = Prop.Optional("field", Forms.FieldName(),
            "A timestamp or date field; default: the Kafka timestamp.");
        var outOfOrder = Prop.Optional(
            "maxOutOfOrder", ScalarRules.Duration(0, 30 * Day),
            "How far behind the newest a record may come; default 30s.");
        var idle = Prop.Optional(
            "idleAfter", ScalarRules.Duration(100, Day),
            "When a silent partition no longer holds windows back; default 1m.");
        var ahead = Prop.Optional(
            "maxAhead", ScalarRules.Duration(0, 365 * Day),
            "How far one record may move the watermark before others confirm its time; default 5m, 0 is no limit.");
        var full = new ObjectShape<EventTimeDefinition>(
            "eventTime", "'eventTime'", [field, outOfOrder, idle, ahead], read => new EventTimeDefinition(
                read.Find(field), read.Find(outOfOrder), read.Find(idle), read.Find(ahead), read.Node));
        var kafka = new WordShape<bool>(("kafka", true)).Select((_, node) =>
            new EventTimeDefinition(null, null, null, null, node));
        return new EitherShape<EventTimeDefinition>("a mapping with 'field', or the word kafka", full, kafka);
    }

    private static ObjectShape<ValueLimits> MakeLimits()
    {
        var bytes = Prop.Optional("maxValueBytes", ScalarRules.Bytes(1, 1 << 30), "The longest value; default 1MiB.");
        var depth = Prop.Optional("maxDepth", ScalarRules.Integer(1, 1000), "The deepest JSON value; default 64.");
        return new ObjectShape<ValueLimits>("limits", "'limits'", [bytes, depth], read => new ValueLimits(
            (int)read.Or(bytes, SourceFormatSpec.DefaultMaxValueBytes),
            (int)read.Or(depth, SourceFormatSpec.DefaultMaxDepth)));
    }

    private static ValueLimits AsLimits(this (int Bytes, int Depth) limits) => new(limits.Bytes, limits.Depth);

    private sealed record ValueLimits(int MaxValueBytes, int MaxDepth);
}

/// <summary>The sections <c>sinks</c> and <c>quarantine</c>.</summary>
internal static class SinkFormat
{
    public static ObjectShape<SinkDefinition> Sink { get; } = MakeSink();

    public static ObjectShape<QuarantineDefinition> Quarantine { get; } = MakeQuarantine();

    private static ObjectShape<SinkDefinition> MakeSink()
    {
        var id = Prop.Required("id", Forms.Id("a sink's id"), "The sink's id.");
        var from = Prop.Optional(
            "from", ScalarRules.Text("what the sink reads", 200),
            "A step, or a side output: STEP.late, STEP.duplicates, STEP.quarantined, quarantined. "
            + "Left out only by sinks that rows are routed to.");
        var connection = Prop.Required("connection", Forms.Connection(),
            "A database connection of the host's configuration.");
        var table = Prop.Required("table", Forms.Table(), "The table, or SCHEMA.TABLE.");
        var mode = Prop.Optional(
            "mode", new WordShape<SinkVerb>(("append", SinkVerb.Append), ("upsert", SinkVerb.Upsert), ("update", SinkVerb.Update)),
            "append: insert only; a row whose key is there already is left alone. upsert: insert or update by key. update: change rows that are there, make none. "
            + "Default: upsert for windows, append for records.");
        var missing = Prop.Optional(
            "missing", new WordShape<bool>(("null", false), ("keep", true)),
            "upsert and update: what NULL does to a column that has a value. null (default) replaces it, keep leaves it, so that a record with some of the fields changes just these.");
        var keys = Prop.Optional(
            "keys", new ListShape<Located<string>>("a list of columns", Forms.Column(), min: 1, max: 32),
            "The key columns.");
        var revision = Prop.Optional("revision", Forms.Column(),
            "A column that guards updates: a row replaces the stored one unless its revision is lower; NULL is the lowest.");
        var columns = Prop.Optional("columns", MakeColumns(),
            "COLUMN: field, or a list of fields; default: every field.");
        var metadata = Prop.Optional("metadata", ScalarRules.Boolean(),
            "true adds KOR_ columns: topic, partition, offset, times, version.");
        var create = Prop.Optional("create", ScalarRules.Boolean(),
            "true creates the table when it is missing. Default false.");
        var types = Prop.Optional(
            "types", new MapShape<Located<string>>("a mapping of columns to types", Forms.Column(), ScalarRules.Text("a type such as NUMBER(12,2)", 200), min: 1),
            "COLUMN: type, as the database names it, perhaps with NOT NULL: NUMBER(12,2), VARCHAR2(100 CHAR) NOT NULL. For a table or column that is made; default: the field's.");
        var indexes = Prop.Optional(
            "indexes", new ListShape<IReadOnlyList<Located<string>>>("a list of lists of columns", new ListShape<Located<string>>("a list of columns", Forms.Column(), min: 1, max: 32), min: 1, max: 16),
            "[[COLUMN, ...], ...]: indexes that are made with the table, besides the key's.");
        var evolve = Prop.Optional("evolve", MakeEvolve(),
            "add-columns (or true): columns that the table lacks are added to it. Default none (or false).");
        var flush = Prop.Optional("flush", MakeFlush(), "When rows are written.");
        var delete = Prop.Optional(
            "deleteOnTombstone", ScalarRules.Boolean(),
            "true: a record without a value deletes the row of its key. Default false.");
        var reject = Prop.Optional(
            "onReject", new WordShape<bool>(("quarantine", false), ("stop", true)),
            "A row the database refuses for ever: quarantine (default) or stop the pipeline.");
        return new ObjectShape<SinkDefinition>(
            "sink", "a sink",
            [id, from, connection, table, mode, missing, keys, revision, columns, metadata, create, types, indexes, evolve, flush, delete,
                reject],
            read => new SinkDefinition
            {
                Id = read.Get(id),
                From = read.Find(from),
                Connection = read.Get(connection),
                Table = read.Get(table),
                Mode = read.Find(mode),
                KeepMissing = read.Find(missing),
                Types = read.Find(types) ?? [],
                Indexes = read.Find(indexes) ?? [],
                Keys = read.Find(keys),
                Revision = read.Find(revision),
                Columns = read.Find(columns),
                Metadata = read.Or(metadata, false),
                Create = read.Or(create, false),
                Evolve = read.Or(evolve, false),
                Flush = read.Find(flush) ?? SinkDefinition.DefaultFlush,
                DeleteOnTombstone = read.Find(delete),
                StopOnReject = read.Or(reject, false),
                Node = read.Node,
            });
    }

    private static ScalarShape<bool> MakeEvolve() => new(
        "add-columns or none", false, (string text, out bool value, out string? reason) =>
        {
            value = text is "add-columns" or "true";
            reason = Suggestions.Nearest(text, ["add-columns", "none"]) is { } near ? $"did you mean {near}?" : null;
            return value || text is "none" or "false";
        },
        () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject { ["type"] = "boolean" },
                new JsonObject { ["type"] = "string", ["pattern"] = @"^(add-columns|none|true|false|.*\$\{.*\}.*)$" }),
        });

    private static EitherShape<IReadOnlyList<Named<Located<string>>>> MakeColumns()
    {
        var field = Forms.FieldName();
        var map = new MapShape<Located<string>>("a mapping of columns to fields", Forms.Column(), field, min: 1);
        var list = new ListShape<Located<string>>("a list of fields", field, min: 1)
            .Select<IReadOnlyList<Named<Located<string>>>>((fields, _) =>
                [.. fields.Select(f => new Named<Located<string>>(f, f))]);
        return new EitherShape<IReadOnlyList<Named<Located<string>>>>(
            "a mapping of columns to fields, or a list of fields", map, list);
    }

    private static ObjectShape<FlushPlan> MakeFlush()
    {
        var byDefault = SinkDefinition.DefaultFlush;
        var rows = Prop.Optional("rows", ScalarRules.Integer(1, 100_000), "At so many rows; default 5000.");
        var bytes = Prop.Optional("bytes", ScalarRules.Bytes(1024, 1 << 30), "At so many bytes; default 4MiB.");
        var interval = Prop.Optional("interval", ScalarRules.Duration(1, 3_600_000), "After so long; default 1s.");
        return new ObjectShape<FlushPlan>("flush", "'flush'", [rows, bytes, interval], read => new FlushPlan(
            (int)read.Or(rows, byDefault.Rows), read.Or(bytes, byDefault.Bytes),
            read.Or(interval, byDefault.IntervalMs)));
    }

    private static ObjectShape<QuarantineDefinition> MakeQuarantine()
    {
        var connection = Prop.Optional("connection", Forms.Connection(),
            "The database of the table; default: the engine's state, or no table when kafka is given.");
        var table = Prop.Optional("table", Forms.Table(), "The table; default KOR_QUARANTINE.");
        var keep = Prop.Optional("keepFor", ScalarRules.Duration(60_000, Durations.Max),
            "How long records are kept, those that sinks refused too; at least 1m, default: Kor:Quarantine:KeepFor of the host, 30 days unless set.");
        var kafka = Prop.Optional("kafka", MakeQuarantineTopic(),
            "A topic that gets the records that steps refuse, with the reason in headers; beside the table, or instead of it. Rows a sink's database refuses lie in that database.");
        return new ObjectShape<QuarantineDefinition>(
            "quarantine", "'quarantine'", [connection, table, keep, kafka], read => new QuarantineDefinition(
                read.Find(connection), read.Find(table), read.Find(keep), read.Find(kafka), read.Node));
    }

    private static ObjectShape<QuarantineTopicDefinition> MakeQuarantineTopic()
    {
        var connection = Prop.Required("connection", Forms.Connection(),
            "A Kafka connection of the host's configuration.");
        var topic = Prop.Required("topic", Forms.Topic(), "The topic, which exists; no pattern.");
        return new ObjectShape<QuarantineTopicDefinition>(
            "quarantineTopic", "'quarantine.kafka'", [connection, topic],
            read => new QuarantineTopicDefinition(read.Get(connection), read.Get(topic)));
    }
}
