using System.Text;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>A text of a C# source: neighbours joined by + are one, and what is put in stands between U+0001 and U+0002.</summary>
/// <param name="File">The file, below the root.</param>
/// <param name="Line">The line it begins in.</param>
/// <param name="Text">The text, without escapes.</param>
public sealed record SourceText(string File, int Line, string Text);

/// <summary>The texts of C# sources, for tests about what they tell users.</summary>
public static class SourceTexts
{
    /// <summary>Begins what an interpolated text puts in.</summary>
    public const char HoleBegin = '\u0001';

    /// <summary>Ends it.</summary>
    public const char HoleEnd = '\u0002';

    /// <summary>The texts of the product's sources.</summary>
    public static IReadOnlyList<SourceText> Product { get; } =
    [
        .. Directory.EnumerateDirectories(RepoPaths.Root).Where(room => Directory.EnumerateFiles(room, "*.csproj").Any())
            .SelectMany(room => Directory.EnumerateFiles(room, "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                && !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(f => Of(Path.GetRelativePath(RepoPaths.Root, f).Replace('\\', '/'), System.IO.File.ReadAllText(f))),
    ];

    /// <summary>The texts of a source.</summary>
    public static IReadOnlyList<SourceText> Of(string file, string source) => new Scanner(file, source).Run();

    private sealed class Scanner(string file, string source)
    {
        private readonly List<SourceText> _found = [];
        private int _at;

        /// <summary>True while nothing but blanks and + came since the last text.</summary>
        private bool _joins;

        public List<SourceText> Run()
        {
            while (_at < source.Length) Step();
            return _found;
        }

        private void Step()
        {
            var c = source[_at];
            if (Starts("//")) SkipTo("\n");
            else if (Starts("/*")) SkipTo("*/");
            else if (c == '\'') SkipCharacter();
            else if (TextStart() is var (dollars, verbatim, quotes) && quotes > 0) Read(dollars, verbatim, quotes);
            else
            {
                if (c != '+' && !char.IsWhiteSpace(c)) _joins = false;
                _at++;
            }
        }

        private bool Starts(string text) => string.CompareOrdinal(source, _at, text, 0, text.Length) == 0;

        private void SkipTo(string end)
        {
            var next = source.IndexOf(end, _at, StringComparison.Ordinal);
            _at = next < 0 ? source.Length : next + end.Length;
        }

        private void SkipCharacter()
        {
            _joins = false;
            for (_at++; _at < source.Length && source[_at] != '\''; _at++)
            {
                if (source[_at] == '\\') _at++;
            }

            _at++;
        }

        private (int Dollars, bool Verbatim, int Quotes) TextStart()
        {
            var (at, dollars, verbatim) = (_at, 0, false);
            for (; at < source.Length && source[at] is '$' or '@'; at++)
            {
                if (source[at] == '$') dollars++;
                else verbatim = true;
            }

            var quotes = at;
            while (quotes < source.Length && source[quotes] == '"') quotes++;
            return (dollars, verbatim, quotes - at);
        }

        private void Read(int dollars, bool verbatim, int quotes)
        {
            var line = source.AsSpan(0, _at).Count('\n') + 1;
            _at += dollars + (verbatim ? 1 : 0);
            var raw = quotes >= 3;
            // Of two quotes the second ends an empty text.
            var text = new StringBuilder();
            if (raw) _at += quotes;
            else _at++;
            var end = raw ? new string('"', quotes) : "\"";
            while (_at < source.Length && !Ends(end, verbatim)) Append(text, dollars, verbatim, raw);
            _at += end.Length;
            if (Starts("u8")) return; // Bytes, which nobody reads.
            Keep(line, text.ToString());
        }

        private bool Ends(string end, bool verbatim) => Starts(end) && !(verbatim && Starts("\"\""));

        private void Append(StringBuilder text, int dollars, bool verbatim, bool raw)
        {
            var hole = new string('{', Math.Max(dollars, 1));
            if (dollars > 0 && Starts(hole) && (raw || !Starts("{{")))
            {
                text.Append(HoleBegin).Append(Hole(hole.Length)).Append(HoleEnd);
                return;
            }

            if (!raw && ((dollars > 0 && (Starts("{{") || Starts("}}"))) || (verbatim && Starts("\"\"")))) _at++;
            else if (!raw && !verbatim && source[_at] == '\\')
            {
                _at++;
                if (source[_at] == 'n')
                {
                    text.Append('\n');
                    _at++;
                    return;
                }
            }

            text.Append(source[_at++]);
        }

        /// <summary>What is put in. The texts inside of it are found as well.</summary>
        private string Hole(int braces)
        {
            _at += braces;
            var start = _at;
            for (var depth = 1; _at < source.Length;)
            {
                if (source[_at] == '{') depth++;
                if (source[_at] == '}' && --depth == 0) break;
                _joins = false;
                Step();
            }

            var inside = source[start.._at];
            _at += braces;
            return inside;
        }

        private void Keep(int line, string text)
        {
            if (_joins) _found[^1] = _found[^1] with { Text = _found[^1].Text + text };
            else _found.Add(new SourceText(file, line, text));
            _joins = true;
        }
    }
}
