using KafkaOracleOrleans.Grains.Interfaces;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The HTTP API <c>/api/v1</c>.</summary>
public static class PipelineEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapPipelineApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup("/api/v1");
        api.MapGet("/pipelines", ListAsync);
        api.MapGet("/pipelines/{name}", GetAsync);
        api.MapGet("/pipelines/{name}/events", EventsAsync);
        api.MapGet("/pipelines/{name}/keys/{step}/{key}", KeyAsync);
        api.MapGet("/pipelines/{name}/windows/{step}", ClosedAsync);
        api.MapPost("/pipelines/{name}/start", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.StartAsync()));
        api.MapPost("/pipelines/{name}/pause", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.PauseAsync()));
        api.MapPost("/pipelines/{name}/resume", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.StartAsync()));
        api.MapPost("/pipelines/{name}/stop", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.StopAsync()));
        api.MapPost("/pipelines/{name}/reset", ResetAsync);
        return endpoints;
    }

    private static async Task<Ok<PipelineStatus[]>> ListAsync(IGrainFactory grains)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        return TypedResults.Ok(await Task.WhenAll(entries.Select(e => grains.GetGrain<IPipelineGrain>(e.Name).GetStatusAsync())));
    }

    private static async Task<Results<Ok<PipelineStatus>, ProblemHttpResult>> GetAsync(string name, IGrainFactory grains) =>
        await FindAsync(grains, name) is { } pipeline ? TypedResults.Ok(await pipeline.GetStatusAsync()) : NoPipeline(name);

    private static async Task<Results<Ok<IReadOnlyList<PipelineEvent>>, ProblemHttpResult>> EventsAsync(string name, IGrainFactory grains) =>
        await FindAsync(grains, name) is { } pipeline ? TypedResults.Ok(await pipeline.GetEventsAsync()) : NoPipeline(name);

    private static async Task<Results<Ok<KeyState>, ProblemHttpResult>> KeyAsync(
        string name, string step, string key, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        try
        {
            var state = await grains.GetGrain<IPipelineQueryGrain>(name).GetKeyAsync(step, Uri.UnescapeDataString(key));
            return state is null
                ? Problem(StatusCodes.Status404NotFound, "No such step", $"Pipeline '{name}' has no window or aggregate step '{step}'.")
                : TypedResults.Ok(state);
        }
        catch (ArgumentException e)
        {
            return Problem(StatusCodes.Status400BadRequest, "Not a key", e.Message);
        }
    }

    private static async Task<Results<Ok<IReadOnlyList<WindowRow>>, ProblemHttpResult>> ClosedAsync(
        string name, string step, IGrainFactory grains, int limit = 100)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        if (limit is < 1 or > 1000) return Problem(StatusCodes.Status400BadRequest, "Bad limit", "limit must be from 1 to 1000.");
        return TypedResults.Ok(await grains.GetGrain<IPipelineQueryGrain>(name).GetClosedAsync(step, limit));
    }

    private static async Task<Results<Ok<ResetOutcome>, ProblemHttpResult>> ResetAsync(
        string name, ResetRequest request, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var outcome = await pipeline.ResetAsync(request);
        return outcome.Refusal is null
            ? TypedResults.Ok(outcome)
            : Problem(StatusCodes.Status409Conflict, "Not now", outcome.Refusal);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DoAsync(
        IGrainFactory grains, string name, Func<IPipelineGrain, Task> action)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        await action(pipeline);
        return TypedResults.NoContent();
    }

    private static async Task<IPipelineGrain?> FindAsync(IGrainFactory grains, string name)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        return entries.Any(e => e.Name == name) ? grains.GetGrain<IPipelineGrain>(name) : null;
    }

    private static ProblemHttpResult NoPipeline(string name) =>
        Problem(StatusCodes.Status404NotFound, "No such pipeline", $"There is no pipeline '{name}'; GET /api/v1/pipelines lists them.");

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(detail, null, status, title);
}
