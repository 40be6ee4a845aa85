namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// Finds where a character of a scalar's value stands in the file, through quotes, escapes, folding and variables.
/// </summary>
internal static class ScalarPositions
{
    /// <summary>The place of a character of the value (or just after it, for an index at the end).</summary>
    public static TextPosition Locate(string text, ScalarNode node, int index, bool ofRaw = false)
    {
        var raw = ofRaw ? index : ToRaw(node, index);
        return PositionOf(text, node.Start, SourceIndex(text, node, Math.Clamp(raw, 0, node.Raw.Length)));
    }

    private static int ToRaw(ScalarNode node, int index)
    {
        var shift = 0;
        foreach (var s in node.Substitutions)
        {
            if (index < s.TextStart) break;
            if (index < s.TextStart + s.TextLength) return s.RawStart;
            shift = s.RawStart + s.RawLength - (s.TextStart + s.TextLength);
        }

        return index + shift;
    }

    /// <summary>
    /// Walks value and source side by side. Blanks and line breaks may be folded, so they are matched loosely: only
    /// what is not blank counts, and that stands in the same order on both sides.
    /// </summary>
    private static int SourceIndex(string text, ScalarNode node, int target)
    {
        var at = node.Start.Index;
        var quoted = node.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted;
        if (quoted) at++;
        else if (node.Style == ScalarStyle.Block) at = AfterLine(text, at);
        var afterLast = at;
        for (var i = 0; i <= target; i++)
        {
            var blank = i >= node.Raw.Length || IsBlank(node.Raw[i]);
            if (blank && !NextIsEscapedBlank(text, at, node.Style))
            {
                if (i == target) return i >= node.Raw.Length ? afterLast : at;
                if (at < text.Length && IsBlank(text[at])
                    && (i + 1 >= node.Raw.Length || IsBlank(node.Raw[i + 1]))) at++;
                continue;
            }

            while (at < text.Length && IsBlank(text[at])) at++;
            if (i == target) return at;
            at = Math.Min(text.Length, at + TokenLength(text, at, node.Style));
            afterLast = at;
        }

        return afterLast;
    }

    private static bool NextIsEscapedBlank(string text, int at, ScalarStyle style) =>
        style == ScalarStyle.DoubleQuoted && at + 1 < text.Length && text[at] == '\\'
        && text[at + 1] is 'n' or 't' or 'r' or ' ' or 'N' or '_' or 'L' or 'P' or 'v' or 'f';

    private static int TokenLength(string text, int at, ScalarStyle style)
    {
        if (at + 1 >= text.Length) return 1;
        if (style == ScalarStyle.SingleQuoted) return text[at] == '\'' && text[at + 1] == '\'' ? 2 : 1;
        if (style != ScalarStyle.DoubleQuoted || text[at] != '\\') return 1;
        return text[at + 1] switch
        {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            _ => 2,
        };
    }

    private static int AfterLine(string text, int at)
    {
        var end = text.IndexOf('\n', Math.Min(at, text.Length));
        return end < 0 ? text.Length : end + 1;
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n';

    private static TextPosition PositionOf(string text, TextPosition from, int index)
    {
        var (line, column) = (from.Line, from.Column);
        for (var i = from.Index; i < index && i < text.Length; i++)
        {
            if (text[i] == '\n') (line, column) = (line + 1, 1);
            else column++;
        }

        return new TextPosition(line, column, index);
    }
}
