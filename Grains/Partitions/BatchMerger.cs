using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// Puts waiting batches of a partition together, so that they are worked off as one. A cell of one key costs a call per batch however few rows it gets:
/// with a backlog, fewer and larger batches mean several times fewer calls. Its storage is used again; what it gives holds until the next call.
/// </summary>
internal sealed class BatchMerger
{
    /// <summary>More rows in one go would only cost memory: there are about as many calls as keys by then.</summary>
    public const int MaxRows = 49_152;

    private const int MaxBytes = 32 << 20;

    private byte[] _buffer = [];
    private int[] _keyStart = [];
    private int[] _keyLength = [];
    private int[] _valueStart = [];
    private int[] _valueLength = [];
    private long[] _offsets = [];
    private long[] _timestamps = [];

    /// <summary>
    /// Takes batches that follow one another from the head of a queue into <paramref name="taken"/>: one, and more while they are small enough
    /// and have no headers.
    /// </summary>
    public static void Take(Queue<KafkaBatch> queue, List<KafkaBatch> taken, int maxRows)
    {
        var rows = 0;
        var bytes = 0L;
        while (queue.TryPeek(out var next))
        {
            rows += next.Count;
            bytes += next.SizeBytes;
            if (taken.Count != 0 && (rows > maxRows || bytes > MaxBytes || HasHeaders(next) || HasHeaders(taken[^1]))) return;
            taken.Add(queue.Dequeue());
        }
    }

    /// <summary>Several batches as one.</summary>
    public RawBatch Merge(List<KafkaBatch> batches)
    {
        var rows = 0;
        var bytes = 0;
        foreach (var batch in batches)
        {
            rows += batch.Count;
            bytes += BytesOf(batch);
        }

        MakeRoom(rows, bytes);
        var row = 0;
        var used = 0;
        foreach (var batch in batches)
        {
            var length = BytesOf(batch);
            batch.Buffer.AsSpan(0, length).CopyTo(_buffer.AsSpan(used));
            Shift(batch.KeyOffset, _keyStart, row, batch.Count, used);
            Shift(batch.ValueOffset, _valueStart, row, batch.Count, used);
            batch.KeyLength.AsSpan(0, batch.Count).CopyTo(_keyLength.AsSpan(row));
            batch.ValueLength.AsSpan(0, batch.Count).CopyTo(_valueLength.AsSpan(row));
            batch.Offsets.AsSpan(0, batch.Count).CopyTo(_offsets.AsSpan(row));
            batch.TimestampsMs.AsSpan(0, batch.Count).CopyTo(_timestamps.AsSpan(row));
            row += batch.Count;
            used += length;
        }

        return new RawBatch
        {
            Topic = batches[0].Topic,
            Partition = batches[0].Partition,
            From = batches[0].From,
            To = batches[^1].To,
            Count = rows,
            Buffer = _buffer,
            KeyStart = _keyStart,
            KeyLength = _keyLength,
            ValueStart = _valueStart,
            ValueLength = _valueLength,
            Offsets = _offsets,
            Timestamps = _timestamps,
        };
    }

    private static bool HasHeaders(KafkaBatch batch) => batch.HeaderCount.AsSpan(0, batch.Count).ContainsAnyExcept(0);

    /// <summary>How many bytes of the buffer keys and values take.</summary>
    private static int BytesOf(KafkaBatch batch)
    {
        var end = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            end = Math.Max(end, batch.KeyOffset[i] + batch.KeyLength[i]);
            end = Math.Max(end, batch.ValueOffset[i] + batch.ValueLength[i]);
        }

        return end;
    }

    private static void Shift(int[] source, int[] target, int at, int count, int by)
    {
        for (var i = 0; i < count; i++) target[at + i] = source[i] + by;
    }

    private void MakeRoom(int rows, int bytes)
    {
        if (_buffer.Length < bytes) _buffer = new byte[Math.Max(bytes, _buffer.Length * 2)];
        if (_offsets.Length >= rows) return;
        var size = Math.Max(rows, _offsets.Length * 2);
        _keyStart = new int[size];
        _keyLength = new int[size];
        _valueStart = new int[size];
        _valueLength = new int[size];
        _offsets = new long[size];
        _timestamps = new long[size];
    }
}
