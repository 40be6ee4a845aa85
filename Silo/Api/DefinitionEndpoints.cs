using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What became of a definition.</summary>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Version">The version that is in force.</param>
/// <param name="Warnings">What is allowed and should be looked at: in the text, and in how it goes with the server's other pipelines.</param>
public sealed record DefinitionReport(string Pipeline, int Version, IReadOnlyList<string> Warnings)
{
    /// <summary>Why the definition is held and <see cref="Version"/> goes on: what tables lack. Null: it is in force.</summary>
    public string? Held { get; init; }
}

/// <summary>
/// Definitions over HTTP. They are kept with the pipeline's state and run after any restart. A pipeline that comes from a file of the watched
/// folder is the file's alone, and the other way round.
/// </summary>
public static class DefinitionEndpoints
{
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/pipelines", CreateAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Create a pipeline from its text")
            .Accepts<string>("application/yaml", "application/json");
        api.MapPut("/pipelines/{name}", ReplaceAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Replace a pipeline that was made over the API")
            .WithDescription(
                "With If-Match: the version (the ETag of /config) that is to be replaced; another one is refused with 412. 202: the definition is held, since a table does not fit it; "
                + "'held' says what is missing, the version before goes on, and it takes effect by itself once the table fits.")
            .Accepts<string>("application/yaml", "application/json");
        api.MapPatch("/pipelines/{name}", PatchAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Change parts of a pipeline that was made over the API")
            .WithDescription(
                "A JSON merge patch (RFC 7396) of the definition: null removes a key, a list is replaced as a whole. The definition is kept as JSON from then on, "
                + "without comments. With If-Match as for PUT.")
            .Accepts<string>("application/merge-patch+json", "application/json");
        api.MapDelete("/pipelines/{name}", DeleteAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Stop and forget a pipeline that was made over the API, or whose file is gone; state and tables stay");
    }

    private static async Task<Results<Created<DefinitionReport>, ProblemHttpResult>> CreateAsync(
        HttpRequest request, HostPipelineCompiler compiler, LoopWatch loops, IGrainFactory grains, CancellationToken cancellation, string initialState = "running")
    {
        if (!Enum.TryParse<DesiredState>(initialState, true, out var initial) || !Enum.IsDefined(initial))
            return Bad("Bad state", $"initialState '{initialState}' is none of running, paused and stopped.");
        var (text, plan, problem) = await ReadAsync(request, compiler, null, cancellation);
        if (text is null) return problem!;
        if (await FindAsync(grains, text.Name) is not null)
            return Conflict($"There is a pipeline '{text.Name}' already; PUT /api/v1/pipelines/{text.Name} replaces one made over the API.");
        var outcome = await grains.GetGrain<IPipelineGrain>(text.Name).ApplyAsync(text with { Initial = initial });
        if (outcome.Accepted) request.HttpContext.Features.Get<AuditTrail>()?.Did($"created '{text.Name}', version {outcome.Version}");
        return outcome.Accepted
            ? TypedResults.Created($"/api/v1/pipelines/{text.Name}", await ReportAsync(outcome, plan!, loops))
            : Conflict(string.Join(' ', outcome.Diagnostics));
    }

    private static async Task<Results<Ok<DefinitionReport>, Accepted<DefinitionReport>, ProblemHttpResult>> ReplaceAsync(
        string name, HttpRequest request, HostPipelineCompiler compiler, LoopWatch loops, IGrainFactory grains, CancellationToken cancellation)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (Changed(request, known) is { } changed) return changed;
        var (text, plan, problem) = await ReadAsync(request, compiler, name, cancellation);
        return text is null ? problem! : await ApplyAsync(pipeline, text, plan!, loops);
    }

    private static async Task<Results<Ok<DefinitionReport>, Accepted<DefinitionReport>, ProblemHttpResult>> PatchAsync(
        string name, HttpRequest request, HostPipelineCompiler compiler, LoopWatch loops, IGrainFactory grains, CancellationToken cancellation)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (Changed(request, known) is { } changed) return changed;
        if (await AuthoringEndpoints.TextAsync(request, cancellation) is not { } body) return AuthoringEndpoints.NoText();
        request.HttpContext.Features.Get<AuditTrail>()?.Did($"given a patch, {AuditTrail.Hash(body)}");
        if (ObjectIn(body) is not { } patch) return Bad("Bad patch", "The body must be a JSON object: a merge patch (RFC 7396) of the definition.");
        if (DefinitionPatch.Apply(known.Text, known.FileName, patch) is not { } merged) return Conflict($"The definition of '{name}' cannot be read.");
        var (text, plan, problem) = Check(merged, "pipeline.json", compiler, name);
        return text is null ? problem! : await ApplyAsync(pipeline, text, plan!, loops);
    }

    private static JsonObject? ObjectIn(string body)
    {
        try
        {
            // A patch that says two things of one property is none.
            return JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>412 when the caller looked at another version than the one in force.</summary>
    private static ProblemHttpResult? Changed(HttpRequest request, PipelineText known)
    {
        if (request.Headers.IfMatch is not [{ } match] || match == "*") return null;
        return match.Trim('"') == known.Version.ToString(System.Globalization.CultureInfo.InvariantCulture)
            ? null
            : Problem(
                StatusCodes.Status412PreconditionFailed, "Changed meanwhile",
                $"Pipeline '{known.Name}' is at version {known.Version}, not {match}; look at it again.");
    }

    internal static async Task<Results<Ok<DefinitionReport>, Accepted<DefinitionReport>, ProblemHttpResult>> ApplyAsync(
        IPipelineGrain pipeline, PipelineText text, PipelinePlan plan, LoopWatch loops)
    {
        var outcome = await pipeline.ApplyAsync(text);
        if (outcome.Held)
        {
            return TypedResults.Accepted(
                $"/api/v1/pipelines/{text.Name}", new DefinitionReport(plan.Name, outcome.Version, await loops.OfAsync(plan)) { Held = string.Join(' ', outcome.Diagnostics) });
        }

        return outcome.Accepted ? TypedResults.Ok(await ReportAsync(outcome, plan, loops)) : Conflict(string.Join(' ', outcome.Diagnostics));
    }

    private static async Task<DefinitionReport> ReportAsync(ApplyOutcome outcome, PipelinePlan plan, LoopWatch loops) =>
        new(plan.Name, outcome.Version, [.. outcome.Diagnostics, .. await loops.OfAsync(plan)]);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string name, IGrainFactory grains, PipelineFolder folder)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (known.Origin == DefinitionOrigin.Folder && await FileOfAsync(name, grains, folder) is { } file)
            return Conflict($"Pipeline '{name}' comes from {file}: delete the file, and the pipeline ends with it.");
        await pipeline.RemoveAsync(known.Origin);
        return TypedResults.NoContent();
    }

    /// <summary>Where a pipeline's file is, in words; null when no silo has one.</summary>
    private static async Task<string?> FileOfAsync(string name, IGrainFactory grains, PipelineFolder folder)
    {
        // The folder is looked at every few seconds; a file that is gone since then is no reason any more.
        if (folder.FileOf(name) is { } path) return File.Exists(path) ? $"the file {Path.GetFileName(path)} in the server's folder" : null;
        var claims = await grains.GetGrain<IPipelineCatalogGrain>(0).ClaimAsync(null);
        return claims.FirstOrDefault(c => c.Pipelines.Contains(name)) is { } claim ? $"a file in the folder of silo {claim.Silo}" : null;
    }

    /// <summary>The definition in a body, compiled; or what is wrong with it.</summary>
    private static async Task<(PipelineText? Text, PipelinePlan? Plan, ProblemHttpResult? Problem)> ReadAsync(
        HttpRequest request, HostPipelineCompiler compiler, string? name, CancellationToken cancellation)
    {
        if (await AuthoringEndpoints.TextAsync(request, cancellation) is not { } text) return (null, null, AuthoringEndpoints.NoText());
        request.HttpContext.Features.Get<AuditTrail>()?.Did($"given {AuditTrail.Hash(text)}");
        // As findings and the history show it; a folder says nothing here.
        var file = request.Query["file"] is [{ Length: > 0 } named] ? Path.GetFileName(named) : null;
        return Check(text, AuthoringEndpoints.FileName(request, file), compiler, name);
    }

    internal static (PipelineText? Text, PipelinePlan? Plan, ProblemHttpResult? Problem) Check(string text, string file, HostPipelineCompiler compiler, string? name)
    {
        var compilation = compiler.Check(text, file, DefinitionOrigin.Api);
        if (compilation.Plan is not { } plan)
        {
            return (null, null, Invalid(
                "Not a valid pipeline", compilation.Diagnostics[0].ToString(), [.. compilation.Diagnostics.Select(DiagnosticItem.Of)]));
        }

        if (compiler.Refusal(plan) is { } refusal) return (null, null, Invalid("Not a pipeline for this server", refusal, []));
        if (name is not null && plan.Name != name) return (null, null, Bad("Another name", $"The pipeline in the body is named '{plan.Name}', not '{name}'."));
        return (new PipelineText(plan.Name, text, file, 0) { Origin = DefinitionOrigin.Api }, plan, null);
    }
}
