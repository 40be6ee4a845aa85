using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Steering pipelines, and their positions.</summary>
public static class LifecycleEndpoints
{
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapPut("/pipelines/{name}/start", StartAsync)
            .RequireAuthorization(KorPolicies.Operator).WithSummary("Run from the checkpoint");
        api.MapPut("/pipelines/{name}/resume", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.StartAsync()))
            .RequireAuthorization(KorPolicies.Operator).WithSummary("Go on after a pause");
        api.MapPut("/pipelines/{name}/pause", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.PauseAsync()))
            .RequireAuthorization(KorPolicies.Operator).WithSummary("Stop reading, keep everything in memory");
        api.MapPut("/pipelines/{name}/stop", (string name, IGrainFactory grains) => DoAsync(grains, name, p => p.StopAsync()))
            .RequireAuthorization(KorPolicies.Operator).WithSummary("Checkpoint and stop");
        api.MapPost("/pipelines/{name}/restart", RestartAsync).RequireAuthorization(KorPolicies.Operator).WithSummary("Start parts over from their checkpoints");
        api.MapPost("/pipelines/{name}/partitions/{topic}/{partition:int}/restart", RestartPartitionAsync)
            .RequireAuthorization(KorPolicies.Operator)
            .WithSummary("Start one partition over from its checkpoint");
        api.MapGet("/pipelines/{name}/offsets", OffsetsAsync).WithSummary("Checkpoints and the ends of the logs");
        api.MapPatch("/pipelines/{name}/offsets", ChangeOffsetsAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Set positions; state is dropped. Only when stopped");
        api.MapDelete("/pipelines/{name}/offsets", DeleteOffsetsAsync)
            .RequireAuthorization(KorPolicies.Admin)
            .WithSummary("Back to where the pipeline starts; state is dropped. Only when stopped");
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> StartAsync(
        string name, IGrainFactory grains, PipelineFolder folder, CancellationToken cancellation)
    {
        await folder.TryAgainAsync(name, cancellation);
        return await DoAsync(grains, name, p => p.StartAsync());
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> DoAsync(
        IGrainFactory grains, string name, Func<IPipelineGrain, Task> action)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        await action(pipeline);
        return TypedResults.Accepted($"/api/v1/pipelines/{Uri.EscapeDataString(name)}/status");
    }

    private static Task<Results<Accepted<RestartOutcome>, ProblemHttpResult>> RestartAsync(
        string name, IGrainFactory grains, bool onlyFailed = false) => RestartPartsAsync(grains, name, onlyFailed, null);

    private static Task<Results<Accepted<RestartOutcome>, ProblemHttpResult>> RestartPartitionAsync(
        string name, string topic, int partition, IGrainFactory grains) => RestartPartsAsync(
        grains, name, false, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{topic}/{partition}"));

    private static async Task<Results<Accepted<RestartOutcome>, ProblemHttpResult>> RestartPartsAsync(
        IGrainFactory grains, string name, bool onlyFailed, string? partition)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var outcome = await pipeline.RestartAsync(onlyFailed, partition);
        if (outcome.Unknown) return Problem(StatusCodes.Status404NotFound, "No such part", outcome.Refusal!);
        return outcome.Refusal is { } refusal
            ? Conflict(refusal)
            : TypedResults.Accepted($"/api/v1/pipelines/{Uri.EscapeDataString(name)}/status", outcome);
    }

    private static async Task<Results<Ok<IReadOnlyList<PartitionOffsets>>, ProblemHttpResult>> OffsetsAsync(string name, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var ends = await pipeline.ResetAsync(new ResetRequest(ResetTarget.Latest, 0, null, false) { PositionsOnly = true });
        var begins = (await pipeline.ResetAsync(new ResetRequest(ResetTarget.Earliest, 0, null, false) { PositionsOnly = true })).Lines
            .ToDictionary(l => l.Partition, l => l.Target, StringComparer.Ordinal);
        return TypedResults.Ok<IReadOnlyList<PartitionOffsets>>(
        [
            .. ends.Lines.Select(l => new PartitionOffsets(
                l.Partition, l.Current, begins.GetValueOrDefault(l.Partition), l.Target, l.Target is { } end && l.Current is { } at ? Math.Max(0, end - at) : null)),
        ]);
    }

    private static async Task<Results<Ok<ResetOutcome>, ProblemHttpResult>> ChangeOffsetsAsync(
        string name, OffsetsChange change, IGrainFactory grains, HttpContext http, bool dryRun = false, bool force = false)
    {
        if (new object?[] { change.To, change.Timestamp, change.Offsets }.Count(v => v is not null) != 1)
            return Bad("What is meant is not clear", "Give exactly one of 'to', 'timestamp' and 'offsets'.");
        ResetRequest request;
        switch (change)
        {
            case { Timestamp: { } at }:
                request = new ResetRequest(ResetTarget.Timestamp, at.ToUnixTimeMilliseconds(), null, !dryRun);
                break;
            case { Offsets: { } offsets }:
                if (offsets.FirstOrDefault(o => o.Value < 0) is { Key: { } partition })
                    return Bad("Bad offset", $"The offset of '{partition}' is negative.");
                request = new ResetRequest(ResetTarget.Offsets, 0, offsets, !dryRun);
                break;
            case { To: "earliest" }:
                request = new ResetRequest(ResetTarget.Earliest, 0, null, !dryRun);
                break;
            case { To: "latest" }:
                request = new ResetRequest(ResetTarget.Latest, 0, null, !dryRun);
                break;
            default:
                return Bad("Bad target", $"'{change.To}' is neither earliest nor latest.");
        }

        return await ResetAsync(grains, name, request with { Force = force }, http);
    }

    private static async Task<Results<Ok<ResetOutcome>, ProblemHttpResult>> DeleteOffsetsAsync(
        string name, IGrainFactory grains, PlanProvider plans, HttpContext http, bool dryRun = false, bool force = false)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        var start = (await plans.GetAsync(name)).Plan.Source.Start;
        var target = start.Kind switch
        {
            StartKind.Latest => ResetTarget.Latest,
            StartKind.Timestamp => ResetTarget.Timestamp,
            _ => ResetTarget.Earliest,
        };
        return await ResetAsync(grains, name, new ResetRequest(target, start.TimestampMs, null, !dryRun) { Force = force }, http);
    }

    private static async Task<Results<Ok<ResetOutcome>, ProblemHttpResult>> ResetAsync(
        IGrainFactory grains, string name, ResetRequest request, HttpContext http)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var outcome = await pipeline.ResetAsync(request with { Execute = false, PositionsOnly = request.Execute });
        var known = outcome.Lines.Select(l => l.Partition).ToHashSet(StringComparer.Ordinal);
        if (request.Offsets?.Keys.FirstOrDefault(k => !known.Contains(k)) is { } unknown)
        {
            return Problem(
                StatusCodes.Status404NotFound, "No such partition",
                $"Pipeline '{name}' reads no partition '{unknown}'; it reads {string.Join(", ", known)}.");
        }

        if (request.Execute) outcome = await pipeline.ResetAsync(request);
        http.Features.Get<AuditTrail>()?.Moved(outcome);
        return outcome.Refusal is { } refusal ? Conflict(refusal) : TypedResults.Ok(outcome);
    }
}
