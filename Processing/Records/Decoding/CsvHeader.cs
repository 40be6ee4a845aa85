using System.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Tells lines that consist of the columns' names from records: as many values as columns, each its column's name, in any case, with or without
/// quotes and spaces around it. A byte order mark before them is let be, as files have it that were sent line by line.
/// </summary>
internal sealed class CsvHeader(IReadOnlyList<string> names, byte delimiter, byte quote)
{
    /// <summary>True for a header.</summary>
    public bool Matches(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("\uFEFF"u8)) line = line[3..];
        if (line.EndsWith("\n"u8)) line = line[..^1];
        if (line.EndsWith("\r"u8)) line = line[..^1];
        var pos = 0;
        for (var i = 0; i < names.Count; i++)
        {
            var end = EndOf(line, pos);
            if (!IsName(line[pos..end], names[i])) return false;
            if (end == line.Length) return i + 1 == names.Count;
            pos = end + 1;
        }

        return false;
    }

    private int EndOf(ReadOnlySpan<byte> line, int pos)
    {
        var quoted = false;
        for (; pos < line.Length; pos++)
        {
            if (line[pos] == quote) quoted = !quoted;
            else if (line[pos] == delimiter && !quoted) break;
        }

        return pos;
    }

    private bool IsName(ReadOnlySpan<byte> value, string name)
    {
        // Longer than any way to write the name: no text is made of it.
        if (value.Length > name.Length * 8 + 64) return false;
        var text = Encoding.UTF8.GetString(value).Trim();
        var mark = (char)quote;
        if (text.Length >= 2 && text[0] == mark && text[^1] == mark)
            text = text[1..^1].Replace(new string(mark, 2), mark.ToString(), StringComparison.Ordinal).Trim();
        return string.Equals(text, name.Trim(), StringComparison.OrdinalIgnoreCase);
    }
}
