using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Storage.Lookups;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>A limit of the product.</summary>
/// <param name="Area">Where it holds.</param>
/// <param name="Name">What is limited.</param>
/// <param name="Default">The limit, or its default, with its unit.</param>
/// <param name="Setting">Where it is set, with its range; empty: it is fixed.</param>
/// <param name="Outcome">What happens when it is met.</param>
/// <param name="Metric">What shows that it was met; empty: the answer to whoever met it.</param>
/// <param name="Test">The test that meets it: class, or class and method; empty: there is none yet.</param>
public sealed record LimitInfo(string Area, string Name, string Default, string Setting, string Outcome, string Metric, string Test);

/// <summary>The limits, from the constants and options that are in force. docs/limits.md is made of it.</summary>
public static class LimitCatalog
{
    private const string Quarantined = "`kor_quarantine_records_total` by reason";

    /// <summary>All limits in the order in which they are shown.</summary>
    public static IReadOnlyList<LimitInfo> All { get; } = [.. Records(), .. Expressions(), .. Windows(), .. Definitions(), .. Stored(), .. Requests(), .. Memory()];

    /// <summary>docs/limits.md.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder();
        text.Append("# Limits\n\nGenerated from `Silo/Hosting/LimitCatalog.cs`. Each limit has an outcome that is the same for every replay where it concerns records, ");
        text.Append("something that shows that it was met, and, but for those that say so, a test that meets it. What a code means: [errors.md](errors.md); all settings: [configuration.md](configuration.md).\n");
        foreach (var area in All.GroupBy(l => l.Area))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {area.Key}\n\n| what | limit | set by | outcome | shown by | tested by |\n| --- | --- | --- | --- | --- | --- |\n");
            foreach (var l in area)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {l.Name} | {l.Default} | {Or(l.Setting, "fixed")} | {l.Outcome} | {Or(l.Metric, "the answer")} ");
                text.Append(l.Test.Length == 0 ? "| not yet |\n" : $"| `{l.Test}` |\n");
            }
        }

        return text.ToString();
    }

    private static LimitInfo[] Records() =>
    [
        new("Records", "length of a value", Bytes(SourceFormatSpec.DefaultMaxValueBytes), "the source's `limits: { maxValueBytes }`, 1 byte to 1 GiB",
            "the record is refused with KOR4003 before it is parsed", Quarantined, "RecordRemedyTests.The_remedy_makes_the_record_pass"),
        new("Records", "nesting of JSON", Number(SourceFormatSpec.DefaultMaxDepth) + " levels", "the source's `limits: { maxDepth }`",
            "the record is refused with KOR4007", Quarantined, "RecordRemedyTests.The_remedy_makes_the_record_pass"),
        new("Records", "dedup ids", "16 bytes each", "", "ids of any length are kept as 128-bit hashes", "`kor_state_size_bytes`", "DedupStateTests"),
    ];

    private static LimitInfo[] Expressions() =>
    [
        new("Expressions", "length of an expression", Number(ExpressionLimits.MaxLength) + " characters", "", "refused with KOR3002", "", "ExpressionModelTests"),
        new("Expressions", "parts and nesting", $"{Number(ExpressionLimits.MaxNodes)} parts, {ExpressionLimits.MaxDepth} levels", "", "refused with KOR3002", "", "ExpressionModelTests"),
        new("Expressions", "a string that a function makes", Bytes(ExpressionLimits.MaxStringBytes), "", "the record is refused with KOR3105", Quarantined,
            "WorkLimitTests.What_is_quadratic_elsewhere_is_linear_or_refused"),
        new("Expressions", "all strings made for one record", Bytes(ExpressionLimits.MaxScratchBytes), "", "the record is refused with KOR3105", Quarantined,
            "WorkLimitTests.One_records_strings_are_bounded_together_too"),
        new("Expressions", "text that an expression goes through for one record", Bytes(ExpressionLimits.MaxWorkBytes), "",
            $"the record is refused with KOR3107; regular expressions count {ExpressionLimits.RegexWork} for a byte, texts of up to {ExpressionLimits.FreeBytes} bytes nothing",
            Quarantined, "WorkLimitTests.One_records_work_is_bounded_however_many_functions_there_are"),
        new("Expressions", "a constant that is computed while compiling", Bytes(ExpressionLimits.MaxFoldedBytes), "", "longer ones are computed row by row", "",
            "WorkLimitTests.Constants_are_not_computed_while_compiling_when_they_are_large_or_take_much"),
    ];

    private static LimitInfo[] Windows() =>
    [
        new("Windows and aggregates", "length of a session", Span(WindowLimits.DefaultMaxSession), "`maxLength`, from the gap to 3650 days",
            "a record that would make it longer begins the next session", "`kor_window_emitted_total`",
            "WindowDifferentialTests.Sessions_that_reach_their_longest_have_one_result_when_a_key_stays_in_its_partition"),
        new("Windows and aggregates", "an event time ahead of the record's Kafka timestamp",
            $"{Span(WindowLimits.LeastAhead)}, or maxAhead ({Span(WindowLimits.DefaultMaxAhead)}) when that is more", "`eventTime: { maxAhead }`, 0 (off) to 365 days",
            "the record is refused with KOR4041", Quarantined, "PartitionPipelineTests.Rows_go_where_the_example_of_the_design_says"),
        new("Windows and aggregates", "a step of the watermark by a single record", Span(WindowLimits.DefaultMaxAhead), "`eventTime: { maxAhead }`, 0 (off) to 365 days",
            "it moves when three records say so", "`kor_watermark_delay_seconds`", "WatermarkTests"),
        new("Windows and aggregates", "hopping windows that a record lies in", Number(WindowLimits.MaxWindowsPerSize), "", "the definition is refused with KOR2012", "", "BadPipelineTests"),
        new("Windows and aggregates", "windows that a key may have open by its definition", Number(WindowLimits.MaxOpenPerKey), "",
            "the definition is refused with KOR2012; while a partition is behind the others a key may have more, as far as memory goes", "", "BadPipelineTests"),
        new("Windows and aggregates", "a value that first, last, min, max and collect keep", Bytes(AggregateLimits.MaxValueBytes), "", "the record is refused with KOR4047", Quarantined,
            "RecordRemedyTests.The_remedy_makes_the_record_pass"),
        new("Windows and aggregates", "what collect keeps of a window", Bytes(AggregateLimits.MaxCollectedBytes) + " of JSON", "",
            "the first values by event time stay, and the array ends with \"…\"", "`kor_window_cut_total`",
            "WindowDifferentialTests.Values_that_are_too_large_together_are_cut_alike_however_they_come"),
        new("Windows and aggregates", "a string that top_k counts as it is", Bytes(AggregateLimits.MaxCountedBytes), "",
            $"counted and shown by its first {AggregateLimits.KeptOfCounted} bytes, \"…#\" and a hash", "the value itself",
            "AggregateLimitTests.Long_strings_are_counted_by_their_beginning_and_their_hash"),
        new("Windows and aggregates", "the texts of a group key", Bytes(AggregateLimits.MaxKeyBytes), "", "the record is refused with KOR4048", Quarantined,
            "RecordRemedyTests.The_remedy_makes_the_record_pass"),
    ];

    private static LimitInfo[] Stored()
    {
        var quarantine = new QuarantineOptions();
        return
        [
            new("State", "refused records of a pipeline", Number(quarantine.MaxRecords), "`Kor:Quarantine:MaxRecords`, 1 to 1,000,000,000; 0: no limit",
                "the pipeline is Blocked and says so until some are dropped; with `Kor:Quarantine:WhenFull=Drop` further ones are not kept", "`kor_quarantine_dropped_total`",
                "StateStoreTests.A_pipeline_whose_quarantine_is_full_waits_and_says_so"),
            new("State", "records that a pipeline refuses in a minute, per silo", Number(quarantine.MaxPerMinute), "`Kor:Quarantine:MaxPerMinute`, 1 to 1,000,000,000; 0: no limit",
                "the pipeline is Blocked and says so until the minute is over; with `Kor:Quarantine:WhenFull=Drop` further ones are not kept", "`kor_quarantine_dropped_total`",
                "SinkConformance.What_is_refused_too_fast_waits_for_the_next_minute"),
            new("State", "age of refused records", Span((long)quarantine.KeepFor.TotalMilliseconds), "`keepFor` of the pipeline, `Kor:Quarantine:KeepFor`", "they are dropped",
                "`kor_quarantine_expired_total`", "SinkConformance.Records_go_when_they_are_older_than_their_pipeline_keeps_them_wherever_they_lie"),
            new("State", "age of entries of the audit trail", Span((long)new HttpOptions().AuditKeepFor.TotalMilliseconds), "`Kor:Http:AuditKeepFor`", "they are dropped", "the log", "AuditTests"),
        ];
    }

    private static LimitInfo[] Definitions() =>
    [
        new("Definitions", "length of a pipeline or test file", Number(PipelineReader.MaxTextLength) + " characters", "", "refused", "", "YamlTests.Size_is_bounded"),
    ];

    private static LimitInfo[] Requests()
    {
        var http = new HttpOptions();
        return
        [
            new("Requests", "length of a body", Bytes(http.MaxBodyBytes), "`Kor:Http:MaxBodyBytes`, 1 KiB to 64 MiB", "413", "", "ApiTests.A_body_beyond_the_limit_is_refused"),
            new("Requests", "time of a request", Span((long)http.RequestTimeout.TotalMilliseconds), "`Kor:Http:RequestTimeout`, 1 s to 10 min", "504", "", "LimitTests.A_request_ends_with_its_time"),
            new("Requests", "requests of a client", $"{http.RequestsPerSecond} a second, {http.RequestBurst} at once",
                "`Kor:Http:RequestsPerSecond`, `Kor:Http:RequestBurst`, 1 to 100,000", "429 with Retry-After", "", "LifecycleTests.Whoever_asks_too_much_is_told_when_to_come_back"),
            Trial("expressions, tests and previews at a time", Number(TrialGate.AtOnce), "429 with Retry-After"),
            Trial("rows that one of them makes", Number(TrialGate.MaxRows), "422 with the limit"),
            Trial("bytes of values that one of them makes", Bytes(TrialGate.MaxBytes), "422 with the limit"),
            Trial("time of one of them", $"{TrialGate.MaxSeconds} s, of a preview {TrialGate.MaxPreviewSeconds} s; ends when the client leaves", "422 with the limit"),
            new("Requests", "records that are read of a topic for a preview", Number(TopicReader.MaxRecords), "", "400", "", "LimitTests.A_preview_reads_no_more_than_it_may"),
            new("Requests", "taps of a partition at a time", Number(TapRequest.MaxTaps), "", "the next one is refused with 400", "`kor_tap_clients`", "LimitTests.Those_who_look_at_a_partition_are_few_and_the_next_is_told"),
            new("Requests", "records a second that a tap shows of a partition", Number(TapRequest.MaxPerSecond), "", "the others are counted and not shown", "the tap's `seen` and `shown`", "LimitTests.Those_who_look_at_a_partition_are_few_and_the_next_is_told"),
        ];

        static LimitInfo Trial(string name, string limit, string outcome) => new(
            "Requests", name, limit, "", outcome, "`kor_http_trials_total` by outcome",
            "SecurityTests.Tries_that_burn_are_few_and_end_with_their_time_their_size_or_their_client");
    }

    private static LimitInfo[] Memory()
    {
        var reading = new ReadingOptions();
        var engine = new EngineOptions();
        return
        [
            new("Memory", "what is read and not yet worked off, per silo", Bytes(reading.MaxBufferedBytes), "`Kor:Reading:MaxBufferedBytes`", "reading pauses",
                "`kafka_partition_paused_seconds_total`", "ReadingTests.Batches_respect_their_limits_and_small_memory_still_gets_everything_through"),
            new("Memory", "rows that wait for sinks, per silo", Bytes(engine.TotalSinkBufferBytes), "`Kor:Engine:TotalSinkBufferBytes`",
                "partitions wait, which the status says", "`kor_step_time_seconds_total` by state", "SinkShareTests"),
            new("Memory", "events of a pipeline kept in the state database", $"{Number(PipelineLogLimits.Events)} of {Number(PipelineLogLimits.EventText)} characters", "",
                "the oldest are dropped, longer texts are cut", "", "HeldTests.The_log_is_bounded_and_takes_what_comes_twice_once"),
            new("Memory", "definitions of a pipeline kept in the state database", $"{Number(PipelineLogLimits.Versions)}, {Bytes(PipelineLogLimits.Texts)} of text", "",
                "the oldest are dropped; the newest is kept whatever its length", "", "HeldTests.The_log_is_bounded_and_takes_what_comes_twice_once"),
            new("Memory", "closed windows kept for queries, per shard", Number(engine.RecentWindows), "`Kor:Engine:RecentWindows`, 0 to 100,000", "the oldest are forgotten", "",
                "LimitTests.The_windows_that_closed_first_are_forgotten_first"),
            new("Memory", "cells in memory (open windows by key, dedup ids by message key), per silo", "a quarter of the heap's limit", "`Kor:Engine:CellBytes`, 1 MiB to 1 TiB",
                "those that were not called for longest are let go and read again when they are called", "`kor_cell_evicted_total`", "MemoryTests"),
            new("Memory", "heap, per silo", "what the runtime says: 75 % of a container's memory", "`Kor:Engine:MemoryLimitBytes`, 64 MiB to 16 TiB",
                "from 80 % on reading waits until it is below 70 %, which the status says", "`kor_memory_tight`", "MemoryTests"),
            new("Memory", "keys of a lookup kept", Number(CacheDefinition.Default.Rows), "`cache: { rows }`; with `preload` the rows of the table",
                "the oldest are forgotten and asked for again; a table with more rows is not preloaded, which stops the partition with the reason", "`kor_lookup_requests_total` by result",
                "SinkConformance.Lookups_find_keys_miss_others_and_refuse_ambiguity"),
            new("Memory", "keys of one query of a lookup", Number(AdoLookup.MaxKeys), "", "more are asked for in several queries", "`kor_lookup_duration_seconds`",
                "SinkConformance.Lookups_find_keys_miss_others_and_refuse_ambiguity"),
        ];
    }

    private static string Or(string text, string otherwise) => text.Length == 0 ? otherwise : text;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(long value) => value switch
    {
        >= 1 << 20 when value % (1 << 20) == 0 => $"{value >> 20} MiB",
        >= 1 << 10 when value % (1 << 10) == 0 => $"{value >> 10} KiB",
        _ => Number(value) + " bytes",
    };

    private static string Span(long milliseconds) => Durations.Format(milliseconds);
}
