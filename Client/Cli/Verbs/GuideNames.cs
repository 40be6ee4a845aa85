namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>Names that people know from PySpark jobs and the guides for them, and what each is here. docs/migrating-from-pyspark.md lists them all.</summary>
internal static class GuideNames
{
    /// <summary>Name and what it is here.</summary>
    public static IReadOnlyList<(string Name, string Here)> All { get; } =
    [
        ("trigger_interval", "Nothing is triggered: records are worked off as they come. How often rows are written is 'flush: { rows, bytes, interval }' of a sink; how often state is made durable is Kor:Engine:CheckpointInterval."),
        ("max_offsets_per_trigger", "Kor:Reading:MaxBatchRecords bounds a batch; memory is bounded by bytes, and reading pauses when sinks are slow."),
        ("max_poll_records", "Kor:Reading:MaxBatchRecords: the most records of a batch. It is no setting of librdkafka."),
        ("session_timeout", "There is no consumer group to be thrown out of: partitions are assigned by the silos. The group id is used for offset commits only, which lag tools read."),
        ("heartbeat_interval", "There is no consumer group to be thrown out of; see session_timeout."),
        ("auto_offset_reset", "'start: earliest', 'latest' or a time, of source.kafka; it counts when there is no checkpoint."),
        ("starting_offsets", "'start: earliest', 'latest' or a time, of source.kafka; it counts when there is no checkpoint."),
        ("fail_on_data_loss", "Always: a log that was cut off below the position fails the partition with a reason; 'kor reset' goes on."),
        ("checkpoint_location", "The state database of the silo (docs/configuration.md); a checkpoint is one transaction."),
        ("service_name", "Part of the database connection in the host's configuration (Kor:Connections:NAME): a pipeline names the connection only."),
        ("oracle_host", "Part of the database connection in the host's configuration (Kor:Connections:NAME): a pipeline names the connection only."),
        ("batch_size", "'flush: { rows }' of a sink."),
        ("create_oracle_table", "'create: true' of a sink; 'kor plan FILE' shows the statements."),
        ("write_to_oracle", "A sink: 'mode: append' or 'upsert'."),
        ("read_oracle_table", "A lookup step: 'type: lookup', with 'connection', 'table', 'on' and 'add'."),
        ("add_processing_metadata", "'metadata: true' of a sink adds the KOR_ columns: topic, partition, offset, times, version; processing_time() in expressions."),
        ("add_data_quality_checks", "A quality step: rules, and onFail: quarantine, drop, tag (adds quality_RULE fields) or route."),
        ("deduplicate_stream", "A dedup step with 'scope: global', which looks in all partitions as dropDuplicates does; 'scope: partition' where copies come in the same partition."),
        ("aggregate_stream", "A window step, or 'type: aggregate' for running totals."),
        ("watermark_delay", "'eventTime: { maxOutOfOrder }' of the source, and 'allowedLateness' of a window step."),
        ("get_stream_progress", "'kor status NAME -o json', GET /api/v1/pipelines/NAME/status, and the metrics at /metrics."),
        ("monitor_streams", "'kor top', 'kor list', 'kor status NAME', the viewer, and the metrics at /metrics."),
        ("enable_fault_tolerance", "Always on: epochs, checkpoints and fenced sinks (docs/guarantees.md)."),
        ("stop_all_streams", "'kor stop NAME', or 'kor pause NAME'; a silo that is told to end makes its partitions durable first."),
    ];

    /// <summary>What a name is here, however it is written: <c>maxPollRecords</c>, <c>max.poll.records</c> and <c>max_poll_records</c> are one.</summary>
    public static (string Name, string Here)? Find(string name)
    {
        var plain = Plain(name);
        foreach (var entry in All)
        {
            if (Plain(entry.Name) == plain) return entry;
        }

        return null;
    }

    private static string Plain(string name) => new([.. name.Where(char.IsAsciiLetterOrDigit).Select(char.ToLowerInvariant)]);
}
