using System.Text;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Text;

/// <summary>Reads date and time patterns of other languages, to say what a pattern here would be.</summary>
internal static partial class TimePatternDialects
{
    // Python, C, Ruby; i and s are MySQL's.
    private static readonly Dictionary<char, string> Percent = new()
    {
        ['Y'] = "yyyy", ['y'] = "yy", ['m'] = "MM", ['d'] = "dd", ['e'] = "d", ['H'] = "HH", ['k'] = "H", ['I'] = "hh", ['l'] = "h", ['M'] = "mm",
        ['S'] = "ss", ['f'] = "ffffff", ['L'] = "fff", ['N'] = "fffffff", ['p'] = "tt", ['P'] = "tt", ['b'] = "MMM", ['h'] = "MMM", ['B'] = "MMMM",
        ['a'] = "ddd", ['A'] = "dddd", ['z'] = "zzz", ['T'] = "HH:mm:ss", ['F'] = "yyyy-MM-dd", ['D'] = "MM/dd/yy", ['R'] = "HH:mm", ['i'] = "mm",
        ['s'] = "ss", ['c'] = "M",
    };

    // Oracle and PostgreSQL; case does not count there, and the longest word comes first.
    private static readonly (string Word, string Here)[] Oracle =
    [
        ("HH24", "HH"), ("HH12", "hh"), ("HH", "hh"), ("YYYY", "yyyy"), ("RRRR", "yyyy"), ("SYYYY", "yyyy"), ("YY", "yy"), ("RR", "yy"), ("MONTH", "MMMM"),
        ("MON", "MMM"), ("MM", "MM"), ("MI", "mm"), ("SS", "ss"), ("FF", "ffffff"), ("MS", "fff"), ("US", "ffffff"), ("DAY", "dddd"), ("DY", "ddd"),
        ("DD", "dd"), ("A.M.", "tt"), ("P.M.", "tt"), ("AM", "tt"), ("PM", "tt"), ("TZH:TZM", "zzz"), ("TZHTZM", "zzz"), ("TZH", "zz"), ("OF", "zzz"), ("FM", ""), ("FX", ""),
    ];

    private static readonly Dictionary<char, string> Php = new()
    {
        ['Y'] = "yyyy", ['y'] = "yy", ['m'] = "MM", ['n'] = "M", ['d'] = "dd", ['j'] = "d", ['H'] = "HH", ['G'] = "H", ['h'] = "hh", ['g'] = "h", ['i'] = "mm",
        ['s'] = "ss", ['A'] = "tt", ['a'] = "tt", ['M'] = "MMM", ['F'] = "MMMM", ['D'] = "ddd", ['l'] = "dddd", ['u'] = "ffffff", ['v'] = "fff", ['P'] = "zzz", ['O'] = "zzz",
    };

    /// <summary>True for <c>%Y-%m-%d</c> and the like.</summary>
    public static bool IsPercent(string pattern) => PercentLetter().IsMatch(pattern);

    /// <summary>What the pattern is in the languages it may be of, the likeliest first; and as it stands.</summary>
    public static IEnumerable<string> Readings(string pattern)
    {
        if (IsPercent(pattern)) yield return ByPercent(pattern);
        if (OracleWord().IsMatch(pattern)) yield return ByOracle(pattern);
        if (PhpLetter().IsMatch(pattern)) yield return ByLetter(pattern);
        yield return ByJava(pattern);
        yield return ByOracle(pattern);
    }

    private static string ByPercent(string pattern)
    {
        var text = new StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c != '%') Literal(text, c);
            else if (++i < pattern.Length && Percent.TryGetValue(pattern[i], out var here)) text.Append(here);
            else if (i < pattern.Length) text.Append('%').Append(pattern[i]);
        }

        return text.ToString();
    }

    private static string ByOracle(string pattern)
    {
        var text = new StringBuilder();
        foreach (var part in TimePattern.Split(pattern).Aggregate(new List<string>(), Joined))
        {
            if (part[0] is '\'' or '"' or '\\' || !char.IsAsciiLetter(part[0])) text.Append(part);
            else OracleWords(text, part);
        }

        return text.ToString();
    }

    // Letters, digits and the dots of A.M. stay together; quoted texts stay apart.
    private static List<string> Joined(List<string> words, TimePattern.Part part)
    {
        var quoted = part.Text[0] is '\'' or '"' or '\\';
        var open = words.Count != 0 && char.IsAsciiLetter(words[^1][0]);
        if (!quoted && open) words[^1] += part.Text;
        else words.Add(part.Text);
        return words;
    }

    private static void OracleWords(StringBuilder text, string word)
    {
        for (var i = 0; i < word.Length;)
        {
            var known = Oracle.Where(o => string.Compare(word, i, o.Word, 0, o.Word.Length, StringComparison.OrdinalIgnoreCase) == 0)
                .OrderByDescending(o => o.Word.Length).FirstOrDefault();
            if (known.Word is null)
            {
                text.Append(word[i++]);
                continue;
            }

            i += known.Word.Length;
            if (known.Word == "FF" && i < word.Length && char.IsAsciiDigit(word[i])) text.Append('f', Math.Clamp(word[i++] - '0', 1, 7));
            else text.Append(known.Here);
        }
    }

    private static string ByLetter(string pattern)
    {
        var text = new StringBuilder();
        foreach (var part in TimePattern.Split(pattern))
        {
            if (part.Letter != '\0' && part.Text.Length == 1 && Php.TryGetValue(part.Letter, out var here)) text.Append(here);
            else text.Append(part.Text);
        }

        return text.ToString();
    }

    /// <summary>Java, Spark, and moment of JavaScript, which puts literal text in brackets.</summary>
    private static string ByJava(string pattern)
    {
        var text = new StringBuilder();
        var parts = TimePattern.Split(Bracket().Replace(pattern, "'$1'"));
        var seconds = parts.Exists(p => p.Letter == 's');
        for (var i = 0; i < parts.Count; i++)
        {
            var (letter, run) = (parts[i].Letter, parts[i].Text);
            text.Append(letter switch
            {
                'Y' or 'u' or 'e' => new string('y', run.Length == 2 ? 2 : 4),
                'D' => run.Length >= 3 ? run : new string('d', run.Length),
                'L' => new string('M', run.Length),
                'E' => run.Length > 3 ? "dddd" : "ddd",
                'a' or 'A' => "tt",
                'k' => new string('H', run.Length),
                'K' => run.Length == 1 ? "K" : "hh",
                'S' when !seconds && run.Length <= 2 && !IsFraction(parts, i) => new string('s', run.Length),
                'S' or 'n' => new string('f', Math.Min(run.Length, 7)),
                'X' => "K",
                'x' => "zzz",
                'Z' => run.Length == 1 && i + 1 == parts.Count ? "zzz" : "K",
                'O' => "zzz",
                'T' => "'T'",
                _ => run,
            });
        }

        return text.ToString();
    }

    private static bool IsFraction(List<TimePattern.Part> parts, int i) => i > 0 && parts[i - 1].Text is "." or ",";

    private static void Literal(StringBuilder text, char c)
    {
        if (char.IsAsciiLetter(c)) text.Append('\'').Append(c).Append('\'');
        else text.Append(c);
    }

    [GeneratedRegex("%[A-Za-z]")]
    private static partial Regex PercentLetter();

    [GeneratedRegex(@"HH24|HH12|(?<![A-Z])MI(?![A-Z])|FF\d?|RR|MON|TZH|A\.M\.|P\.M\.|(?<![A-Z])[AP]M(?![A-Z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OracleWord();

    [GeneratedRegex("(?<!Y)Y(?!Y)|(?<!i)i(?!i)")]
    private static partial Regex PhpLetter();

    [GeneratedRegex(@"\[([^\]]*)\]")]
    private static partial Regex Bracket();
}
