using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>Makes raw batches and source formats in one line, and shows decoded rows as text.</summary>
internal static class RawBatches
{
    public static RawBatch Of(params string?[] values) =>
        Of(values.Select(v => (Key: (byte[]?)null, Value: v is null ? null : Encoding.UTF8.GetBytes(v))).ToArray());

    public static RawBatch Of(params (byte[]? Key, byte[]? Value)[] records) => Of(records, 0);

    public static RawBatch Of((byte[]? Key, byte[]? Value)[] records, long from, long[]? timestamps = null)
    {
        var buffer = new MemoryStream();
        var count = records.Length;
        int[] keyStart = new int[count], keyLength = new int[count], start = new int[count], length = new int[count];
        for (var i = 0; i < count; i++)
        {
            keyStart[i] = (int)buffer.Length;
            keyLength[i] = records[i].Key?.Length ?? -1;
            buffer.Write(records[i].Key ?? []);
            start[i] = (int)buffer.Length;
            length[i] = records[i].Value?.Length ?? -1;
            buffer.Write(records[i].Value ?? []);
        }

        return new RawBatch
        {
            Topic = "t",
            Partition = 3,
            From = from,
            To = from + count,
            Count = count,
            Buffer = buffer.ToArray(),
            KeyStart = keyStart,
            KeyLength = keyLength,
            ValueStart = start,
            ValueLength = length,
            Offsets = [.. Enumerable.Range(0, count).Select(i => from + i)],
            Timestamps = timestamps ?? [.. Enumerable.Range(0, count).Select(i => 1_767_225_600_000L + i)],
        };
    }

    /// <summary>
    /// Fields as pipelines write them: <c>name type[!] [path=a.b] [enc=epoch_ms] [default=x] [key]</c>, separated by
    /// <c>;</c>.
    /// </summary>
    public static SourceFormatSpec Spec(
        string fields, SourceFormatKind format = SourceFormatKind.Json,
            TombstonePolicy tombstones = TombstonePolicy.Skip,
        int maxBytes = SourceFormatSpec.DefaultMaxValueBytes)
    {
        var list = fields.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select((text, i) => ParseField(text, i, format)).ToArray();
        return new SourceFormatSpec
        {
            Format = format,
            Fields = list,
            Schema = new Schema([.. list.Select(f => new Field(f.Name, f.Type, !f.Required))]),
            Tombstones = tombstones,
            MaxValueBytes = maxBytes,
        };
    }

    public static FieldType ParseType(string text)
    {
        if (text.StartsWith("decimal", StringComparison.Ordinal))
        {
            var parts = text["decimal(".Length..^1].Split(',');
            return FieldType.Decimal(int.Parse(parts[0]), int.Parse(parts[1]));
        }

        return text switch
        {
            "boolean" => FieldType.Boolean,
            "integer" => FieldType.Integer,
            "double" => FieldType.Double,
            "string" => FieldType.String,
            "timestamp" => FieldType.Timestamp,
            "date" => FieldType.Date,
            "bytes" => FieldType.Bytes,
            "json" => FieldType.Json,
            _ => throw new ArgumentException($"Unknown type '{text}'."),
        };
    }

    public static RecordBatch Decode(SourceFormatSpec spec,
        RawBatch raw) => Decode(RecordDecoderFactory.Create(spec), raw);

    public static RecordBatch Decode(IRecordDecoder decoder, RawBatch raw)
    {
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
        batch.Reset(raw);
        decoder.Decode(batch);
        return batch;
    }

    /// <summary>What became of a row: its values as text, or the code and place of its refusal.</summary>
    public static string Outcome(RecordBatch batch, int row)
    {
        foreach (var error in batch.Errors.Items)
        {
            if (error.Row == row) return $"{error.Code} {error.Place}";
        }

        return batch.Alive.Span.Contains(row)
            ? string.Join('|', batch.Rows.Columns.Select(c => Show(c, row)))
            : "left out";
    }

    public static string Show(Column column, int row)
    {
        if (column.IsNull[row]) return "NULL";
        var invariant = CultureInfo.InvariantCulture;
        return column switch
        {
            BooleanColumn c => c.Values[row] ? "true" : "false",
            DecimalColumn c => c.Values[row].ToString("0.############################", invariant),
            DoubleColumn c => c.Values[row].ToString("R", invariant),
            LongColumn { Type.Kind: FieldKind.Timestamp } c => ShowTime(c.Values[row]),
            LongColumn { Type.Kind: FieldKind.Date } c =>
                DateTime.UnixEpoch.AddDays(c.Values[row]).ToString("yyyy-MM-dd", invariant),
            LongColumn c => c.Values[row].ToString(invariant),
            BinaryColumn { Type.Kind: FieldKind.Bytes } c => Convert.ToHexString(c.Span(row)),
            BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
            _ => throw new InvalidOperationException("Unknown column."),
        };
    }

    public static string ShowTime(long micros) =>
        DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF", CultureInfo.InvariantCulture);

    private static SourceFieldSpec ParseField(string text, int index, SourceFormatKind format)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var required = words[1].EndsWith('!');
        string? Option(string name) =>
            words.FirstOrDefault(w => w.StartsWith(name + "=",
                StringComparison.Ordinal))?[(name.Length + 1)..].Replace('_', ' ');
        var key = words.Contains("key");
        var path = Option("path") ?? (format == SourceFormatKind.Json && !key ? words[0] : "");
        return new SourceFieldSpec
        {
            Name = words[0],
            Type = ParseType(words[1].TrimEnd('!')),
            From = key ? FieldOrigin.Key : FieldOrigin.Value,
            Path = path.Length == 0 ? [] : path.Split('.'),
            Column = format == SourceFormatKind.Csv ? index : -1,
            Required = required,
            Default = Option("default"),
            Encoding = Option("enc") switch
            {
                "epoch ms" => TimeEncoding.EpochMilliseconds,
                "epoch s" => TimeEncoding.EpochSeconds,
                "epoch us" => TimeEncoding.EpochMicroseconds,
                null => Option("pattern") is null ? TimeEncoding.Iso8601 : TimeEncoding.Pattern,
                var other => throw new ArgumentException(other),
            },
            Pattern = Option("pattern"),
        };
    }
}
