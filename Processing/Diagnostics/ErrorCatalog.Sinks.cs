namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR51xx: rows that a sink refuses before the database sees them.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] SinkErrors() =>
    [
        new("KOR5101", "A key column is NULL",
            "A row's key must be complete, or a repeated row could not be recognised. The row goes to quarantine.",
            "A window grouped by customer_id meets records without a customer.",
            "Give the field a value in a map step, e.g. COALESCE(customer_id, '(none)'), or filter such records."),
        new("KOR5102", "A key column is an empty string",
            "Oracle takes an empty string for NULL, and a key must be complete. The row goes to quarantine.",
            "",
            "Replace the empty string in a map step, e.g. CASE WHEN region = '' THEN '-' ELSE region END."),
        new("KOR5103", "A value is too long for its column",
            "The text or binary value is longer than the table's column; columns that count bytes count UTF-8 bytes. "
            + "The row goes to quarantine.",
            "A text of 4,100 bytes meets a VARCHAR2(4000).",
            "Widen the column (CLOB or text), or cut the value in a map step."),
        new("KOR5104", "A number is out of the column's range",
            "The number has more digits before the point than the column, or lies outside of the range of its type "
            + "(smallint, integer, real). The row goes to quarantine.",
            "1,000,000 meets a NUMBER(5), 2,147,483,648 an integer of PostgreSQL.",
            "Widen the column (NUMBER(19) or bigint)."),
        new("KOR5105", "A time is out of range",
            "Databases here hold times of the years 1 to 9999. The row goes to quarantine.",
            "",
            "Look at the field's unit: milliseconds read as seconds end up far in the future."),
        new("KOR5106", "A time is finer than its column",
            "The time has more digits after the second than the column keeps; rounding it silently could make two keys one. The row goes to quarantine.",
            "12:00:00.123456 meets a TIMESTAMP(3).",
            "Make the column TIMESTAMP(6), or cut the time in a map step, e.g. date_trunc('millisecond', at); 'second' for columns that keep "
            + "fewer than three digits."),
        new("KOR5107", "A number is finer than its column",
            "The column would round the number: its scale is negative, or it holds floating-point numbers and the integer has more digits "
            + "than those keep. The row goes to quarantine.",
            "1,234 meets a numeric(5,-2), 9,007,199,254,740,993 a double precision.",
            "Make the column an integer or decimal column that holds the number, or round the field in a map step, e.g. round(amount, -2)."),
        new("KOR5111", "The table holds another row at a record's place",
            "Rows appended without keys are known by topic, partition and offset. A row that is there already and equal is a replay's and left alone; one "
            + "that differs is another record's, and leaving it alone would lose a good row. The sink stops, nothing of the write is stored.",
            "The topic was deleted and made again, two sinks or pipelines write one table, or a changed pipeline reads its log again.",
            "Give the sink another 'table' or 'keys' of its own; to have rows written over, use mode: upsert, metadata: true, "
            + "keys: [KOR_TOPIC, KOR_PARTITION, KOR_OFFSET]; or delete the old rows."),
        new("KOR5113", "A row of a shared table whose key is taken",
            "Several sinks write the table, and it holds a row of the same key with other values: of the two one would be lost. The row goes to quarantine; one that is "
            + "equal is a replay's and left alone.",
            "s1 and s2 write T with keys: [id], and both have a row 'x'.",
            "Give each sink a table of its own, or 'keys' that tell their rows apart (a field that says which sink a row is of, if nothing else does), and replay the row."),
        new("KOR5112", "A revision is no number",
            "NaN is neither lower nor higher than another revision, and databases disagree on it. The row goes to quarantine.",
            "The revision column is a double, and the value is NaN.",
            "Give the revision a number in a map step, or use an integer, a decimal or a time."),
    ];
}
