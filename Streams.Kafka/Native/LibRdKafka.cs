using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Streams.Kafka.Native;

/// <summary>
/// The part of librdkafka's C interface that Confluent.Kafka does not expose: batch consumption, partition queues and
/// the mock cluster. <see cref="KafkaLibrary"/> says which file it is.
/// </summary>
internal static unsafe partial class LibRdKafka
{
    private const string Name = "librdkafka";

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_new")]
    internal static partial nint ConfNew();

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_destroy")]
    internal static partial void ConfDestroy(nint conf);

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ConfSet(nint conf, string name, string value, byte* error, nuint errorSize);

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_set_opaque")]
    internal static partial void ConfSetOpaque(nint conf, nint opaque);

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_set_error_cb")]
    internal static partial void ConfSetErrorCallback(
        nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> callback);

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_set_log_cb")]
    internal static partial void ConfSetLogCallback(
        nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, void> callback);

    [LibraryImport(Name, EntryPoint = "rd_kafka_conf_set_offset_commit_cb")]
    internal static partial void ConfSetCommitCallback(
        nint conf, delegate* unmanaged[Cdecl]<nint, int, PartitionList*, nint, void> callback);

    [LibraryImport(Name, EntryPoint = "rd_kafka_new")]
    internal static partial nint New(int type, nint conf, byte* error, nuint errorSize);

    [LibraryImport(Name, EntryPoint = "rd_kafka_destroy_flags")]
    internal static partial void DestroyFlags(nint handle, int flags);

    [LibraryImport(Name, EntryPoint = "rd_kafka_opaque")]
    internal static partial nint Opaque(nint handle);

    [LibraryImport(Name, EntryPoint = "rd_kafka_poll_set_consumer")]
    internal static partial int PollSetConsumer(nint handle);

    [LibraryImport(Name, EntryPoint = "rd_kafka_queue_get_consumer")]
    internal static partial nint QueueGetConsumer(nint handle);

    [LibraryImport(Name, EntryPoint = "rd_kafka_queue_get_partition", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint QueueGetPartition(nint handle, string topic, int partition);

    [LibraryImport(Name, EntryPoint = "rd_kafka_queue_forward")]
    internal static partial void QueueForward(nint source, nint destination);

    [LibraryImport(Name, EntryPoint = "rd_kafka_queue_destroy")]
    internal static partial void QueueDestroy(nint queue);

    [LibraryImport(Name, EntryPoint = "rd_kafka_queue_cb_event_enable")]
    internal static partial void QueueCallbackEnable(
        nint queue, delegate* unmanaged[Cdecl]<nint, nint, void> callback, nint opaque);

    [LibraryImport(Name, EntryPoint = "rd_kafka_consume_batch_queue")]
    internal static partial nint ConsumeBatchQueue(nint queue, int timeoutMs, Message** messages, nuint size);

    [LibraryImport(Name, EntryPoint = "rd_kafka_message_destroy"), SuppressGCTransition]
    internal static partial void MessageDestroy(Message* message);

    [LibraryImport(Name, EntryPoint = "rd_kafka_message_timestamp"), SuppressGCTransition]
    internal static partial long MessageTimestamp(Message* message, int* type);

    [LibraryImport(Name, EntryPoint = "rd_kafka_message_leader_epoch"), SuppressGCTransition]
    internal static partial int MessageLeaderEpoch(Message* message);

    [LibraryImport(Name, EntryPoint = "rd_kafka_message_headers"), SuppressGCTransition]
    internal static partial int MessageHeaders(Message* message, nint* headers);

    [LibraryImport(Name, EntryPoint = "rd_kafka_header_get_all")]
    internal static partial int HeaderGetAll(nint headers, nuint index, byte** name, byte** value, nuint* size);

    [LibraryImport(Name, EntryPoint = "rd_kafka_topic_partition_list_new")]
    internal static partial PartitionList* PartitionListNew(int size);

    [LibraryImport(Name, EntryPoint = "rd_kafka_topic_partition_list_destroy")]
    internal static partial void PartitionListDestroy(PartitionList* list);

    [LibraryImport(
        Name, EntryPoint = "rd_kafka_topic_partition_list_add", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial PartitionElement* PartitionListAdd(PartitionList* list, string topic, int partition);

    [LibraryImport(Name, EntryPoint = "rd_kafka_incremental_assign")]
    internal static partial nint IncrementalAssign(nint handle, PartitionList* list);

    [LibraryImport(Name, EntryPoint = "rd_kafka_incremental_unassign")]
    internal static partial nint IncrementalUnassign(nint handle, PartitionList* list);

    [LibraryImport(Name, EntryPoint = "rd_kafka_seek_partitions")]
    internal static partial nint SeekPartitions(nint handle, PartitionList* list, int timeoutMs);

    [LibraryImport(Name, EntryPoint = "rd_kafka_topic_partition_set_leader_epoch")]
    internal static partial void SetLeaderEpoch(PartitionElement* element, int leaderEpoch);

    [LibraryImport(Name, EntryPoint = "rd_kafka_error_code")]
    internal static partial int ErrorCode(nint error);

    [LibraryImport(Name, EntryPoint = "rd_kafka_error_string")]
    internal static partial byte* ErrorString(nint error);

    [LibraryImport(Name, EntryPoint = "rd_kafka_error_destroy")]
    internal static partial void ErrorDestroy(nint error);

    [LibraryImport(Name, EntryPoint = "rd_kafka_err2str")]
    internal static partial byte* ErrorToText(int error);

    [LibraryImport(Name, EntryPoint = "rd_kafka_committed")]
    internal static partial int Committed(nint handle, PartitionList* list, int timeoutMs);

    [LibraryImport(Name, EntryPoint = "rd_kafka_commit")]
    internal static partial int Commit(nint handle, PartitionList* list, int async);

    [LibraryImport(Name, EntryPoint = "rd_kafka_offsets_for_times")]
    internal static partial int OffsetsForTimes(nint handle, PartitionList* list, int timeoutMs);

    [LibraryImport(Name, EntryPoint = "rd_kafka_query_watermark_offsets", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int QueryWatermarkOffsets(
        nint handle, string topic, int partition, long* low, long* high, int timeoutMs);

    [LibraryImport(Name, EntryPoint = "rd_kafka_get_watermark_offsets")]
    internal static partial int GetWatermarkOffsets(nint handle, byte* topic, int partition, long* low, long* high);

    [LibraryImport(Name, EntryPoint = "rd_kafka_topic_new", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint TopicNew(nint handle, string topic, nint conf);

    [LibraryImport(Name, EntryPoint = "rd_kafka_topic_destroy")]
    internal static partial void TopicDestroy(nint topic);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_cluster_new")]
    internal static partial nint MockClusterNew(nint handle, int brokers);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_cluster_destroy")]
    internal static partial void MockClusterDestroy(nint cluster);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    internal static partial byte* MockClusterBootstraps(nint cluster);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockTopicCreate(nint cluster, string topic, int partitions, int replication);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_topic_delete", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockTopicDelete(nint cluster, string topic);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_topic_set_error", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void MockTopicSetError(nint cluster, string topic, int error);

    [LibraryImport(
        Name, EntryPoint = "rd_kafka_mock_partition_delete_records", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockPartitionDeleteRecords(nint cluster, string topic, int partition, long before);

    [LibraryImport(
        Name, EntryPoint = "rd_kafka_mock_partition_set_leader", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockPartitionSetLeader(nint cluster, string topic, int partition, int broker);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_broker_set_down")]
    internal static partial int MockBrokerSetDown(nint cluster, int broker);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_broker_set_up")]
    internal static partial int MockBrokerSetUp(nint cluster, int broker);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_broker_set_rtt")]
    internal static partial int MockBrokerSetRtt(nint cluster, int broker, int milliseconds);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_push_request_errors_array")]
    internal static partial void MockPushRequestErrors(nint cluster, short apiKey, nuint count, int* errors);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_clear_request_errors")]
    internal static partial void MockClearRequestErrors(nint cluster, short apiKey);

    [LibraryImport(Name, EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    internal static partial void MockGroupInitialRebalanceDelay(nint cluster, int milliseconds);

    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    internal static string Describe(int error) => Text(ErrorToText(error));

    /// <summary>Throws when a call that answers with an error object has failed.</summary>
    internal static void ThrowIfError(nint error, string what)
    {
        if (error == 0)
            return;
        var code = ErrorCode(error);
        var text = Text(ErrorString(error));
        ErrorDestroy(error);
        throw new KafkaNativeException(code, $"{what}: {text}");
    }

    /// <summary>Throws when a call that answers with an error code has failed.</summary>
    internal static void ThrowIfError(int error, string what)
    {
        if (error != 0)
            throw new KafkaNativeException(error, $"{what}: {Describe(error)}");
    }

    /// <summary>rd_kafka_message_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Payload;
        public nuint Length;
        public byte* Key;
        public nuint KeyLength;
        public long Offset;
        public nint Private;
    }

    /// <summary>rd_kafka_topic_partition_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PartitionElement
    {
        public byte* Topic;
        public int Partition;
        public long Offset;
        public nint Metadata;
        public nuint MetadataSize;
        public nint Opaque;
        public int Error;
        public nint Private;
    }

    /// <summary>rd_kafka_topic_partition_list_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PartitionList
    {
        public int Count;
        public int Size;
        public PartitionElement* Elements;
    }
}

/// <summary>An error of librdkafka with its code.</summary>
internal sealed class KafkaNativeException(int code, string message) : Exception($"{message} ({code})")
{
    public int Code { get; } = code;
}
