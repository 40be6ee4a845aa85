using System.Text.Unicode;

namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// A <see cref="RowBlock"/> in bytes: what the outbox stores and what crosses from silo to silo. Format: version byte
/// 1; row count and field count (varints); per field its name (text), kind, precision, scale and whether it may be NULL
/// (bytes); then per field the values of all rows: a bitmap of NULLs (1 bit a row, low bit first), then those that are
/// not NULL: booleans 1 byte; integers, timestamps and dates varints; decimals their four 32-bit words; doubles 8
/// bytes; strings, bytes and JSON length and bytes. Reading checks everything a column promises: damaged bytes are
/// refused, never turned into rows.
/// </summary>
public static class RowBlockCodec
{
    private const byte Version = 1;
    private const string Format = "row block";

    /// <summary>The most rows a block may have, so that a corrupt count is refused before memory is.</summary>
    public const int MaxRows = 100_000_000;

    /// <summary>Writes a block.</summary>
    public static byte[] Encode(RowBlock block)
    {
        var writer = new ByteWriter((int)Math.Min(64 + (block.Count * (long)block.Columns.Length * 8), 1 << 24));
        writer.Byte(Version);
        writer.VarUInt((ulong)block.Count);
        writer.VarUInt((ulong)block.Columns.Length);
        foreach (var field in block.Schema.Fields)
        {
            writer.Text(field.Name);
            writer.Byte((byte)field.Type.Kind);
            writer.Byte(field.Type.Precision);
            writer.Byte(field.Type.Scale);
            writer.Byte(field.Nullable ? (byte)1 : (byte)0);
        }

        foreach (var column in block.Columns) WriteColumn(ref writer, column, block.Count);
        return writer.ToArray();
    }

    /// <summary>Reads a block. Throws <see cref="CorruptStateException"/> for bytes that are none.</summary>
    public static RowBlock Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var rows = reader.Count(MaxRows, "the number of rows");
        var fields = new Field[reader.Count(reader.Remaining, "the number of fields")];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i] = ReadField(ref reader);
            if (!names.Add(fields[i].Name)) throw reader.Fault($"the field '{fields[i].Name}' twice");
        }

        // Every field has a bitmap, so a count that the bytes cannot hold is refused before anything is allocated for
        // it.
        if ((rows + 7) / 8 * (long)fields.Length > reader.Remaining) throw reader.Fault("fewer bytes than rows");
        var block = new RowBlock(new Schema(fields), rows) { Count = rows };
        foreach (var column in block.Columns) ReadColumn(ref reader, column, rows);
        reader.ExpectEnd();
        return block;
    }

    private static Field ReadField(ref ByteReader reader)
    {
        var name = reader.Text();
        var kind = (FieldKind)reader.Byte();
        int precision = reader.Byte();
        int scale = reader.Byte();
        var nullable = ReadBoolean(ref reader);
        if (kind != FieldKind.Decimal && (precision | scale) != 0) throw reader.Fault("digits of a type that has none");
        var type = kind switch
        {
            FieldKind.Boolean => FieldType.Boolean,
            FieldKind.Integer => FieldType.Integer,
            FieldKind.Decimal when precision is >= 1 and <= FieldType.MaxPrecision && scale <= precision =>
                FieldType.Decimal(precision, scale),
            FieldKind.Double => FieldType.Double,
            FieldKind.String => FieldType.String,
            FieldKind.Timestamp => FieldType.Timestamp,
            FieldKind.Date => FieldType.Date,
            FieldKind.Bytes => FieldType.Bytes,
            FieldKind.Json => FieldType.Json,
            _ => throw reader.Fault($"a field of unknown type {(int)kind}({precision},{scale})"),
        };
        return new Field(name, type, nullable);
    }

    private static void WriteColumn(ref ByteWriter writer, Column column, int rows)
    {
        var bitmap = writer.Take((rows + 7) / 8);
        bitmap.Clear();
        for (var row = 0; row < rows; row++)
        {
            if (column.IsNull[row]) bitmap[row >> 3] |= (byte)(1 << (row & 7));
        }

        Span<int> words = stackalloc int[4];
        for (var row = 0; row < rows; row++)
        {
            if (column.IsNull[row]) continue;
            switch (column)
            {
                case LongColumn c:
                    writer.VarInt(c.Values[row]);
                    break;
                case DecimalColumn c:
                    decimal.GetBits(c.Values[row], words);
                    foreach (var word in words) writer.Int32(word);
                    break;
                case BinaryColumn c:
                    writer.Block(c.Span(row));
                    break;
                case DoubleColumn c:
                    writer.Double(c.Values[row]);
                    break;
                case BooleanColumn c:
                    writer.Byte(c.Values[row] ? (byte)1 : (byte)0);
                    break;
            }
        }
    }

    private static void ReadColumn(ref ByteReader reader, Column column, int rows)
    {
        var bitmap = reader.Bytes((rows + 7) / 8);
        if ((rows & 7) != 0 && bitmap[^1] >> (rows & 7) != 0) throw reader.Fault("NULLs beyond the last row");
        for (var row = 0; row < rows; row++)
        {
            if ((bitmap[row >> 3] & (1 << (row & 7))) != 0) column.SetNull(row);
            else ReadValue(ref reader, column, row);
        }
    }

    private static void ReadValue(ref ByteReader reader, Column column, int row)
    {
        switch (column)
        {
            case LongColumn c:
                c.Set(row, reader.VarInt());
                break;
            case DecimalColumn c:
                c.Set(row, ReadDecimal(ref reader));
                break;
            case BinaryColumn c:
                var bytes = reader.Block();
                if (c.Type.Kind != FieldKind.Bytes
                    && !Utf8.IsValid(bytes)) throw reader.Fault("a text is not valid UTF-8");
                c.Set(row, bytes);
                break;
            case DoubleColumn c:
                var real = reader.Double();
                if (!double.IsFinite(real)) throw reader.Fault("a double is not finite");
                c.Set(row, real);
                break;
            case BooleanColumn c:
                c.Set(row, ReadBoolean(ref reader));
                break;
        }
    }

    private static bool ReadBoolean(ref ByteReader reader)
    {
        var value = reader.Byte();
        return value <= 1 ? value == 1 : throw reader.Fault("a boolean is neither 0 nor 1");
    }

    private static decimal ReadDecimal(ref ByteReader reader)
    {
        int low = reader.Int32(), middle = reader.Int32(), high = reader.Int32(), flags = reader.Int32();
        var scale = (flags >> 16) & 0xFF;
        if ((flags & 0x7F00FFFF) != 0 || scale > 28) throw reader.Fault("a decimal that is none");
        return new decimal(low, middle, high, flags < 0, (byte)scale);
    }
}
