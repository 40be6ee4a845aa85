using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>Values of Avro's logical types as text.</summary>
internal static class AvroText
{
    private const int MaxDecimalBytes = 64;

    /// <summary>The text of a decimal; null when it has more digits than any column holds.</summary>
    public static string? Decimal(ReadOnlySpan<byte> bytes, int scale)
    {
        if (bytes.IsEmpty || bytes.Length > MaxDecimalBytes || scale > 500) return null;
        var unscaled = new BigInteger(bytes, isBigEndian: true);
        var digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var text = scale == 0 ? digits : $"{digits[..^scale]}.{digits[^scale..]}";
        return unscaled.Sign < 0 ? "-" + text : text;
    }

    /// <summary>Microseconds of a timestamp of a unit; false outside of the years 1 to 9999.</summary>
    public static bool TryMicros(long value, AvroLogical unit, out long micros)
    {
        micros = value;
        switch (unit)
        {
            case AvroLogical.TimestampMillis or AvroLogical.LocalTimestampMillis:
                if (value > TimeText.MaxMillis || value < -TimeText.MaxMillis) return false;
                micros = value * 1000;
                break;
            case AvroLogical.TimestampNanos or AvroLogical.LocalTimestampNanos:
                micros = value >= 0 ? value / 1000 : (value - 999) / 1000;
                break;
        }

        return TimeText.InRange(micros);
    }

    /// <summary>A time in ISO 8601; without Z where it is a clock's.</summary>
    public static string Timestamp(long micros, bool local)
    {
        var time = DateTime.UnixEpoch.AddTicks(micros * 10);
        var pattern = micros % 1_000_000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss" : micros % 1000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff" : "yyyy-MM-dd'T'HH:mm:ss.ffffff";
        return time.ToString(pattern, CultureInfo.InvariantCulture) + (local ? "" : "Z");
    }

    /// <summary>A day in ISO 8601; null outside of the years 1 to 9999.</summary>
    public static string? Date(long days) => days is < -719_162 or > 2_932_896
        ? null
        : DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>A time of day; null when it is not within a day.</summary>
    public static string? TimeOfDay(long value, AvroLogical unit)
    {
        if (value < 0 || value >= (unit == AvroLogical.TimeMillis ? 86_400_000 : TimeText.MicrosPerDay)) return null;
        var micros = unit == AvroLogical.TimeMillis ? value * 1000 : value;
        return new TimeSpan(micros * 10).ToString(micros % 1_000_000 == 0 ? @"hh\:mm\:ss" : micros % 1000 == 0 ? @"hh\:mm\:ss\.fff" : @"hh\:mm\:ss\.ffffff", CultureInfo.InvariantCulture);
    }

    /// <summary>Months, days and milliseconds in ISO 8601.</summary>
    public static string Duration(ReadOnlySpan<byte> bytes)
    {
        var months = BitConverter.ToUInt32(bytes);
        var days = BitConverter.ToUInt32(bytes[4..]);
        var millis = BitConverter.ToUInt32(bytes[8..]);
        var text = new StringBuilder("P");
        if (months != 0) text.Append(CultureInfo.InvariantCulture, $"{months}M");
        if (days != 0) text.Append(CultureInfo.InvariantCulture, $"{days}D");
        if (millis != 0 || text.Length == 1) text.Append(CultureInfo.InvariantCulture, $"T{millis / 1000m:0.###}S");
        return text.ToString();
    }

    /// <summary>A UUID in 16 bytes.</summary>
    public static string Uuid(ReadOnlySpan<byte> bytes) => new Guid(bytes, bigEndian: true).ToString();

    /// <summary>The shortest text that is this number; null for NaN and infinities.</summary>
    public static string? Number(double value, bool isSingle) => !double.IsFinite(value)
        ? null
        : isSingle ? ((float)value).ToString("R", CultureInfo.InvariantCulture) : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Formats a whole number; returns its length.</summary>
    public static int Number(long value, Span<byte> target)
    {
        Utf8Formatter.TryFormat(value, target, out var length);
        return length;
    }
}
