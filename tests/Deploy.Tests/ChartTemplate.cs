using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>
/// Renders the part of Helm's templates that the chart uses: <c>if</c> (with <c>not</c>), <c>with</c>, <c>range</c>, <c>include</c>, <c>define</c>, fields of Values,
/// Release, Chart, Files.Get, variables of range, and the functions quote, default, nindent, toYaml and printf. What it does not know is an error, so that no
/// template passes unseen.
/// </summary>
internal sealed partial class ChartTemplate(string folder, YamlMappingNode values, string appVersion)
{
    private readonly Dictionary<string, List<Node>> _defined = new(StringComparer.Ordinal);

    private abstract record Node;

    private sealed record Raw(string Text) : Node;

    private sealed record Expression(string Code) : Node;

    private sealed record Block(string Keyword, string Code, List<Node> Body) : Node;

    /// <summary>What a template gives.</summary>
    public string Render(string file)
    {
        foreach (var helper in Directory.EnumerateFiles(Path.Combine(folder, "templates"), "*.tpl")) Parse(File.ReadAllText(helper));
        var text = new StringBuilder();
        Write(text, Parse(File.ReadAllText(Path.Combine(folder, "templates", file))), values, []);
        return text.ToString();
    }

    private List<Node> Parse(string text)
    {
        var stack = new Stack<Block>();
        stack.Push(new Block("", "", []));
        var at = 0;
        foreach (Match match in Action().Matches(text))
        {
            var raw = text[at..match.Index];
            if (match.Groups["left"].Length != 0) raw = raw.TrimEnd();
            if (raw.Length != 0) stack.Peek().Body.Add(new Raw(raw));
            at = match.Index + match.Length;
            if (match.Groups["right"].Length != 0)
            {
                while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            }

            var code = match.Groups["code"].Value.Trim();
            var keyword = code.Split(' ')[0];
            if (keyword is "if" or "with" or "range" or "define")
            {
                stack.Push(new Block(keyword, code[keyword.Length..].Trim(), []));
            }
            else if (keyword == "end")
            {
                var block = stack.Pop();
                if (block.Keyword.Length == 0) throw new InvalidOperationException("An 'end' without a beginning.");
                if (block.Keyword == "define") _defined[block.Code.Trim('"')] = block.Body;
                else stack.Peek().Body.Add(block);
            }
            else
            {
                stack.Peek().Body.Add(new Expression(code));
            }
        }

        if (at < text.Length) stack.Peek().Body.Add(new Raw(text[at..]));
        return stack.Count == 1 ? stack.Pop().Body : throw new InvalidOperationException($"'{stack.Peek().Keyword} {stack.Peek().Code}' has no end.");
    }

    private void Write(StringBuilder text, List<Node> nodes, object? dot, Dictionary<string, object?> variables)
    {
        foreach (var node in nodes)
        {
            switch (node)
            {
                case Raw raw:
                    text.Append(raw.Text);
                    break;
                case Expression expression:
                    text.Append(TextOf(Evaluate(expression.Code, dot, variables)));
                    break;
                case Block { Keyword: "if" } block:
                    var not = block.Code.StartsWith("not ", StringComparison.Ordinal);
                    if (IsTrue(Evaluate(not ? block.Code[4..] : block.Code, dot, variables)) != not) Write(text, block.Body, dot, variables);
                    break;
                case Block { Keyword: "with" } block:
                    if (Evaluate(block.Code, dot, variables) is { } inner && IsTrue(inner)) Write(text, block.Body, inner, variables);
                    break;
                case Block { Keyword: "range" } block:
                    WriteEach(text, block, dot, variables);
                    break;
                default:
                    throw new NotSupportedException($"{node}");
            }
        }
    }

    private void WriteEach(StringBuilder text, Block block, object? dot, Dictionary<string, object?> variables)
    {
        var pair = Pair().Match(block.Code);
        var over = Evaluate(pair.Success ? pair.Groups["over"].Value : block.Code, dot, variables);
        if (over is YamlMappingNode map)
        {
            foreach (var (key, value) in map.Children.OrderBy(c => c.Key.ToString(), StringComparer.Ordinal))
            {
                Dictionary<string, object?> inner = new(variables) { [pair.Groups["key"].Value] = key, [pair.Groups["value"].Value] = value };
                Write(text, block.Body, value, inner);
            }
        }
        else
        {
            foreach (var item in ((YamlSequenceNode)over!).Children) Write(text, block.Body, item, variables);
        }
    }

    private object? Evaluate(string code, object? dot, Dictionary<string, object?> variables)
    {
        object? value = null;
        var first = true;
        foreach (var part in Pipe().Split(code))
        {
            value = Call(part.Trim(), first ? null : value, first, dot, variables);
            first = false;
        }

        return value;
    }

    private object? Call(string code, object? piped, bool first, object? dot, Dictionary<string, object?> variables)
    {
        var words = Word().Matches(code).Select(m => m.Value).ToList();
        object? Argument(int i) => i < words.Count ? Simple(words[i], dot, variables) : piped;
        switch (words[0])
        {
            case "quote":
                return "\"" + TextOf(Argument(1)).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
            case "default":
                return IsTrue(piped) ? piped : Argument(1);
            case "nindent":
                var indent = new string(' ', int.Parse(words[1], CultureInfo.InvariantCulture));
                return "\n" + string.Join('\n', TextOf(piped).TrimEnd('\n').Split('\n').Select(l => l.Length == 0 ? l : indent + l));
            case "toYaml":
                return new SerializerBuilder().Build().Serialize(InBlocks((YamlNode)Argument(1)!)).TrimEnd('\n');
            case "printf":
                return words.Skip(2).Aggregate(words[1].Trim('"'), (text, w) => Percent().Replace(text, TextOf(Simple(w, dot, variables)), 1));
            case "include":
                var text = new StringBuilder();
                Write(text, _defined[words[1].Trim('"')], dot, variables);
                return text.ToString();
            case ".Files.Get":
                return File.ReadAllText(Path.Combine(folder, words[1].Trim('"')));
            default:
                return first && words.Count == 1 ? Simple(words[0], dot, variables) : throw new NotSupportedException(code);
        }
    }

    /// <summary>As Helm writes YAML, whatever it was read from.</summary>
    private static YamlNode InBlocks(YamlNode node)
    {
        if (node is YamlMappingNode map)
        {
            map.Style = map.Children.Count == 0 ? YamlDotNet.Core.Events.MappingStyle.Flow : YamlDotNet.Core.Events.MappingStyle.Block;
            foreach (var child in map.Children.Values) InBlocks(child);
        }

        return node;
    }

    private object? Simple(string word, object? dot, Dictionary<string, object?> variables)
    {
        if (word.StartsWith('(')) return Evaluate(word[1..^1], dot, variables);
        if (word.StartsWith('"')) return word.Trim('"');
        if (word.StartsWith('$')) return variables[word];
        switch (word)
        {
            case ".":
                return dot;
            case ".Release.Name":
                return "kor";
            case ".Release.Namespace":
                return "kor-space";
            case ".Release.Service":
                return "Helm";
            case ".Chart.AppVersion":
                return appVersion;
        }

        if (!word.StartsWith(".Values.", StringComparison.Ordinal)) throw new NotSupportedException(word);
        // A value that is in no values file is a slip of the pen.
        return values.At([.. word[".Values.".Length..].Split('.')]) ?? throw new InvalidOperationException($"{word} is not in values.yaml.");
    }

    private static bool IsTrue(object? value) => value switch
    {
        null => false,
        string text => text.Length != 0,
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: "false" } => false,
        YamlScalarNode scalar => !string.IsNullOrEmpty(scalar.Value),
        YamlMappingNode map => map.Children.Count != 0,
        YamlSequenceNode list => list.Children.Count != 0,
        _ => true,
    };

    private static string TextOf(object? value) => value switch
    {
        null => "",
        YamlScalarNode scalar => scalar.Value ?? "",
        _ => value.ToString() ?? "",
    };

    [GeneratedRegex(@"\{\{(?<left>-?)\s*(?<code>.*?)\s*(?<right>-?)\}\}", RegexOptions.Singleline)]
    private static partial Regex Action();

    [GeneratedRegex(@"\s\|\s(?![^(]*\))")]
    private static partial Regex Pipe();

    [GeneratedRegex("""\([^)]*\)|"[^"]*"|\S+""")]
    private static partial Regex Word();

    [GeneratedRegex(@"^(?<key>\$\w+),\s*(?<value>\$\w+)\s*:=\s*(?<over>.*)$")]
    private static partial Regex Pair();

    [GeneratedRegex("%s")]
    private static partial Regex Percent();
}
