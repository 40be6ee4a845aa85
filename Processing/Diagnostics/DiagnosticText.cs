using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>
/// Diagnostics as people read them: the line, the lines of the file around it, and marks under what is meant.
/// </summary>
public static class DiagnosticText
{
    // A schema that lies beside a pipeline stands on one line.
    private const int MaxWidth = 500;

    /// <summary>One diagnostic with the line before and the line itself.</summary>
    /// <param name="diagnostic">What was found.</param>
    /// <param name="text">The text it was found in.</param>
    public static string WithSource(Diagnostic diagnostic, string text)
    {
        ArgumentNullException.ThrowIfNull(diagnostic);
        ArgumentNullException.ThrowIfNull(text);
        var result = new StringBuilder(diagnostic.ToString()).Append('\n');
        var lines = text.Split('\n');
        if (diagnostic.Line < 1 || diagnostic.Line > lines.Length) return result.ToString();
        var width = Math.Max(4, diagnostic.Line.ToString(CultureInfo.InvariantCulture).Length);
        for (var line = Math.Max(1, diagnostic.Line - 1); line <= diagnostic.Line; line++)
        {
            var number = line.ToString(CultureInfo.InvariantCulture).PadLeft(width);
            result.Append(' ').Append(number).Append(" | ").Append(Plain(Cut(lines[line - 1]))).Append('\n');
        }

        var content = Cut(lines[diagnostic.Line - 1]).TrimEnd('\r');
        var before = Math.Clamp(diagnostic.Column - 1, 0, content.Length);
        var marked = Math.Clamp(diagnostic.Length, 1, Math.Max(1, content.Length - before));
        result.Append(' ', width + 1).Append(" | ").Append(' ', before).Append('^', marked).Append('\n');
        return result.ToString();
    }

    private static string Cut(string line) => line.Length <= MaxWidth ? line : line[..MaxWidth] + " ...";

    /// <summary>All of them, errors and warnings counted at the end.</summary>
    public static string Report(IReadOnlyList<Diagnostic> diagnostics, string text)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        var result = new StringBuilder();
        foreach (var diagnostic in diagnostics) result.Append(WithSource(diagnostic, text));
        return result.Append(Summary(diagnostics)).Append('\n').ToString();
    }

    /// <summary>For example <c>1 error, 2 warnings. 'kor docs KOR2003' explains.</c></summary>
    public static string Summary(IReadOnlyList<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        var errors = diagnostics.Count(d => d.Severity == Severity.Error);
        var warnings = diagnostics.Count - errors;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{errors} error{(errors == 1 ? "" : "s")}, {warnings} warning{(warnings == 1 ? "" : "s")}.");
        if (diagnostics.Count == 0) return text;
        var first = diagnostics.OrderByDescending(d => d.Severity).First();
        return $"{text} 'kor docs {first.Code}' explains.";
    }

    /// <summary>A tab counts as one column, so it is shown as one.</summary>
    private static string Plain(string line) => line.TrimEnd('\r').Replace('\t', ' ');
}
