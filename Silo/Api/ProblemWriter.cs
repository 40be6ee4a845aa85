using System.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// Writes every error as problem+json, whatever the client says it accepts: an error nobody can read helps nobody.
/// </summary>
internal sealed class ProblemWriter(IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, Hosting.KorOptions options) : IProblemDetailsWriter
{
    public const string ContentType = "application/problem+json";

    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        var problem = context.ProblemDetails;
        problem.Status ??= http.Response.StatusCode;
        Complete(problem, http);
        await http.Response.WriteAsJsonAsync(problem, json.Value.SerializerOptions, ContentType, http.RequestAborted);
    }

    private void Complete(ProblemDetails problem, HttpContext http)
    {
        var (title, detail) = Words(problem.Status!.Value, http);
        problem.Title = string.IsNullOrEmpty(problem.Title) ? title : problem.Title;
        problem.Detail ??= detail;
        problem.Type ??= "about:blank";
        problem.Instance ??= http.Request.Path;
        problem.Extensions.TryAdd(Problems.Diagnostics, Array.Empty<ApiDiagnostic>());
        problem.Extensions.TryAdd("traceId", Activity.Current?.Id ?? http.TraceIdentifier);
    }

    private (string Title, string? Detail) Words(int status, HttpContext http) => status switch
    {
        StatusCodes.Status401Unauthorized => (
            "Who are you?", "Send an API key as X-Api-Key or a token as Authorization: Bearer (kor: KOR_API_KEY or --api-key-file FILE)."),
        StatusCodes.Status403Forbidden => ("Not allowed", $"Your role does not allow {http.Request.Method} {http.Request.Path}."),
        StatusCodes.Status404NotFound => ("Not found", $"There is nothing at {http.Request.Path}; /openapi/v1.json lists what there is."),
        StatusCodes.Status405MethodNotAllowed => ("Method not allowed", $"{http.Request.Path} does not take {http.Request.Method}."),
        StatusCodes.Status413PayloadTooLarge => (
            "Body too large", $"A body may have {options.Http.MaxBodyBytes} bytes (Kor:Http:MaxBodyBytes)."),
        StatusCodes.Status408RequestTimeout => ("Request timed out", "The body came too slowly and was given up."),
        StatusCodes.Status415UnsupportedMediaType => ("Unsupported content type", "Send the body as application/json."),
        _ => (Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status), null),
    };
}
