using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>A command line that a text tells its reader.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Line">The command line as written, after the program's name.</param>
public sealed record CommandMention(string Place, string Line);

/// <summary>Finds command lines of a program in sources and documents, and makes of each what could be typed.</summary>
public sealed partial class CommandMentions
{
    private readonly Regex[] _inTexts;
    private readonly Regex[] _inDocuments;

    private CommandMentions(Regex[] inTexts, Regex[] inDocuments) => (_inTexts, _inDocuments) = (inTexts, inDocuments);

    /// <summary>Of the command <c>kor</c>.</summary>
    public static CommandMentions OfKor { get; } = new([Quoted(), Plain()], [InTicks(), CodeLine()]);

    /// <summary>Of the server's program.</summary>
    public static CommandMentions OfServer { get; } = new([Server()], [Server()]);

    /// <summary>What stands for a value in capitals, or is put in, where any text would not do.</summary>
    private static readonly (string Word, string Value)[] Values =
    [
        ("TOPIC/PARTITION=OFFSET", "orders/0=5"), ("TOPIC/NUMBER", "orders/0"), ("TOPIC/N", "orders/0"), ("OFFSET", "5"), ("VERSION", "3"), ("TIME", "2026-01-31T10:00:00Z"), ("N", "3"), ("PART", "0.5"), ("SPAN", "1m"),
        ("...", "orders/0=5"),
    ];

    /// <summary>In the product's own texts.</summary>
    public IEnumerable<CommandMention> InSources() => SourceTexts.Product.SelectMany(t =>
        Find(_inTexts, WithoutHoles(t.Text)).Select(line => new CommandMention($"{t.File}({t.Line})", line)));

    /// <summary>In documents: between back-ticks, and in lines of code.</summary>
    public IEnumerable<CommandMention> InDocuments()
    {
        string[] folders = ["docs", "deploy", "pipelines", "samples", "benchmarks"];
        var files = folders.SelectMany(f => Directory.EnumerateFiles(RepoPaths.Under(f), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(RepoPaths.Root, "*.md")).Where(f => !f.EndsWith("CHANGELOG.md", StringComparison.Ordinal));
        foreach (var file in files)
        {
            var number = 0;
            foreach (var line in File.ReadLines(file))
            {
                number++;
                foreach (var found in Find(_inDocuments, line))
                    yield return new CommandMention($"{Path.GetRelativePath(RepoPaths.Root, file)}({number})", found.Replace("\\|", "|", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>The command lines that a mention stands for: with and without what is between brackets, and one for each alternative.</summary>
    public static IEnumerable<string[]> Meant(CommandMention mention) =>
        mention.Line.Split(" && ").SelectMany(l => Expand(Cut().Replace(l.StartsWith("kor ", StringComparison.Ordinal) ? l[4..] : l, ""))).Select(Words).Distinct(SameWords.Instance);

    private static IEnumerable<string> Find(Regex[] patterns, string text) => patterns.SelectMany(p => p.Matches(text)).Select(m => m.Groups[1].Value.Trim());

    private static string WithoutHoles(string text) => Hole().Replace(text, m => m.Groups[1].Value switch
    {
        "url" => "",
        "_source" => "orders/0",
        "to" => "5",
        var inside when inside.StartsWith("Iso(", StringComparison.Ordinal) => "2026-01-31T10:00:00Z",
        _ => "x",
    });

    private static IEnumerable<string> Expand(string line)
    {
        var optional = Optional().Match(line);
        if (optional.Success)
        {
            var (before, after) = (line[..optional.Index], line[(optional.Index + optional.Length)..]);
            return Alternatives().Split(optional.Groups[1].Value).Append("").SelectMany(choice => Expand(before + choice + after));
        }

        var options = OptionChoice().Match(line);
        if (options.Success) return Alternatives().Split(line[options.Index..]).SelectMany(choice => Expand(line[..options.Index] + choice));
        var words = WordChoice().Match(line);
        return words.Success
            ? words.Value.Split('|').SelectMany(choice => Expand(line[..words.Index] + choice + line[(words.Index + words.Length)..]))
            : [line];
    }

    private static string[] Words(string line) =>
        [.. Word().Matches(line).Select(m => m.Value).Select(w => w is ['"', .., '"'] or ['\'', .., '\''] ? w[1..^1] : Array.Find(Values, v => v.Word == w).Value ?? w)];

    [GeneratedRegex("'kor( [^'\n]*)'")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(?:^|\n|: |\()kor ([a-z]{3}(?:(?!, |; |\. |\)|\n| \| ).)+)")]
    private static partial Regex Plain();

    [GeneratedRegex(@"dotnet run --project Silo -- ([^'`\n\\]+)")]
    private static partial Regex Server();

    [GeneratedRegex("`kor ([^`]*)`")]
    private static partial Regex InTicks();

    [GeneratedRegex(@"^\s*(?:\$ )?kor ([a-z-].*)$")]
    private static partial Regex CodeLine();

    /// <summary>What is the shell's: comments, pipes and files.</summary>
    [GeneratedRegex(@"\s+(#|\||<|>).*$")]
    private static partial Regex Cut();

    [GeneratedRegex("\u0001([^\u0002]*)\u0002")]
    private static partial Regex Hole();

    [GeneratedRegex(@"\[([^\[\]]*)\]")]
    private static partial Regex Optional();

    [GeneratedRegex(@"\|(?=--)")]
    private static partial Regex Alternatives();

    [GeneratedRegex(@"\S+\|--")]
    private static partial Regex OptionChoice();

    [GeneratedRegex(@"(?<=^|\s)[^\s""'|]+(\|[^\s""'|]+)+")]
    private static partial Regex WordChoice();

    [GeneratedRegex(@"""[^""]*""|'[^']*'|\S+")]
    private static partial Regex Word();

    private sealed class SameWords : IEqualityComparer<string[]>
    {
        public static SameWords Instance { get; } = new();

        public bool Equals(string[]? x, string[]? y) => x is not null && y is not null && x.SequenceEqual(y);

        public int GetHashCode(string[] obj) => string.Join(' ', obj).GetHashCode(StringComparison.Ordinal);
    }
}
