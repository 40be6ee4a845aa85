using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Contracts;

// Processing knows nothing of Orleans; these say how its types cross from silo to silo. Inside a silo they travel by reference.

/// <summary>Wire form of <see cref="RowBlock"/>: the versioned block format that the outbox uses too.</summary>
[GenerateSerializer, Alias("kor.wire.RowBlock")]
internal struct RowBlockWire
{
    [Id(0)] public byte[] Bytes;
}

[RegisterConverter]
internal sealed class RowBlockConverter : IConverter<RowBlock, RowBlockWire>
{
    public RowBlock ConvertFromSurrogate(in RowBlockWire surrogate) => RowBlockCodec.Decode(surrogate.Bytes);

    public RowBlockWire ConvertToSurrogate(in RowBlock value) => new() { Bytes = RowBlockCodec.Encode(value) };
}

/// <summary>Wire form of <see cref="KeyedRows"/>.</summary>
[GenerateSerializer, Alias("kor.wire.KeyedRows")]
internal struct KeyedRowsWire
{
    [Id(0)] public int Count;
    [Id(1)] public ulong[] KeyHashes;
    [Id(2)] public int[] KeyStarts;
    [Id(3)] public byte[] KeyBytes;
    [Id(4)] public long[] EventTimes;
    [Id(5)] public long[] Offsets;
    [Id(6)] public byte[] Inputs;
    [Id(7)] public long[]? Watermarks;
}

[RegisterConverter]
internal sealed class KeyedRowsConverter : IConverter<KeyedRows, KeyedRowsWire>
{
    public KeyedRows ConvertFromSurrogate(in KeyedRowsWire surrogate) => new()
    {
        Count = surrogate.Count,
        KeyHashes = surrogate.KeyHashes,
        KeyStarts = surrogate.KeyStarts,
        KeyBytes = surrogate.KeyBytes,
        EventTimes = surrogate.EventTimes,
        Offsets = surrogate.Offsets,
        Inputs = RowBlockCodec.Decode(surrogate.Inputs).Columns,
        Watermarks = surrogate.Watermarks,
    };

    public KeyedRowsWire ConvertToSurrogate(in KeyedRows value) => new()
    {
        Count = value.Count,
        KeyHashes = value.KeyHashes[..value.Count],
        KeyStarts = value.KeyStarts[..(value.Count + 1)],
        KeyBytes = value.KeyBytes[..value.KeyStarts[value.Count]],
        EventTimes = value.EventTimes[..value.Count],
        Offsets = value.Offsets[..value.Count],
        Inputs = RowBlockCodec.Encode(AsBlock(value)),
        Watermarks = value.Watermarks?[..value.Count],
    };

    private static RowBlock AsBlock(KeyedRows rows)
    {
        var fields = new Field[rows.Inputs.Length];
        for (var i = 0; i < fields.Length; i++)
            fields[i] = new Field($"i{i.ToString(System.Globalization.CultureInfo.InvariantCulture)}", rows.Inputs[i].Type);
        return new RowBlock(new Schema(fields), rows.Inputs, rows.Count);
    }
}

/// <summary>Wire form of <see cref="RawBatch"/>.</summary>
[GenerateSerializer, Alias("kor.wire.RawBatch")]
internal struct RawBatchWire
{
    [Id(0)] public string Topic;
    [Id(1)] public int Partition;
    [Id(2)] public long From;
    [Id(3)] public long To;
    [Id(4)] public int Count;
    [Id(5)] public byte[] Buffer;
    [Id(6)] public int[] KeyStart;
    [Id(7)] public int[] KeyLength;
    [Id(8)] public int[] ValueStart;
    [Id(9)] public int[] ValueLength;
    [Id(10)] public long[] Offsets;
    [Id(11)] public long[] Timestamps;
    [Id(12)] public List<KeyValuePair<string, byte[]?>>?[]? Headers;
}

[RegisterConverter]
internal sealed class RawBatchConverter : IConverter<RawBatch, RawBatchWire>
{
    public RawBatch ConvertFromSurrogate(in RawBatchWire surrogate)
    {
        var headers = surrogate.Headers;
        return new RawBatch
        {
            Topic = surrogate.Topic,
            Partition = surrogate.Partition,
            From = surrogate.From,
            To = surrogate.To,
            Count = surrogate.Count,
            Buffer = surrogate.Buffer,
            KeyStart = surrogate.KeyStart,
            KeyLength = surrogate.KeyLength,
            ValueStart = surrogate.ValueStart,
            ValueLength = surrogate.ValueLength,
            Offsets = surrogate.Offsets,
            Timestamps = surrogate.Timestamps,
            Headers = headers is null ? null : row => headers[row] ?? [],
        };
    }

    public RawBatchWire ConvertToSurrogate(in RawBatch value)
    {
        var read = value.Headers;
        List<KeyValuePair<string, byte[]?>>?[]? headers = null;
        if (read is not null)
        {
            headers = new List<KeyValuePair<string, byte[]?>>?[value.Count];
            for (var i = 0; i < headers.Length; i++) headers[i] = [.. read(i)];
        }

        return new RawBatchWire
        {
            Topic = value.Topic,
            Partition = value.Partition,
            From = value.From,
            To = value.To,
            Count = value.Count,
            Buffer = value.Buffer,
            KeyStart = value.KeyStart[..value.Count],
            KeyLength = value.KeyLength[..value.Count],
            ValueStart = value.ValueStart[..value.Count],
            ValueLength = value.ValueLength[..value.Count],
            Offsets = value.Offsets[..value.Count],
            Timestamps = value.Timestamps[..value.Count],
            Headers = headers,
        };
    }
}
