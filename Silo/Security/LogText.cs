namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Text from outside, as a log may have it.</summary>
internal static class LogText
{
    private const int Longest = 500;

    /// <summary>Without control characters, which could end a line and begin another that nobody wrote, and of at most 500 characters.</summary>
    public static string Clean(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "";
        if (text.Length > Longest) text = text[..Longest] + "...";
        return text.Any(IsBad) ? string.Concat(text.Select(c => IsBad(c) ? '?' : c)) : text;
    }

    private static bool IsBad(char c) => char.IsControl(c) || c is '\u2028' or '\u2029';
}
