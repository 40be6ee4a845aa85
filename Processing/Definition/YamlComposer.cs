using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// Reads YAML into nodes with positions. Anchors, aliases and merge keys are followed; tags are refused; scalars stay
/// text whatever they look like. Size, depth and what aliases may multiply to are bounded.
/// </summary>
internal sealed class YamlComposer
{
    /// <summary>The deepest nesting of mappings and lists.</summary>
    public const int MaxDepth = 64;

    /// <summary>The largest number of nodes once aliases are followed.</summary>
    public const int MaxNodes = 100_000;

    private readonly DiagnosticBag _diagnostics;
    private readonly Parser _parser;
    private readonly Dictionary<string, TextNode> _anchors = new(StringComparer.Ordinal);
    private int _nodes;
    private TextPosition _last = new(1, 1, 0);

    private YamlComposer(DiagnosticBag diagnostics)
    {
        _diagnostics = diagnostics;
        _parser = new Parser(new StringReader(diagnostics.Text));
    }

    /// <summary>The root, or null when the text cannot be read (which was noted).</summary>
    public static TextNode? Compose(DiagnosticBag diagnostics)
    {
        var composer = new YamlComposer(diagnostics);
        try
        {
            return composer.Document();
        }
        catch (LimitException limit)
        {
            diagnostics.ErrorAt(limit.Code, limit.At, 1, "$", limit.Message);
        }
        catch (YamlException fault)
        {
            var at = PlaceOf(fault, diagnostics.Text);
            diagnostics.ErrorAt("KOR1001", at, 1, "$",
                SyntaxMessage(fault.Message.Trim(), LineOf(diagnostics.Text, at.Line)));
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException or FormatException
            or OverflowException or IndexOutOfRangeException or KeyNotFoundException)
        {
            // The parser's own slips over malformed text: what it read last is the nearest known place.
            var at = composer._last;
            diagnostics.ErrorAt("KOR1001", at, 1, "$",
                SyntaxMessage("not valid YAML after here", LineOf(diagnostics.Text, at.Line)));
        }

        return null;
    }

    private TextNode? Document()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _)) return null;
        _parser.Consume<DocumentStart>();
        var root = Read("$", 0);
        _parser.Consume<DocumentEnd>();
        if (_parser.TryConsume<DocumentStart>(out var second))
            throw new LimitException("KOR1010", At(second.Start),
                "A pipeline file holds one document; remove what follows '---'.");
        return root;
    }

    private TextNode Read(string path, int depth)
    {
        var next = _parser.Consume<ParsingEvent>();
        _last = At(next.End);
        if (next is AnchorAlias alias) return Follow(alias);
        if (next is not NodeEvent start) throw new SyntaxErrorException(next.Start, next.End, "A value is missing.");
        if (depth > MaxDepth)
            throw new LimitException("KOR1004", At(start.Start), $"Nested deeper than {MaxDepth} levels.");
        Count(1, start.Start);
        if (!start.Tag.IsEmpty && !start.Tag.IsNonSpecific)
            _diagnostics.ErrorAt("KOR1003", At(start.Start), 1, path, $"the tag '{TagOf(start)}' is not allowed");
        TextNode node = start switch
        {
            Scalar scalar => Value(scalar, path),
            SequenceStart => Sequence(start, path, depth),
            _ => Mapping(start, path, depth),
        };
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = node;
        return node;
    }

    private static ScalarNode Value(Scalar scalar, string path)
    {
        var style = scalar.Style switch
        {
            YamlDotNet.Core.ScalarStyle.SingleQuoted => ScalarStyle.SingleQuoted,
            YamlDotNet.Core.ScalarStyle.DoubleQuoted => ScalarStyle.DoubleQuoted,
            YamlDotNet.Core.ScalarStyle.Literal or YamlDotNet.Core.ScalarStyle.Folded => ScalarStyle.Block,
            _ => ScalarStyle.Plain,
        };
        return new ScalarNode(At(scalar.Start), (int)scalar.End.Index, path, scalar.Value, style);
    }

    private ListNode Sequence(NodeEvent start, string path, int depth)
    {
        var items = new List<TextNode>();
        var size = 1;
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            var item = Read(string.Create(CultureInfo.InvariantCulture, $"{path}[{items.Count}]"), depth + 1);
            items.Add(item);
            size += item.ExpandedSize;
        }

        return new ListNode(At(start.Start), path, items) { ExpandedSize = size };
    }

    private MapNode Mapping(NodeEvent start, string path, int depth)
    {
        var builder = new MapBuilder(_diagnostics);
        var size = 1;
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var keyNode = Read(path, depth + 1);
            var key = keyNode as ScalarNode;
            var value = Read(key is null ? path : $"{path}.{key.Raw}", depth + 1);
            size += 1 + value.ExpandedSize;
            if (key is null)
                _diagnostics.ErrorAt("KOR1002", keyNode.Start, 1, path, $"a key must be text, not {keyNode.Kind}");
            else if (key is { Raw: "<<", Style: ScalarStyle.Plain })
                builder.Merge(key, value);
            else
                builder.Add(key, value);
        }

        return new MapNode(At(start.Start), path, builder.ToEntries()) { ExpandedSize = size };
    }

    private TextNode Follow(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node))
        {
            var message = $"the alias '*{alias.Value.Value}' names no anchor that ends before it";
            throw new LimitException("KOR1005", At(alias.Start), message);
        }

        Count(node.ExpandedSize, alias.Start);
        return node;
    }

    private void Count(int nodes, Mark at)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            var message = string.Create(CultureInfo.InvariantCulture,
                $"More than {MaxNodes} values once aliases are followed.");
            throw new LimitException("KOR1004", At(at), message);
        }
    }

    private static TextPosition At(Mark mark) =>
        new((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column), (int)mark.Index);

    private static string TagOf(NodeEvent node) =>
        node.Tag.Value.Replace("tag:yaml.org,2002:", "!!", StringComparison.Ordinal);

    private static string LineOf(string text, int line)
    {
        var start = 0;
        for (var i = 1; i < line; i++)
        {
            var next = text.IndexOf('\n', start);
            if (next < 0) return "";
            start = next + 1;
        }

        var end = text.IndexOf('\n', start);
        return end < 0 ? text[start..] : text[start..end];
    }

    /// <summary>Where a fault is. Of tabs in the indentation the parser says only where the mapping began.</summary>
    private static TextPosition PlaceOf(YamlException fault, string text)
    {
        var at = At(fault.Start);
        if (!fault.Message.Contains(" tab", StringComparison.Ordinal)) return at;
        var lines = text.Split('\n');
        for (var line = at.Line; line <= lines.Length; line++)
        {
            var content = lines[line - 1];
            var tab = content.IndexOf('\t', StringComparison.Ordinal);
            if (tab >= 0 && content.AsSpan(0, tab).Trim(' ').IsEmpty) return new TextPosition(line, tab + 1, 0);
        }

        return at;
    }

    private static string SyntaxMessage(string message, string line)
    {
        if (message.Length == 0) message = "not valid YAML";
        var hint = "";
        if (line.Contains("${", StringComparison.Ordinal))
            hint = " Between { } and [ ], a value with ${NAME} needs quotes.";
        else if (line.TrimStart(' ').StartsWith('\t') || message.Contains(" tab", StringComparison.Ordinal)) hint =
            " Indent with spaces, not tabs.";
        else if (line.Contains(": ", StringComparison.Ordinal) && message.Contains("apping", StringComparison.Ordinal))
            hint = " A value that contains ': ' or starts with one of [ ] { } & * ! | > % @ ` needs quotes.";
        return (message.EndsWith('.') ? message : message + ".") + hint;
    }

    private sealed class LimitException(string code, TextPosition at, string message) : Exception(message)
    {
        public string Code => code;

        public TextPosition At => at;
    }
}

/// <summary>Collects a mapping's entries: repeated keys are noted, merged entries give way to written ones.</summary>
internal sealed class MapBuilder(DiagnosticBag diagnostics)
{
    private readonly List<MapEntry> _entries = [];
    private readonly Dictionary<string, int> _own = new(StringComparer.Ordinal);
    private readonly List<MapNode> _merged = [];

    public void Add(ScalarNode key, TextNode value)
    {
        if (_own.TryGetValue(key.Raw, out var first))
        {
            var line = _entries[first].Key.Start.Line;
            diagnostics.Error("KOR1006", key, $"the key '{key.Raw}' is repeated; it was given in line {line}");
            return;
        }

        _own.Add(key.Raw, _entries.Count);
        _entries.Add(new MapEntry(key, value));
    }

    public void Merge(ScalarNode key, TextNode value)
    {
        foreach (var item in value is ListNode list ? list.Items : [value])
        {
            if (item is MapNode map) _merged.Add(map);
            else diagnostics.Error("KOR1007", key, $"'<<' merges mappings, not {item.Kind}");
        }
    }

    public IReadOnlyList<MapEntry> ToEntries()
    {
        foreach (var map in _merged)
        {
            foreach (var entry in map.Entries)
            {
                if (_own.TryAdd(entry.Key.Raw, _entries.Count)) _entries.Add(entry);
            }
        }

        return _entries;
    }
}
