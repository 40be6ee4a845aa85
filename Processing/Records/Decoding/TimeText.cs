using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Times as text. ISO 8601: <c>yyyy-MM-dd</c>, then optionally <c>T</c> or a space and <c>HH:mm[:ss[.fraction]]</c>,
/// then optionally <c>Z</c>, <c>±HH:mm</c>, <c>±HHmm</c> or <c>±HH</c>. Without an offset it is UTC. Digits beyond the
/// microsecond are cut off. Second 60 and hour 24 are not times. Years 1 to 9999.
/// </summary>
internal static class TimeText
{
    public const long MicrosPerDay = 86_400_000_000;
    private const int MaxPatternChars = 128;
    private static readonly long MinMicros = DaysFromCivil(1, 1, 1) * MicrosPerDay;

    /// <summary>The last millisecond of the year 9999.</summary>
    public static readonly long MaxMillis = ((DaysFromCivil(9999, 12, 31) + 1) * MicrosPerDay - 1) / 1000;

    private static readonly long MaxMicros = (DaysFromCivil(9999, 12, 31) + 1) * MicrosPerDay - 1;

    /// <summary>True for the years 1 to 9999.</summary>
    public static bool InRange(long micros) => micros >= MinMicros && micros <= MaxMicros;

    /// <summary>The day of a time.</summary>
    public static long FloorDays(long micros) =>
        micros >= 0 ? micros / MicrosPerDay : (micros + 1) / MicrosPerDay - 1;

    /// <summary>A timestamp in ISO 8601 as microseconds since 1970, UTC.</summary>
    public static ValueFault ParseIso(ReadOnlySpan<byte> text, out long micros) => ParseIso(text, null, out micros);

    /// <summary>The same; without an offset it is a time of a zone's clocks, or UTC.</summary>
    public static ValueFault ParseIso(ReadOnlySpan<byte> text, ZoneClock? clock, out long micros)
    {
        micros = 0;
        if (!TryDate(text, out var days)) return ValueFault.NotATime;
        micros = days * MicrosPerDay;
        if (text.Length == 10) return Local(clock, ref micros);
        if (text[10] is not ((byte)'T' or (byte)'t' or (byte)' ')) return ValueFault.NotATime;
        if (!TryTime(text, 11, out var time, out var pos)) return ValueFault.NotATime;
        if (!TryOffset(text[pos..], out var offset)) return ValueFault.NotATime;
        micros += time - offset;
        if (pos == text.Length) return Local(clock, ref micros);
        return InRange(micros) ? ValueFault.None : ValueFault.TimeRange;
    }

    /// <summary>Takes what was read for a time of a zone's clocks.</summary>
    private static ValueFault Local(ZoneClock? clock, ref long micros)
    {
        if (clock is not null) micros = clock.ToUtc(micros);
        return InRange(micros) ? ValueFault.None : ValueFault.TimeRange;
    }

    /// <summary>A date <c>yyyy-MM-dd</c> as days since 1970.</summary>
    public static ValueFault ParseIsoDate(ReadOnlySpan<byte> text, out long days) =>
        text.Length == 10 && TryDate(text, out days) ? ValueFault.None : Fail(out days);

    /// <summary>A time in a .NET pattern as microseconds since 1970, UTC.</summary>
    public static ValueFault ParsePattern(ReadOnlySpan<byte> text, string pattern, out long micros) => ParsePattern(text, pattern, null, out micros);

    /// <summary>The same, of a zone's clocks; then the pattern must have no offset.</summary>
    public static ValueFault ParsePattern(ReadOnlySpan<byte> text, string pattern, ZoneClock? clock, out long micros)
    {
        micros = 0;
        if (text.Length > MaxPatternChars) return ValueFault.NotATime;
        Span<char> chars = stackalloc char[MaxPatternChars];
        if (!Encoding.UTF8.TryGetChars(text, chars, out var count)) return ValueFault.NotATime;
        // Without a date in the pattern the framework would take today's: purity asks for none.
        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
            | DateTimeStyles.NoCurrentDateDefault;
        if (!DateTime.TryParseExact(chars[..count], pattern, CultureInfo.InvariantCulture, styles, out var time))
            return ValueFault.NotATime;
        micros = (time.Ticks - DateTime.UnixEpoch.Ticks) / 10;
        if (time < DateTime.UnixEpoch && time.Ticks % 10 != 0) micros--;
        return clock is null ? ValueFault.None : Local(clock, ref micros);
    }

    /// <summary>A number of one of the epoch's units as microseconds since 1970.</summary>
    public static ValueFault FromNumber(
        in ScannedNumber number, ReadOnlySpan<byte> text, TimeEncoding encoding, out long micros)
    {
        ValueFault fault;
        if (encoding == TimeEncoding.EpochSeconds)
        {
            fault = NumberText.ToScaledLong(number, text, 6, out micros);
        }
        else
        {
            fault = NumberText.ToLong(number, text, out micros);
            if (fault == ValueFault.None && encoding == TimeEncoding.EpochNanoseconds) micros = FloorThousandth(micros);
            var unit = encoding switch { TimeEncoding.EpochMilliseconds => 1000, TimeEncoding.EpochDays => MicrosPerDay, _ => 1L };
            if (fault == ValueFault.None && unit != 1)
            {
                if (micros < MinMicros / unit || micros > MaxMicros / unit) return ValueFault.TimeRange;
                micros *= unit;
            }
        }

        if (fault == ValueFault.IntegerRange) return ValueFault.TimeRange;
        if (fault == ValueFault.NotIntegral) return ValueFault.NotATime;
        return fault == ValueFault.None && !InRange(micros) ? ValueFault.TimeRange : fault;
    }

    /// <summary>The day of a number of one of the epoch's units, which must be of whole days.</summary>
    public static ValueFault DayFromNumber(in ScannedNumber number, ReadOnlySpan<byte> text, TimeEncoding encoding, out long days)
    {
        var fault = FromNumber(number, text, encoding, out var micros);
        days = FloorDays(micros);
        return fault == ValueFault.None && days * MicrosPerDay != micros ? ValueFault.NotAWholeDay : fault;
    }

    private static long FloorThousandth(long value) => value >= 0 ? value / 1000 : (value - 999) / 1000;

    private static ValueFault Fail(out long value)
    {
        value = 0;
        return ValueFault.NotATime;
    }

    private static bool TryDate(ReadOnlySpan<byte> text, out long days)
    {
        days = 0;
        if (text.Length < 10 || text[4] != '-' || text[7] != '-') return false;
        var year = Two(text, 0) * 100 + Two(text, 2);
        var month = Two(text, 5);
        var day = Two(text, 8);
        if (year < 1 || month is < 1 or > 12 || day < 1 || Two(text, 0) < 0 || Two(text, 2) < 0) return false;
        if (day > DateTime.DaysInMonth(year, month)) return false;
        days = DaysFromCivil(year, month, day);
        return true;
    }

    private static bool TryTime(ReadOnlySpan<byte> text, int start, out long micros, out int pos)
    {
        micros = 0;
        pos = start + 5;
        if (text.Length < pos || text[start + 2] != ':') return false;
        var hour = Two(text, start);
        var minute = Two(text, start + 3);
        var second = 0;
        if (hour is < 0 or > 23 || minute is < 0 or > 59) return false;
        if (pos + 3 <= text.Length && text[pos] == ':')
        {
            second = Two(text, pos + 1);
            if (second is < 0 or > 59) return false;
            pos += 3;
            if (pos < text.Length && text[pos] is (byte)'.' or (byte)','
                && !TryFraction(text, ref pos, out micros)) return false;
        }

        micros += ((hour * 60L + minute) * 60 + second) * 1_000_000;
        return true;
    }

    private static bool TryFraction(ReadOnlySpan<byte> text, ref int pos, out long micros)
    {
        micros = 0;
        var digits = 0;
        for (pos++; pos < text.Length && (uint)(text[pos] - '0') <= 9; pos++)
        {
            if (digits < 6) micros = micros * 10 + (text[pos] - '0');
            digits++;
        }

        for (var i = digits; i < 6; i++) micros *= 10;
        return digits > 0;
    }

    private static bool TryOffset(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        if (text.IsEmpty || (text.Length == 1 && (text[0] | 0x20) == 'z')) return true;
        if (text[0] is not ((byte)'+' or (byte)'-')) return false;
        if (text.Length is not (3 or 5 or 6) || (text.Length == 6 && text[3] != ':')) return false;
        var hours = Two(text, 1);
        var minutes = text.Length == 3 ? 0 : Two(text, text.Length - 2);
        if (hours is < 0 or > 18 || minutes is < 0 or > 59) return false;
        micros = (hours * 60L + minutes) * 60_000_000;
        if (text[0] == '-') micros = -micros;
        return true;
    }

    // Two digits, or a number below zero.
    private static int Two(ReadOnlySpan<byte> text, int at)
    {
        var high = (uint)(text[at] - '0');
        var low = (uint)(text[at + 1] - '0');
        return high > 9 || low > 9 ? -1_000_000 : (int)(high * 10 + low);
    }

    // Days since 1970 of a date in the proleptic Gregorian calendar; years count from March, so that the leap day is
    // the last.
    private static long DaysFromCivil(int year, int month, int day)
    {
        var y = month <= 2 ? year - 1 : year;
        var era = y / 400;
        var yearOfEra = y - era * 400;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        var dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return era * 146_097L + dayOfEra - 719_468;
    }
}
