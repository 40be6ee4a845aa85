namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR6xxx: test files of pipelines.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] TestingErrors() =>
    [
        new(
            "KOR6001",
            "The pipeline of a test file is not there",
            "A test file names the pipeline file it tests, relative to its own folder; a test may name another one.",
            "pipeline: ordres.yaml",
            "Correct the name, or add the key 'pipeline'."),
        new(
            "KOR6002",
            "An entry of 'given' is neither a record nor an action",
            "A record has exactly one of value, raw, bytes and tombstone. Actions are advance, flush, close and batch. Offsets of "
                + "a partition ascend, and the records of a batch are of one partition.",
            "- { value: { id: a }, tombstone: true }",
            "Split the entry, or remove what does not belong to it."),
        new(
            "KOR6003",
            "A test expects something the pipeline does not have",
            "Rows can be expected of sinks, of steps, of STEP.late, STEP.duplicates, STEP.quarantined, of quarantined and source; "
                + "counts and rules have names of their own, and lookup tables belong to lookup steps.",
            "rows: { reveneu: [] }",
            "Correct the name; 'kor explain FILE' lists the steps and sinks."),
        new(
            "KOR6004",
            "An expected column does not exist",
            "An expected row is a mapping of columns (of a sink's table) or fields (of a step) to values. Columns that are left out "
                + "are not compared.",
            "revenue: [{ REVENEU: 10 }]",
            "Correct the name; 'kor explain FILE' lists the columns."),
        new(
            "KOR6005",
            "An expected value can never come",
            "The value is none of the column's type, so no row could match it.",
            "revenue: [{ ORDERS: many }]",
            "Write a value of the type: numbers, true or false, times in ISO 8601, bytes in base64 or as their text."),
        new(
            "KOR6006",
            "A lookup table does not fit its step",
            "The rows given for a lookup step have the table's columns as the pipeline names them, with values of their types.",
            "lookups: { customer: [{ CUSTOMR_ID: c1 }] }",
            "Correct the column or the value."),
    ];
}
