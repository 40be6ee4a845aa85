using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <content>KOR2xxx of sinks.</content>
internal static partial class DefinitionRemedies
{
    private const string Upsert = "mode: upsert, keys: [order_id]";

    private static IEnumerable<DefinitionRemedy> OfSinks() =>
    [
        Of("KOR2020", "Declare the field 'required: true'", Keyed("customer", "{ type: string, path: customer.id }"), Keyed("customer", "{ type: string, path: customer.id, required: true }")),
        Of("KOR2020", "check it with a rule field IS NOT NULL", NullableGroup("onFail: tag"), NullableGroup("onFail: drop")),
        Of("KOR2020", "replace NULL by COALESCE(field, 'none') in a map step", Keyed("segment", null),
            With(("from: more, connection: dwh, table: ROWS_T, mode: append", "from: filled, connection: dwh, table: ROWS_T, mode: upsert, keys: [segment]"),
                ("  - id: sums", "  - { id: filled, type: map, set: { segment: \"COALESCE(segment, 'none')\" } }\n  - id: sums"))),
        Of("KOR2021", "Add keys: [COLUMN, ...]", With("mode: append", "mode: upsert"), With("mode: append", Upsert)),
        Of("KOR2021", "use mode: append", With("mode: append", "mode: upsert"), Base),
        Of("KOR2021", "totals without groupBy have no key to update by; use mode: append", Totals(""), Totals(", mode: append")),
        Of("KOR2022", "Name a column the sink has", With("mode: append", "mode: upsert, keys: [order_no]"), With("mode: append", Upsert)),
        Of("KOR2022", "without 'columns' those are the fields' names", With("mode: append", "mode: upsert, keys: [ID]"), With("mode: append", Upsert)),
        Of("KOR2022", "it has: ID", With("mode: append", Upsert + ", columns: { ID: order_id }"), With("mode: append", "mode: upsert, keys: [ID], columns: { ID: order_id }")),
        Of("KOR2022", "remove 'revision'", With("table: TOTALS_T", "table: TOTALS_T, revision: n"), Base),
        Of("KOR2022", "'revision' is for mode upsert", With("mode: append", "mode: append, revision: total"), With("mode: append", Upsert + ", revision: total")),
        Of("KOR2022", "must be a number, a time or a string", With("mode: append", Upsert + ", revision: extra"), With("mode: append", Upsert + ", revision: at")),
        Of("KOR2022", "leave 'keys' out", With("table: TOTALS_T", "table: TOTALS_T, keys: [customer]"), Base),
        Of("KOR2022", "or list just these", With("table: TOTALS_T", "table: TOTALS_T, keys: [customer]"), With("table: TOTALS_T", "table: TOTALS_T, keys: [customer, window_start]")),
        Of("KOR2022", "which is part of the key of its rows", With("table: TOTALS_T", "table: TOTALS_T, columns: [n, window_start]"), With("table: TOTALS_T", "table: TOTALS_T, columns: [n, window_start, customer]")),
        Of("KOR2023", "deletes need 'tombstones: delete' in the source", Deleting("", "{ type: string, required: true, from: key }", Upsert), Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", Upsert)),
        Of("KOR2023", "give 'order_id' 'from: key'", Deleting("  tombstones: delete\n", "{ type: string, required: true }", Upsert), Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", Upsert)),
        Of("KOR2023", "deletes need mode: upsert with keys", Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", "mode: append"),
            Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", Upsert)),
        Of("KOR2023", "only sinks of records can delete", With(("  eventTime:", "  tombstones: delete\n  eventTime:"), ("table: TOTALS_T", "table: TOTALS_T, deleteOnTombstone: true")),
            Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", Upsert)),
        Of("KOR2023", "Follow the message", Deleting("  tombstones: delete\n", "{ type: string, required: true }", Upsert), Deleting("  tombstones: delete\n", "{ type: string, required: true, from: key }", Upsert)),
        Of("KOR2024", "Use severity: error", Rule("paid: amount > 0", "{ check: amount > 0, severity: warn, onFail: drop }"), Rule("paid: amount > 0", "{ check: amount > 0, severity: error, onFail: drop }")),
        Of("KOR2024", "onFail: tag", Rule("paid: amount > 0", "{ check: amount > 0, severity: warn, onFail: drop }"), Rule("paid: amount > 0", "{ check: amount > 0, severity: warn, onFail: tag }")),
        Of("KOR2025", "Give the routed rows a sink of their own", With(("onFail: drop", "onFail: { route: rows }")), Routed("onFail: { route: failed }", "{ id: failed, connection: dwh, table: FAILED_T }")),
        Of("KOR2025", "it says no 'from'", Routed("onFail: { route: failed }", "{ id: failed, from: big, connection: dwh, table: FAILED_T }"), Routed("onFail: { route: failed }", "{ id: failed, connection: dwh, table: FAILED_T }")),
        Of("KOR2025", "or from: STEP.routed", Routed("onFail: { route: failed }", "{ id: failed, from: big, connection: dwh, table: FAILED_T }"),
            Routed("onFail: { route: failed }", "{ id: failed, from: checks.routed, connection: dwh, table: FAILED_T }")),
        Of("KOR2026", "Add from: STEP", With("{ id: rows, from: more,", "{ id: rows,"), Base),
        Of("KOR2026", "route rows to it", With("sinks:\n", "sinks:\n  - { id: failed, connection: dwh, table: FAILED_T }\n"), Routed("onFail: { route: failed }", "{ id: failed, connection: dwh, table: FAILED_T }")),
        Of("KOR2035", "Name a topic that the pipeline does not read", Quarantine("{ kafka: { connection: main, topic: orders } }"), Quarantine("{ kafka: { connection: main, topic: bad-orders } }")),
        Of("KOR2035", "a quarantine topic is a name, not a pattern", Quarantine("{ kafka: { connection: main, topic: ^bad } }"), Quarantine("{ kafka: { connection: main, topic: bad } }")),
        Of("KOR2035", "name a topic that the pattern does not match", Quarantine("{ kafka: { connection: main, topic: orders-bad } }", "topics: ['^orders']"), Quarantine("{ kafka: { connection: main, topic: bad-orders } }", "topics: ['^orders']")),
        Of("KOR2035", "add 'connection' to keep the records in a database as well", Quarantine("{ keepFor: 1d, kafka: { connection: main, topic: bad } }"),
            Quarantine("{ connection: dwh, keepFor: 1d, kafka: { connection: main, topic: bad } }")),
        Of("KOR2035", "or leave them out", Quarantine("{ table: BAD, kafka: { connection: main, topic: bad } }"), Quarantine("{ kafka: { connection: main, topic: bad } }")),
        Of("KOR2041", "declare in each of the sinks 'keys'", TwoSinks("T1", "T1", "", ""), TwoKinds),
        Of("KOR2041", "declare in each of the sinks 'keys'", TwoSinks("T1", "T1", ", keys: [order_id]", ""), TwoKinds),
        Of("KOR2041", "a field that says which sink a row is of", TwoSinks("T1", "T1", ", keys: [order_id]", ", keys: [order_id]"), TwoKinds),
        Of("KOR2041", "add a key that says which sink a row is of", TwoSinks("T1", "T1", ", keys: [order_id]", ", keys: [order_id]"), TwoKinds),
        Of("KOR2041", "give each a table of its own", TwoSinks("T1", "T1", "", ""), TwoSinks("T1", "T2", "", "")),
        Of("KOR2041", "write it in both", TwoSinks("T1", "S2.T1", "", ""), TwoSinks("S1.T1", "S2.T1", "", "")),
        Of("KOR2041", "write the schema in each", TwoSinks("T1", "S2.T1", "", ""), TwoSinks("S1.T1", "S2.T1", "", "")),
    ];

    /// <summary>An upsert sink with a key column, and the field's declaration.</summary>
    private static string Keyed(string key, string? field)
    {
        var text = With("mode: append", $"mode: upsert, keys: [{key}]");
        if (field is null) return text;
        return text.Replace("{ type: string, path: customer.id, default: none }", field, StringComparison.Ordinal)
            .Replace("      known: { check: customer IS NOT NULL, severity: error, onFail: drop }\n", "", StringComparison.Ordinal)
            .Replace("groupBy: [customer]", "groupBy: [order_id]", StringComparison.Ordinal);
    }

    /// <summary>A group key that is NULL where a rule lets it through.</summary>
    private static string NullableGroup(string onFail) => With("onFail: drop", onFail);

    /// <summary>Running totals of everything.</summary>
    private static string Totals(string mode) => With(
        ("type: window\n    window: { tumbling: 5m }\n    allowedLateness: 1m\n    groupBy: [customer]\n", "type: aggregate\n"), ("table: TOTALS_T", "table: TOTALS_T" + mode));

    private static string Deleting(string tombstones, string field, string sink) => With(
        ("  eventTime:", tombstones + "  eventTime:"), ("{ type: string, required: true }", field), ("mode: append", sink + ", deleteOnTombstone: true"));

    private static string Rule(string rule, string by) => With(rule, $"paid: {by}");

    private static string Quarantine(string quarantine, string topics = "topics: [orders]") => With(("sinks:\n", $"quarantine: {quarantine}\nsinks:\n"), ("topics: [orders]", topics));

    /// <summary>Two sinks of records in mode upsert where they say keys, else append.</summary>
    /// <summary>Two sinks of one table that say in a key which of them a row is of.</summary>
    private static string TwoKinds => TwoSinks("T1", "T1", ", keys: [order_id, kind]", ", keys: [order_id, kind]")
        .Replace("sinks:\n", """
              - { id: big_rows, type: map, from: big, set: { kind: "'bigs'" } }
              - { id: all_rows, type: map, from: more, set: { kind: "'rows'" } }
            sinks:

            """, StringComparison.Ordinal)
        .Replace("from: big,", "from: big_rows,", StringComparison.Ordinal).Replace("big_rows, type: map, from: big_rows,", "big_rows, type: map, from: big,", StringComparison.Ordinal)
        .Replace("{ id: rows, from: more,", "{ id: rows, from: all_rows,", StringComparison.Ordinal);

    private static string TwoSinks(string first, string second, string firstKeys, string secondKeys) => With(
        ("table: ROWS_T, mode: append", $"table: {first}, mode: append{firstKeys}"),
        ("sinks:\n", $"sinks:\n  - {{ id: bigs, from: big, connection: dwh, table: {second}, mode: append{secondKeys} }}\n"));
}
