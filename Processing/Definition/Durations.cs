using System.Globalization;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// Spans of time as pipelines write them: <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>2d</c>, also <c>1h30m</c>.
/// </summary>
public static class Durations
{
    /// <summary>The longest span: 3650 days, ms.</summary>
    public const long Max = 3650L * 24 * 60 * 60 * 1000;

    private static readonly (string Unit, long Ms)[] Units =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

    /// <summary>Reads a span into milliseconds; false when it is malformed or above <see cref="Max"/>.</summary>
    public static bool TryParse(string text, out long milliseconds)
    {
        milliseconds = 0;
        var at = 0;
        var lastUnit = -1;
        while (at < text.Length)
        {
            var start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            if (at == start || at - start > 15) return false;
            var number = long.Parse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture);
            var unitStart = at;
            while (at < text.Length && char.IsAsciiLetterLower(text[at])) at++;
            var unit = Array.FindIndex(Units, u => text.AsSpan(unitStart, at - unitStart).SequenceEqual(u.Unit));
            if (unit <= lastUnit || number > Max / Units[unit].Ms) return false;
            milliseconds += number * Units[unit].Ms;
            if (milliseconds > Max) return false;
            lastUnit = unit;
        }

        return lastUnit >= 0;
    }

    /// <summary>How a span that is written in words, or as ISO 8601 has it, is written here; null when it is none.</summary>
    public static string? Meant(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var written = text.Trim().ToLowerInvariant();
        if (written.StartsWith("interval ", StringComparison.Ordinal)) written = written["interval ".Length..].Replace("'", "", StringComparison.Ordinal);
        if (written.StartsWith('p') && written.Length > 2) written = written.Replace("p", "", StringComparison.Ordinal).Replace("t", "", StringComparison.Ordinal);
        var spans = "";
        for (var at = 0; at < written.Length;)
        {
            var start = at;
            while (at < written.Length && char.IsAsciiDigit(written[at])) at++;
            var number = written[start..at];
            while (at < written.Length && written[at] is ' ' or '-') at++;
            start = at;
            while (at < written.Length && char.IsAsciiLetter(written[at])) at++;
            var unit = written[start..at] switch
            {
                "ms" or "msec" or "msecs" or "milli" or "millis" or "millisecond" or "milliseconds" => "ms",
                "s" or "sec" or "secs" or "second" or "seconds" => "s",
                "m" or "min" or "mins" or "minute" or "minutes" => "m",
                "h" or "hr" or "hrs" or "hour" or "hours" => "h",
                "d" or "day" or "days" => "d",
                _ => null,
            };
            if (number.Length == 0 || unit is null) return null;
            spans += number + unit;
            while (at < written.Length && written[at] is ' ' or ',') at++;
        }

        return TryParse(spans, out _) ? spans : null;
    }

    /// <summary>Writes a span the shortest way that reads back the same.</summary>
    public static string Format(long milliseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(milliseconds);
        if (milliseconds == 0) return "0s";
        var text = "";
        foreach (var (unit, ms) in Units)
        {
            if (milliseconds < ms) continue;
            text += (milliseconds / ms).ToString(CultureInfo.InvariantCulture) + unit;
            milliseconds %= ms;
        }

        return text;
    }
}

/// <summary>
/// Sizes as pipelines write them: <c>1048576</c>, <c>512KiB</c>, <c>1MiB</c>, <c>1GiB</c>, and the decimal kB, MB, GB.
/// </summary>
public static class ByteSizes
{
    private static readonly (string Unit, long Bytes)[] Units =
        [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("GB", 1_000_000_000), ("MB", 1_000_000),
            ("kB", 1_000), ("B", 1)];

    /// <summary>Reads a size into bytes; false when it is malformed or beyond 63 bits.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var factor = 1L;
        var digits = text.AsSpan();
        foreach (var (unit, size) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            factor = size;
            digits = digits[..^unit.Length].TrimEnd(' ');
            break;
        }

        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > long.MaxValue / factor) return false;
        bytes = number * factor;
        return true;
    }
}
