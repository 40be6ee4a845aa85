using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Streams.Kafka.Native;

/// <summary>Where librdkafka calls in.</summary>
internal sealed unsafe partial class NativeConsumer
{
    private static ReadOnlySpan<byte> ChangedId => " changed id from "u8;

    /// <summary>Sixteen zero bytes: librdkafka has only just got to know the topic.</summary>
    private static ReadOnlySpan<byte> NoId => "AAAAAAAAAAAAAAAAAAAAAA "u8;

    private static NativeConsumer From(nint opaque) => (NativeConsumer)GCHandle.FromIntPtr(opaque).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void QueueFilled(nint handle, nint opaque) => From(opaque)._events.OnQueueFilled();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ErrorRaised(nint handle, int code, byte* reason, nint opaque)
    {
        var consumer = From(opaque);
        try
        {
            consumer._events.OnError(code, Text(reason));
        }
        catch (Exception e)
        {
            consumer.KeepFault(e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OffsetsCommitted(nint handle, int error, PartitionList* offsets, nint opaque)
    {
        var consumer = From(opaque);
        try
        {
            if (offsets == null)
                return;
            var results = new CommitResult[offsets->Count];
            for (var i = 0; i < results.Length; i++)
            {
                var element = offsets->Elements[i];
                results[i] = new CommitResult(
                    Text(element.Topic), element.Partition, element.Offset, error != 0 ? error : element.Error);
            }

            consumer._events.OnCommitted(results);
        }
        catch (Exception e)
        {
            consumer.KeepFault(e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Logged(nint handle, int level, byte* facility, byte* text)
    {
        // Lines logged while rd_kafka_new is still running come with a handle whose opaque is set already.
        var opaque = Opaque(handle);
        if (opaque == 0)
            return;
        var consumer = From(opaque);
        try
        {
            consumer.NoteTopicChange(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
            if (level <= consumer._logLevel)
                consumer._events.OnLog(level, Text(facility), Text(text));
        }
        catch (Exception e)
        {
            consumer.KeepFault(e);
        }
    }

    /// <summary>
    /// librdkafka follows a topic that is created anew to its new id and fetches on at the old offset. It tells nobody
    /// but its log: the line comes before the first fetch under the new id, on the thread that would send it.
    /// </summary>
    private void NoteTopicChange(ReadOnlySpan<byte> line)
    {
        var middle = line.IndexOf(ChangedId);
        var start = middle < 0 ? -1 : line[..middle].LastIndexOf((byte)' ');
        var ids = middle < 0 ? default : line[(middle + ChangedId.Length)..];
        var to = ids.IndexOf(" to "u8);
        if (start >= 0 && to >= 0 && !ids.StartsWith(NoId))
        {
            _events.OnTopicReplaced(
                Encoding.UTF8.GetString(line[(start + 1)..middle]), Encoding.UTF8.GetString(ids[(to + 4)..]));
        }
    }

    /// <summary>An exception must not run into native frames: it is thrown where the polling thread asks next.</summary>
    private void KeepFault(Exception fault) => Volatile.Write(ref _fault, fault);
}
