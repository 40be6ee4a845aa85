namespace KafkaOracleOrleans.WebConsole;

/// <summary>The lines of a pipeline's text that a part of it is defined by.</summary>
public static class DefinitionSnippet
{
    /// <summary>The part's lines with the number of the first one, counted from 1; null when they are not found, as in a text that is JSON.</summary>
    /// <param name="text">The pipeline's text.</param>
    /// <param name="id">The id of a step or sink; empty: the source.</param>
    public static (int Line, string Text)? Of(string text, string id)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        if (id.Length == 0) return Block(lines, Array.FindIndex(lines, l => l.StartsWith("source:", StringComparison.Ordinal)));
        var at = Array.FindIndex(lines, l => Names(l, id));
        // The item may begin with another of its keys.
        while (at > 0 && !lines[at].TrimStart().StartsWith('-')) at--;
        return at < 0 ? null : Block(lines, at);
    }

    private static (int Line, string Text)? Block(string[] lines, int at)
    {
        if (at < 0) return null;
        var indent = Indent(lines[at]);
        var end = at + 1;
        while (end < lines.Length && (lines[end].Trim().Length == 0 || Indent(lines[end]) > indent)) end++;
        while (end > at + 1 && lines[end - 1].Trim().Length == 0) end--;
        return (at + 1, string.Join('\n', lines[at..end].Select(l => l.Length > indent ? l[indent..] : "")));
    }

    private static int Indent(string line) => line.Length - line.TrimStart().Length;

    /// <summary>Whether a line gives a list's item this id: <c>- id: x</c>, <c>id: x</c> or <c>- { id: x, ... }</c>.</summary>
    private static bool Names(string line, string id)
    {
        var rest = line.TrimStart().TrimStart('-', ' ', '{');
        if (!rest.StartsWith("id:", StringComparison.Ordinal)) return false;
        var value = rest[3..].TrimStart();
        if (value is ['\'' or '"', ..]) value = value[1..];
        return value.StartsWith(id, StringComparison.Ordinal) && (value.Length == id.Length || " ,}#'\"\r".Contains(value[id.Length], StringComparison.Ordinal));
    }
}
