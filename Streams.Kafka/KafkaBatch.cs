using System.Buffers;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// Consecutive records of one partition: the item type of the partition's stream. Struct of arrays over one buffer;
/// no object per record. Arrays may be longer than <see cref="Count"/>. The batch spans the positions
/// <c>[From, To)</c>: compacted records, transaction markers and aborted records inside it are holes, not losses. A
/// batch may be empty (<see cref="Count"/> 0) when only holes were passed. A subscriber whose position is P accepts
/// a batch with From == P, skips what it already has when From &lt; P, and has found a gap when From &gt; P.
/// </summary>
[Immutable]
public sealed class KafkaBatch
{
    private readonly KafkaBatchArrays _arrays;
    private int _references;

    internal KafkaBatch(KafkaBatchHeader header, KafkaBatchArrays arrays, int references)
    {
        Header = header;
        _arrays = arrays;
        HeldBytes = arrays.HeldBytes;
        _references = references;
    }

    /// <summary>The name of the source.</summary>
    public string Source => Header.Source;

    /// <summary>The topic.</summary>
    public string Topic => Header.Topic;

    /// <summary>The partition.</summary>
    public int Partition => Header.Partition;

    /// <summary>First position spanned: always the To of the previous batch, or the offset sought.</summary>
    public long From => Header.From;

    /// <summary>The position after this batch: the next batch's From.</summary>
    public long To => Header.To;

    /// <summary>Number of records.</summary>
    public int Count => Header.Count;

    /// <summary>The offset after the last record in the log, as known when the batch was made; -1 unknown.</summary>
    public long HighWatermark => Header.HighWatermark;

    /// <summary>Whether the end of the log had been reached when the batch was made; not while a transaction was open.</summary>
    public bool AtEnd => Header.AtEnd;

    /// <summary>The topic's identity, another one when it is made again; empty while the cluster has not told it, or can't.</summary>
    public string TopicId => Header.TopicId;

    /// <summary>Sum of the bytes of keys, values and headers, and of the columns: what the batch costs.</summary>
    public long SizeBytes => Header.SizeBytes;

    /// <summary>The bytes of all keys, values and headers; the other columns point into it.</summary>
    public byte[] Buffer => Arrays.Buffer;

    /// <summary>The offset of each record, ascending.</summary>
    public long[] Offsets => Arrays.Offsets;

    /// <summary>Kafka's timestamp of each record in ms since the Unix epoch, UTC; -1 when it has none.</summary>
    public long[] TimestampsMs => Arrays.TimestampsMs;

    /// <summary>Start of each key in the buffer.</summary>
    public int[] KeyOffset => Arrays.KeyOffset;

    /// <summary>Length of each key in bytes; -1: null.</summary>
    public int[] KeyLength => Arrays.KeyLength;

    /// <summary>Start of each value in the buffer.</summary>
    public int[] ValueOffset => Arrays.ValueOffset;

    /// <summary>Length of each value in bytes; -1: null, a tombstone.</summary>
    public int[] ValueLength => Arrays.ValueLength;

    /// <summary>Start of each record's encoded headers in the buffer; read them by <see cref="Headers"/>.</summary>
    public int[] HeaderOffset => Arrays.HeaderOffset;

    /// <summary>Number of headers of each record.</summary>
    public int[] HeaderCount => Arrays.HeaderCount;

    internal KafkaBatchHeader Header { get; private set; }

    /// <summary>Bytes of memory the pooled arrays take, used or not; what the buffer limits count.</summary>
    internal long HeldBytes { get; }

    internal KafkaBatchArrays Arrays
    {
        get
        {
            ObjectDisposedException.ThrowIf(_arrays.IsReturned, this);
            return _arrays;
        }
    }

    /// <summary>The key of record <paramref name="index"/>; empty when null (see <see cref="KeyLength"/>).</summary>
    public ReadOnlySpan<byte> Key(int index)
    {
        var arrays = Arrays;
        var length = arrays.KeyLength[index];
        return length <= 0 ? default : arrays.Buffer.AsSpan(arrays.KeyOffset[index], length);
    }

    /// <summary>The value of record <paramref name="index"/>; empty when null (<see cref="ValueLength"/>).</summary>
    public ReadOnlySpan<byte> Value(int index)
    {
        var arrays = Arrays;
        var length = arrays.ValueLength[index];
        return length <= 0 ? default : arrays.Buffer.AsSpan(arrays.ValueOffset[index], length);
    }

    /// <summary>The headers of record <paramref name="index"/>, in order, duplicates included.</summary>
    public KafkaHeaderEnumerator Headers(int index)
    {
        var arrays = Arrays;
        return new KafkaHeaderEnumerator(arrays.Buffer, arrays.HeaderOffset[index], arrays.HeaderCount[index]);
    }

    /// <summary>
    /// Gives the subscriber's hold on the arrays back to the pool; call it at most once per delivery and touch the
    /// batch no more. Optional: an unreleased batch is left to the garbage collector.
    /// </summary>
    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        if (left == 0)
            _arrays.Return();
        else if (left < 0)
            throw new InvalidOperationException("The batch was released more often than it was delivered.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Topic}/{Partition} [{From}, {To}) {Count} records";

    /// <summary>Only while nobody else has seen the batch.</summary>
    internal void MarkEnd(long to, bool atEnd) => Header = Header with { AtEnd = atEnd, To = Math.Max(to, Header.To) };

    internal void AddReference() => Interlocked.Increment(ref _references);
}

/// <summary>What a batch says about itself.</summary>
internal readonly record struct KafkaBatchHeader(
    string Source,
    string Topic,
    int Partition,
    long From,
    long To,
    int Count,
    long HighWatermark,
    bool AtEnd,
    int BufferLength,
    string TopicId = "")
{
    public const int BytesPerRecord = (2 * sizeof(long)) + (6 * sizeof(int));

    public long SizeBytes => BufferLength + ((long)Count * BytesPerRecord);
}

/// <summary>The pooled columns of a batch.</summary>
internal sealed class KafkaBatchArrays
{
    private int _returned;

    public KafkaBatchArrays(int recordCapacity, int byteCapacity)
    {
        Buffer = ArrayPool<byte>.Shared.Rent(byteCapacity);
        Offsets = ArrayPool<long>.Shared.Rent(recordCapacity);
        TimestampsMs = ArrayPool<long>.Shared.Rent(recordCapacity);
        KeyOffset = ArrayPool<int>.Shared.Rent(recordCapacity);
        KeyLength = ArrayPool<int>.Shared.Rent(recordCapacity);
        ValueOffset = ArrayPool<int>.Shared.Rent(recordCapacity);
        ValueLength = ArrayPool<int>.Shared.Rent(recordCapacity);
        HeaderOffset = ArrayPool<int>.Shared.Rent(recordCapacity);
        HeaderCount = ArrayPool<int>.Shared.Rent(recordCapacity);
    }

    public byte[] Buffer { get; private set; }

    public long[] Offsets { get; private set; }

    public long[] TimestampsMs { get; private set; }

    public int[] KeyOffset { get; private set; }

    public int[] KeyLength { get; private set; }

    public int[] ValueOffset { get; private set; }

    public int[] ValueLength { get; private set; }

    public int[] HeaderOffset { get; private set; }

    public int[] HeaderCount { get; private set; }

    public long HeldBytes => Buffer.Length + ((long)Offsets.Length * KafkaBatchHeader.BytesPerRecord);

    /// <summary>Records every column has room for.</summary>
    public int RecordCapacity => Math.Min(
        Math.Min(Math.Min(Offsets.Length, TimestampsMs.Length), Math.Min(KeyOffset.Length, KeyLength.Length)),
        Math.Min(
            Math.Min(ValueOffset.Length, ValueLength.Length), Math.Min(HeaderOffset.Length, HeaderCount.Length)));

    public bool IsReturned => Volatile.Read(ref _returned) != 0;

    public void GrowBuffer(int used, int required)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(required, (int)Math.Min(Array.MaxLength, 2L * used)));
        Buffer.AsSpan(0, used).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(Buffer);
        Buffer = larger;
    }

    public void GrowRecords(int used)
    {
        Offsets = Grow(Offsets, used);
        TimestampsMs = Grow(TimestampsMs, used);
        KeyOffset = Grow(KeyOffset, used);
        KeyLength = Grow(KeyLength, used);
        ValueOffset = Grow(ValueOffset, used);
        ValueLength = Grow(ValueLength, used);
        HeaderOffset = Grow(HeaderOffset, used);
        HeaderCount = Grow(HeaderCount, used);
    }

    public void Return()
    {
        if (Interlocked.Exchange(ref _returned, 1) != 0)
            return;
        ArrayPool<byte>.Shared.Return(Buffer);
        ArrayPool<long>.Shared.Return(Offsets);
        ArrayPool<long>.Shared.Return(TimestampsMs);
        ArrayPool<int>.Shared.Return(KeyOffset);
        ArrayPool<int>.Shared.Return(KeyLength);
        ArrayPool<int>.Shared.Return(ValueOffset);
        ArrayPool<int>.Shared.Return(ValueLength);
        ArrayPool<int>.Shared.Return(HeaderOffset);
        ArrayPool<int>.Shared.Return(HeaderCount);
        Buffer = [];
        Offsets = TimestampsMs = [];
        KeyOffset = KeyLength = ValueOffset = ValueLength = HeaderOffset = HeaderCount = [];
    }

    private static T[] Grow<T>(T[] array, int used)
    {
        var larger = ArrayPool<T>.Shared.Rent(Math.Max(16, used * 2));
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array);
        return larger;
    }
}
