using System.Security.Claims;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What is known about a pipeline's state.</summary>
public static class StateEndpoints
{
    private const int MaxLimit = 1000;

    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/pipelines/{name}/status", StatusAsync).WithSummary("Status with verdict and bottleneck");
        api.MapGet("/pipelines/{name}/config", ConfigAsync).WithSummary("The definition in force");
        api.MapGet("/pipelines/{name}/windows", WindowsAsync).WithSummary("Open and lately closed windows of the window steps");
        api.MapGet("/pipelines/{name}/watermarks", WatermarksAsync).WithSummary("Watermarks of partitions and steps");
        api.MapGet("/pipelines/{name}/quality", QualityAsync).WithSummary("Quality rules and how often they failed");
    }

    private static async Task<Results<Ok<PipelineReport>, ProblemHttpResult>> StatusAsync(
        string name, PipelineStatuses statuses, CancellationToken cancellation)
    {
        if (await statuses.FindAsync(name, cancellation) is not { } status) return NoPipeline(name);
        return TypedResults.Ok(new PipelineReport(Verdict.Of(status), status));
    }

    private static async Task<Results<Ok<PipelineConfig>, ProblemHttpResult>> ConfigAsync(
        string name, IGrainFactory grains, HttpResponse response)
    {
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } text) return NoPipeline(name);
        response.Headers.ETag = $"\"{text.Version}\"";
        return TypedResults.Ok(new PipelineConfig(text.Name, text.Version, text.Generation, text.Origin, Path.GetFileName(text.FileName), text.Text));
    }

    private static async Task<Results<Ok<IReadOnlyList<StepWindows>>, ProblemHttpResult>> WindowsAsync(
        string name, IGrainFactory grains, PlanProvider plans, FieldMask masks, ClaimsPrincipal user, string? step = null, int limit = 100)
    {
        if (limit is < 1 or > MaxLimit) return Bad("Bad limit", "limit must be from 1 to 1000.");
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var plan = (await plans.GetAsync(name)).Plan;
        var mask = PlanMask.Of(masks.For(user), plan, [plan]);
        var steps = plan.Steps.OfType<WindowPlan>().Select(s => s.Id).ToList();
        if (step is not null && !steps.Contains(step))
        {
            return Problem(
                StatusCodes.Status404NotFound, "No such step",
                $"Pipeline '{name}' has no window or aggregate step '{step}'; it has {(steps.Count == 0 ? "none" : string.Join(", ", steps))}.");
        }

        var status = await pipeline.GetStatusAsync();
        var query = grains.GetGrain<IPipelineQueryGrain>(name);
        var windows = new List<StepWindows>();
        foreach (var id in step is null ? steps : [step])
        {
            var open = query.GetOpenAsync(id, limit);
            var closed = query.GetClosedAsync(id, limit);
            windows.Add(new StepWindows(id, WatermarkOf(status, id).Min, Shown(mask, id, await open), Shown(mask, id, await closed)));
        }

        return TypedResults.Ok<IReadOnlyList<StepWindows>>(windows);
    }

    private static async Task<Results<Ok<PipelineWatermarks>, ProblemHttpResult>> WatermarksAsync(string name, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var status = await pipeline.GetStatusAsync();
        return TypedResults.Ok(new PipelineWatermarks(
            [.. status.Partitions.Select(p => new PartitionWatermark(p.Partition, p.Watermark, p.Idle))],
            [.. status.Shards.Select(s => s.Step).Distinct().Select(s => WatermarkOf(status, s))]));
    }

    private static async Task<Results<Ok<IReadOnlyList<RuleReport>>, ProblemHttpResult>> QualityAsync(
        string name, IGrainFactory grains, PlanProvider plans)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var status = await pipeline.GetStatusAsync();
        var rules = new List<RuleReport>();
        foreach (var step in (await plans.GetAsync(name)).Plan.Steps.OfType<QualityPlan>())
        {
            foreach (var rule in step.Rules)
            {
                var failed = status.Rules.GetValueOrDefault($"{step.Id}.{rule.Name}");
                var ratio = status.Counts.Consumed == 0 ? (double?)null : (double)failed / status.Counts.Consumed;
                rules.Add(new RuleReport(
                    step.Id, rule.Name, rule.Condition.Text, rule.Warn ? "warn" : "error", rule.Action.ToString().ToLowerInvariant(), failed, ratio));
            }
        }

        return TypedResults.Ok<IReadOnlyList<RuleReport>>(rules);
    }

    /// <summary>Windows as a user may see them.</summary>
    internal static IReadOnlyList<WindowRow> Shown(PlanMask? mask, string step, IReadOnlyList<WindowRow> rows) =>
        mask is null ? rows : [.. rows.Select(r => mask.Window(step, r))];

    private static StepWatermark WatermarkOf(PipelineStatus status, string step)
    {
        var shards = status.Shards.Where(s => s.Step == step).Select(s => s.Watermark).ToList();
        // A shard without a watermark has not heard of all partitions yet, and so the step has none.
        return new StepWatermark(step, shards.Contains(null) ? null : shards.Min(), shards.Max());
    }
}
