using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static KafkaOracleOrleans.Streams.Kafka.Native.LibRdKafka;

namespace KafkaOracleOrleans.Streams.Kafka.Native;

/// <summary>Where librdkafka calls in.</summary>
internal sealed unsafe partial class NativeConsumer
{
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
            consumer._events.OnLog(level, Text(facility), Text(text));
        }
        catch (Exception e)
        {
            consumer.KeepFault(e);
        }
    }

    /// <summary>An exception must not run into native frames: it is thrown where the polling thread asks next.</summary>
    private void KeepFault(Exception fault) => Volatile.Write(ref _fault, fault);
}
