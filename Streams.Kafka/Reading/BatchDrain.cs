using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaOracleOrleans.Streams.Kafka.Native;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>What one look into a partition's queue brought.</summary>
internal readonly record struct DrainResult(
    int Messages, int Records, long Bytes, bool AtEnd, int Error, string Reason);

/// <summary>Copies what is waiting in a partition's queue into batches, without an object per record.</summary>
internal sealed unsafe class BatchDrain : IDisposable
{
    private const double Smoothing = 0.2;
    private readonly int _maxRecords;
    private readonly int _maxBytes;
    private readonly KafkaBatchBuilder _builder = new(1, 1);
    private Message** _messages;
    private bool _asksAll;

    public BatchDrain(KafkaStreamOptions options)
    {
        _maxRecords = options.MaxBatchRecords;
        _maxBytes = options.MaxBatchBytes;
        _messages = (Message**)NativeMemory.Alloc((nuint)_maxRecords, (nuint)sizeof(Message*));
    }

    /// <summary>
    /// A batch may take an eighth of its partition's share, as a power of two: pooled arrays come in those sizes, so
    /// a batch holds at most twice this much, columns included.
    /// </summary>
    public int MaxBatchBytes(long share) =>
        (int)(BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(share / 8, 4096, _maxBytes) + 1) / 2);

    public DrainResult Run(AssignedPartition partition, NativeConsumer consumer, long share)
    {
        var maxBytes = MaxBatchBytes(share);
        // The first record shows what records cost: a guess too low would take in many times what the partition may hold.
        var wanted = partition.BytesPerRecord == 0 ? 1 : (int)Math.Clamp(maxBytes / partition.BytesPerRecord, 1, _maxRecords);
        var received = (int)ConsumeBatchQueue(partition.Queue, 0, _messages, (nuint)wanted);
        if (received <= 0)
            return default;
        if (partition.Reader.IsTopicReplaced)
        {
            Drop(received);
            return default;
        }

        partition.MoreWaiting = received == wanted;
        (partition.Low, partition.High) =
            consumer.CachedWatermarks(partition.TopicUtf8, partition.Reader.Id.Partition);
        _builder.Reset(received, (int)Math.Min(maxBytes, (received * partition.BytesPerRecord * 1.1) + 256));
        var state = new State(partition, maxBytes);
        TakeAll(received, ref state);
        partition.PublishPosition();
        if (state.Records > 0)
        {
            var average = state.Bytes / (double)state.Records;
            // Up at once and down slowly: what is estimated too low makes a batch more than was reckoned with.
            var smoothing = average > partition.BytesPerRecord ? 1 : Smoothing;
            partition.BytesPerRecord += smoothing * (average - partition.BytesPerRecord);
        }

        if (state.Records > 0 || state.AtEnd)
            (partition.Failures, partition.IsDoubted) = (0, false);

        return new DrainResult(received, state.Records, state.Bytes, state.AtEnd, state.Error, state.Reason ?? "");
    }

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        _messages = null;
        _builder.Discard();
    }

    private void Drop(int received)
    {
        for (var i = 0; i < received; i++)
            MessageDestroy(_messages[i]);
    }

    private void TakeAll(int received, ref State state)
    {
        var taken = 0;
        try
        {
            for (; taken < received; taken++)
            {
                var message = _messages[taken];
                if (!state.IsBroken)
                    Take(message, ref state);
                MessageDestroy(message);
            }

            Flush(ref state, last: true);
        }
        catch (Exception e)
        {
            // The position has not moved past what was not flushed: starting again there loses nothing.
            for (; taken < received; taken++)
                MessageDestroy(_messages[taken]);
            _builder.Discard();
            state.Break(ErrorCodes.Fail, e.Message);
        }
    }

    private void Take(Message* message, ref State state)
    {
        if (message->Error == 0)
        {
            state.AtEnd = false;
            Append(message, ref state);
            return;
        }

        if (message->Error != ErrorCodes.PartitionEof)
        {
            var text = Marshal.PtrToStringUTF8((nint)message->Payload, (int)message->Length);
            state.Note(message->Error, string.IsNullOrEmpty(text) ? Describe(message->Error) : text.TrimEnd('\0'));
            return;
        }

        state.AtEnd = true;
        state.End = message->Offset;
    }

    private void Append(Message* message, ref State state)
    {
        if (_builder.Count > 0 && _builder.Bytes + (long)message->Length + (long)message->KeyLength > state.MaxBytes)
            Flush(ref state, last: false);
        int timestampType;
        var timestamp = MessageTimestamp(message, &timestampType);
        if (MayHaveHeaders(message))
            TakeHeaders(message);
        _builder.Add(
            message->Offset,
            timestampType == 0 ? -1 : timestamp,
            ref Unsafe.AsRef<byte>(message->Key),
            message->Key == null ? -1 : checked((int)message->KeyLength),
            ref Unsafe.AsRef<byte>(message->Payload),
            message->Payload == null ? -1 : checked((int)message->Length));
        state.Last = (message->Offset, MessageLeaderEpoch(message));
    }

    /// <summary>
    /// Asking librdkafka for headers costs two allocations even when there are none, more than all else that is done for a record. But it hands values
    /// out where they lie in the fetched record, and there the number of headers follows the value (record format 2; older ones know no headers). Of every
    /// batch the first record is asked all the same: should a version of librdkafka ever hand out copies, the shortcut ends there.
    /// </summary>
    private bool MayHaveHeaders(Message* message)
    {
        // An empty value is no place in the record but a constant.
        if (_asksAll || message->Payload == null || message->Length == 0 || message->Payload[message->Length] != 0)
            return true;
        if (_builder.Count > 0)
            return false;
        nint headers;
        _asksAll = MessageHeaders(message, &headers) == 0;
        return _asksAll;
    }

    private void TakeHeaders(Message* message)
    {
        nint headers;
        if (MessageHeaders(message, &headers) == 0)
            AppendHeaders(headers);
    }

    private void AppendHeaders(nint headers)
    {
        byte* name;
        byte* value;
        nuint size;
        for (nuint i = 0; HeaderGetAll(headers, i, &name, &value, &size) == 0; i++)
        {
            _builder.AddHeader(
                MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name),
                new ReadOnlySpan<byte>(value, checked((int)size)),
                value == null);
        }
    }

    private void Flush(ref State state, bool last)
    {
        var partition = state.Partition;
        var count = _builder.Count;
        var to = count > 0 ? _builder.LastOffset + 1 : partition.Next;
        var isEof = last && state.AtEnd;
        if (isEof)
            to = Math.Max(to, state.End);
        // Where a transaction is open, reading ends below the end of the log.
        var atEnd = isEof && to >= partition.High;
        if (count == 0)
        {
            // Nothing but the news that this is the end, perhaps behind holes: the newest waiting batch can carry it.
            _builder.Discard();
            if (!isEof)
                return;
            if (partition.Reader.TryMarkEnd(to, atEnd))
            {
                partition.Next = to;
                return;
            }

            _builder.Reset(1, 1);
        }

        var id = partition.Reader.Id;
        var batch = _builder.Build(new KafkaBatchHeader(
            id.Source, id.Topic, id.Partition, partition.Next, to, count, partition.High, atEnd, _builder.Bytes,
            partition.Reader.TopicId));
        state.Records += count;
        state.Bytes += batch.SizeBytes;
        partition.Next = to;
        if (count > 0)
            partition.Last = state.Last;
        partition.Reader.Add(batch);
        if (!last)
            _builder.Reset(Math.Max(16, count / 2), state.MaxBytes);
    }

    private ref struct State(AssignedPartition partition, int maxBytes)
    {
        public readonly AssignedPartition Partition = partition;
        public readonly int MaxBytes = maxBytes;
        public int Records;
        public long Bytes;
        public (long Offset, int LeaderEpoch) Last;
        public bool AtEnd;
        public long End;
        public int Error;
        public string? Reason;
        public bool IsBroken;

        /// <summary>Faults librdkafka gets over by itself, without skipping, don't stop the batch.</summary>
        public void Note(int error, string reason)
        {
            Error = error;
            Reason = reason;
            IsBroken = !ErrorCodes.IsPassing(error);
        }

        public void Break(int error, string reason)
        {
            Note(error, reason);
            IsBroken = true;
        }
    }
}
