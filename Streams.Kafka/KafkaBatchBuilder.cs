using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// Fills a <see cref="KafkaBatch"/> record by record. The receiver uses it; so may tests of subscribers. Headers are
/// added before the record they belong to. Not safe for concurrent use.
/// </summary>
public sealed class KafkaBatchBuilder
{
    private KafkaBatchArrays? _arrays;
    private int _count;
    private int _capacity;
    private int _used;
    private int _headerStart;
    private int _headerCount;

    /// <summary>Starts an empty batch; the capacities are hints.</summary>
    public KafkaBatchBuilder(int recordCapacity = 16, int byteCapacity = 4096) => Reset(recordCapacity, byteCapacity);

    /// <summary>Records so far.</summary>
    public int Count => _count;

    /// <summary>Bytes of keys, values and headers so far.</summary>
    public int Bytes => _used;

    internal long LastOffset => Arrays.Offsets[_count - 1];

    private KafkaBatchArrays Arrays =>
        _arrays ?? throw new InvalidOperationException("The batch is built already; start another builder.");

    /// <summary>Adds a header to the record added next.</summary>
    public KafkaBatchBuilder AddHeader(string key, ReadOnlySpan<byte> value, bool isNull = false)
    {
        AddHeader(Encoding.UTF8.GetBytes(key), value, isNull);
        return this;
    }

    /// <summary>Adds a record; offsets must ascend.</summary>
    /// <param name="offset">Kafka offset.</param>
    /// <param name="timestampMs">Kafka timestamp in ms since the Unix epoch; -1: none.</param>
    /// <param name="key">The key or null.</param>
    /// <param name="value">The value or null (a tombstone).</param>
    public KafkaBatchBuilder Add(long offset, long timestampMs, byte[]? key, byte[]? value)
    {
        Add(
            offset,
            timestampMs,
            ref MemoryMarshal.GetReference(key.AsSpan()),
            key?.Length ?? -1,
            ref MemoryMarshal.GetReference(value.AsSpan()),
            value?.Length ?? -1);
        return this;
    }

    /// <summary>Ends the batch. The caller holds one reference, as a subscriber does.</summary>
    public KafkaBatch Build(
        string source, string topic, int partition, long from, long to, long highWatermark = -1, bool atEnd = false,
        string topicId = "")
    {
        var first = _count > 0 ? Arrays.Offsets[0] : from;
        var last = _count > 0 ? LastOffset : from - 1;
        if (from > first || to <= last)
            throw new ArgumentException($"[{from}, {to}) does not span the records {first} to {last}.");
        return Build(new KafkaBatchHeader(source, topic, partition, from, to, _count, highWatermark, atEnd, _used, topicId));
    }

    internal KafkaBatch Build(KafkaBatchHeader header, int references = 1)
    {
        var arrays = Arrays;
        _arrays = null;
        _capacity = _count = 0;
        return new KafkaBatch(header, arrays, references);
    }

    /// <summary>Gives the arrays back unused.</summary>
    internal void Discard()
    {
        _arrays?.Return();
        _arrays = null;
        _capacity = _count = _used = _headerCount = 0;
    }

    internal void Reset(int recordCapacity, int byteCapacity)
    {
        _arrays = new KafkaBatchArrays(recordCapacity, byteCapacity);
        _capacity = _arrays.RecordCapacity;
        _count = _used = _headerStart = _headerCount = 0;
    }

    internal void AddHeader(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isNull)
    {
        if (_headerCount++ == 0)
            _headerStart = _used;
        AppendPrefixed(key, false);
        AppendPrefixed(value, isNull);
    }

    /// <summary>
    /// The receiver's way in: once per record. Lengths of -1 mean null. The columns have one common capacity, checked
    /// once, so the stores need no check of their own.
    /// </summary>
    internal void Add(
        long offset, long timestampMs, ref byte key, int keyLength, ref byte value, int valueLength)
    {
        var i = _count;
        if (i == _capacity)
            GrowRecords();
        var arrays = _arrays!;
        var keyBytes = Math.Max(keyLength, 0);
        var valueBytes = Math.Max(valueLength, 0);
        var keyStart = _used;
        var valueStart = keyStart + keyBytes;
        var end = checked(valueStart + valueBytes);
        if (end > arrays.Buffer.Length)
            arrays.GrowBuffer(keyStart, end);
        ref var buffer = ref MemoryMarshal.GetArrayDataReference(arrays.Buffer);
        Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref buffer, keyStart), ref key, (uint)keyBytes);
        Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref buffer, valueStart), ref value, (uint)valueBytes);
        At(arrays.Offsets, i) = offset;
        At(arrays.TimestampsMs, i) = timestampMs;
        At(arrays.KeyOffset, i) = keyStart;
        At(arrays.KeyLength, i) = keyLength;
        At(arrays.ValueOffset, i) = valueStart;
        At(arrays.ValueLength, i) = valueLength;
        At(arrays.HeaderOffset, i) = _headerStart;
        At(arrays.HeaderCount, i) = _headerCount;
        _headerCount = 0;
        _used = end;
        _count = i + 1;
    }

    private static ref T At<T>(T[] array, int index) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(array), index);

    private void GrowRecords()
    {
        Arrays.GrowRecords(_count);
        _capacity = Arrays.RecordCapacity;
    }

    private void AppendPrefixed(ReadOnlySpan<byte> bytes, bool isNull)
    {
        var required = checked(_used + sizeof(int) + bytes.Length);
        if (required > Arrays.Buffer.Length)
            Arrays.GrowBuffer(_used, required);
        BinaryPrimitives.WriteInt32LittleEndian(Arrays.Buffer.AsSpan(_used), isNull ? -1 : bytes.Length);
        bytes.CopyTo(Arrays.Buffer.AsSpan(_used + sizeof(int)));
        _used = required;
    }
}
