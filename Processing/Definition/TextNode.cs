namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// A place in a text: 1-based line and column, 0-based index; columns and indexes count UTF-16 characters.
/// </summary>
public readonly record struct TextPosition(int Line, int Column, int Index);

/// <summary>How a scalar was written.</summary>
public enum ScalarStyle
{
    /// <summary>Without quotes (YAML), or a JSON number, boolean or null.</summary>
    Plain,

    /// <summary>In single quotes (YAML).</summary>
    SingleQuoted,

    /// <summary>In double quotes (YAML and JSON).</summary>
    DoubleQuoted,

    /// <summary>A block scalar (YAML <c>|</c> and <c>&gt;</c>).</summary>
    Block,
}

/// <summary>A node of a pipeline file with the place it was written at. An alias is the anchored node itself.</summary>
public abstract class TextNode
{
    private protected TextNode(TextPosition start, string path) => (Start, Path) = (start, path);

    /// <summary>Where it starts.</summary>
    public TextPosition Start { get; }

    /// <summary>Its place in the document, e.g. <c>$.steps[0].set.tax</c>.</summary>
    public string Path { get; }

    /// <summary>The number of nodes it stands for once aliases are followed.</summary>
    internal int ExpandedSize { get; set; } = 1;

    /// <summary>What it is, for messages: text, a list or a mapping.</summary>
    internal abstract string Kind { get; }
}

/// <summary>A single value.</summary>
public sealed class ScalarNode : TextNode
{
    internal ScalarNode(TextPosition start, int endIndex, string path, string raw, ScalarStyle style)
        : base(start, path)
    {
        (EndIndex, Raw, Text, Style) = (endIndex, raw, raw, style);
    }

    /// <summary>The index just after it.</summary>
    public int EndIndex { get; }

    /// <summary>The value as written, quotes and escapes resolved.</summary>
    public string Raw { get; }

    /// <summary>The value with <c>${NAME}</c> replaced.</summary>
    public string Text { get; internal set; }

    /// <summary>How it was written.</summary>
    public ScalarStyle Style { get; }

    /// <summary>True when a variable in it could not be replaced, which was noted.</summary>
    internal bool IsFaulty { get; set; }

    /// <summary>The pieces of <see cref="Text"/> that came from variables; empty when there are none.</summary>
    internal IReadOnlyList<Substitution> Substitutions { get; set; } = [];

    /// <summary>True for an unquoted empty value, <c>null</c> or <c>~</c>.</summary>
    public bool IsNull => Style == ScalarStyle.Plain && Raw is ("" or "null" or "~");

    internal override string Kind => IsNull ? "nothing" : $"'{(Text.Length > 40 ? Text[..40] + "..." : Text)}'";
}

/// <summary>A stretch of a value that replaced <c>${NAME}</c>.</summary>
/// <param name="RawStart">Where the reference starts in <see cref="ScalarNode.Raw"/>.</param>
/// <param name="RawLength">The length of the reference.</param>
/// <param name="TextStart">Where the replacement starts in <see cref="ScalarNode.Text"/>.</param>
/// <param name="TextLength">The length of the replacement.</param>
internal readonly record struct Substitution(int RawStart, int RawLength, int TextStart, int TextLength);

/// <summary>A list.</summary>
public sealed class ListNode : TextNode
{
    internal ListNode(TextPosition start, string path, IReadOnlyList<TextNode> items)
        : base(start, path) => Items = items;

    /// <summary>The entries.</summary>
    public IReadOnlyList<TextNode> Items { get; }

    internal override string Kind => "a list";
}

/// <summary>An entry of a mapping.</summary>
public readonly record struct MapEntry(ScalarNode Key, TextNode Value);

/// <summary>A mapping with distinct keys in the order written.</summary>
public sealed class MapNode : TextNode
{
    internal MapNode(TextPosition start, string path, IReadOnlyList<MapEntry> entries)
        : base(start, path) => Entries = entries;

    /// <summary>The entries.</summary>
    public IReadOnlyList<MapEntry> Entries { get; }

    internal override string Kind => "a mapping";

    /// <summary>The entry of a key, or null.</summary>
    public MapEntry? Find(string key)
    {
        foreach (var entry in Entries)
        {
            if (string.Equals(entry.Key.Raw, key, StringComparison.Ordinal)) return entry;
        }

        return null;
    }
}
