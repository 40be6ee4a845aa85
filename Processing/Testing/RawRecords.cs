using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>A record as a test or a file of samples gives it.</summary>
/// <param name="Value">The value's bytes; null is a tombstone.</param>
/// <param name="Key">The key's bytes, or null.</param>
/// <param name="Timestamp">The Kafka timestamp, ms since the Unix epoch; -1 when there is none.</param>
/// <param name="Offset">The offset.</param>
public readonly record struct RawRecord(byte[]? Value, byte[]? Key = null, long Timestamp = -1, long Offset = 0)
{
    /// <summary>The headers; null: none.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]?>>? Headers { get; init; }
}

/// <summary>Builds the batches a partition would be given.</summary>
public static class RawRecords
{
    /// <summary>A batch of records with ascending offsets; it ends right after the last one.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="from">The position before the batch.</param>
    /// <param name="records">The records.</param>
    public static RawBatch Batch(string topic, int partition, long from, IReadOnlyList<RawRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        var count = records.Count;
        var batch = new RawBatch
        {
            Topic = topic,
            Partition = partition,
            From = from,
            To = count == 0 ? from : records[^1].Offset + 1,
            Count = count,
            Buffer = new byte[records.Sum(r => (r.Key?.Length ?? 0) + (r.Value?.Length ?? 0))],
            KeyStart = new int[count],
            KeyLength = new int[count],
            ValueStart = new int[count],
            ValueLength = new int[count],
            Offsets = new long[count],
            Timestamps = new long[count],
            Headers = row => records[row].Headers ?? [],
            HeaderCount = [.. records.Select(r => r.Headers?.Count ?? 0)],
        };
        var used = 0;
        for (var i = 0; i < count; i++)
        {
            var record = records[i];
            batch.Offsets[i] = record.Offset;
            batch.Timestamps[i] = record.Timestamp;
            batch.KeyStart[i] = used;
            batch.KeyLength[i] = Append(record.Key, batch.Buffer, ref used);
            batch.ValueStart[i] = used;
            batch.ValueLength[i] = Append(record.Value, batch.Buffer, ref used);
        }

        return batch;
    }

    private static int Append(byte[]? bytes, byte[] buffer, ref int used)
    {
        if (bytes is null) return -1;
        bytes.CopyTo(buffer, used);
        used += bytes.Length;
        return bytes.Length;
    }
}
