using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What became of a definition.</summary>
public sealed record DefinitionReport(string Pipeline, int Version);

/// <summary>
/// Definitions over HTTP. They are kept with the pipeline's state and run after any restart. A pipeline that comes from a file of the watched
/// folder is the file's alone, and the other way round.
/// </summary>
public static class DefinitionEndpoints
{
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/pipelines", CreateAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Create a pipeline from its text")
            .Accepts<string>("application/yaml", "application/json", "text/plain");
        api.MapPut("/pipelines/{name}", ReplaceAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Replace a pipeline that was made over the API")
            .WithDescription("With If-Match: the version (the ETag of /config) that is to be replaced; another one is refused with 412.")
            .Accepts<string>("application/yaml", "application/json", "text/plain");
        api.MapDelete("/pipelines/{name}", DeleteAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Stop and forget a pipeline that was made over the API; state and tables stay");
    }

    private static async Task<Results<Created<DefinitionReport>, ProblemHttpResult>> CreateAsync(
        HttpRequest request, HostPipelineCompiler compiler, IGrainFactory grains, CancellationToken cancellation, string initialState = "running")
    {
        if (!Enum.TryParse<DesiredState>(initialState, true, out var initial) || !Enum.IsDefined(initial))
            return Bad("Bad state", $"initialState '{initialState}' is none of running, paused and stopped.");
        var (text, problem) = await ReadAsync(request, compiler, null, cancellation);
        if (text is null) return problem!;
        if (await FindAsync(grains, text.Name) is not null)
            return Conflict($"There is a pipeline '{text.Name}' already; PUT /api/v1/pipelines/{text.Name} replaces one made over the API.");
        var outcome = await grains.GetGrain<IPipelineGrain>(text.Name).ApplyAsync(text with { Initial = initial });
        return outcome.Accepted
            ? TypedResults.Created($"/api/v1/pipelines/{text.Name}", new DefinitionReport(text.Name, outcome.Version))
            : Conflict(string.Join(' ', outcome.Diagnostics));
    }

    private static async Task<Results<Ok<DefinitionReport>, ProblemHttpResult>> ReplaceAsync(
        string name, HttpRequest request, HostPipelineCompiler compiler, IGrainFactory grains, CancellationToken cancellation)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (request.Headers.IfMatch is [{ } match] && match != "*" && match.Trim('"') != known.Version.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            return Problem(
                StatusCodes.Status412PreconditionFailed, "Changed meanwhile", $"Pipeline '{name}' is at version {known.Version}, not {match}; look at it again.");
        }

        var (text, problem) = await ReadAsync(request, compiler, name, cancellation);
        if (text is null) return problem!;
        var outcome = await pipeline.ApplyAsync(text);
        return outcome.Accepted ? TypedResults.Ok(new DefinitionReport(name, outcome.Version)) : Conflict(string.Join(' ', outcome.Diagnostics));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (known.Origin == DefinitionOrigin.Folder)
            return Conflict($"Pipeline '{name}' comes from the file {Path.GetFileName(known.FileName)} in the server's folder: delete the file.");
        await pipeline.RemoveAsync(DefinitionOrigin.Api);
        return TypedResults.NoContent();
    }

    /// <summary>The definition in a body, compiled; or what is wrong with it.</summary>
    private static async Task<(PipelineText? Text, ProblemHttpResult? Problem)> ReadAsync(
        HttpRequest request, HostPipelineCompiler compiler, string? name, CancellationToken cancellation)
    {
        if (await AuthoringEndpoints.TextAsync(request, cancellation) is not { } text) return (null, AuthoringEndpoints.NoText());
        var file = AuthoringEndpoints.FileName(request, null);
        var compilation = compiler.Check(text, file);
        if (compilation.Plan is not { } plan)
        {
            return (null, Invalid(
                "Not a valid pipeline", compilation.Diagnostics[0].ToString(), [.. compilation.Diagnostics.Select(DiagnosticItem.Of)]));
        }

        if (compiler.NotCarriedOut(plan).FirstOrDefault() is { } refusal) return (null, Invalid("Not a pipeline for this server", refusal, []));
        if (name is not null && plan.Name != name) return (null, Bad("Another name", $"The pipeline in the body is named '{plan.Name}', not '{name}'."));
        return (new PipelineText(plan.Name, text, file, 0) { Origin = DefinitionOrigin.Api }, null);
    }
}
