using KafkaOracleOrleans.Grains.Interfaces;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Answers that say what is wrong and what to do, and finding what a path names.</summary>
internal static class ApiProblems
{
    /// <summary>The pipeline's grain, or null when the catalog has none of that name.</summary>
    public static async Task<IPipelineGrain?> FindAsync(IGrainFactory grains, string name)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        return entries.Any(e => e.Name == name) ? grains.GetGrain<IPipelineGrain>(name) : null;
    }

    public static ProblemHttpResult NoPipeline(string name) =>
        Problem(StatusCodes.Status404NotFound, "No such pipeline", $"There is no pipeline '{name}'; GET /api/v1/pipelines lists them.");

    public static ProblemHttpResult Bad(string title, string detail) => Problem(StatusCodes.Status400BadRequest, title, detail);

    public static ProblemHttpResult Conflict(string detail) => Problem(StatusCodes.Status409Conflict, "Not now", detail);

    public static ProblemHttpResult Problem(int status, string title, string detail) =>
        Problems.Create(status, title, detail);

    /// <summary>422 with the findings.</summary>
    public static ProblemHttpResult Invalid(string title, string detail, IReadOnlyList<DiagnosticItem> diagnostics) => TypedResults.Problem(
        detail, null, StatusCodes.Status422UnprocessableEntity, title,
        extensions: new Dictionary<string, object?> { ["diagnostics"] = diagnostics });
}

/// <summary>A finding about a pipeline, a test or an expression.</summary>
/// <param name="Code">The code, e.g. <c>KOR2003</c>; <c>kor docs CODE</c> explains it.</param>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="File">The file's name as it was given.</param>
/// <param name="Line">From 1; 0 when there is no place.</param>
/// <param name="Column">From 1.</param>
/// <param name="Length">Characters.</param>
/// <param name="Path">The place in the document, e.g. <c>$.steps[4]</c>.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Suggestion">What was probably meant, or null.</param>
public sealed record DiagnosticItem(
    string Code, string Severity, string File, int Line, int Column, int Length, string Path, string Message, string? Suggestion)
{
    internal static DiagnosticItem Of(Processing.Diagnostics.Diagnostic d) => new(
        d.Code, d.Severity == Processing.Diagnostics.Severity.Error ? "error" : "warning", d.File, d.Line, d.Column, d.Length, d.Path, d.Message,
        d.Suggestion);

    internal static DiagnosticItem Of(Processing.Expressions.ExpressionError e) =>
        new(e.Code, "error", "expression", 1, e.Position + 1, e.Length, "", e.Message, e.Suggestion);
}
