using KafkaOracleOrleans.Processing.Definition.Shapes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>The section <c>steps</c>.</summary>
internal static class StepFormat
{
    private const long Day = 86_400_000;

    private static readonly Property<Located<string>> Id =
        Prop.Required("id", Forms.Id("a step's id"), "The step's id.");

    private static readonly Property<Located<string>> From = Prop.Optional(
        "from", ScalarRules.Text("a step's id", 200), "The step it reads, or source; default: the step before it.");

    private static readonly Property<IReadOnlyList<Located<string>>> GroupBy = Prop.Optional(
        "groupBy", new ListShape<Located<string>>("a list of fields", Forms.FieldName(), max: 32),
        "The fields of the group key; left out: one group of all rows. NULL is a value of its own.");

    private static readonly Property<IReadOnlyList<Named<Located<string>>>> Aggregates = Prop.Required(
        "aggregates",
        new MapShape<Located<string>>(
            "a mapping of fields to aggregates", Forms.FieldName(),
            ScalarRules.Text("an aggregate such as sum(amount)"), min: 1),
        "field: aggregate, for example orders: count(), revenue: sum(total).");

    private static readonly Property<Located<long>> Shards = Prop.Optional(
        "shards", ScalarRules.Integer(1, 4096),
        "Into how many owners the group keys are cut; default 8. Fixed for the life of the state.");

    private static readonly Property<Located<GrainPer>> Grain = Prop.Optional(
        "grainPer", Forms.GrainPer(), "key (default) or group(n): how group keys are spread over grains.");

    /// <summary>
    /// Any step. Comes after the properties it is made of: fields are initialised in the order written.
    /// </summary>
    public static TaggedShape<StepDefinition> Step { get; } = new(
        "a step", "type", Broken,
        ("map", MakeMap()),
        ("filter", MakeFilter()),
        ("quality", MakeQuality()),
        ("dedup", MakeDedup()),
        ("lookup", MakeLookup()),
        ("window", MakeWindow()),
        ("aggregate", MakeAggregate()),
        ("explode", MakeExplode()),
        ("custom", MakeCustom()));

    private static ObjectShape<StepDefinition> Make(
        string type, string what, Func<ObjectReader, StepHead, StepDefinition> build, params Property[] properties)
    {
        var tag = Prop.Required("type", new WordShape<bool>((type, true)), "What the step does.");
        return new ObjectShape<StepDefinition>(
            type + "Step", what, [Id, tag, From, .. properties],
            read => build(read, new StepHead(read.Get(Id), read.Find(From), read.Node)));
    }

    private static BrokenStepDefinition Broken(TextNode node)
    {
        var id = (node as MapNode)?.Find("id")?.Value as ScalarNode;
        return new BrokenStepDefinition(new StepHead(
            id is null ? new Located<string>("", node, Faulty: true) : new Located<string>(id.Text, id), null, node));
    }

    private static ObjectShape<StepDefinition> MakeMap()
    {
        var set = Prop.Optional(
            "set", new MapShape<Located<string>>("a mapping of fields to expressions", Forms.FieldName(),
                ScalarRules.Expression(), min: 1),
            "Fields by expressions, in order; an expression sees the fields set before it.");
        var rename = Prop.Optional(
            "rename", new MapShape<Located<string>>("a mapping of old to new names", Forms.FieldName(),
                Forms.FieldName(), min: 1),
            "OLD: NEW, after set.");
        var drop = Prop.Optional(
            "drop", new ListShape<Located<string>>("a list of fields", Forms.FieldName(), min: 1),
            "Fields to leave out, after set.");
        return Make(
            "map", "a map step",
            (read, head) => new MapStepDefinition(head, read.Find(set) ?? [], read.Find(rename) ?? [],
                read.Find(drop) ?? []),
            set, rename, drop);
    }

    private static ObjectShape<StepDefinition> MakeFilter()
    {
        var where = Prop.Required("where", ScalarRules.Expression(),
            "Rows for which it is true go on; false and NULL are left out.");
        return Make("filter", "a filter step", (read, head) => new FilterStepDefinition(head, read.Get(where)), where);
    }

    private static ObjectShape<StepDefinition> MakeQuality()
    {
        var action = MakeAction();
        var check = Prop.Required("check", ScalarRules.Expression(), "What must be true; false and NULL fail.");
        var severity = Prop.Optional(
            "severity", new WordShape<bool>(("error", false), ("warn", true)),
            "error (default), or warn: only counted, or tagged.");
        var ruleAction =
            Prop.Optional("onFail", action, "What happens to rows that fail this rule; default: the step's.");
        var full = new ObjectShape<QualityRuleDefinition>("rule", "a rule", [check, severity, ruleAction], read =>
            new QualityRuleDefinition(read.Get(check), read.Find(severity), read.Find(ruleAction)));
        var brief = ScalarRules.Expression().Select((text, _) => new QualityRuleDefinition(text, null, null));
        var rules = Prop.Required(
            "rules",
            new MapShape<QualityRuleDefinition>(
                "a mapping of rules", Forms.FieldName(),
                new EitherShape<QualityRuleDefinition>("an expression, or a mapping with 'check'", brief, full),
                min: 1),
            "NAME: expression, or NAME: { check, severity, onFail }. The first failing rule decides.");
        var onFail = Prop.Optional(
            "onFail", action, "quarantine (default), drop, tag (adds quality_RULE fields), or route: SINK.");
        var stopIf = Prop.Optional("stopIf", MakeStopIf(), "Stops the pipeline when too many rows fail.");
        return Make(
            "quality", "a quality step",
            (read, head) => new QualityStepDefinition(head, read.Get(rules), read.Find(onFail), read.Find(stopIf)),
            rules, onFail, stopIf);
    }

    private static EitherShape<QualityActionDefinition> MakeAction()
    {
        var word = new WordShape<QualityAction>(
            ("quarantine", QualityAction.Quarantine), ("drop", QualityAction.Drop), ("tag", QualityAction.Tag));
        var route = Prop.Required("route", Forms.Id("a sink's id"), "The sink rows that fail go to.");
        return new EitherShape<QualityActionDefinition>(
            "quarantine, drop, tag, or { route: SINK }",
            word.Select((a, node) => new QualityActionDefinition(a.Value, null, node, a.Faulty)),
            new ObjectShape<QualityActionDefinition>("route", "'onFail'", [route], read =>
            {
                var target = read.Get(route);
                return new QualityActionDefinition(QualityAction.Route, target, read.Node, target.Faulty);
            }));
    }

    private static ObjectShape<StopIfDefinition> MakeStopIf()
    {
        var ratio = Prop.Required("failedRatio", ScalarRules.Number(0, 1), "Failed rows by all rows, 0 to 1.");
        var over = Prop.Required("over", ScalarRules.Duration(1000, Day), "The event-time span looked at.");
        var min = Prop.Optional("minRecords", ScalarRules.Integer(1, 1_000_000_000),
            "Fewer rows prove nothing; default 1000.");
        return new ObjectShape<StopIfDefinition>("stopIf", "'stopIf'", [ratio, over, min], read =>
            new StopIfDefinition(read.Get(ratio), read.Get(over), read.Find(min)));
    }

    private static ObjectShape<StepDefinition> MakeDedup()
    {
        var key = Prop.Required(
            "key", new ListShape<Located<string>>("a list of fields", Forms.FieldName(), min: 1, max: 32),
            "The fields that make an id.");
        var within = Prop.Required("within", ScalarRules.Duration(1, 366 * Day),
            "For how long (event time) an id is remembered.");
        var scope = Prop.Optional(
            "scope", new WordShape<bool>(("partition", false), ("global", true)),
            "partition: the same id always comes in the same partition (default; KOR2061 warns when nothing says so). global: it may not.");
        var cellBy = Prop.Optional(
            "cellBy", new WordShape<bool>(("id", false), ("message_key", true)),
            "scope: partition only. id (default): an id is found whatever its message key. message_key: an id always comes with the same message key.");
        var grain = Prop.Optional("grainPer", Forms.GrainPer(),
            "scope: partition only. group(n): how many grains ids are spread over; default group(8). With cellBy: message_key also key (default): a grain for each message key.");
        var shards = Prop.Optional("shards", ScalarRules.Integer(1, 4096),
            "scope: global only. Into how many owners the ids are cut; default 4. Fixed for the life of the state.");
        return Make(
            "dedup", "a dedup step",
            (read, head) => new DedupStepDefinition(
                head, read.Get(key), read.Get(within), read.Find(scope), read.Find(grain), read.Find(shards)) { ByMessageKey = read.Find(cellBy) },
            key, within, scope, cellBy, grain, shards);
    }

    private static ObjectShape<StepDefinition> MakeLookup()
    {
        var connection = Prop.Required("connection", Forms.Connection(),
            "A database connection of the host's configuration.");
        var table = Prop.Required("table", Forms.Table(), "The table, or SCHEMA.TABLE.");
        var on = Prop.Required(
            "on", new MapShape<Located<string>>("a mapping of columns to fields", Forms.Column(), Forms.FieldName(),
                min: 1, max: 16),
            "COLUMN: field. Together they identify one row; where a key has several, `onMultiple` says what happens.");
        var type = Prop.Optional("type", Forms.Type(), "The added field's type; default string.");
        var column = Prop.Required("column", Forms.Column(), "The table's column.");
        var full = new ObjectShape<LookupColumnDefinition>("lookupColumn", "an added field", [column, type], read =>
            new LookupColumnDefinition(read.Get(column), read.Find(type)));
        var brief = Forms.Column().Select((c, _) => new LookupColumnDefinition(c, null));
        var add = Prop.Required(
            "add",
            new MapShape<LookupColumnDefinition>(
                "a mapping of fields to columns", Forms.FieldName(),
                new EitherShape<LookupColumnDefinition>("a column, or a mapping with 'column'", brief, full), min: 1),
            "field: COLUMN, or field: { column, type }.");
        var cache = Prop.Optional("cache", MakeCache(), "How long rows are kept: a duration, or a mapping.");
        var missing = Prop.Optional(
            "onMissing",
            new WordShape<OnMissing>(("keep", OnMissing.Keep), ("drop", OnMissing.Drop),
                ("quarantine", OnMissing.Quarantine)),
            "Rows that find nothing: keep (default; the added fields are NULL), drop or quarantine.");
        var preload = Prop.Optional("preload", ScalarRules.Boolean(),
            "true reads the whole table at start, and again when `ttl` is over. Keys of uuid, citext and the like that are not found as they are written are still asked for one by one. Default false.");
        var multiple = Prop.Optional(
            "onMultiple",
            new WordShape<OnMultiple>(("quarantine", OnMultiple.Quarantine), ("first", OnMultiple.First), ("all", OnMultiple.All)),
            "A record whose key has several rows (1,000 at most): quarantine (default; KOR4051), first (of `orderBy`), or all: a row for each, told apart by KOR_POSITION.");
        var orderBy = Prop.Optional(
            "orderBy", new ListShape<Located<string>>("a list of added fields", ScalarRules.Text("an added field, with 'desc' behind it perhaps", 200), min: 1, max: 16),
            "Which row is first, for `onMultiple: first` and `all`: fields of `add`, each with `desc` perhaps. NULL comes last. Default: the newest by `asOf`, then the added fields.");
        var asOf = MakeAsOf();
        return Make(
            "lookup", "a lookup step",
            (read, head) => new LookupStepDefinition(
                head, read.Get(connection), read.Get(table), read.Get(on), read.Get(add),
                read.Find(cache) ?? CacheDefinition.Default,
                read.Or(missing, OnMissing.Keep), read.Or(preload, false))
            {
                OnMultiple = read.Find(multiple), OrderBy = read.Find(orderBy) ?? [], AsOf = read.Find(asOf),
            },
            connection, table, on, add, cache, missing, preload, multiple, orderBy, asOf);
    }

    private static Property<AsOfDefinition> MakeAsOf()
    {
        var from = Prop.Required("from", Forms.Column(), "The column that says from when on a row is valid; NULL: since ever.");
        var to = Prop.Optional("to", Forms.Column(), "The column that says before when; NULL: still. Without `to` a row is valid until the next one of its key begins.");
        return Prop.Optional(
            "asOf", new ObjectShape<AsOfDefinition>("asOf", "'asOf'", [from, to], read => new AsOfDefinition(read.Get(from), read.Find(to))),
            "Only rows that are valid at the record's event time count: columns with times (UTC where they have no zone).");
    }

    private static EitherShape<CacheDefinition> MakeCache()
    {
        var byDefault = CacheDefinition.Default;
        var ttl = Prop.Optional("ttl", ScalarRules.Duration(0, 30 * Day), "How long a found row is kept; default 5m.");
        var miss = Prop.Optional("missTtl", ScalarRules.Duration(0, 30 * Day), "How long a miss is kept; default 1m.");
        var rows = Prop.Optional("rows", ScalarRules.Integer(1, 10_000_000), "How many keys are kept; default 100000.");
        var full = new ObjectShape<CacheDefinition>("cache", "'cache'", [ttl, miss, rows], read =>
        {
            var found = read.Or(ttl, byDefault.For);
            return new CacheDefinition(
                found, read.Or(miss, Math.Min(found, byDefault.MissesFor)), (int)read.Or(rows, byDefault.Rows));
        });
        var brief = ScalarRules.Duration(0, 30 * Day).Select(
            (d, _) => byDefault with { For = d.Value, MissesFor = Math.Min(d.Value, byDefault.MissesFor) });
        return new EitherShape<CacheDefinition>("a duration, or a mapping", brief, full);
    }

    private static ObjectShape<StepDefinition> MakeWindow()
    {
        var window = Prop.Required(
            "window", MakeWindowKinds(),
            "{ tumbling: 5m }, { hopping: 5m, every: 1m }, { session: 30m } or { calendar: day, zone: ... }.");
        var lateness = Prop.Optional(
            "allowedLateness", ScalarRules.Duration(0, 30 * Day),
            "How long after its end a window still takes records; default 0s.");
        return Make(
            "window", "a window step",
            (read, head) => Aggregation(read, head, read.Get(window), read.Find(lateness)),
            [window, lateness, .. AggregationKeys]);
    }

    private static Property[] AggregationKeys => [GroupBy, Aggregates, Shards, Grain];

    private static WindowStepDefinition Aggregation(
        ObjectReader read, StepHead head, WindowDefinition window, Located<long>? lateness) =>
        new(head, window, lateness, read.Find(GroupBy) ?? [], read.Get(Aggregates), read.Find(Shards),
            read.Or(Grain, default));

    private static ObjectShape<StepDefinition> MakeAggregate() => Make(
        "aggregate", "an aggregate step",
        (read, head) => Aggregation(
            read, head,
            new WindowDefinition(null, null, null, null, null, null, null, null, read.Node) { IsRunning = true }, null),
        AggregationKeys);

    private static ObjectShape<WindowDefinition> MakeWindowKinds()
    {
        var span = ScalarRules.Duration(1, 366 * Day);
        var tumbling = Prop.Optional("tumbling", span, "The size of windows side by side.");
        var hopping = Prop.Optional("hopping", span, "The size of windows that overlap; needs 'every'.");
        var every = Prop.Optional("every", span, "How far apart hopping windows start; divides their size.");
        var offset = Prop.Optional("offset", ScalarRules.Duration(0, 366 * Day),
            "Shifts the start of tumbling and hopping windows.");
        var session = Prop.Optional("session", span, "The gap that ends a session.");
        var maxLength = Prop.Optional("maxLength", span, "The longest session; default 24h.");
        var calendar = Prop.Optional(
            "calendar",
            new WordShape<CalendarUnit>(
                ("hour", CalendarUnit.Hour), ("day", CalendarUnit.Day), ("week", CalendarUnit.Week),
                ("month", CalendarUnit.Month), ("quarter", CalendarUnit.Quarter), ("year", CalendarUnit.Year)),
            "Windows of a calendar unit: hour, day, week (from Monday), month, quarter or year.");
        var zone = Prop.Optional("zone", ScalarRules.Text("a time zone such as Europe/Vienna", 100),
            "The calendar's time zone; default UTC.");
        return new ObjectShape<WindowDefinition>(
            "window", "'window'", [tumbling, hopping, every, offset, session, maxLength, calendar, zone], read =>
                new WindowDefinition(
                    read.Find(tumbling), read.Find(hopping), read.Find(every), read.Find(offset), read.Find(session),
                    read.Find(maxLength), read.Find(calendar), read.Find(zone), read.Node, Faulty: read.IsMissing));
    }

    private static ObjectShape<StepDefinition> MakeExplode()
    {
        var field = Prop.Required("field", Forms.FieldName(), "The field of type json with the array (or, with 'key', the object); or a string, with 'split'. It is left out of the rows.");
        var path = Prop.Optional("path", Forms.Path(), "Where in the field the array stands: order.lines, or a list of names.");
        var fields = Prop.Optional(
            "fields", new MapShape<FieldDefinition>("the items' fields", Forms.FieldName(), SourceFormat.Field, min: 1),
            "The fields of items that are objects, as in source.fields.");
        var item = Prop.Optional("item", Forms.FieldName(), "A field for the whole item.");
        var itemType = Prop.Optional("itemType", Forms.Type(), "The type of 'item'; default json.");
        var key = Prop.Optional("key", Forms.FieldName(), "The field is an object: its entries are the items, and this is the field of an entry's name.");
        var position = Prop.Optional("position", Forms.FieldName(), "A field for the item's place in its record, from 1.");
        var split = Prop.Optional(
            "split", new WordShape<bool>(("lines", true)), "lines: the field is a string, each line that is not blank is an item in JSON.");
        var empty = Prop.Optional(
            "empty", new WordShape<bool>(("drop", false), ("keep", true)),
            "Records without items (an empty or missing array, null): drop (default; counted as filtered) or keep (one row, NULL in place of an item).");
        var most = Prop.Optional("maxItems", ScalarRules.Integer(1, 100_000), "A record with more items is refused; default 1000.");
        return Make(
            "explode", "an explode step",
            (read, head) => new ExplodeStepDefinition(
                head, read.Get(field), read.Find(path) ?? [], read.Find(fields) ?? [], read.Find(item), read.Find(itemType), read.Find(key), read.Find(position),
                read.Find(split), read.Or(empty, false), (int)read.Or(most, ExplodeStepDefinition.DefaultMaxItems)),
            field, path, fields, item, itemType, key, position, split, empty, most);
    }

    private static ObjectShape<StepDefinition> MakeCustom()
    {
        var name = Prop.Required("name", ScalarRules.Text("a transform's name", 200),
            "A transform registered in the host.");
        var options = Prop.Optional(
            "options", new MapShape<Located<string>>("a mapping of options", ScalarRules.Text("a name", 200),
                ScalarRules.Anything("a value")),
            "Handed to the transform.");
        var add = Prop.Optional(
            "add", new MapShape<Located<FieldType>>("a mapping of fields to types", Forms.FieldName(), Forms.Type()),
            "The fields the transform adds: field: type.");
        return Make(
            "custom", "a custom step",
            (read, head) => new CustomStepDefinition(head, read.Get(name), read.Find(options) ?? [],
                read.Find(add) ?? []),
            name, options, add);
    }
}
