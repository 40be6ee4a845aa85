using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.WebConsole;

/// <summary>Numbers and times as pages show them: with their unit, and N/A where nothing is known.</summary>
public static class Format
{
    /// <summary>What stands for a number nobody knows.</summary>
    public const string None = "N/A";

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>A count in full: 1,234,567.</summary>
    public static string Count(long? value) => value is { } n ? n.ToString("N0", Culture) : None;

    /// <summary>A count in four figures at most: 12.3 k.</summary>
    public static string Short(double? value)
    {
        if (value is not { } n || !double.IsFinite(n)) return None;
        return Math.Abs(n) switch
        {
            < 10 when n != Math.Floor(n) => n.ToString("0.#", Culture),
            < 10_000 => n.ToString("N0", Culture),
            < 1_000_000 => (n / 1_000).ToString("0.0", Culture) + " k",
            < 1_000_000_000 => (n / 1_000_000).ToString("0.0", Culture) + " M",
            _ => (n / 1_000_000_000).ToString("0.0", Culture) + " G",
        };
    }

    /// <summary>A rate: 1,234 /s.</summary>
    public static string Rate(double? value) => value is { } n && double.IsFinite(n) ? Short(n < 0.05 ? 0 : n) + " /s" : None;

    /// <summary>A duration in seconds, as people say it: 350 ms, 4.2 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.</summary>
    public static string Seconds(double? seconds)
    {
        if (seconds is not { } s || !double.IsFinite(s)) return None;
        if (s < 0) return "-" + Seconds(-s);
        if (s == 0) return "0 s";
        if (s < 0.001) return (s * 1000).ToString("0.##", Culture) + " ms";
        if (s < 1) return (s * 1000).ToString("0", Culture) + " ms";
        if (s < 10) return s.ToString("0.0", Culture) + " s";
        if (s < 60) return s.ToString("0", Culture) + " s";
        var span = TimeSpan.FromSeconds(Math.Min(s, 1e10));
        if (span.TotalHours < 1) return Text($"{span.Minutes} min {span.Seconds} s");
        return span.TotalDays < 1 ? Text($"{span.Hours} h {span.Minutes} min") : Text($"{(long)span.TotalDays} d {span.Hours} h");
    }

    /// <summary>Milliseconds.</summary>
    public static string Millis(double? ms) => ms is { } n && double.IsFinite(n) ? Seconds(n / 1000) : None;

    /// <summary>Bytes: 1.4 MiB.</summary>
    public static string Bytes(long? bytes) => bytes switch
    {
        null => None,
        < 1 << 10 => Text($"{bytes} B"),
        < 1 << 20 => Text($"{bytes.Value / 1024.0:0.0} KiB"),
        < 1 << 30 => Text($"{bytes.Value / 1048576.0:0.0} MiB"),
        _ => Text($"{bytes.Value / 1073741824.0:0.0} GiB"),
    };

    /// <summary>A share, 0 to 1: 99.2 %.</summary>
    public static string Percent(double? share) => share is { } n && double.IsFinite(n)
        // 99.96 is not all of it.
        ? (n is > 0.9995 and < 1 ? "99.9" : n is > 0 and < 0.0005 ? "< 0.1" : (n * 100).ToString("0.#", Culture)) + " %"
        : None;

    /// <summary>How much smaller something is than 1, as a word for a bar's width in CSS: "42.00%".</summary>
    public static string Width(double share) => Math.Clamp(double.IsFinite(share) ? share * 100 : 0, 0, 100).ToString("0.00", Culture) + "%";

    /// <summary>A coordinate of a picture.</summary>
    public static string Point(double value) => value.ToString("0.##", Culture);

    /// <summary>One thing or many.</summary>
    public static string Many(long count, string one, string? many = null) => Text($"{count:N0} {(count == 1 ? one : many ?? one + "s")}");

    /// <summary>Bytes as rows of 16: offset, hexadecimal, and what can be printed.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes, int most)
    {
        var text = new StringBuilder();
        for (var at = 0; at < Math.Min(bytes.Length, most); at += 16)
        {
            var row = bytes.Slice(at, Math.Min(16, bytes.Length - at));
            text.Append(Culture, $"{at:x6}  ");
            for (var i = 0; i < 16; i++)
            {
                if (i < row.Length) text.Append(Culture, $"{row[i]:x2} ");
                else text.Append("   ");
                if (i == 7) text.Append(' ');
            }

            text.Append(' ');
            foreach (var b in row) text.Append(b is >= 32 and < 127 ? (char)b : '.');
            text.Append('\n');
        }

        if (bytes.Length > most) text.Append(Culture, $"... {bytes.Length - most:N0} more bytes\n");
        return text.ToString();
    }

    private static string Text(FormattableString text) => text.ToString(Culture);
}
