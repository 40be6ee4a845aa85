using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>The fields of side outputs.</summary>
public static class SideOutputs
{
    /// <summary>The field of window rows and late rows with the start of the window.</summary>
    public const string WindowStart = "window_start";

    /// <summary>The field of window rows and late rows with the end of the window.</summary>
    public const string WindowEnd = "window_end";

    /// <summary>
    /// The last field of window rows: 1 when the window fires first, one more each time it fires again.
    /// </summary>
    public const string Revision = "revision";

    /// <summary>The field of late rows with how far behind the watermark they came, ms.</summary>
    public const string LateBy = "late_by_ms";

    /// <summary>The last field of routed rows: the names of the rules they failed, in the rules' order, with commas between.</summary>
    public const string FailedRules = "failed_rules";

    /// <summary>The fields of rows that a quality step routes: those of its input, and which rules failed. An input that has such a field keeps it.</summary>
    public static Schema Routed(Schema input) => input.Fields.Any(f => f.Name == FailedRules)
        ? input
        : new([.. input.Fields, new Field(FailedRules, FieldType.String, Nullable: false)]);

    /// <summary>
    /// The field of late rows with the cause: <c>watermark</c> (a function of the log), or <c>idle</c> (their partition was taken for idle, and the
    /// window closed without it).
    /// </summary>
    public const string LateReason = "late_reason";

    /// <summary>True for the fields that windows and side outputs add, which no field of a record may be named like.</summary>
    public static bool IsReserved(string field) => field is WindowStart or WindowEnd or LateBy or LateReason;

    /// <summary>
    /// Refused rows: the place that refused (source, or step and rule), the code and the reason, and the record's key
    /// and value as they came. Topic, partition, offset and timestamp are metadata columns.
    /// </summary>
    public static Schema Quarantined { get; } = new(
        new Field("place", FieldType.String, Nullable: false),
        new Field("code", FieldType.String, Nullable: false),
        new Field("reason", FieldType.String, Nullable: false),
        new Field("record_key", FieldType.Bytes),
        new Field("record_value", FieldType.Bytes));

    /// <summary>
    /// The fields of a window step's late output: those of its input, the window missed and by how much.
    /// </summary>
    public static Schema Late(Schema input) => new(
        [
            .. input.Fields,
            new Field(WindowStart, FieldType.Timestamp, Nullable: false),
            new Field(WindowEnd, FieldType.Timestamp, Nullable: false),
            new Field(LateBy, FieldType.Integer, Nullable: false),
            new Field(LateReason, FieldType.String),
        ]);
}

/// <summary>Names and types of metadata columns.</summary>
public static class MetadataColumns
{
    private static readonly Field[] Fields =
    [
        new("KOR_TOPIC", FieldType.String, Nullable: false),
        new("KOR_PARTITION", FieldType.Integer, Nullable: false),
        new("KOR_OFFSET", FieldType.Integer, Nullable: false),
        new("KOR_TIMESTAMP", FieldType.Timestamp),
        new("KOR_PROCESSED_AT", FieldType.Timestamp, Nullable: false),
        new("KOR_PIPELINE_VERSION", FieldType.Integer, Nullable: false),
        new("KOR_POSITION", FieldType.Integer, Nullable: false),
    ];

    /// <summary>The table column of a metadata column.</summary>
    public static Field Field(MetadataColumn column) => Fields[(int)column];

    /// <summary>The entry of <see cref="SinkPlan.Source"/> that stands for a metadata column.</summary>
    public static int ToSource(MetadataColumn column) => -1 - (int)column;

    /// <summary>
    /// The metadata column an entry of <see cref="SinkPlan.Source"/> stands for, or null for an input field.
    /// </summary>
    public static MetadataColumn? FromSource(int source) => source < 0 ? (MetadataColumn)(-1 - source) : null;
}
