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
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/pipelines/{name}/status", StatusAsync).WithSummary("Status with verdict and bottleneck");
        api.MapGet("/pipelines/{name}/config", ConfigAsync).WithSummary("The definition in force");
        api.MapGet("/pipelines/{name}/flow", FlowAsync).WithSummary("How source, steps and sinks are put together");
        api.MapGet("/pipelines/{name}/windows", WindowsAsync).WithSummary("Open and lately closed windows of the window steps, and what they wait for")
            .WithDescription(
                "key: only keys that contain this text. from, to: only windows that overlap this span of event time. limit: 1 to 1000 of each. after: the 'next' of the page before, with 'step'. "
                + "A window closes when the step's watermark reaches its end; until 'final' late records fire it again. waitsFor: the partition that holds the watermark.");
        api.MapGet("/pipelines/{name}/watermarks", WatermarksAsync).WithSummary("Watermarks of partitions and steps");
        api.MapGet("/pipelines/{name}/metrics", MetricsAsync).WithSummary("Numbers of the last 15 minutes, for charts")
            .WithDescription(
                $"from, to: only this span. step: the length of each value's stretch, s; 5 to 900, a multiple of 5. A sample is taken every {PipelineMetrics.Period} s and kept in memory on the silo of the pipeline's "
                + "grain: what was before a silo took it over is null. Prometheus at /metrics keeps longer.");
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

    private static async Task<Results<Ok<FlowReport>, ProblemHttpResult>> FlowAsync(string name, IGrainFactory grains, PlanProvider plans)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        var plan = (await plans.GetAsync(name)).Plan;
        return TypedResults.Ok(new FlowReport(
            [
                new FlowNode("", "source", PlanDescription.Source(plan.Source)),
                .. plan.Steps.Select(s => new FlowNode(s.Id, PlanDescription.Kind(s), PlanDescription.Does(s))),
                .. plan.Sinks.Select(s => new FlowNode(s.Id, "sink", PlanDescription.Does(s))),
            ],
            [
                .. plan.Steps.Select(s => new FlowEdge(s.Input.Step, s.Id, Output(s.Input))),
                .. plan.Sinks.SelectMany(s => (s.From.Step == InputRef.AnyStep ? plan.Steps.Select(p => p.Id).Prepend("") : [s.From.Step])
                    .Select(from => new FlowEdge(from, s.Id, Output(s.From)))),
            ]));
    }

    private static string Output(InputRef input) => input.Output.ToString().ToLowerInvariant();

    private static async Task<Results<Ok<IReadOnlyList<StepWindows>>, ProblemHttpResult>> WindowsAsync(
        string name, IGrainFactory grains, PlanProvider plans, FieldMask masks, ClaimsPrincipal user, string? step = null, int limit = 100, string? key = null,
        DateTimeOffset? from = null, DateTimeOffset? to = null, string? after = null)
    {
        if (limit is < 1 or > WindowQuery.MaxLimit) return Bad("Bad limit", "limit must be from 1 to 1000.");
        if (after is not null && step is null) return Bad("Which step", "A page is one step's: give 'step' with 'after'.");
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var plan = (await plans.GetAsync(name)).Plan;
        var mask = PlanMask.Of(masks.For(user), plan, [plan]);
        var steps = plan.Steps.OfType<WindowPlan>().ToList();
        if (step is not null && steps.TrueForAll(s => s.Id != step))
        {
            return Problem(
                StatusCodes.Status404NotFound, "No such step",
                $"Pipeline '{name}' has no window or aggregate step '{step}'; it has {(steps.Count == 0 ? "none" : string.Join(", ", steps.Select(s => s.Id)))}.");
        }

        var status = await pipeline.GetStatusAsync();
        var waitsFor = WatermarkHold.Of(status);
        var query = grains.GetGrain<IPipelineQueryGrain>(name);
        var windows = new List<StepWindows>();
        foreach (var one in steps.Where(s => step is null || s.Id == step))
        {
            if (key is not null && mask?.HidesKey(one) == true)
            {
                return Problem(
                    StatusCodes.Status403Forbidden, "Not allowed",
                    $"The keys of step '{one.Id}' are seen by admins only (Kor:Http:MaskFields); which of them hold a text would tell them.");
            }

            var which = new WindowQuery(one.Id, false, limit) { Key = key, From = from?.ToUnixTimeMilliseconds(), To = to?.ToUnixTimeMilliseconds(), After = after };
            try
            {
                var asked = query.FindAsync(which with { Closed = true, After = null });
                windows.Add(WindowsOf(one, status, waitsFor, mask, await query.FindAsync(which), await asked));
            }
            catch (ArgumentException e)
            {
                return Bad("No such page", e.Message);
            }
        }

        return TypedResults.Ok<IReadOnlyList<StepWindows>>(windows);
    }

    private static StepWindows WindowsOf(WindowPlan step, PipelineStatus status, WatermarkHold? waitsFor, PlanMask? mask, WindowPage open, WindowPage closed) =>
        new(step.Id, WatermarkOf(status, step.Id).Min, Shown(mask, step.Id, open.Rows), Shown(mask, step.Id, closed.Rows))
        {
            AllowedLateness = step.Window.Window is Processing.Windows.RunningTotals ? null : step.Window.AllowedLateness,
            OpenTotal = open.Total,
            ClosedTotal = closed.Total,
            Complete = open.Complete && closed.Complete,
            Next = open.Next,
            WaitsFor = step.Window.Window is Processing.Windows.RunningTotals ? null : waitsFor,
        };

    private static async Task<Results<Ok<PipelineWatermarks>, ProblemHttpResult>> WatermarksAsync(string name, IGrainFactory grains)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        var status = await pipeline.GetStatusAsync();
        return TypedResults.Ok(new PipelineWatermarks(
            [.. status.Partitions.Select(p => new PartitionWatermark(p.Partition, p.Watermark, p.Idle))],
            [.. status.Shards.Select(s => s.Step).Distinct().Select(s => WatermarkOf(status, s))]));
    }

    private static async Task<Results<Ok<PipelineMetrics>, ProblemHttpResult>> MetricsAsync(
        string name, IGrainFactory grains, DateTimeOffset? from = null, DateTimeOffset? to = null, int step = PipelineMetrics.Period)
    {
        if (step is < PipelineMetrics.Period or > 900 || step % PipelineMetrics.Period != 0) return Bad("Bad step", "step must be from 5 to 900 and a multiple of 5.");
        if (from > to) return Bad("Bad span", "'from' must not be after 'to'.");
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        return TypedResults.Ok(await pipeline.GetMetricsAsync(from, to, step));
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
