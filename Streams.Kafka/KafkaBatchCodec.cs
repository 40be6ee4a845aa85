using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// A batch on the wire between silos: one length-prefixed block with only the used part of each column. Version 2:
/// byte version; 3 int64 From, To, HighWatermark; int32 Partition, Count, BufferLength; byte AtEnd; source, topic and
/// the topic's id (not in version 1, which is read too) as int32 length and UTF-8; then the columns in native (little-endian) order and the buffer.
/// </summary>
[RegisterSerializer]
internal sealed class KafkaBatchCodec : IFieldCodec<KafkaBatch>
{
    private const byte Version = 2;
    private const int FixedBytes = 1 + (3 * sizeof(long)) + (3 * sizeof(int)) + 1 + (3 * sizeof(int));

    public void WriteField<TBufferWriter>(
        ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, KafkaBatch? value)
        where TBufferWriter : IBufferWriter<byte>
    {
        if (value is null)
        {
            ReferenceCodec.WriteNullReference(ref writer, fieldIdDelta);
            return;
        }

        ReferenceCodec.MarkValueField(writer.Session);
        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(KafkaBatch), WireType.LengthPrefixed);
        Write(ref writer, value);
    }

    public KafkaBatch ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        if (field.IsReference)
            return ReferenceCodec.ReadReference<KafkaBatch, TInput>(ref reader, field)!;
        field.EnsureWireType(WireType.LengthPrefixed);
        ReferenceCodec.MarkValueField(reader.Session);
        _ = reader.ReadVarUInt32();
        var version = reader.ReadByte();
        if (version is not (1 or Version))
            throw new InvalidOperationException($"A Kafka batch of version {version} came in; {Version} is known.");
        return Read(ref reader, version);
    }

    private static void Write<TBufferWriter>(ref Writer<TBufferWriter> writer, KafkaBatch value)
        where TBufferWriter : IBufferWriter<byte>
    {
        var header = value.Header;
        var arrays = value.Arrays;
        var count = header.Count;
        var source = Encoding.UTF8.GetBytes(header.Source);
        var topic = Encoding.UTF8.GetBytes(header.Topic);
        var topicId = Encoding.UTF8.GetBytes(header.TopicId);
        writer.WriteVarUInt32((uint)(FixedBytes + source.Length + topic.Length + topicId.Length + header.SizeBytes));
        writer.WriteByte(Version);
        writer.WriteInt64(header.From);
        writer.WriteInt64(header.To);
        writer.WriteInt64(header.HighWatermark);
        writer.WriteInt32(header.Partition);
        writer.WriteInt32(count);
        writer.WriteInt32(header.BufferLength);
        writer.WriteByte(header.AtEnd ? (byte)1 : (byte)0);
        writer.WriteInt32(source.Length);
        writer.Write(source);
        writer.WriteInt32(topic.Length);
        writer.Write(topic);
        writer.WriteInt32(topicId.Length);
        writer.Write(topicId);
        writer.Write(MemoryMarshal.AsBytes(arrays.Offsets.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.TimestampsMs.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.KeyOffset.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.KeyLength.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.ValueOffset.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.ValueLength.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.HeaderOffset.AsSpan(0, count)));
        writer.Write(MemoryMarshal.AsBytes(arrays.HeaderCount.AsSpan(0, count)));
        writer.Write(arrays.Buffer.AsSpan(0, header.BufferLength));
    }

    private static KafkaBatch Read<TInput>(ref Reader<TInput> reader, byte version)
    {
        var from = reader.ReadInt64();
        var to = reader.ReadInt64();
        var highWatermark = reader.ReadInt64();
        var partition = reader.ReadInt32();
        var count = reader.ReadInt32();
        var bufferLength = reader.ReadInt32();
        var atEnd = reader.ReadByte() != 0;
        var source = ReadText(ref reader);
        var topic = ReadText(ref reader);
        var topicId = version == 1 ? "" : ReadText(ref reader);
        var arrays = new KafkaBatchArrays(count, bufferLength);
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.Offsets.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.TimestampsMs.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.KeyOffset.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.KeyLength.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.ValueOffset.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.ValueLength.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.HeaderOffset.AsSpan(0, count)));
        reader.ReadBytes(MemoryMarshal.AsBytes(arrays.HeaderCount.AsSpan(0, count)));
        reader.ReadBytes(arrays.Buffer.AsSpan(0, bufferLength));
        var header = new KafkaBatchHeader(
            source, topic, partition, from, to, count, highWatermark, atEnd, bufferLength, topicId);

        // The container that carries the batch adds the subscriber's reference when it hands it out.
        return new KafkaBatch(header, arrays, 0);
    }

    private static string ReadText<TInput>(ref Reader<TInput> reader)
    {
        var bytes = new byte[reader.ReadInt32()];
        reader.ReadBytes(bytes);
        return Encoding.UTF8.GetString(bytes);
    }
}

/// <summary>Batches are immutable: a copy is the batch itself.</summary>
[RegisterCopier]
internal sealed class KafkaBatchCopier : IDeepCopier<KafkaBatch>
{
    public KafkaBatch? DeepCopy(KafkaBatch? input, CopyContext context) => input;
}
