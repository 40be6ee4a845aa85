using System.Security.Claims;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Pipelines: their state and what can be done to them.</summary>
internal static class PipelineEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void MapPipelines(this RouteGroupBuilder api)
    {
        api.MapGet("/pipelines", ListAsync).WithName("ListPipelines").WithSummary("All pipelines with their status.");
        api.MapGet("/pipelines/{name}", GetAsync).WithName("GetPipeline").WithSummary("A pipeline's status with all its parts.");
        api.MapGet("/pipelines/{name}/events", EventsAsync).WithName("ListEvents").WithSummary("What happened to a pipeline, newest first; kept across restarts.")
            .WithDescription($"since: only events at this time or later. limit: 1 to {PipelineLogLimits.Events}, which is how many are kept.");
        api.MapGet("/pipelines/{name}/keys/{step}/{key}", KeyAsync)
            .WithName("GetKey").WithSummary("The live windows or running totals of a key.");
        api.MapGet("/pipelines/{name}/windows/{step}", ClosedAsync)
            .WithName("ListClosedWindows").WithSummary("The windows of a step that closed last, newest first.");
        api.MapPost("/pipelines/{name}/reset", ResetAsync)
            .RequireAuthorization(KorPolicies.Admin)
            .WithName("ResetPipeline")
            .WithSummary("Shows, or with execute does, a reset of positions and state. Only when stopped.");
    }

    private static async Task<Ok<IReadOnlyList<PipelineStatus>>> ListAsync(PipelineStatuses statuses, CancellationToken cancellation) =>
        TypedResults.Ok(await statuses.ListAsync(cancellation));

    private static async Task<Results<Ok<PipelineStatus>, ProblemHttpResult>> GetAsync(
        string name, PipelineStatuses statuses, CancellationToken cancellation) =>
        await statuses.FindAsync(name, cancellation) is { } status ? TypedResults.Ok(status) : Problems.NoPipeline(name);

    private static async Task<Results<Ok<IReadOnlyList<PipelineEvent>>, ProblemHttpResult>> EventsAsync(
        string name, PipelineStatuses statuses, PipelineEvents events, IGrainFactory grains, DateTimeOffset? since = null, int limit = 200)
    {
        if (limit is < 1 or > PipelineLogLimits.Events) return Problems.BadRequest("Bad limit", $"limit must be from 1 to {PipelineLogLimits.Events}.");
        // A file that was refused has its pipeline's events, also when there was never one in force.
        var pipeline = await FindAsync(grains, name) ?? (statuses.IsRefused(name) ? grains.GetGrain<IPipelineGrain>(name) : null);
        return pipeline is null ? Problems.NoPipeline(name) : TypedResults.Ok(await events.ReadAsync(name, since, limit));
    }

    private static async Task<Results<Ok<KeyState>, ProblemHttpResult>> KeyAsync(
        string name, string step, string key, IGrainFactory grains, PlanProvider plans, FieldMask masks, ClaimsPrincipal user)
    {
        if (await FindAsync(grains, name) is null) return Problems.NoPipeline(name);
        try
        {
            var state = await grains.GetGrain<IPipelineQueryGrain>(name).GetKeyAsync(step, Uri.UnescapeDataString(key));
            if (state is null) return Problems.NotFound("No such step", $"Pipeline '{name}' has no window or aggregate step '{step}'.");
            var mask = await MaskAsync(name, plans, masks, user);
            return TypedResults.Ok(state with { Windows = StateEndpoints.Shown(mask, step, state.Windows), Closed = StateEndpoints.Shown(mask, step, state.Closed) });
        }
        catch (ArgumentException e)
        {
            return Problems.BadRequest("Not a key", e.Message);
        }
    }

    private static async Task<Results<Ok<IReadOnlyList<WindowRow>>, ProblemHttpResult>> ClosedAsync(
        string name, string step, IGrainFactory grains, PlanProvider plans, FieldMask masks, ClaimsPrincipal user, int limit = 100)
    {
        if (await FindAsync(grains, name) is null) return Problems.NoPipeline(name);
        if (limit is < 1 or > 1000) return Problems.BadRequest("Bad limit", "limit must be from 1 to 1000.");
        var closed = await grains.GetGrain<IPipelineQueryGrain>(name).GetClosedAsync(step, limit);
        return TypedResults.Ok(StateEndpoints.Shown(await MaskAsync(name, plans, masks, user), step, closed));
    }

    private static async Task<PlanMask?> MaskAsync(string name, PlanProvider plans, FieldMask masks, ClaimsPrincipal user)
    {
        if (masks.For(user) is not { } mask) return null;
        var plan = (await plans.GetAsync(name)).Plan;
        return PlanMask.Of(mask, plan, [plan]);
    }

    private static async Task<Results<Ok<ResetOutcome>, ProblemHttpResult>> ResetAsync(
        string name, ResetRequest request, IGrainFactory grains, HttpContext http)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return Problems.NoPipeline(name);
        var outcome = await pipeline.ResetAsync(request);
        http.Features.Get<AuditTrail>()?.Moved(outcome);
        return outcome.Refusal is null
            ? TypedResults.Ok(outcome)
            : Problems.Conflict("Not now", outcome.Refusal);
    }

    private static async Task<IPipelineGrain?> FindAsync(IGrainFactory grains, string name)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        return entries.Any(e => e.Name == name) ? grains.GetGrain<IPipelineGrain>(name) : null;
    }
}
