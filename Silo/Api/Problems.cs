using KafkaOracleOrleans.Processing.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>A finding in an answer: what is wrong, where, and what was probably meant.</summary>
/// <param name="Code">A code of docs/errors.md, or a word of the API's own.</param>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="File">The file, when the finding is about one.</param>
/// <param name="Line">1-based; null when the finding has no place.</param>
/// <param name="Column">1-based; null when the finding has no place.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Suggestion">What was probably meant, or null.</param>
public sealed record ApiDiagnostic(
    string Code, string Severity, string? File, int? Line, int? Column, string Message, string? Suggestion)
{
    /// <summary>The place in the document, e.g. <c>$.steps[4].aggregates.revenue</c>; null when there is none.</summary>
    public string? Path { get; init; }

    /// <summary>A compiler's finding as the API tells it.</summary>
    public static ApiDiagnostic From(Diagnostic diagnostic)
    {
        ArgumentNullException.ThrowIfNull(diagnostic);
        return new ApiDiagnostic(
            diagnostic.Code,
            diagnostic.Severity == KafkaOracleOrleans.Processing.Diagnostics.Severity.Error ? "error" : "warning",
            diagnostic.File,
            diagnostic.Line > 0 ? diagnostic.Line : null,
            diagnostic.Column > 0 ? diagnostic.Column : null,
            diagnostic.Message,
            diagnostic.Suggestion)
        {
            Path = diagnostic.Path.Length == 0 ? null : diagnostic.Path,
        };
    }
}

/// <summary>The body of an error, as the OpenAPI document describes it.</summary>
internal sealed record ApiProblem(
    string Type, string Title, int Status, string? Detail, string? Instance, IReadOnlyList<ApiDiagnostic> Diagnostics, string? TraceId);

/// <summary>Errors as RFC 9457 has them; every one carries <c>diagnostics</c>, which may be empty.</summary>
public static class Problems
{
    /// <summary>The extension member with the findings.</summary>
    public const string Diagnostics = "diagnostics";

    /// <summary>400: the request itself is wrong.</summary>
    public static ProblemHttpResult BadRequest(string title, string detail) => Create(StatusCodes.Status400BadRequest, title, detail);

    /// <summary>404.</summary>
    public static ProblemHttpResult NotFound(string title, string detail) => Create(StatusCodes.Status404NotFound, title, detail);

    /// <summary>404 for a pipeline.</summary>
    public static ProblemHttpResult NoPipeline(string name) =>
        NotFound("No such pipeline", $"There is no pipeline '{name}'; GET /api/v1/pipelines lists them.");

    /// <summary>409: not in the state things are in.</summary>
    public static ProblemHttpResult Conflict(string title, string detail) => Create(StatusCodes.Status409Conflict, title, detail);

    /// <summary>422: the request is well-formed and what it says is wrong; the findings say where.</summary>
    public static ProblemHttpResult Invalid(string title, string detail, IEnumerable<ApiDiagnostic> diagnostics) =>
        Create(StatusCodes.Status422UnprocessableEntity, title, detail, diagnostics);

    /// <summary>An error of any status.</summary>
    public static ProblemHttpResult Create(int status, string title, string detail, IEnumerable<ApiDiagnostic>? diagnostics = null) =>
        TypedResults.Problem(
            detail, null, status, title, null, new Dictionary<string, object?> { [Diagnostics] = (diagnostics ?? []).ToArray() });
}
