using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Audit;
using Microsoft.AspNetCore.Mvc;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Metadata of an endpoint that is asked with POST and changes nothing.</summary>
internal sealed class ChangesNothing;

/// <summary>Metadata of an endpoint that shows what records hold: who looked is on record.</summary>
internal sealed class AuditedRead;

/// <summary>Metadata of all endpoints of the API.</summary>
internal sealed class ApiEndpoint;

/// <summary>Stands before every endpoint that changes something: the read-only switch, other sites' pages, the audit trail.</summary>
internal sealed partial class ApiGuard(
    RequestDelegate next, KorOptions options, AuditStore audit, IGrainFactory grains, TimeProvider time, ILogger<ApiGuard> log)
{
    public async Task InvokeAsync(HttpContext http, IProblemDetailsService problems)
    {
        var metadata = http.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<ApiEndpoint>() is null)
        {
            await next(http);
            return;
        }

        var reads = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) || HttpMethods.IsOptions(http.Request.Method);
        var changes = !reads && metadata.GetMetadata<ChangesNothing>() is null;
        if (!reads && Refusal(http, changes) is var (status, title, refusal))
        {
            LogRefused(Actor(http), Users.RoleOf(http.User), http.Request.Method, LogText.Clean(http.Request.Path), refusal);
            http.Response.StatusCode = status;
            await problems.WriteAsync(new ProblemDetailsContext
            {
                HttpContext = http,
                ProblemDetails = new ProblemDetails { Status = status, Title = title, Detail = refusal },
            });
            return;
        }

        if (changes || metadata.GetMetadata<AuditedRead>() is not null) await AuditedAsync(http);
        else await next(http);
    }

    private (int Status, string Title, string Text)? Refusal(HttpContext http, bool changes)
    {
        if (changes && options.Http.ReadOnly) return (StatusCodes.Status403Forbidden, "Not allowed", "This server is read-only (Kor:Http:ReadOnly).");
        if (RequestOrigin.Refusal(http.Request, options.Http) is { } refusal) return (StatusCodes.Status403Forbidden, "Not allowed", refusal);
        if (!HttpMethods.IsPost(http.Request.Method) || RequestOrigin.HasType(http.Request)) return null;
        return (
            StatusCodes.Status415UnsupportedMediaType, "Unsupported content type",
            "Send Content-Type: application/json, or application/yaml for a pipeline's text; also with a POST that has no body.");
    }

    private async Task AuditedAsync(HttpContext http)
    {
        var trail = new AuditTrail { Before = await DescribeAsync(http) };
        http.Features.Set(trail);
        var now = time.GetUtcNow();
        var entry = new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            Actor = Actor(http),
            Role = Users.RoleOf(http.User),
            Origin = http.Connection.RemoteIpAddress?.ToString(),
            Action = $"{http.Request.Method} {(http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText}",
            Target = http.Request.Path + http.Request.QueryString,
            Before = trail.Before,
        };
        // Written before it is done: what cannot be put on record is not done.
        await audit.BeginAsync(entry, http.RequestAborted);
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            await next(http);
            status = http.Response.StatusCode;
        }
        catch (BadHttpRequestException e)
        {
            status = e.StatusCode;
            throw;
        }
        finally
        {
            trail.After = trail.With(await DescribeAsync(http));
            LogChange(entry.Id, entry.Actor, entry.Role, entry.Origin, entry.Action, entry.Target, status, trail.Before, trail.After);
            await CompleteAsync(entry.Id, status, trail);
        }
    }

    private async Task CompleteAsync(string id, int status, AuditTrail trail)
    {
        try
        {
            // The change is done; a client that went away meanwhile must not keep it off the record.
            await audit.EndAsync(id, status, trail.Before, trail.After, CancellationToken.None);
        }
        catch (Storage.Connections.DatabaseException e)
        {
            LogIncomplete(id, e);
        }
    }

    /// <summary>The pipeline of the route: what is wanted of it, its version, and the hash of its text.</summary>
    private async Task<string?> DescribeAsync(HttpContext http)
    {
        if (http.Request.RouteValues["name"] is not string name) return null;
        try
        {
            var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
            if (entries.FirstOrDefault(e => e.Name == name) is not { } entry) return "no such pipeline";
            var text = await grains.GetGrain<IPipelineGrain>(name).GetDefinitionAsync();
            return $"{entry.Desired}, version {entry.Version}{(text is null ? "" : $", {AuditTrail.Hash(text.Text)}")}";
        }
        catch (Exception e) when (e is TimeoutException or Orleans.Runtime.OrleansException)
        {
            return "unknown";
        }
    }

    private static string Actor(HttpContext http) => LogText.Clean(http.User.Identity?.Name ?? "anonymous");

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Audit {AuditId}: {Actor} ({Role}, {Origin}) {Action} on {Target}: {Status}. Before: {Before}. After: {After}.")]
    private partial void LogChange(
        string auditId, string actor, string role, string? origin, string action, string target, int status, string? before, string? after);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused {Actor} ({Role}): {Method} {Path}. {Reason}")]
    private partial void LogRefused(string actor, string role, string method, string path, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Audit {AuditId} could not be completed in the database.")]
    private partial void LogIncomplete(string auditId, Exception reason);
}
