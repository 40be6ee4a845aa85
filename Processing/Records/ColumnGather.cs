namespace KafkaOracleOrleans.Processing.Records;

/// <summary>Copies chosen rows out of reused storage into storage of their own.</summary>
public static class ColumnGather
{
    /// <summary>A new column with the values of the given rows, in that order.</summary>
    public static Column Rows(Column source, ReadOnlySpan<int> rows)
    {
        var target = Column.Create(source.Type, rows.Length);
        var nulls = target.IsNull;
        for (var i = 0; i < rows.Length; i++) nulls[i] = source.IsNull[rows[i]];
        switch (source)
        {
            case LongColumn from:
                Copy(from.Values, ((LongColumn)target).Values, rows);
                break;
            case DecimalColumn from:
                Copy(from.Values, ((DecimalColumn)target).Values, rows);
                break;
            case DoubleColumn from:
                Copy(from.Values, ((DoubleColumn)target).Values, rows);
                break;
            case BooleanColumn from:
                Copy(from.Values, ((BooleanColumn)target).Values, rows);
                break;
            case BinaryColumn from:
                CopyBytes(from, (BinaryColumn)target, rows);
                break;
        }

        return target;
    }

    /// <summary>A copy of chosen raw records, with headers, that holds nothing of the original.</summary>
    public static RawBatch Raw(RawBatch source, ReadOnlySpan<int> rows)
    {
        var count = rows.Length;
        int[] keyStart = new int[count], keyLength = new int[count], valueStart = new int[count],
            valueLength = new int[count];
        long[] offsets = new long[count], timestamps = new long[count];
        var size = 0;
        for (var i = 0; i < count; i++)
        {
            if (!IsSame(source, rows, i)) size += Math.Max(0, source.KeyLength[rows[i]]) + Math.Max(0, source.ValueLength[rows[i]]);
        }

        var buffer = new byte[size];
        var used = 0;
        for (var i = 0; i < count; i++)
        {
            var row = rows[i];
            offsets[i] = source.Offsets[row];
            timestamps[i] = source.Timestamps[row];
            if (IsSame(source, rows, i))
            {
                (keyStart[i], keyLength[i], valueStart[i], valueLength[i]) = (keyStart[i - 1], keyLength[i - 1], valueStart[i - 1], valueLength[i - 1]);
                continue;
            }

            keyStart[i] = used;
            keyLength[i] = source.KeyLength[row];
            source.Key(row).CopyTo(buffer.AsSpan(used));
            used += Math.Max(0, keyLength[i]);
            valueStart[i] = used;
            valueLength[i] = source.ValueLength[row];
            source.Value(row).CopyTo(buffer.AsSpan(used));
            used += Math.Max(0, valueLength[i]);
        }

        var headers = Headers(source, rows);
        return new RawBatch
        {
            Topic = source.Topic, Partition = source.Partition, From = source.From, To = source.To, Count = count,
            Buffer = buffer, KeyStart = keyStart, KeyLength = keyLength, ValueStart = valueStart,
                ValueLength = valueLength,
            Offsets = offsets, Timestamps = timestamps,
            Headers = headers is null ? null : row => headers[row],
            HeaderCount = headers is null ? null : Array.ConvertAll(headers, h => h.Count),
        };
    }

    private static IReadOnlyList<KeyValuePair<string, byte[]?>>[]? Headers(RawBatch source, ReadOnlySpan<int> rows)
    {
        if (source.Headers is null) return null;
        IReadOnlyList<KeyValuePair<string, byte[]?>>[]? headers = null;
        for (var i = 0; i < rows.Length; i++)
        {
            var list = headers is not null && IsSame(source, rows, i) ? headers[i - 1] : source.HeadersOf(rows[i]);
            if (list.Count == 0) continue;
            if (headers is null)
            {
                headers = new IReadOnlyList<KeyValuePair<string, byte[]?>>[rows.Length];
                Array.Fill(headers, []);
            }

            headers[i] = list;
        }

        return headers;
    }

    /// <summary>True for a row of the same record as the one before it: its bytes are there already.</summary>
    private static bool IsSame(RawBatch source, ReadOnlySpan<int> rows, int i)
    {
        if (i == 0) return false;
        var (row, before) = (rows[i], rows[i - 1]);
        return source.ValueStart[row] == source.ValueStart[before] && source.ValueLength[row] == source.ValueLength[before]
            && source.KeyStart[row] == source.KeyStart[before] && source.KeyLength[row] == source.KeyLength[before] && source.Offsets[row] == source.Offsets[before];
    }

    private static void Copy<T>(T[] source, T[] target, ReadOnlySpan<int> rows)
    {
        for (var i = 0; i < rows.Length; i++) target[i] = source[rows[i]];
    }

    private static void CopyBytes(BinaryColumn source, BinaryColumn target, ReadOnlySpan<int> rows)
    {
        var size = 0L;
        foreach (var row in rows) size += source.IsNull[row] ? 0 : source.Length[row];
        target.Reserve((int)Math.Min(size, Array.MaxLength));
        for (var i = 0; i < rows.Length; i++)
        {
            if (!source.IsNull[rows[i]]) target.Set(i, source.Span(rows[i]));
        }
    }
}
