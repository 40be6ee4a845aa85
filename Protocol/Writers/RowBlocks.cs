using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>Copies of blocks.</summary>
internal static class RowBlocks
{
    /// <summary>Rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1 as a block of their own.</summary>
    public static RowBlock Slice(RowBlock source, int first, int count)
    {
        var block = new RowBlock(source.Schema, count);
        Append(block, source, first, count);
        return block;
    }

    /// <summary>Appends rows of a block with the same fields.</summary>
    public static void Append(RowBlock target, RowBlock source, int first, int count)
    {
        var at = target.Count;
        for (var c = 0; c < target.Columns.Length; c++)
        {
            var to = target.Columns[c];
            var from = source.Columns[c];
            to.EnsureCapacity(at + count);
            for (var i = 0; i < count; i++) to.CopyFrom(from, first + i, at + i);
        }

        target.Count = at + count;
    }

    /// <summary>A rough size in bytes, for bounds of buffers.</summary>
    public static long EstimateBytes(RowBlock block)
    {
        long bytes = 0;
        foreach (var column in block.Columns)
            bytes += column is BinaryColumn binary ? binary.Used + (block.Count * 9L) : block.Count * 17L;
        return bytes;
    }

    /// <summary>The raw records of several batches, one after the other.</summary>
    public static RawBatch Concat(IReadOnlyList<RawBatch> batches)
    {
        if (batches.Count == 1) return batches[0];
        var count = batches.Sum(b => b.Count);
        var buffer = new byte[batches.Sum(b => b.Buffer.Length)];
        var merged = new RawBatch
        {
            Topic = batches[0].Topic,
            Partition = batches[0].Partition,
            From = batches[0].From,
            To = batches[^1].To,
            Count = count,
            Buffer = buffer,
            KeyStart = new int[count],
            KeyLength = new int[count],
            ValueStart = new int[count],
            ValueLength = new int[count],
            Offsets = new long[count],
            Timestamps = new long[count],
            Headers = row => HeadersOf(batches, row),
        };
        var row = 0;
        var used = 0;
        foreach (var batch in batches)
        {
            batch.Buffer.CopyTo(buffer, used);
            for (var i = 0; i < batch.Count; i++, row++)
            {
                merged.KeyStart[row] = batch.KeyStart[i] + used;
                merged.KeyLength[row] = batch.KeyLength[i];
                merged.ValueStart[row] = batch.ValueStart[i] + used;
                merged.ValueLength[row] = batch.ValueLength[i];
                merged.Offsets[row] = batch.Offsets[i];
                merged.Timestamps[row] = batch.Timestamps[i];
            }

            used += batch.Buffer.Length;
        }

        return merged;
    }

    private static IReadOnlyList<KeyValuePair<string, byte[]?>> HeadersOf(IReadOnlyList<RawBatch> batches, int row)
    {
        foreach (var batch in batches)
        {
            if (row < batch.Count) return batch.Headers?.Invoke(row) ?? [];
            row -= batch.Count;
        }

        return [];
    }
}
