using System.Globalization;
using System.IO.Hashing;
using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Group keys in canonical bytes, and those bytes as text. Equal keys have equal bytes: a decimal's trailing zeros and
/// the sign of zero do not count. The bytes are stored and hashed, so the format can never change.
/// <para>
/// Per field: a tag, which is 0 for NULL and the <see cref="FieldKind"/> otherwise, then for a boolean 1 byte; an
/// integer, timestamp, date or double 8 bytes little-endian; a decimal 1 byte with the scale (0 to 28) and the sign in
/// the top bit and 12 bytes of the unscaled number, little-endian, without trailing zeros; strings, bytes and JSON
/// their length (7 bits a byte, low first) and their bytes.
/// </para>
/// <para>
/// As text the fields stand side by side, separated by commas, in letters, digits and <c>. _ - : @</c>; any other byte
/// is <c>~XX</c> (upper-case hex). NULL is <c>~n</c>, an empty text <c>~e</c>, the key without fields <c>~all</c>.
/// Bytes are base64url. So the text can stand in a URL's path and in a grain's identity as it is.
/// </para>
/// </summary>
public static class GroupKeyCodec
{
    /// <summary>The text of a key without fields: the one global group.</summary>
    public const string GlobalText = "~all";

    /// <summary>The longest identity <see cref="ToIdentity"/> gives, characters.</summary>
    public const int MaxIdentityLength = 180;

    private const string Format = "group key";

    /// <summary>Appends the key of a row.</summary>
    public static void Append(Column[] keys, int row, ref ByteWriter w)
    {
        foreach (var column in keys) AppendValue(column, row, ref w);
    }

    /// <summary>
    /// The hash that routes a key to its shard and cell. XxHash3, 64 bits, seed 0; the same for ever.
    /// </summary>
    public static ulong Hash(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key);

    /// <summary>The shard of a hash, 0 to <paramref name="shards"/> - 1.</summary>
    public static int Shard(ulong hash, int shards) => (int)(hash % (uint)shards);

    /// <summary>
    /// Writes a key's values into a row of columns (which have room for it). Throws <see cref="CorruptStateException"/>
    /// when the bytes are not a key of the schema.
    /// </summary>
    public static void Decode(ReadOnlySpan<byte> bytes, Schema key, Column[] target, int row)
    {
        var reader = new ByteReader(bytes, Format);
        for (var i = 0; i < key.Count; i++) DecodeValue(ref reader, key[i].Type.Kind, target[i], row);
        reader.ExpectEnd();
    }

    /// <summary>Throws <see cref="CorruptStateException"/> when the bytes are not a key of the schema.</summary>
    internal static void Check(ReadOnlySpan<byte> bytes, Schema key)
    {
        var reader = new ByteReader(bytes, Format);
        for (var i = 0; i < key.Count; i++)
        {
            if (!TakeTag(ref reader, key[i].Type.Kind)) continue;
            switch (key[i].Type.Kind)
            {
                case FieldKind.String or FieldKind.Bytes or FieldKind.Json:
                    reader.Block();
                    break;
                case FieldKind.Decimal:
                    DecodeDecimal(ref reader);
                    break;
                case FieldKind.Double:
                    DecodeDouble(ref reader);
                    break;
                case FieldKind.Boolean:
                    DecodeBoolean(ref reader);
                    break;
                default:
                    reader.Int64();
                    break;
            }
        }

        reader.ExpectEnd();
    }

    /// <summary>As <see cref="Decode"/>, with the columns saying what kinds the values are of.</summary>
    internal static void DecodeValues(ReadOnlySpan<byte> bytes, Column[] target, int row)
    {
        var reader = new ByteReader(bytes, Format);
        foreach (var column in target) DecodeValue(ref reader, column.Type.Kind, column, row);
        reader.ExpectEnd();
    }

    /// <summary>
    /// The text of a key. Throws <see cref="CorruptStateException"/> when the bytes are not a key of the schema.
    /// </summary>
    public static string ToText(ReadOnlySpan<byte> bytes, Schema key)
    {
        if (key.Count == 0)
        {
            new ByteReader(bytes, Format).ExpectEnd();
            return GlobalText;
        }

        var columns = new RowBlock(key, 1).Columns;
        Decode(bytes, key, columns, 0);
        var text = new StringBuilder();
        for (var i = 0; i < columns.Length; i++)
        {
            if (i != 0) text.Append(',');
            GroupKeyText.Append(text, columns[i]);
        }

        return text.ToString();
    }

    /// <summary>
    /// The text of a key, or for a long one its beginning and a 128-bit hash: at most <see cref="MaxIdentityLength"/>
    /// characters, for names of cells. Different keys have different identities.
    /// </summary>
    public static string ToIdentity(ReadOnlySpan<byte> bytes, Schema key)
    {
        var text = ToText(bytes, key);
        if (text.Length <= MaxIdentityLength) return text;
        var hash = XxHash128.HashToUInt128(bytes);
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, MaxIdentityLength - 34)}~h{hash:x32}");
    }

    /// <summary>
    /// The canonical bytes of a key given as text; false when the text is not a key of the schema. Accepts what
    /// <see cref="ToText"/> writes, and numbers and times in other spellings of the same value.
    /// </summary>
    public static bool TryParse(string text, Schema key, out byte[] bytes)
    {
        bytes = [];
        if (key.Count == 0) return text is GlobalText;
        var parts = text.Split(',');
        if (parts.Length != key.Count) return false;
        var columns = new RowBlock(key, 1).Columns;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!GroupKeyText.TryParse(parts[i], columns[i])) return false;
        }

        var writer = new ByteWriter(64);
        Append(columns, 0, ref writer);
        bytes = writer.ToArray();
        return true;
    }

    /// <summary>Appends one value in canonical bytes.</summary>
    public static void AppendValue(Column column, int row, ref ByteWriter w)
    {
        if (column.IsNull[row])
        {
            w.Byte(0);
            return;
        }

        if (column is BinaryColumn binary)
        {
            AppendBytes((byte)column.Type.Kind, binary.Span(row), ref w);
            return;
        }

        w.Byte((byte)column.Type.Kind);
        switch (column)
        {
            case LongColumn number:
                w.Int64(number.Values[row]);
                break;
            case DecimalColumn number:
                AppendDecimal(number.Values[row], ref w);
                break;
            case DoubleColumn number:
                w.Double(number.Values[row] == 0 ? 0 : number.Values[row]);
                break;
            case BooleanColumn boolean:
                w.Byte(boolean.Values[row] ? (byte)1 : (byte)0);
                break;
            default:
                throw new ArgumentException($"A column of type {column.Type} cannot be part of a key.", nameof(column));
        }
    }

    // Keys are nearly always short texts: tag, length and bytes are written as one.
    private static void AppendBytes(byte tag, ReadOnlySpan<byte> value, ref ByteWriter w)
    {
        if (value.Length < 0x80)
        {
            var target = w.Take(value.Length + 2);
            target[0] = tag;
            target[1] = (byte)value.Length;
            value.CopyTo(target[2..]);
            return;
        }

        w.Byte(tag);
        w.Block(value);
    }

    private static void AppendDecimal(decimal value, ref ByteWriter w)
    {
        Span<int> bits = stackalloc int[4];
        value = Decimals.Normalize(value);
        decimal.GetBits(value, bits);
        w.Byte((byte)(((bits[3] >> 16) & 0x7F) | (value < 0 ? 0x80 : 0)));
        w.Int32(bits[0]);
        w.Int32(bits[1]);
        w.Int32(bits[2]);
    }

    private static void DecodeValue(ref ByteReader reader, FieldKind kind, Column target, int row)
    {
        if (!TakeTag(ref reader, kind))
        {
            target.SetNull(row);
            return;
        }

        switch (target)
        {
            case BinaryColumn binary:
                binary.Set(row, reader.Block());
                break;
            case LongColumn number:
                number.Set(row, reader.Int64());
                break;
            case DecimalColumn number:
                number.Set(row, DecodeDecimal(ref reader));
                break;
            case DoubleColumn number:
                number.Set(row, DecodeDouble(ref reader));
                break;
            case BooleanColumn boolean:
                boolean.Set(row, DecodeBoolean(ref reader));
                break;
            default:
                throw new ArgumentException($"A column of type {target.Type} cannot be part of a key.", nameof(target));
        }
    }

    /// <summary>False for NULL.</summary>
    private static bool TakeTag(ref ByteReader reader, FieldKind kind)
    {
        var tag = reader.Byte();
        if (tag == 0) return false;
        return tag == (byte)kind ? true : throw reader.Fault($"a value has tag {tag}, the field is of kind {kind}");
    }

    private static double DecodeDouble(ref ByteReader reader)
    {
        var value = reader.Double();
        return double.IsFinite(value) ? value : throw reader.Fault("a double is not finite");
    }

    private static bool DecodeBoolean(ref ByteReader reader)
    {
        var bit = reader.Byte();
        return bit <= 1 ? bit == 1 : throw reader.Fault("a boolean is neither 0 nor 1");
    }

    private static decimal DecodeDecimal(ref ByteReader reader)
    {
        var head = reader.Byte();
        var scale = head & 0x7F;
        if (scale > 28) throw reader.Fault("a decimal's scale is above 28");
        return new decimal(reader.Int32(), reader.Int32(), reader.Int32(), (head & 0x80) != 0, (byte)scale);
    }
}
