namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// How a source's records become typed fields: everything a decoder needs to know. Made by the pipeline compiler (names
/// are distinct, types and encodings fit, defaults are valid text for their type), given to
/// <c>RecordDecoderFactory.Create</c>.
/// </summary>
public sealed record SourceFormatSpec
{
    /// <summary>The default of <see cref="MaxValueBytes"/>: 1 MiB.</summary>
    public const int DefaultMaxValueBytes = 1024 * 1024;

    /// <summary>The default of <see cref="MaxDepth"/>.</summary>
    public const int DefaultMaxDepth = 64;

    /// <summary>The format of the value.</summary>
    public required SourceFormatKind Format { get; init; }

    /// <summary>The fields to fill, in the order of <see cref="Schema"/>.</summary>
    public required IReadOnlyList<SourceFieldSpec> Fields { get; init; }

    /// <summary>The schema the decoder fills: one field per entry of <see cref="Fields"/>.</summary>
    public required Schema Schema { get; init; }

    /// <summary>What happens to records without a value.</summary>
    public TombstonePolicy Tombstones { get; init; } = TombstonePolicy.Skip;

    /// <summary>A longer value is refused, bytes; 1 to 1 GiB.</summary>
    public int MaxValueBytes { get; init; } = DefaultMaxValueBytes;

    /// <summary>A deeper JSON value is refused; 1 to 1000.</summary>
    public int MaxDepth { get; init; } = DefaultMaxDepth;

    /// <summary>Debezium: what happens to changes that delete a row.</summary>
    public DebeziumDeletes DebeziumDeletes { get; init; }

    /// <summary>Avro: the registry whose ids stand before values, or in headers; null: values are bare, in the schema of <see cref="SchemaText"/>.</summary>
    public string? Registry { get; init; }

    /// <summary>Avro: the schema that the pipeline reads by; null: fields are those of each record's own schema, by name.</summary>
    public string? SchemaText { get; init; }

    /// <summary>Avro: records of schemas that the registry does not have are refused; default: the partition waits for them.</summary>
    public bool RefuseUnknownSchemas { get; init; }

    /// <summary>
    /// True where samples are tried without a registry: values may be JSON objects, which are taken for records of <see cref="SchemaText"/>, and every id is
    /// that schema's. Default: false.
    /// </summary>
    public bool Samples { get; init; }

    /// <summary>True when values are in Avro's binary encoding.</summary>
    public bool IsAvro => Format == SourceFormatKind.Avro || (Format == SourceFormatKind.Debezium && (Registry ?? SchemaText) is not null);

    /// <summary>How CSV is cut; counts for <see cref="SourceFormatKind.Csv"/> only.</summary>
    public CsvFormatSpec Csv { get; init; } = new();
}

/// <summary>Formats of a record's value.</summary>
public enum SourceFormatKind
{
    /// <summary>One JSON object.</summary>
    Json,

    /// <summary>One line of delimited values (RFC 4180 quoting), without a header line.</summary>
    Csv,

    /// <summary>The whole value is one text: every value field is of that text, converted to its type.</summary>
    String,

    /// <summary>A change of a table's row as Debezium writes it, in JSON or Avro; fields are of the row.</summary>
    Debezium,

    /// <summary>One JSON object behind the id of its schema in a registry, which is not asked.</summary>
    JsonSchema,

    /// <summary>Avro's binary encoding, with the id of the schema in a registry, or in the pipeline's own schema.</summary>
    Avro,
}

/// <summary>What happens to changes that delete a row.</summary>
public enum DebeziumDeletes
{
    /// <summary>They delete the row of their key in sinks with <c>deleteOnTombstone</c>.</summary>
    Delete,

    /// <summary>They are rows as they were before, with <c>true</c> in the field that says so.</summary>
    Mark,

    /// <summary>They are left out.</summary>
    Skip,
}

/// <summary>What happens to records whose value is null.</summary>
public enum TombstonePolicy
{
    /// <summary>Counted and left out.</summary>
    Skip,

    /// <summary>
    /// Decoded as a row whose key fields come from the Kafka key and whose other fields are NULL (no defaults, no
    /// required check); sinks with <c>deleteOnTombstone</c> delete the row of that key.
    /// </summary>
    Delete,

    /// <summary>Refused, with its own code.</summary>
    Quarantine,
}

/// <summary>Which part of the record a field comes from.</summary>
public enum FieldOrigin
{
    /// <summary>The value.</summary>
    Value,

    /// <summary>
    /// The key: as a whole when <see cref="SourceFieldSpec.Path"/> is empty, otherwise a property of a JSON object.
    /// </summary>
    Key,

    /// <summary>The header of the name <see cref="SourceFieldSpec.Header"/>; of several the last. Text of the field's type; bytes as they are.</summary>
    Header,

    /// <summary>The record's topic.</summary>
    Topic,

    /// <summary>The record's partition.</summary>
    Partition,

    /// <summary>The record's offset.</summary>
    Offset,

    /// <summary>The Kafka timestamp; an integer or a string is its milliseconds since the Unix epoch.</summary>
    KafkaTimestamp,

    /// <summary>Debezium: what stands around the row, by <see cref="SourceFieldSpec.Path"/>: op, ts_ms, source.table and the like.</summary>
    Envelope,

    /// <summary>Debezium: true for rows that were deleted.</summary>
    Deleted,
}

/// <summary>How a timestamp or date is written.</summary>
public enum TimeEncoding
{
    /// <summary>ISO 8601; without an offset it is UTC.</summary>
    Iso8601,

    /// <summary>A number of seconds since the Unix epoch, fractions allowed. Dates: of whole days, as with all units below.</summary>
    EpochSeconds,

    /// <summary>A whole number of milliseconds since the Unix epoch.</summary>
    EpochMilliseconds,

    /// <summary>A whole number of microseconds since the Unix epoch.</summary>
    EpochMicroseconds,

    /// <summary>
    /// A .NET custom date and time pattern in the invariant culture; without an offset in the pattern it is UTC.
    /// </summary>
    Pattern,

    /// <summary>A whole number of nanoseconds since the Unix epoch; what is below a microsecond is cut off.</summary>
    EpochNanoseconds,

    /// <summary>A whole number of days since the Unix epoch; a timestamp is the day's midnight.</summary>
    EpochDays,
}

/// <summary>The words for ways to write times.</summary>
internal static class TimeEncodings
{
    private static readonly (string Name, TimeEncoding Encoding)[] All =
    [
        ("iso", TimeEncoding.Iso8601), ("epoch_s", TimeEncoding.EpochSeconds), ("epoch_ms", TimeEncoding.EpochMilliseconds),
        ("epoch_us", TimeEncoding.EpochMicroseconds), ("epoch_ns", TimeEncoding.EpochNanoseconds), ("epoch_days", TimeEncoding.EpochDays),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(a => a.Name)];

    public static bool TryParse(string name, out TimeEncoding encoding)
    {
        var found = All.FirstOrDefault(a => a.Name == name);
        encoding = found.Encoding;
        return found.Name is not null;
    }
}

/// <summary>One field of a source.</summary>
public sealed record SourceFieldSpec
{
    /// <summary>The field's name.</summary>
    public required string Name { get; init; }

    /// <summary>The field's type.</summary>
    public required FieldType Type { get; init; }

    /// <summary>Which part of the record it comes from.</summary>
    public FieldOrigin From { get; init; } = FieldOrigin.Value;

    /// <summary>
    /// JSON: the property names from the outside in, e.g. customer, address, city. CSV: empty (see <see
    /// cref="Column"/>). String, and a whole key: empty.
    /// </summary>
    public required IReadOnlyList<string> Path { get; init; }

    /// <summary>CSV: the 0-based place of the value in the line; -1 otherwise.</summary>
    public int Column { get; init; } = -1;

    /// <summary>
    /// A record in which the field is missing or NULL is refused (after the default was applied to a missing one).
    /// </summary>
    public bool Required { get; init; }

    /// <summary>
    /// The text that stands in for a missing value, or null for none; it converts like a CSV value of the field. An
    /// explicit JSON null stays NULL. A CSV value counts as missing when it is empty and unquoted.
    /// </summary>
    public string? Default { get; init; }

    /// <summary>Timestamps and dates: how they are written.</summary>
    public TimeEncoding Encoding { get; init; } = TimeEncoding.Iso8601;

    /// <summary>The header's name, case-sensitive; null where <see cref="From"/> is something else.</summary>
    public string? Header { get; init; }

    /// <summary>Strings of JSON values: numbers and booleans are taken as they are written.</summary>
    public bool Lenient { get; init; }

    /// <summary>
    /// Decimals: the text is base64 of the unscaled value, big-endian two's complement, as Kafka Connect's Decimal writes it; the scale is the type's.
    /// </summary>
    public bool Base64 { get; init; }

    /// <summary>Timestamps without an offset of their own are clock times of this zone; null: UTC.</summary>
    public string? Zone { get; init; }

    /// <summary>The pattern when <see cref="Encoding"/> is <see cref="TimeEncoding.Pattern"/>.</summary>
    public string? Pattern { get; init; }
}

/// <summary>How a CSV line is cut.</summary>
/// <param name="Delimiter">An ASCII character between values; default comma.</param>
/// <param name="Quote">An ASCII character around values; default double quote. Doubled inside, it stands for
/// itself.</param>
/// <param name="Columns">How many values a line has; 0: as many as fields need.</param>
/// <param name="Ragged">True: lines may have fewer (missing) or more (not looked at) values.</param>
/// <param name="Header">The names of the columns: a line that consists of them (case and spaces around do not count) is a header and left out; null: there
/// are no headers.</param>
public sealed record CsvFormatSpec(char Delimiter = ',', char Quote = '"', int Columns = 0, bool Ragged = false, IReadOnlyList<string>? Header = null);
