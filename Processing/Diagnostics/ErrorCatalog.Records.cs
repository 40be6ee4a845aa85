namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR4xxx: single records.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] RecordErrors() =>
    [
        new(
            "KOR4001",
            "Empty record",
            "The value (or the key that fields are read from) has no text at all, or only whitespace. "
                + "An empty text is no JSON and no CSV.",
            "An empty message body",
            "Let the producer send null for a deletion and an object for everything else."),
        new(
            "KOR4002",
            "Tombstone not allowed",
            "The record has no value, and the source's tombstone policy is quarantine; or the policy "
                + "is delete and the record has no key that says what to delete.",
            "A delete marker of a compacted topic",
            "Set tombstones: skip or delete at the source, or keep deletions out of the topic. "
                + "Deletions need a Kafka key."),
        new(
            "KOR4003",
            "Record too large",
            "The value is longer than the source's limit. It is refused before it is parsed.",
            "A 10 MB document where the limit is 1 MiB",
            "Raise limits: { maxValueBytes: ... } at the source when such records are meant, or let the producer send a "
                + "reference instead of the content."),
        new(
            "KOR4004",
            "Invalid UTF-8",
            "JSON is UTF-8. The bytes are something else, often Latin-1, a binary format, or a text "
                + "that was cut in the middle of a character.",
            "The bytes 4D FC 6C 6C 65 72 (Müller in Latin-1)",
            "Encode as UTF-8 at the producer. For Avro or Protobuf another format is needed."),
        new(
            "KOR4005",
            "Byte order mark",
            "The text begins with the bytes EF BB BF. RFC 8259 says that JSON must not have them, and "
                + "a CSV value would begin with them.",
            "EF BB BF 7B 7D",
            "Write UTF-8 without a byte order mark at the producer (in .NET: new "
                + "UTF8Encoding(false))."),
        new(
            "KOR4006",
            "Not JSON",
            "The text is not JSON as RFC 8259 has it. Comments, trailing commas, single quotes, NaN, "
                + "Infinity, leading zeros, a plus sign and control characters in strings are not JSON. The "
                + "byte offset says where it ends to be.",
            "{'amount': NaN,}",
            "Use a JSON library at the producer; NaN and Infinity become null or are left out."),
        new(
            "KOR4007",
            "Nested too deep",
            "Objects and arrays lie deeper in each other than the limit (64). Such texts are made to "
                + "exhaust parsers.",
            "[[[[ ... 65 times",
            "Flatten the record at the producer."),
        new(
            "KOR4008",
            "Not an object",
            "The text is valid JSON, but an array, a string, a number or a literal. Fields are "
                + "properties of one object.",
            "[{\"id\": 1}]",
            "Send one object per record; split arrays at the producer."),
        new(
            "KOR4009",
            "Text after the end",
            "After the JSON value there is more text. One record is one value.",
            "{\"id\":1}{\"id\":2}",
            "Send one object per record."),
        new(
            "KOR4010",
            "Required field missing",
            "The field is declared required, has no default, and the record does not have it.",
            "{} for order_id: { type: string, required: true }",
            "Give the field a default, take required away, or mend the producer."),
        new(
            "KOR4011",
            "Required field is null",
            "The field is declared required and the record says null. A default does not stand in for "
                + "an explicit null.",
            "{\"order_id\": null}",
            "Take required away, or mend the producer."),
        new(
            "KOR4012",
            "Wrong type",
            "The value is of a type that the field does not take; in Avro, the record's own schema says so. Strings of JSON do not become "
                + "booleans, numbers do not become strings; numbers as strings are taken by integer, "
                + "decimal and double fields.",
            "{\"active\": \"yes\"} for active: boolean",
            "Declare the field as what the producer sends and convert in a map step."),
        new(
            "KOR4013",
            "Not a number",
            "The text in place of a number is none. It must be written as JSON writes numbers: no "
                + "blanks, no thousands separators, a point, no plus sign.",
            "{\"amount\": \"1,299.00\"}",
            "Send a number, or declare a string and convert in a map step."),
        new(
            "KOR4014",
            "Not a 64-bit integer",
            "The number has digits other than zero after the point, or lies outside "
                + "-9223372036854775808 to 9223372036854775807. 1.0 and 1e3 are integers.",
            "{\"count\": 1.5}",
            "Declare decimal(p,s) or double."),
        new(
            "KOR4015",
            "Number outside decimal(p,s)",
            "A decimal takes at most p - s digits before the point and s after it. Nothing is ever "
                + "rounded on the way in; zeros at the end of the fraction do not count, so 1.500 fits "
                + "decimal(3,1).",
            "{\"amount\": 0.005} for decimal(12,2)",
            "Declare more digits, or round at the producer."),
        new(
            "KOR4016",
            "Number too large for a double",
            "The number is above about 1.8e308 and would become infinity.",
            "{\"value\": 1e400}",
            "Declare decimal, or mend the producer."),
        new(
            "KOR4017",
            "Not a time",
            "The text does not have the declared form of the timestamp or date. The default is ISO "
                + "8601: 2026-01-31T10:30:00.123456+01:00; without an offset it is UTC. Hour 24 and second "
                + "60 are not taken; digits beyond the microsecond are cut off.",
            "{\"created_at\": \"31.01.2026\"}",
            "Declare the form: 'pattern: epoch_ms' (also epoch_s, epoch_us, epoch_ns, epoch_days), or a pattern such as dd.MM.yyyy."),
        new(
            "KOR4018",
            "Time out of range",
            "The time lies outside the years 1 to 9999; often a number of microseconds where "
                + "milliseconds are declared.",
            "{\"ts\": 1767225600000000000} for epoch_ms",
            "Declare the unit the producer uses at the field: pattern: epoch_s, epoch_ms, epoch_us or epoch_ns."),
        new(
            "KOR4019",
            "U+0000 in a text",
            "The text has the character U+0000 (in JSON \\u0000). It is legal JSON, but neither "
                + "PostgreSQL nor C programs can hold it, so it is refused before it can get stuck in a "
                + "sink.",
            "{\"name\": \"a\\u0000b\"}",
            "Remove the character at the producer, or declare the field as bytes."),
        new(
            "KOR4020",
            "Invalid Unicode",
            "A text has half of a surrogate pair (\\uD83D without \\uDE00), or bytes that are not "
                + "UTF-8. It has no meaning and cannot be stored.",
            "{\"name\": \"\\uD83D\"}",
            "Cut texts between characters at the producer, not between UTF-16 units."),
        new(
            "KOR4021",
            "Not base64",
            "A bytes field takes base64 as RFC 4648 section 4 has it: A-Z a-z 0-9 + /, padded with =, "
                + "without line breaks.",
            "{\"payload\": \"not base64!\"}",
            "Encode at the producer; base64url has to be converted."),
        new(
            "KOR4022",
            "Not a boolean",
            "As text (CSV, keys, defaults) a boolean is true or false in any case, 1 or 0.",
            "yes",
            "Map the producer's words in a map step: active_text = 'yes'."),
        new(
            "KOR4023",
            "Not valid JSON text",
            "A json field of a CSV value, a key or a default must be valid JSON.",
            "{a:1}",
            "Quote the JSON text in the CSV value and double its quotes."),
        new(
            "KOR4030",
            "Not a CSV record",
            "The text is not one record as RFC 4180 has it: a quote inside an unquoted value, a "
                + "quoted value that does not end, text after a closing quote, or a line break outside "
                + "quotes. The byte offset says where.",
            "1,\"unfinished",
            "Quote values with delimiters, quotes or line breaks, double quotes inside, and send one "
                + "line per record."),
        new(
            "KOR4031",
            "Too few or too many values in a CSV line",
            "A line has one value for each column of the source, empty ones included. A line that is shorter or longer is most often cut off, or has a delimiter in a "
                + "value that is not quoted, and then values stand under the wrong names.",
            "10;a;1 for columns [id, name, amount, at]",
            "Mend the producer, list all columns in csv.columns, or write csv: { ragged: allow } to take what is missing as NULL and not look at what is too much."),
        new(
            "KOR4040",
            "No event time",
            "The event-time field is NULL, or the record has no Kafka timestamp. Without it the "
                + "record belongs to no window and to no dedup span.",
            "{\"created_at\": null}",
            "Make the field required with a default, or use the Kafka timestamp as event time."),
        new(
            "KOR4041",
            "Event time too far ahead",
            "The event time lies more than 1 h and more than maxAhead beyond the record's own Kafka timestamp: mostly a "
                + "wrong unit or a wrong field. Times less far ahead are taken, and move the watermark only when other "
                + "records confirm them (maxAhead).",
            "created_at: 2126-01-31 in a record that was sent in 2026",
            "Mend the producer's clock or unit, or raise maxAhead."),
        new(
            "KOR4042",
            "Quality rule failed",
            "The record fails a rule whose action is quarantine. A rule whose condition is NULL "
                + "fails.",
            "amount: -1 with the rule amount > 0",
            "Look at the record; mend the producer or the rule, then replay."),
        new(
            "KOR4043",
            "Lookup found nothing",
            "The lookup step found no row for the record's key, and its policy is quarantine.",
            "customer_id: C-404",
            "Add the row to the table and replay, or set onMissing: keep."),
        new(
            "KOR4044",
            "Transform refused the record",
            "A C# transform gave an error for this record.",
            "",
            "The reason is the transform's own; mend the record or the transform, then replay."),
        new(
            "KOR4045",
            "Transform failed",
            "A C# transform threw an exception for the batch; its records are quarantined one by one "
                + "with the exception's type.",
            "",
            "Look at the transform; it should report bad records instead of throwing."),
        new(
            "KOR4046",
            "Event time at the calendar's end",
            "The event time lies so near the beginning of year 1 or the end of year 9999 that a window over it "
                + "begins or ends beyond the calendar. Producers in .NET and Go write year 1 when a time was left unset.",
            "created_at: 0001-01-01T00:00:00Z in a step with hopping windows",
            "Mend the producer, or declare the field with a default or a map step that says which time is meant."),
        new(
            "KOR4047",
            "Value too long for an aggregate",
            "first, last, min, max and collect keep values of up to 256 KiB. A group that kept longer ones would grow without bound, and no database would "
                + "take its row.",
            "last(body) where body has 1 MB",
            "Aggregate a part of it, for example last(left(body, 1000)), or its hash: last(sha256(body))."),
        new(
            "KOR4048",
            "Group key too long",
            "The strings, bytes and JSON of groupBy have more than 4,096 bytes together. No database has so long a key, and every group would hold it.",
            "groupBy: [body]",
            "Group by what a map step makes of it: set: { body_id: sha256(body) }."),
        new(
            "KOR4049",
            "Nothing to explode",
            "The field of an explode step, or what its path leads to, is not an array (with 'key': not an object), or a line is not JSON. A missing value and null are records without items, not faults.",
            "{\"items\": 3}",
            "Mend the producer; or take such records out by a filter before the step, then replay."),
        new(
            "KOR4054",
            "Too many items",
            "A record has more items than the explode step takes at once: each becomes a row with the record's other fields.",
            "A record with 1,001 items, and no maxItems",
            "Raise the step's 'maxItems' (up to 100000), then replay."),
        new(
            "KOR4060",
            "No change of Debezium",
            "The source is of format debezium, and the value has no 'op' of c, u, r, d, t or m.",
            "A record that the transformation ExtractNewRecordState has flattened",
            "Use format: json for flattened records; or mend the connector, then replay."),
        new(
            "KOR4061",
            "Table truncated",
            "Debezium says that the table was truncated at its source. A pipeline does not empty tables.",
            "{\"op\":\"t\"}",
            "Empty the target by hand where that is meant; skipped.operations: t of the connector leaves such records out."),
        new(
            "KOR4062",
            "Change without its row",
            "A change that made, changed or read a row has no 'after', or one that deleted a row has no 'before'.",
            "A delete of a table without primary key",
            "Give the table a primary key or REPLICA IDENTITY FULL; or set debezium: { deletes: skip }, then replay."),
        new(
            "KOR4063",
            "Wire format of a schema registry",
            "The source is JSON, and the bytes begin with a zero byte and the id of a schema, as the serializers of Avro, Protobuf and JSON Schema write them.",
            "0x00 0x00 0x00 0x00 0x2A, then the value",
            "Where JSON follows, use format: json_schema; for Avro, format: avro with 'registry'. Protobuf is not read: let the producer or connector write JSON (JsonConverter of Kafka Connect), then replay."),
        new(
            "KOR4064",
            "No id of a schema",
            "The source reads Avro with a registry, and a value or key begins neither with a zero byte and the four bytes of an id, nor with 1 and a GUID; and no header "
                + "(__value_schema_id, __key_schema_id) has one.",
            "JSON in a topic of Avro",
            "Mend the producer: it has to write with a serializer of the registry. Values without ids, all of one schema, are read by 'schema' without 'registry'."),
        new(
            "KOR4065",
            "Bytes that are no value of their schema",
            "The bytes end too early, go on too long, or hold a length, a place in a union or a symbol that the schema does not have. The id is another schema's, or the bytes were cut.",
            "Three bytes for a record of two longs and a string",
            "Mend the producer; records that were written by another schema than their id says cannot be read by anybody."),
        new(
            "KOR4066",
            "A schema that cannot be used",
            "The registry has another kind of schema under the record's id (JSON or Protobuf), the schema cannot be read, or Avro's rules do not resolve it to the schema of the pipeline: a "
                + "field is missing that has no default there.",
            "schema: with a field 'country' without default, and a record of a version before that field",
            "Give the field a default in the pipeline's schema, then replay; or use the format that the producer writes."),
        new(
            "KOR4067",
            "A schema that the registry does not have",
            "The source says unknownSchema: quarantine, and the registry has no schema of the record's id; or samples are tried without a registry, and the pipeline has no schema.",
            "Id 17 in a registry that was set up anew",
            "Register the schema again under its id (the registry's mode IMPORT), then replay; for samples, give the source a 'schema'."),
        new(
            "KOR4051",
            "Lookup found several rows",
            "The table of a lookup has more than one row for the record's key (of those valid at its time, where the step has `asOf`): which one counts would be chance. Or it has more than 1,000. "
                + "Records with other keys go on.",
            "Two rows with CUSTOMER_ID C-1",
            "Make the key columns unique, look up in a view that picks one row by a rule of yours, or say onMultiple: first or all, then replay."),
        new(
            "KOR4052",
            "Lookup value does not fit",
            "The row a lookup found holds a value that is none of the type the pipeline declares for it, for example NaN, "
                + "infinity, a year before 1, or more digits than declared. Records with other keys go on.",
            "1.005 in a column declared decimal(10,2)",
            "Declare the type the column has at the step's 'add', or mend the row, then replay."),
        new(
            "KOR4053",
            "Lookup key refused by the database",
            "The database does not take the record's key as a value to look for, so no row can have it. Records with other keys go on.",
            "A text of 4,001 bytes on Oracle",
            "Refuse or cut such keys before the lookup, in a quality rule or a map step."),
    ];
}
