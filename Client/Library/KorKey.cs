using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Client;

/// <summary>Group keys as the cluster writes them.</summary>
public static class KorKey
{
    /// <summary>
    /// The text of a key: its values in the order of the step's <c>groupBy</c>, separated by commas; anything but letters, digits and
    /// <c>_ - : @ .</c> is escaped. No values at all are the one group of a step without <c>groupBy</c>. Throws <see cref="ArgumentException"/>
    /// for a value that is no boolean, whole or decimal number, double, text, bytes, date or time.
    /// </summary>
    public static string Text(params IReadOnlyList<object?> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Count == 0 ? "~all" : string.Join(',', values.Select(Value));
    }

    private static string Value(object? value) => value switch
    {
        null => "~n",
        string text => Escape(text),
        bool b => b ? "true" : "false",
        byte[] bytes => bytes.Length == 0 ? "~e" : Base64Url.EncodeToString(bytes),
        DateTimeOffset time => Time(time.UtcDateTime),
        DateTime { Kind: DateTimeKind.Local } => throw new ArgumentException("A local time depends on the machine; give it in UTC.", nameof(value)),
        DateTime time => Time(time),
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        double number => Escape(number.ToString("R", CultureInfo.InvariantCulture)),
        float number => Escape(((double)number).ToString("R", CultureInfo.InvariantCulture)),
        sbyte or byte or short or ushort or int or uint or long or ulong or decimal =>
            ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"A {value.GetType().Name} cannot be part of a key.", nameof(value)),
    };

    private static string Time(DateTime utc) => utc.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    private static string Escape(string text)
    {
        if (text.Length == 0) return "~e";
        var escaped = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)b;
            // A leading point is escaped because "." and ".." mean something in a URL.
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or ':' or '@' || (c == '.' && escaped.Length != 0)) escaped.Append(c);
            else escaped.Append(CultureInfo.InvariantCulture, $"~{b:X2}");
        }

        return escaped.ToString();
    }
}
