using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>Collects the findings about one text.</summary>
internal sealed class DiagnosticBag(string file, string text)
{
    /// <summary>More findings than this are not kept: a file this wrong is not helped by more.</summary>
    public const int Limit = 500;

    private readonly HashSet<(string, int, int, string)> _seen = [];
    private readonly List<Diagnostic> _items = [];

    public string File => file;

    public string Text => text;

    public bool HasErrors => ErrorCount > 0;

    /// <summary>How many errors were noted, kept or not.</summary>
    public int ErrorCount { get; private set; }

    public void Error(string code, TextNode node, string message, string? suggestion = null) =>
        Add(Severity.Error, code, node.Start, LengthOf(node), node.Path, message, suggestion);

    public void Warning(string code, TextNode node, string message, string? suggestion = null) =>
        Add(Severity.Warning, code, node.Start, LengthOf(node), node.Path, message, suggestion);

    public void ErrorAt(string code, TextPosition at, int length, string path, string message,
        string? suggestion = null) =>
        Add(Severity.Error, code, at, length, path, message, suggestion);

    /// <summary>The findings by place, those about the file as a whole first.</summary>
    public IReadOnlyList<Diagnostic> ToList() =>
        [.. _items.OrderBy(d => d.Line).ThenBy(d => d.Column).ThenBy(d => d.Code, StringComparer.Ordinal)];

    private void Add(
        Severity severity, string code, TextPosition at, int length, string path, string message, string? suggestion)
    {
        if (severity == Severity.Error) ErrorCount++;
        if (_items.Count >= Limit || !_seen.Add((code, at.Line, at.Column, message))) return;
        _items.Add(new Diagnostic(
            code, severity, file, at.Line, at.Column, message, suggestion, Math.Max(1, length)) { Path = path });
    }

    private static int LengthOf(TextNode node) => node is ScalarNode scalar
        ? Math.Max(1, scalar.Style == ScalarStyle.Block ? 1 : scalar.EndIndex - scalar.Start.Index)
        : 1;
}
