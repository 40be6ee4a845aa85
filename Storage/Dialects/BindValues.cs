using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>What a bind variable carries; each dialect has its own type for it.</summary>
internal enum BindType
{
    Text,
    LongText,

    /// <summary>Text of a fixed length, compared with blanks at its end or without (CHAR on Oracle).</summary>
    FixedText,

    /// <summary>Text in the national character set (NVARCHAR2 on Oracle).</summary>
    NationalText,

    /// <summary>Text of a fixed length in the national character set (NCHAR).</summary>
    NationalFixedText,

    /// <summary>Text of any length in the national character set (NCLOB).</summary>
    NationalLongText,
    Json,
    Integer,
    Decimal,
    Double,
    Boolean,
    Timestamp,

    /// <summary>A time without a fraction of a second (DATE on Oracle).</summary>
    Seconds,
    Date,
    Bytes,
}

/// <summary>
/// The values of one bind variable for many rows. A value is read only where <see cref="IsNull"/> is false.
/// </summary>
internal abstract class BindValues(BindType type)
{
    public BindType Type { get; } = type;

    public abstract bool IsNull(int row);

    /// <summary>Text of all kinds, JSON.</summary>
    public virtual string Text(int row) => throw Wrong();

    /// <summary>The UTF-8 bytes of text; may be written to <paramref name="scratch"/>, which grows.</summary>
    public virtual ReadOnlySpan<byte> Utf8(int row, ref byte[] scratch)
    {
        var text = Text(row);
        var bytes = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (scratch.Length < bytes) scratch = new byte[bytes];
        return scratch.AsSpan(0, Encoding.UTF8.GetBytes(text, scratch));
    }

    /// <summary>Integers; microseconds since the epoch of timestamps; days since the epoch of dates.</summary>
    public virtual long Long(int row) => throw Wrong();

    public virtual decimal Decimal(int row) => throw Wrong();

    public virtual double Double(int row) => throw Wrong();

    public virtual bool Boolean(int row) => throw Wrong();

    public virtual ReadOnlySpan<byte> Bytes(int row) => throw Wrong();

    public virtual byte[] ByteArray(int row) => Bytes(row).ToArray();

    private InvalidOperationException Wrong() => new($"A bind of type {Type} does not hold such a value.");
}

/// <summary>Times as the drivers want them.</summary>
internal static class BindTime
{
    /// <summary>Microseconds since the epoch as UTC.</summary>
    public static DateTime ToUtc(long microseconds) => DateTime.UnixEpoch.AddTicks(checked(microseconds * 10));

    /// <summary>Days since the epoch as a date.</summary>
    public static DateOnly ToDate(long days) =>
        DateOnly.FromDayNumber(checked((int)(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + days)));

    public static long FromUtc(DateTime value) => (value.Ticks - DateTime.UnixEpoch.Ticks) / 10;

    public static long FromDate(DateOnly value) =>
        value.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
}

/// <summary>A column of a row block.</summary>
internal sealed class ColumnBinds(Column column, BindType type) : BindValues(type)
{
    public override bool IsNull(int row) => column.IsNull[row];

    public override string Text(int row) => Encoding.UTF8.GetString(((BinaryColumn)column).Span(row));

    public override ReadOnlySpan<byte> Utf8(int row, ref byte[] scratch) => ((BinaryColumn)column).Span(row);

    public override long Long(int row) => ((LongColumn)column).Values[row];

    public override decimal Decimal(int row) => ((DecimalColumn)column).Values[row];

    public override double Double(int row) => ((DoubleColumn)column).Values[row];

    public override bool Boolean(int row) => ((BooleanColumn)column).Values[row];

    public override ReadOnlySpan<byte> Bytes(int row) => ((BinaryColumn)column).Span(row);

    public static BindType TypeOf(FieldType type) => type.Kind switch
    {
        FieldKind.Boolean => BindType.Boolean,
        FieldKind.Integer => BindType.Integer,
        FieldKind.Decimal => BindType.Decimal,
        FieldKind.Double => BindType.Double,
        FieldKind.String => BindType.Text,
        FieldKind.Timestamp => BindType.Timestamp,
        FieldKind.Date => BindType.Date,
        FieldKind.Bytes => BindType.Bytes,
        FieldKind.Json => BindType.Json,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The field type is not set."),
    };
}

/// <summary>Strings; a null is NULL.</summary>
internal sealed class TextBinds(string?[] values, BindType type = BindType.Text) : BindValues(type)
{
    public override bool IsNull(int row) => values[row] is null;

    public override string Text(int row) => values[row]!;
}

/// <summary>The same text in every row.</summary>
internal sealed class ConstantText(string value) : BindValues(BindType.Text)
{
    private readonly byte[] _utf8 = Encoding.UTF8.GetBytes(value);

    public override bool IsNull(int row) => false;

    public override string Text(int row) => value;

    public override ReadOnlySpan<byte> Utf8(int row, ref byte[] scratch) => _utf8;
}

/// <summary>Integers or timestamps; a null is NULL.</summary>
internal sealed class LongBinds(long?[] values, BindType type = BindType.Integer) : BindValues(type)
{
    public override bool IsNull(int row) => values[row] is null;

    public override long Long(int row) => values[row].GetValueOrDefault();
}

/// <summary>Byte arrays; a null is NULL.</summary>
internal sealed class BytesBinds(byte[]?[] values) : BindValues(BindType.Bytes)
{
    public override bool IsNull(int row) => values[row] is null;

    public override ReadOnlySpan<byte> Bytes(int row) => values[row];

    public override byte[] ByteArray(int row) => values[row]!;
}
