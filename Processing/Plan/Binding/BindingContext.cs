using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// Resolves names and expressions against the fields known at a point, noting faults with their place.
/// </summary>
internal sealed class BindingContext(PipelineCompilerOptions options, DiagnosticBag diagnostics)
{
    public DiagnosticBag Diagnostics => diagnostics;

    public PipelineCompilerOptions Options => options;

    /// <summary>The place of a field, or -1 (noted unless the fault lies elsewhere).</summary>
    public int Field(Located<string> name, Flow flow)
    {
        if (name.Faulty) return -1;
        var place = flow.Schema.IndexOf(name.Value);
        if (place >= 0 || flow.IsOpaque || flow.Unknown.Contains(name.Value)) return place;
        var names = flow.Schema.Fields.Select(f => f.Name).ToArray();
        var suggestion = Suggestions.Nearest(name.Value, names);
        var known = suggestion is null ? $"; known: {string.Join(", ", names.Take(30))}" : "";
        diagnostics.Error("KOR2003", name.Node, $"unknown field '{name.Value}'{known}", suggestion);
        return -1;
    }

    /// <summary>The places of fields that make a key; faults are left out.</summary>
    public List<int> KeyFields(IReadOnlyList<Located<string>> names, Flow flow, string what)
    {
        var places = new List<int>(names.Count);
        foreach (var name in names)
        {
            var place = Field(name, flow);
            if (place < 0) continue;
            if (places.Contains(place))
            {
                diagnostics.Error("KOR2008", name.Node, $"the field '{name.Value}' is in {what} twice");
                continue;
            }

            var type = flow.Schema[place].Type;
            if (type.Kind is FieldKind.Json or FieldKind.Double)
                diagnostics.Error("KOR2019", name.Node, $"the field '{name.Value}' of type {type} cannot be in {what}");
            places.Add(place);
        }

        return places;
    }

    /// <summary>Compiles an expression, or notes its faults and returns null.</summary>
    public CompiledExpression? Expression(Located<string> text, Flow flow, FieldType? expected = null) =>
        text.Faulty ? null : Expression(text.Value, 0, text.Node, flow, expected);

    /// <summary>Compiles a part of a value that starts at character <paramref name="offset"/>.</summary>
    public CompiledExpression? Expression(string text, int offset, TextNode node, Flow flow, FieldType? expected)
    {
        if (flow.IsOpaque) return null;
        var result = ExpressionCompiler.Compile(text, flow.Schema, expected);
        if (result.Errors.Count == 0)
        {
            return result.Expression
                ?? throw new InvalidOperationException($"The expression compiler gave neither a result nor a fault for '{text}'.");
        }

        // An expression that reads a field whose own definition is faulty cannot be judged.
        if (flow.Unknown.Count > 0 && Identifiers(text).Any(flow.Unknown.Contains)) return null;
        foreach (var error in result.Errors)
            Note(CodeOf(error.Code), node, offset + error.Position, error.Length, error.Message, error.Suggestion);
        return null;
    }

    /// <summary>Notes an error at some characters of a value.</summary>
    public void Note(string code, TextNode node, int position, int length, string message, string? suggestion)
    {
        if (node is not ScalarNode scalar)
        {
            diagnostics.Error(code, node, message, suggestion);
            return;
        }

        var start = ScalarPositions.Locate(diagnostics.Text, scalar, position);
        var end = ScalarPositions.Locate(diagnostics.Text, scalar, position + Math.Max(1, length) - 1);
        var width = end.Line == start.Line ? Math.Max(1, end.Column - start.Column + 1) : 1;
        diagnostics.ErrorAt(code, start, width, node.Path, message, suggestion);
    }

    /// <summary>Notes a connection the host does not have.</summary>
    public void CheckConnection(Located<string> name, IReadOnlyCollection<string>? known, string kind)
    {
        if (name.Faulty || known is null || known.Contains(name.Value)) return;
        var list = known.Count == 0 ? "none is configured" : "configured: " + string.Join(", ", known.Take(30));
        diagnostics.Error(
            "KOR2029", name.Node, $"unknown {kind} connection '{name.Value}'; {list}",
            Suggestions.Nearest(name.Value, known));
    }

    /// <summary>An unknown field is the same fault inside of an expression and outside.</summary>
    private static string CodeOf(string code) => code == "KOR3010" ? "KOR2003" : code;

    private static IEnumerable<string> Identifiers(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetter(text[i]) && text[i] != '_') continue;
            var start = i;
            while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] == '_')) i++;
            yield return text[start..i];
        }
    }
}
