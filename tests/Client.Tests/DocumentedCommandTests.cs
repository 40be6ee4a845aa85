using System.CommandLine;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>
/// What documentation, messages and remedies say to type is a command of <c>kor</c>: the verb is there and has the options. Commands in blocks of
/// their own are parsed as they stand, and pipelines compile.
/// </summary>
public sealed partial class DocumentedCommandTests
{
    private static readonly RootCommand Root = KorCommand.Verbs(new CliHost { Out = TextWriter.Null, Error = TextWriter.Null, In = TextReader.Null, WorkingDirectory = "/" });

    private static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(RepoPaths.Under("docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(RepoPaths.Under("deploy"), "*.md", SearchOption.AllDirectories))
            .Concat([RepoPaths.Under("README.md"), RepoPaths.Under("ARCHITECTURE.md"), RepoPaths.Under("CONTRIBUTING.md"), RepoPaths.Under("SECURITY.md")])
            .Where(File.Exists).Order(StringComparer.Ordinal);

    [Fact]
    public void Every_command_in_a_block_is_one()
    {
        var faults = new List<string>();
        var tried = 0;
        foreach (var page in Pages())
        {
            foreach (Match block in Block().Matches(File.ReadAllText(page)))
            {
                if (block.Groups["kind"].Value is not ("" or "sh" or "bash" or "console")) continue;
                foreach (var command in CommandsOf(block.Groups["text"].Value))
                {
                    tried++;
                    var parsed = Root.Parse([.. command]);
                    if (parsed.Errors.Count != 0 || parsed.UnmatchedTokens.Count != 0)
                        faults.Add($"{Path.GetFileName(page)}: kor {string.Join(' ', command)}: {string.Join(' ', parsed.Errors.Select(e => e.Message))}");
                }
            }
        }

        Assert.True(tried > 20, $"only {tried}");
        Assert.Empty(faults);
    }

    [Fact]
    public void Every_command_in_a_sentence_has_its_verb_and_options()
    {
        var faults = new List<string>();
        var tried = 0;
        foreach (var page in Pages())
        {
            foreach (Match inline in Inline().Matches(File.ReadAllText(page)))
            {
                tried++;
                Check(inline.Groups["text"].Value.Replace("\\|", "|", StringComparison.Ordinal), Path.GetFileName(page), faults);
            }
        }

        Assert.True(tried > 100, $"only {tried}");
        Assert.Empty(faults);
    }

    /// <summary>Remedies that the product prints, in the texts of its sources.</summary>
    [Fact]
    public void Every_command_that_a_message_names_has_its_verb_and_options()
    {
        var faults = new List<string>();
        var tried = 0;
        foreach (var room in (string[])["Client", "Grains", "Grains.Interfaces", "Processing", "Protocol", "Silo", "Storage", "Streams.Kafka", "Console"])
        {
            if (!Directory.Exists(RepoPaths.Under(room))) continue;
            foreach (var file in Directory.EnumerateFiles(RepoPaths.Under(room), "*.*", SearchOption.AllDirectories).Where(IsSource))
            {
                foreach (Match quoted in Quoted().Matches(File.ReadAllText(file)))
                {
                    tried++;
                    Check(Hole().Replace(quoted.Groups["text"].Value, "x"), Path.GetFileName(file), faults);
                }
            }
        }

        Assert.True(tried > 40, $"only {tried}");
        Assert.Empty(faults);
    }

    private static bool IsSource(string path) =>
        path.EndsWith(".cs", StringComparison.Ordinal) || path.EndsWith(".razor", StringComparison.Ordinal)
            ? !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                && !path.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            : false;

    [Fact]
    public void Every_whole_pipeline_in_the_documentation_compiles()
    {
        var tried = 0;
        foreach (var page in Pages())
        {
            foreach (Match block in Block().Matches(File.ReadAllText(page)))
            {
                var text = block.Groups["text"].Value;
                if (block.Groups["kind"].Value != "yaml" || !text.TrimStart().StartsWith("apiVersion: kor/v1", StringComparison.Ordinal)) continue;
                tried++;
                var compiled = PipelineCompiler.Compile(text, Path.GetFileName(page), new PipelineCompilerOptions { Variables = static _ => "x", CreateDecoder = RecordDecoderFactory.Create });
                Assert.True(compiled.Plan is not null, string.Join('\n', compiled.Diagnostics));
            }
        }

        Assert.True(tried > 0);
    }

    /// <summary>A synopsis: brackets are options, bars alternatives, capitals stand for values. The verb and its options must be there.</summary>
    private static void Check(string text, string where, List<string> faults)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Trim('[', ']', '`', ',', ';', '.')).Where(w => w.Length != 0).ToList();
        if (words.Count == 0 || !char.IsAsciiLetterLower(words[0][0])) return;
        foreach (var verb in words[0].Split('|').Where(v => v.Length != 0))
        {
            if (Root.Subcommands.FirstOrDefault(c => c.Name == verb) is not { } command)
            {
                faults.Add($"{where}: kor {text}: there is no verb '{verb}'");
                continue;
            }

            var inner = command.Subcommands.Count != 0 && words.Count > 1 ? words[1].Split('|').Select(w => command.Subcommands.FirstOrDefault(c => c.Name == w)).ToList() : [];
            if (inner.Contains(null) && command.Arguments.Count == 0 && char.IsAsciiLetterLower(words[1][0])) faults.Add($"{where}: kor {text}: '{words[1]}' is no verb of '{verb}'");
            var commands = inner.OfType<Command>().ToList() is { Count: > 0 } found ? found : [command];
            foreach (Match option in Option().Matches(string.Join(' ', words)))
            {
                var known = commands.SelectMany(c => c.Options).Concat(Root.Options).SelectMany(o => o.Aliases.Append(o.Name));
                if (!known.Contains(option.Value)) faults.Add($"{where}: kor {text}: there is no option '{option.Value}'");
            }
        }
    }

    private static IEnumerable<List<string>> CommandsOf(string block)
    {
        foreach (var line in block.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            // A prompt, a list of commands, a comment behind.
            foreach (var part in Separator().Split(line.Trim().TrimStart('$').Trim()))
            {
                if (!part.StartsWith("kor ", StringComparison.Ordinal)) continue;
                var text = Comment().Replace(part, "");
                if (Redirection().Match(text) is { Success: true } redirection) text = text[..redirection.Index];
                yield return [.. Word().Matches(text[4..]).Select(m => m.Value.Trim('"', '\'')).Where(w => w != "&")];
            }
        }
    }

    [GeneratedRegex(@"^```(?<kind>[a-z]*)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"`kor (?<text>[a-z][^`\n]*)`")]
    private static partial Regex Inline();

    [GeneratedRegex(@"'kor (?<text>[a-z][^'\n]*)'")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Hole();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"\s+(?:&&|;|\|\|)\s+")]
    private static partial Regex Separator();

    [GeneratedRegex(@"\s+#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\s(?:<<<|<|>|\|)\s")]
    private static partial Regex Redirection();

    [GeneratedRegex("""("[^"]*"|'[^']*'|\S+)""")]
    private static partial Regex Word();
}
