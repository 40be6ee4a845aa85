using System.Text.Json;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What a client is told when an exception ends a request. Unknown ones are told by their trace id only; the log has the rest.</summary>
internal sealed partial class ApiExceptions(IProblemDetailsService problems, Hosting.KorOptions options, ILogger<ApiExceptions> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = Describe(exception);
        // The middleware says nothing about what is handled here, so what nobody expected would leave no trace.
        if (problem.Status == StatusCodes.Status500InternalServerError) LogUnexpected(httpContext.Request.Method, httpContext.TraceIdentifier, exception);
        httpContext.Response.StatusCode = problem.Status!.Value;
        await problems.WriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem });
        return true;
    }

    private ProblemDetails Describe(Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Problem(
            StatusCodes.Status413PayloadTooLarge, "Body too large", $"A body may have {options.Http.MaxBodyBytes} bytes (Kor:Http:MaxBodyBytes)."),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => Problem(
            StatusCodes.Status408RequestTimeout, "Request timed out", "The body came too slowly and was given up."),
        BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType } => Problem(
            StatusCodes.Status415UnsupportedMediaType, "Unsupported content type", "Send the body as application/json."),
        BadHttpRequestException { InnerException: JsonException json } => BadJson(json),
        BadHttpRequestException bad => Problem(bad.StatusCode, "Bad request", bad.Message),
        PipelineChangedException changed => Problem(StatusCodes.Status409Conflict, "Not now", changed.Message),
        StoreUnavailableException or DatabaseException or ConnectionConfigurationException => Problem(
            StatusCodes.Status503ServiceUnavailable, "Database unavailable", exception.Message),
        GrainFaultException { Kind: GrainFaultKind.Database } fault => Problem(StatusCodes.Status503ServiceUnavailable, "Database unavailable", fault.Message),
        GrainFaultException { Kind: GrainFaultKind.Kafka } fault => Problem(StatusCodes.Status503ServiceUnavailable, "Kafka unavailable", fault.Message),
        KafkaSourceException source => Problem(StatusCodes.Status503ServiceUnavailable, "Kafka unavailable", source.Message),
        KafkaException kafka => Problem(StatusCodes.Status503ServiceUnavailable, "Kafka unavailable", kafka.Error.Reason),
        TimeoutException or Orleans.Runtime.OrleansException => Problem(
            StatusCodes.Status503ServiceUnavailable, "Cluster busy", "The cluster did not answer in time; try again."),
        OperationCanceledException => Problem(
            StatusCodes.Status504GatewayTimeout, "Took too long", $"A request may take {options.Http.RequestTimeout} (Kor:Http:RequestTimeout)."),
        _ => Problem(
            StatusCodes.Status500InternalServerError, "Something went wrong", "This is a fault of the server; its log tells more under the trace id."),
    };

    /// <summary>Where the JSON is wrong. The serializer's own text is not passed on: it may quote the body.</summary>
    private static ProblemDetails BadJson(JsonException json)
    {
        var problem = Problem(StatusCodes.Status400BadRequest, "Bad JSON", "The body is not the JSON this endpoint takes; the diagnostics say where.");
        problem.Extensions[Problems.Diagnostics] = new[]
        {
            new ApiDiagnostic(
                "BadJson",
                "error",
                null,
                (int?)json.LineNumber + 1,
                (int?)json.BytePositionInLine + 1,
                json.Path is null ? "This is not JSON." : $"The value at {json.Path} does not fit.",
                null) { Path = json.Path },
        };
        return problem;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A {Method} request ended with an error nobody expected; trace {TraceId}.")]
    private partial void LogUnexpected(string method, string traceId, Exception exception);

    private static ProblemDetails Problem(int status, string title, string detail) =>
        new() { Status = status, Title = title, Detail = detail };
}
