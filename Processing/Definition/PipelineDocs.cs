using System.Text;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>Writes docs/pipelines.md, the reference of pipeline files, from the same description that reads them.</summary>
public static class PipelineDocs
{
    private static readonly (string Part, string Title)[] Sections =
    [
        ("pipeline", "The file"),
        ("source", "source"),
        ("kafka", "source.kafka"),
        ("field", "source.fields.NAME"),
        ("eventTime", "source.eventTime"),
        ("csv", "source.csv"),
        ("debezium", "source.debezium"),
        ("limits", "source.limits"),
        ("mapStep", "steps: map"),
        ("filterStep", "steps: filter"),
        ("qualityStep", "steps: quality"),
        ("rule", "A rule of a quality step"),
        ("stopIf", "quality.stopIf"),
        ("dedupStep", "steps: dedup"),
        ("lookupStep", "steps: lookup"),
        ("cache", "lookup.cache"),
        ("asOf", "lookup.asOf"),
        ("windowStep", "steps: window"),
        ("window", "window.window"),
        ("aggregateStep", "steps: aggregate"),
        ("explodeStep", "steps: explode"),
        ("customStep", "steps: custom"),
        ("sink", "sinks"),
        ("flush", "sinks.flush"),
        ("quarantine", "quarantine"),
        ("quarantineTopic", "quarantine.kafka"),
    ];

    /// <summary>The reference in Markdown.</summary>
    public static string Markdown()
    {
        var schema = JsonNode.Parse(PipelineReader.JsonSchema())!;
        var text = new StringBuilder(Introduction);
        foreach (var (part, title) in Sections)
        {
            text.Append("\n## ").Append(title).Append("\n\n| key | | |\n|---|---|---|\n");
            var definition = schema["definitions"]![part]!;
            var required = definition["required"]?.AsArray().Select(r => r!.GetValue<string>()).ToHashSet() ?? [];
            foreach (var (key, value) in definition["properties"]!.AsObject())
            {
                var description = value!["description"]!.GetValue<string>().Replace("|", "\\|", StringComparison.Ordinal);
                text.Append("| `").Append(key).Append("` | ").Append(required.Contains(key) ? "required" : "");
                text.Append(" | ").Append(description).Append(" |\n");
            }
        }

        text.Append("\n## Aggregates\n\n| call | takes | gives |\n|---|---|---|\n");
        foreach (var info in AggregateTyping.All)
        {
            text.Append("| `").Append(info.Name).Append(Arguments(info)).Append("` | ");
            text.Append(AggregateTyping.Takes(info.Kind)).Append(" | ").Append(info.Description).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Arguments(AggregateInfo info)
    {
        if (info.Name == "count") return "()";
        if (!info.Parameter.IsTaken) return "(expr)";
        if (info.Parameter.IsFraction) return "(expr, p)";
        return info.Parameter.Default is null ? "(expr, n)" : "(expr[, n])";
    }

    private const string Introduction = """
        # Pipeline files

        Generated from `Processing/Definition`; editors complete the format by `pipelines/pipeline.schema.json`
        (`# yaml-language-server: $schema=...`). YAML, or JSON in a file that ends in `.json`.

        - Nothing is typed by its looks: `NO`, `1h` and `10:30` are text until a key gives them a form.
        - Spans of time are `500ms`, `30s`, `5m`, `1h`, `2d`, `1h30m`; sizes are bytes, `64KiB`, `1MiB`.
        - `${NAME}` and `${NAME:default}` are replaced inside values, after parsing; `$${` is a literal `${`. Between `{ }` such a value
          needs quotes. Passwords do not belong here: connections are in the host's configuration.
        - Anchors, aliases and merge keys (`<<`) work, tags do not. Unknown and repeated keys are errors.
        - Types: `boolean`, `integer` (64 bit), `decimal(p,s)` (p up to 28), `double`, `string`, `timestamp`, `date`, `bytes` (base64), `json`.

        **Where a record came from.** A field comes from the value, the key, a header (`from: header(trace-id)`, of several with one name the last), or is
        the record's `topic`, `partition`, `offset` or `kafka_timestamp`. Headers are texts of the field's type, `bytes` as they are; an integer of the Kafka
        timestamp is its milliseconds. Such fields are in deletions too. `eventTime: kafka` takes the Kafka timestamp for the event time.

        **One record, many rows.** `explode` makes a row of each item of an array, each entry of an object (`key`) or each line of a string (`split: lines`; with
        `format: string` that is NDJSON in one record, and a json field of such a record a top-level array). The rows have the record's other fields, its event
        time and its place in the log; appended rows are told apart by `KOR_POSITION` too, so that they are in the table once each. A record counts once whatever
        becomes of its rows: one refused item refuses the record, and the others of its rows with it; it is late when one of its rows is. An id that comes twice
        in one record is a duplicate the second time. One explode step may stand on the way to a sink.

        **Clock times.** Timestamps without an offset are UTC, or the clock times of `zone: Europe/Vienna`. A clock time that the zone skips counts on from before
        the change (02:30 on the day in spring is 03:30); of one that comes twice the first is meant. Zones of fields, windows and functions follow the rules
        that come with this build, whatever tables the machine has.

        **Changes of Debezium.** `format: debezium` takes the row out of the envelope: in Avro, where `registry` or `schema` is given, else in JSON, with the schema beside it or without. Paths are of the row; `from: envelope`
        with a path (`op`, `ts_ms`, `source.table`, `source.snapshot`) takes what stands around it. Created, updated and snapshot rows come from `after`. Deleted
        ones (`op: d`) come from `before`: sinks with `deleteOnTombstone` delete the row of their key, which may be fields of the row; `debezium: { deletes: mark,
        deletedField: NAME }` writes them with a mark instead, as far as `before` holds them (REPLICA IDENTITY FULL). The tombstone that follows is skipped.
        A truncate is refused (KOR4061), messages (`op: m`) are left out. Times: `io.debezium.time.Date` and Connect's `Date` are dates with `pattern: epoch_days`;
        `Timestamp`, `MicroTimestamp` and `NanoTimestamp` are timestamps with `epoch_ms`, `epoch_us` and `epoch_ns`; `ZonedTimestamp` needs no pattern. Decimals:
        `encoding: base64` for `decimal.handling.mode: precise`, nothing for `string` and `double`.

        **Schema registries.** Records of the JSON Schema serializers are `format: json_schema`: the id of the schema before value and key is taken off (or is in a
        header, as newer clients write it), the registry is not asked, and the fields are those declared here. `format: avro` with `registry` gets each record's
        schema by its id and takes the fields from it; with `schema` (JSON, or a file .avsc beside the pipeline) the pipeline reads by that schema, by Avro's rules of
        resolution, and `fields` may be left out. [patterns/avro.md](patterns/avro.md) has the types and what happens when something is wrong. Protobuf is not read; a
        JSON source that meets the wire format says so (KOR4063).

        **CSV.** A record is one line, quoted as RFC 4180 has it. `csv: { header: skip }` leaves out lines that consist of the columns' names (counted as filtered).

        **What makes a row unique at a sink.** Rows of windows: the `groupBy` fields and `window_start`; updates are guarded by
        `revision`, which is added as a column when `columns` leaves it out. Running totals: the `groupBy` fields, with the same revision.
        Records in mode `append` without `keys`: the columns `KOR_TOPIC`, `KOR_PARTITION`, `KOR_OFFSET`, which are added (late rows:
        `window_start` too); so a repeated insert changes nothing, and is counted as `already`, not as written. Should the table hold
        another row there, as when the topic was deleted and made again, the sink stops (KOR5111). Records in mode `upsert`: the declared
        `keys`. Two sinks of one table must both declare `keys` (KOR2041), also when they are sinks of different pipelines (KOR2063); only
        pipelines that append records of different topics may share a table without. Keys that are certain to be equal in both are refused;
        where that shows only in the data, an appended row whose key the shared table holds with other values goes to quarantine (KOR5113).
        Between pipelines, and where one sink appends two rows of one declared key, such rows are left alone and counted: `kor_sink_differing_total`.

        **Revisions.** In mode `upsert` with `revision` a row replaces the stored one of its key unless its revision is lower. NULL is the
        lowest revision; of equal ones the later row counts; texts are compared by their bytes (not on Oracle, where a text is refused as
        revision). A deleted key forgets its revision. The table ends the same however rows are cut into writes.

        **The order of rows.** The table ends as if a sink had written its rows one by one. A row that is refused for other rows (a unique
        value that is taken, a parent that is missing) is tried again after the others, and then for 30 s at most
        (`retry.otherRowsWait` of the connection) before it goes to quarantine; waits in vain halve that, down to 1 s. Between sinks
        there is no order. A value that does not fit goes to quarantine at once, however many there are.

        **When rows are written.** `flush` says it: at so many rows or bytes, or when the oldest has waited for `interval`. A checkpoint of
        the partition waits for that, and a replay after a crash is longer by as much; it does not wait once 200,000 records have been read
        since, when more is buffered than `Kor:Engine:SinkBufferBytes`, or when the partition stops.

        **NULL in keys.** In `groupBy`, NULL is a value of its own and gets its own windows. Key columns of a table cannot hold NULL, so
        such rows would be refused there and go to quarantine; KOR2020 warns. Declare the field `required`, check `IS NOT NULL` before, or
        put `COALESCE(field, 'none')` in a map step.

        **Side outputs** that a sink can read: `STEP.late` (the input's fields, `window_start`, `window_end`, `late_by_ms`, `late_reason`),
        `STEP.duplicates` (the input's fields), `STEP.quarantined`, `source.quarantined` and `quarantined` for all (`place`, `code`,
        `reason`, `record_key`, `record_value`). A sink named in `onFail: { route: SINK }` gets the fields of the quality step's input,
        and `failed_rules`: the names of the rules the row failed, with commas between.

        **Dedup** holds an id for `within` of event time: 28 bytes a claim and 5 to 10 bytes of index, under 40 bytes for each id
        remembered, whatever the ids look like (128-bit hashes are kept). Ids are forgotten an eighth of `within` at a time, so that
        memory is bounded by the ids of `within` + `maxOutOfOrder` and that eighth. The first record with an id wins, however often it is
        replayed; one with the same id and another value is a duplicate too, and counted on its own. A record whose key fields are all
        NULL has no id and passes.

        Within a partition an id is found whatever its message key: ids are spread over a fixed number of cells by a hash of the id (`grainPer: group(n)`, 8 by
        default; the number may be changed, the ids are sorted anew when the pipeline starts). Where producers always send an id with the same message key,
        `cellBy: message_key` makes a grain for each message key instead (or `group(n)` of them), which can be looked at one by one; copies with another key pass
        then. That the declaration is wrong is found by looking at one id in 16: `kor_dedup_cell_by_violations_total` counts, and an event names the step.
        State that version 0.1 kept by message key is taken over: an upgrade forgets no id. There is no way back but a reset.

        A record is a duplicate when a record with its id that was read before it was accepted, and their event times are at most `within` apart,
        whichever of them is the earlier one.

        **Which scope.** The default, one partition, is right when the same id always comes in the same partition: when the message key is the id, or what it
        belongs to (the order's customer). KOR2061 warns when nothing says so; `scope: partition` says it. It costs memory only. Everything else, and what Spark's
        `dropDuplicates` did, is `scope: global`.

        With `scope: global` an id is looked for in all partitions: for producers that do not key by what the id belongs to, or re-send to
        another partition. The copy that is read first wins, also when it is late for its window and the other copy would not have been. What was decided is stored before it has
        an effect, so that a replay gets the same answers: every batch waits for a transaction of each shard, which takes most of a low rate's latency and
        little at a high one, where batches are large. Ids are kept until the slowest partition that is not idle has passed them by `within`;
        a partition that comes back later than that finds copies of its own only.

        **Windows** are half-open, `[window_start, window_end)`, and lie on multiples of their size (plus `offset`) since 1970, before it
        too. Calendar windows follow the clocks of their zone: a day with a change has 23 or 25 hours, and an hour that the clocks show twice is two windows.
        A record is late for a window when the watermark of its own partition, as of that record, had reached the window's end plus `allowedLateness`;
        one in between fires the window again, with the next `revision`. A record can be late for the first of its hopping windows and in time for
        others: it counts in those, as absorbed, and `kor_window_partly_late_total` counts it. `late_reason` of `STEP.late` is `watermark`, or `idle`
        where the partition was taken for idle and the window closed without it.

        **Sessions.** Records of a key that lie less than the gap apart are one session, in whatever order they come. A record is late when its
        partition's watermark had reached its time plus the gap plus `allowedLateness`, unless it lies within a session that records of the same
        partition make and that is not over. `maxLength` ends a session that never falls silent: the record that would make it longer begins the next
        one. Which record that is can depend on the order in which partitions are read, when a key comes in several and reaches `maxLength`. A session
        whose row was written and that is merged into another, or begins earlier, is withdrawn: a sink in mode `upsert` whose key has `window_start`
        deletes the row; in the others it gets a last revision with `window_end` = `window_start`, counts of 0 and NULL. A session is kept for a gap
        longer than it is open, so one can be written again even with `allowedLateness: 0s`: a late record that is in time by itself bridges it and the next.

        Records of the first and last days of the calendar (years 1 and 9999) whose windows would reach beyond it are refused (KOR4046).

        **C# steps.** A step of type `custom` names an `IRecordTransform` that the host registers: five lines and a class.

        ```csharp
        var builder = Host.CreateApplicationBuilder(args);
        builder.AddKafkaOracleOrleans();
        builder.AddRecordTransform<Score>();      // Score.Name is what the pipeline's `name` says
        builder.Build().Run();
        ```

        `Prepare` sees the step's fields and options and is called when the pipeline is taken in; the delegate it gives works on one record: it
        sets fields, drops the record, or refuses it with a reason. An exception refuses that record and nothing else. What it gives must
        follow from the record and the options alone, since records come again after a crash.

        **Window rows** have the `groupBy` fields, `window_start`, `window_end`, the aggregates and `revision`; they go to sinks only.

        """;
}
