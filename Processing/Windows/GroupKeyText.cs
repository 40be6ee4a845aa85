using System.Buffers.Text;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>The text of one value of a group key; the form is described at <see cref="GroupKeyCodec"/>.</summary>
internal static class GroupKeyText
{
    private const string Null = "~n";
    private const string Empty = "~e";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";
    private const string DateFormat = "yyyy-MM-dd";
    private static readonly long MinTicksMicros = (DateTime.MinValue - DateTime.UnixEpoch).Ticks / 10;
    private static readonly long MaxTicksMicros = (DateTime.MaxValue - DateTime.UnixEpoch).Ticks / 10;

    /// <summary>Appends the value of row 0.</summary>
    public static void Append(StringBuilder text, Column column)
    {
        if (column.IsNull[0])
        {
            text.Append(Null);
            return;
        }

        switch (column)
        {
            case BooleanColumn boolean:
                text.Append(boolean.Values[0] ? "true" : "false");
                break;
            case DecimalColumn number:
                text.Append(Decimals.Normalize(number.Values[0]).ToString(CultureInfo.InvariantCulture));
                break;
            case DoubleColumn number:
                AppendEscaped(text, Encoding.UTF8.GetBytes(number.Values[0].ToString("R",
                    CultureInfo.InvariantCulture)));
                break;
            case LongColumn number:
                AppendLong(text, column.Type.Kind, number.Values[0]);
                break;
            case BinaryColumn { Type.Kind: FieldKind.Bytes } bytes when bytes.Length[0] != 0:
                text.Append(Base64Url.EncodeToString(bytes.Span(0)));
                break;
            case BinaryColumn bytes:
                AppendEscaped(text, bytes.Span(0));
                break;
        }
    }

    /// <summary>Parses a text into row 0.</summary>
    public static bool TryParse(string text, Column column)
    {
        if (text == Null)
        {
            column.SetNull(0);
            return true;
        }

        if (!TryUnescape(text, out var bytes)) return false;
        if (column is BinaryColumn binary) return TryParseBytes(bytes, binary);
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return false;
        return TryParseScalar(Encoding.UTF8.GetString(bytes), column);
    }

    private static bool TryParseBytes(byte[] bytes, BinaryColumn column)
    {
        if (column.Type.Kind != FieldKind.Bytes)
        {
            if (!System.Text.Unicode.Utf8.IsValid(bytes)) return false;
            column.Set(0, bytes);
            return true;
        }

        if (!Base64Url.IsValid(bytes)) return false;
        column.Set(0, Base64Url.DecodeFromUtf8(bytes));
        return true;
    }

    private static bool TryParseScalar(string text, Column column)
    {
        var invariant = CultureInfo.InvariantCulture;
        switch (column)
        {
            case BooleanColumn boolean:
                if (text is not ("true" or "false")) return false;
                boolean.Set(0, text == "true");
                return true;
            case DecimalColumn number:
                const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
                if (!decimal.TryParse(text, styles, invariant, out var exact)) return false;
                number.Set(0, exact);
                return true;
            case DoubleColumn number:
                if (!double.TryParse(text, NumberStyles.Float, invariant, out var real)
                    || !double.IsFinite(real)) return false;
                number.Set(0, real);
                return true;
            case LongColumn number:
                if (!TryParseLong(text, column.Type.Kind, out var value)) return false;
                number.Set(0, value);
                return true;
            default:
                return false;
        }
    }

    // Times outside the years 1 to 9999 have no ISO 8601 form in the framework; they are written as @ and the number.
    private static void AppendLong(StringBuilder text, FieldKind kind, long value)
    {
        var invariant = CultureInfo.InvariantCulture;
        if (kind == FieldKind.Timestamp && value >= MinTicksMicros && value <= MaxTicksMicros)
            text.Append(DateTime.UnixEpoch.AddTicks(value * 10).ToString(TimeFormat, invariant));
        else if (kind == FieldKind.Date && value >= MinTicksMicros / 86_400_000_000
            && value <= MaxTicksMicros / 86_400_000_000)
            text.Append(DateTime.UnixEpoch.AddDays(value).ToString(DateFormat, invariant));
        else if (kind == FieldKind.Integer) text.Append(invariant, $"{value}");
        else text.Append(invariant, $"@{value}");
    }

    private static bool TryParseLong(string text, FieldKind kind, out long value)
    {
        var invariant = CultureInfo.InvariantCulture;
        if (kind == FieldKind.Integer) return long.TryParse(text, NumberStyles.AllowLeadingSign, invariant, out value);
        if (text.StartsWith('@')) return long.TryParse(text.AsSpan(1), NumberStyles.AllowLeadingSign, invariant,
            out value);
        value = 0;
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        var format = kind == FieldKind.Date ? DateFormat : TimeFormat;
        if (!DateTime.TryParseExact(text, format, invariant, utc, out var time)) return false;
        value = kind == FieldKind.Date ? (time - DateTime.UnixEpoch).Days : (time - DateTime.UnixEpoch).Ticks / 10;
        return true;
    }

    private static void AppendEscaped(StringBuilder text, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            text.Append(Empty);
            return;
        }

        for (var i = 0; i < value.Length; i++)
        {
            var c = (char)value[i];
            // A leading point is escaped because "." and ".." mean something in a URL.
            var plain = char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or ':' or '@' || (c == '.' && i != 0);
            if (plain) text.Append(c);
            else text.Append(CultureInfo.InvariantCulture, $"~{value[i]:X2}");
        }
    }

    private static bool TryUnescape(string text, out byte[] bytes)
    {
        bytes = [];
        if (text == Empty) return true;
        if (text.Length == 0) return false;
        var writer = new ByteWriter(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (!char.IsAscii(c)) return false;
            if (c != '~')
            {
                writer.Byte((byte)c);
                continue;
            }

            if (i + 2 >= text.Length || !TryHex(text[i + 1], out var high)
                || !TryHex(text[i + 2], out var low)) return false;
            writer.Byte((byte)((high << 4) | low));
            i += 2;
        }

        bytes = writer.ToArray();
        return true;
    }

    private static bool TryHex(char c, out int value)
    {
        value = c is >= '0' and <= '9' ? c - '0' : c is >= 'A' and <= 'F' ? c - 'A' + 10 : -1;
        return value >= 0;
    }
}
