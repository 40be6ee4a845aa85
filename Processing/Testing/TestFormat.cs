using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Definition.Shapes;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Whatever it is: kept as it was written.</summary>
internal sealed class AnyShape(string what) : Shape<TextNode>
{
    public override string What => what;

    public override bool Fits(TextNode node) => true;

    public override TextNode Read(TextNode node, DiagnosticBag diagnostics) => node;

    public override TextNode Missing(TextNode parent) => parent;

    public override JsonNode ToSchema(SchemaParts parts) => new JsonObject();

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node) => writer.WriteRawValue(NodeJson.ToUtf8(node));
}

/// <summary>The format of test files.</summary>
internal static class TestFormat
{
    private const long Year = 365L * 86_400_000;

    public static ObjectShape<TestFile> File { get; } = MakeFile();

    private static ObjectShape<TestFile> MakeFile()
    {
        var test = MakeTest();
        var pipeline = Prop.Optional("pipeline", ScalarRules.Text("a pipeline file", 1000), "The pipeline file, relative to this file.");
        var variables = Prop.Optional(
            "variables",
            new MapShape<Located<string>>("variables", ScalarRules.Text("a name", 200), ScalarRules.Anything("a value")),
            "What ${NAME} stands for in the pipeline.");
        var now = Prop.Optional("now", Time(), "Processing time at the start of every test. Default: records come at their event time.");
        var lookups = Prop.Optional("lookups", MakeLookups(), "Tables of lookup steps, by step.");
        var tests = Prop.Required("tests", new ListShape<TestCase>("a list of tests", test, min: 1, max: 10_000), "The tests.");
        return new ObjectShape<TestFile>(
            "tests", "a test file", [pipeline, variables, now, lookups, tests], read => new TestFile(
                read.Find(pipeline), read.Find(variables) ?? [], read.Find(now), read.Find(lookups) ?? [], read.Get(tests)));
    }

    private static ObjectShape<TestCase> MakeTest()
    {
        var name = Prop.Required("name", ScalarRules.Text("a sentence", 500), "What the test shows.");
        var pipeline = Prop.Optional("pipeline", ScalarRules.Text("a pipeline file", 1000), "Another pipeline than the file's.");
        var now = Prop.Optional("now", Time(), "Processing time at the start.");
        var lookups = Prop.Optional("lookups", MakeLookups(), "Tables of lookup steps; those of the file hold for other steps.");
        var given = Prop.Optional("given", new ListShape<TestAction>("a list of records and actions", MakeAction(), max: 100_000), "What comes in.");
        var expect = Prop.Required("expect", MakeExpectation(), "What must come out.");
        return new ObjectShape<TestCase>(
            "test", "a test", [name, pipeline, now, lookups, given, expect], read => new TestCase(
                read.Get(name), read.Find(pipeline), read.Find(now), read.Find(lookups) ?? [], read.Find(given) ?? [], read.Get(expect),
                read.Node));
    }

    private static MapShape<IReadOnlyList<TextNode>> MakeLookups() => new(
        "lookup tables", ScalarRules.Text("a step", 100),
        new ListShape<TextNode>("a list of rows", new AnyShape("a row: COLUMN: value"), max: 100_000));

    private static ObjectShape<TestAction> MakeAction()
    {
        var record = RecordKeys();
        var batch = Prop.Optional(
            "batch", new ListShape<TestRecord>("a list of records", RecordShape(), min: 1, max: 100_000),
            "Records of one partition that are polled together.");
        var advance = Prop.Optional(
            "advance", ScalarRules.Text("a duration or a time", 100), "Time passes without records, by a duration or up to a time.");
        var flush = Prop.Optional("flush", ScalarRules.Boolean(), "true: running totals go to their sinks, as at a checkpoint.");
        var close = Prop.Optional("close", ScalarRules.Boolean(), "true: time passes until every open window has closed.");
        return new ObjectShape<TestAction>(
            "given", "an entry of 'given'", [.. record.All, batch, advance, flush, close], read =>
            {
                if (read.Find(advance) is { } span) return Advance(span, read);
                if (read.Or(flush, false)) return new FlushAction();
                if (read.Or(close, false)) return new CloseAction();
                if (read.Find(batch) is { } records) return new SendAction(records);
                return new SendAction([record.Read(read)]);
            });
    }

    private static ObjectShape<TestRecord> RecordShape()
    {
        var keys = RecordKeys();
        return new ObjectShape<TestRecord>("record", "a record", keys.All, keys.Read);
    }

    private static RecordProps RecordKeys() => new(
        Prop.Optional("value", new AnyShape("the value"), "The value, as JSON: a mapping is an object."),
        Prop.Optional("raw", ScalarRules.Anything("a text"), "The value as a text, byte by byte: for what is no JSON."),
        Prop.Optional("bytes", Base64Text(), "The value in base64: for what is no text."),
        Prop.Optional("tombstone", ScalarRules.Boolean(), "true: the record has no value."),
        Prop.Optional("key", new AnyShape("the key"), "The key: a text, or a mapping that is a JSON object."),
        Prop.Optional(
            "headers", new MapShape<TextNode>("headers", ScalarRules.Text("a header's name", 200), new AnyShape("a text, or null")),
            "The headers: NAME: text. A mapping or list is written as JSON; null is a header without a value."),
        Prop.Optional("timestamp", Time(), "The Kafka timestamp. Default: processing time."),
        Prop.Optional("topic", ScalarRules.Text("a topic", 249), "The topic. Default: the pipeline's first."),
        Prop.Optional("partition", ScalarRules.Integer(0, 100_000), "The partition. Default: 0."),
        Prop.Optional("offset", ScalarRules.Integer(0, long.MaxValue - 1), "The offset. Default: the next one."));

    private static ObjectShape<Expectation> MakeExpectation()
    {
        var rowList = new ListShape<TextNode>("a list of rows", new AnyShape("a row: COLUMN: value"), max: 100_000)
            .Select((rows, node) => new ExpectedRows(rows, rows.Count, node));
        var count = ScalarRules.Integer(0, 1_000_000).Select((n, node) => new ExpectedRows(null, n.Value, node));
        var output = new EitherShape<ExpectedRows>("a list of rows, or how many there are", rowList, count);
        var number = ScalarRules.Integer(0, long.MaxValue);
        var rows = Prop.Optional(
            "rows", new MapShape<ExpectedRows>("rows by output", ScalarRules.Text("an output", 200), output),
            "By sink, the rows its table holds at the end; by STEP, STEP.late, STEP.duplicates, STEP.quarantined, quarantined or source, "
            + "the rows that came out. In any order; columns that are left out are not compared.");
        var counts = Prop.Optional(
            "counts", new MapShape<Located<long>>("counts", ScalarRules.Text("a count", 100), number),
            "consumed, absorbed, duplicate, late, filtered, quarantined.");
        var rules = Prop.Optional(
            "rules", new MapShape<Located<long>>("failures by rule", ScalarRules.Text("STEP.RULE", 200), number),
            "Failed rows of quality rules, by STEP.RULE.");
        var stops = Prop.Optional("stops", ScalarRules.Text("a part of the reason", 1000), "The pipeline stops, and the reason contains this.");
        var errors = Prop.Optional(
            "errors", new ListShape<Located<string>>("a list of codes", ScalarRules.Text("a code", 10), min: 1),
            "The pipeline is refused with exactly these codes.");
        return new ObjectShape<Expectation>(
            "expect", "'expect'", [rows, counts, rules, stops, errors], read => new Expectation(
                read.Find(rows) ?? [], read.Find(counts) ?? [], read.Find(rules) ?? [], read.Find(stops), read.Find(errors), read.Node));
    }

    private static AdvanceAction Advance(Located<string> span, ObjectReader read)
    {
        if (Durations.TryParse(span.Value, out var ms) && ms <= 10 * Year) return new AdvanceAction(ms, null, span.Node);
        if (Forms.IsIsoTime(span.Value, out var time)) return new AdvanceAction(null, time.ToUnixTimeMilliseconds(), span.Node);
        if (!span.Faulty) read.Note("KOR1012", span.Node, $"'{span.Value}' is neither a duration such as 10m nor a time such as 2026-01-31T10:00:00Z");
        return new AdvanceAction(0, null, span.Node);
    }

    private static ScalarShape<long> Time() => new(
        "a time such as 2026-01-31T10:00:00Z", 0, (string text, out long value, out string? reason) =>
        {
            reason = null;
            var found = Forms.IsIsoTime(text, out var time);
            value = time.ToUnixTimeMilliseconds();
            return found;
        },
        () => new JsonObject { ["type"] = "string", ["examples"] = new JsonArray("2026-01-31T10:00:00Z") });

    private static ScalarShape<string> Base64Text() => new(
        "base64", "", (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text, null);
            return Base64.IsValid(text);
        },
        () => new JsonObject { ["type"] = "string" });

    /// <summary>The keys of a record, which stand alone or in a batch.</summary>
    private sealed record RecordProps(
        Property<TextNode> Value, Property<Located<string>> Raw, Property<Located<string>> Bytes, Property<Located<bool>> Tombstone,
        Property<TextNode> Key, Property<IReadOnlyList<Named<TextNode>>> Headers, Property<Located<long>> Timestamp, Property<Located<string>> Topic, Property<Located<long>> Partition,
        Property<Located<long>> Offset)
    {
        public IReadOnlyList<Property> All => [Value, Raw, Bytes, Tombstone, Key, Headers, Timestamp, Topic, Partition, Offset];

        public TestRecord Read(ObjectReader read)
        {
            var forms = (Property[])[Value, Raw, Bytes, Tombstone];
            if (!read.IsMissing && forms.Count(read.Has) != 1)
                read.Note("KOR6002", read.Node, "a record has exactly one of value, raw, bytes and tombstone; an action is advance, flush, close or batch");
            return new TestRecord(
                ValueOf(read), read.Find(Key) is { } key ? KeyOf(key) : null, read.Find(Timestamp)?.Value, read.Find(Topic)?.Value,
                (int)read.Or(Partition, 0), read.Find(Offset)?.Value, read.Node)
            {
                Headers = read.Find(Headers)?.Select(h => KeyValuePair.Create(h.Name.Value, KeyOf(h.Value))).ToList(),
            };
        }

        private byte[]? ValueOf(ObjectReader read)
        {
            if (read.Find(Value) is { } value) return NodeJson.ToUtf8(value);
            if (read.Find(Raw) is { } raw) return Encoding.UTF8.GetBytes(raw.Value);
            return read.Find(Bytes) is { } bytes ? Convert.FromBase64String(bytes.Value) : null;
        }

        private static byte[]? KeyOf(TextNode key) => key switch
        {
            ScalarNode { IsNull: true } => null,
            ScalarNode text => Encoding.UTF8.GetBytes(text.Text),
            _ => NodeJson.ToUtf8(key),
        };
    }
}
