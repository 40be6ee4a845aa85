using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// What <c>regexp_replace</c> puts in place of a match, taken apart once, as .NET's <see cref="Regex.Replace(string, string)"/> understands it. It is
/// written out piece by piece, so that the limit of a string's length holds while it grows.
/// </summary>
internal sealed class RegexReplacement
{
    private readonly List<Part> _parts = [];

    public RegexReplacement(Regex regex, string with)
    {
        Regex = regex;
        LooksFar = CanLookFar(regex.ToString());
        Parse(with);
        NeedsGroups = _parts.Exists(p => p.Kind is PartKind.Group or PartKind.LastGroup);
    }

    private enum PartKind
    {
        Literal,
        Group,
        LastGroup,
        Before,
        After,
        Whole,
    }

    public Regex Regex { get; }

    /// <summary>True when a match has to be asked for its groups.</summary>
    public bool NeedsGroups { get; }

    /// <summary>
    /// True when finding a match may mean looking far behind its end, as with <c>a(.*b)?</c>: then every match counts the text that is left as work.
    /// </summary>
    public bool LooksFar { get; }

    private readonly record struct Part(PartKind Kind, string Text, int Group);

    /// <summary>Appends what stands for a match. <paramref name="groups"/> is null when <see cref="NeedsGroups"/> is false.</summary>
    /// <returns>False when the output is too long.</returns>
    public bool Append(BoundedText output, ReadOnlySpan<char> text, int index, int length, Match? groups)
    {
        foreach (var part in _parts)
        {
            var piece = part.Kind switch
            {
                PartKind.Literal => part.Text,
                PartKind.Group when part.Group == 0 => text.Slice(index, length),
                PartKind.Group => groups!.Groups[part.Group].ValueSpan,
                PartKind.LastGroup => groups!.Groups[groups.Groups.Count - 1].ValueSpan,
                PartKind.Before => text[..index],
                PartKind.After => text[(index + length)..],
                _ => text,
            };
            if (!output.Append(piece)) return false;
        }
        return true;
    }

    /// <summary>
    /// Whether the search for a match may run on behind the match that it finds and come back: alternatives or optional groups, together with a repetition
    /// that has no end.
    /// </summary>
    private static bool CanLookFar(string pattern)
    {
        var (open, branches, inClass) = (false, false, false);
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\') i++;
            else if (inClass) inClass = c != ']';
            else if (c == '[')
            {
                inClass = true;
                if (i + 1 < pattern.Length && pattern[i + 1] == '^') i++;
                // Right at the start it is one of the class.
                if (i + 1 < pattern.Length && pattern[i + 1] == ']') i++;
            }
            else
            {
                open |= c is '*' or '+' or '{';
                branches |= c == '|' || (c == ')' && i + 1 < pattern.Length && pattern[i + 1] is '*' or '?' or '{');
            }
        }
        return open && branches;
    }

    private void Parse(string with)
    {
        var literal = new StringBuilder();
        for (var at = 0; at < with.Length;)
        {
            if (with[at] == '$' && Reference(with, at + 1) is var (part, end) && end > 0)
            {
                if (literal.Length != 0) _parts.Add(new Part(PartKind.Literal, literal.ToString(), 0));
                literal.Clear();
                _parts.Add(part);
                at = end;
                continue;
            }
            literal.Append(with[at++]);
        }
        if (literal.Length != 0) _parts.Add(new Part(PartKind.Literal, literal.ToString(), 0));
    }

    /// <summary>What follows a $ and where it ends; 0: the $ means itself.</summary>
    private (Part Part, int End) Reference(string with, int at)
    {
        if (at >= with.Length) return default;
        switch (with[at])
        {
            case '$':
                return (new Part(PartKind.Literal, "$", 0), at + 1);
            case '&':
                return (new Part(PartKind.Group, "", 0), at + 1);
            case '`':
                return (new Part(PartKind.Before, "", 0), at + 1);
            case '\'':
                return (new Part(PartKind.After, "", 0), at + 1);
            case '+':
                return (new Part(PartKind.LastGroup, "", 0), at + 1);
            case '_':
                return (new Part(PartKind.Whole, "", 0), at + 1);
        }
        var braced = with[at] == '{';
        if (braced) at++;
        var end = at;
        while (end < with.Length && (braced ? with[end] != '}' : char.IsAsciiDigit(with[end]))) end++;
        if (end == at || (braced && end == with.Length)) return default;
        var name = with[at..end];
        var group = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (Regex.GetGroupNumbers().Contains(number) ? number : -1)
            : Regex.GroupNumberFromName(name);
        return group < 0 ? default : (new Part(PartKind.Group, "", group), braced ? end + 1 : end);
    }
}
