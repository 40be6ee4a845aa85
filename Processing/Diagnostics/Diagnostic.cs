using System.Globalization;

namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>How bad a diagnostic is.</summary>
public enum Severity
{
    /// <summary>Worth knowing; the pipeline runs.</summary>
    Warning,

    /// <summary>The pipeline cannot run.</summary>
    Error,
}

/// <summary>A finding about a text.</summary>
/// <param name="Code">A code of <see cref="ErrorCatalog"/>.</param>
/// <param name="Severity">Error or warning.</param>
/// <param name="File">The file's name as it was given.</param>
/// <param name="Line">1-based line; 0 when the finding belongs to the file as a whole.</param>
/// <param name="Column">1-based column in UTF-16 characters; 0 when the finding belongs to the file as a whole.</param>
/// <param name="Message">What is wrong, without place and code.</param>
/// <param name="Suggestion">What was probably meant, or null.</param>
/// <param name="Length">How many characters of the line are meant, at least 1.</param>
public sealed record Diagnostic(
    string Code,
    Severity Severity,
    string File,
    int Line,
    int Column,
    string Message,
    string? Suggestion = null,
    int Length = 1)
{
    /// <summary>
    /// The place in the document, e.g. <c>$.steps[4].aggregates.revenue</c>; empty when there is none.
    /// </summary>
    public string Path { get; init; } = "";

    /// <summary>
    /// <c>file(line,col): error KOR2003: text. Did you mean 'x'?</c>, which editors and build servers understand.
    /// </summary>
    public override string ToString()
    {
        var kind = Severity == Severity.Error ? "error" : "warning";
        var place = Line > 0 ? string.Create(CultureInfo.InvariantCulture, $"{File}({Line},{Column})") : File;
        var text = $"{place}: {kind} {Code}: {Message}";
        if (Suggestion is null) return text;
        return $"{text}{(Message.EndsWith('.') || Message.EndsWith('?') ? "" : ".")} Did you mean '{Suggestion}'?";
    }
}
