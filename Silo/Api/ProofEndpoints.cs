using System.Data.Common;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Proof;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Silo.Proof;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Proofs that a pipeline's tables are what its log says.</summary>
internal static class ProofEndpoints
{
    private const int MaxRate = 10_000_000;
    private const int MaxExamples = 100;
    private static readonly TimeSpan Longest = TimeSpan.FromHours(4);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    internal static void Map(IEndpointRouteBuilder api) => api.MapGet("/pipelines/{name}/reconcile", ReconcileAsync)
        .RequireAuthorization(KorPolicies.Operator)
        .Audited()
        .DisableRequestTimeout()
        .WithSummary("Prove a pipeline's tables: read its log again, compute what must be in them, and compare")
        .WithDescription(
            "Server-sent events: 'progress' (phase, done, total) and at last 'report', or 'refused' (reason) when it cannot be proved. since, until: only windows that begin and end between, "
            + "and rows of records from then to then (Kafka time). rate: at most so many records a second (default 200000). examples: so many rows of each kind (0 to 100, default 5). fresh: begins anew "
            + "where a proof was broken off; else it goes on there. One proof at a time on a silo.");

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> ReconcileAsync(
        string name, IGrainFactory grains, PlanProvider plans, IKafkaLogs logs, ProofDesk desk, FieldMask masks, HttpContext http, IHostApplicationLifetime lifetime, TimeProvider time,
        CancellationToken cancellation, DateTimeOffset? since = null, DateTimeOffset? until = null, int rate = 200_000, int examples = 5, bool fresh = false)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        if (rate is < 1 or > MaxRate) return Bad("Bad rate", "rate must be from 1 to 10000000 records a second.");
        if (examples is < 0 or > MaxExamples) return Bad("Bad examples", "examples must be from 0 to 100.");
        if (since >= until) return Bad("Bad time", "since must be before until.");
        var runtime = await plans.GetAsync(name);
        IReadOnlyList<string> partitions;
        try
        {
            partitions = await logs.ListPartitionsAsync(runtime.Plan.Source, cancellation);
        }
        catch (KafkaSourceException e)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "Kafka does not answer", e.Message);
        }

        if (desk.Enter() is not { } place) return Conflict("Another proof is being made on this silo, and one is made at a time. Ask again when it has ended.");
        http.Features.Get<AuditTrail>()?.Did($"proved {partitions.Count} partitions");
        var mask = PlanMask.Of(masks.For(http.User), runtime.Plan, [runtime.Plan]);
        var request = new ReconcileRequest(since, until, rate, examples, fresh);
        return TypedResults.ServerSentEvents(EventsAsync(desk, place, runtime, partitions, request, mask, time, lifetime.ApplicationStopping, cancellation));
    }

    private static async IAsyncEnumerable<SseItem<JsonObject>> EventsAsync(
        ProofDesk desk, IDisposable place, PipelineRuntime runtime, IReadOnlyList<string> partitions, ReconcileRequest request, PlanMask? mask, TimeProvider time,
        CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using (place)
        {
            using var late = new CancellationTokenSource(Longest, time);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation, late.Token);
            // Whoever reads slowly misses steps of the bar and nothing else.
            var progress = Channel.CreateBounded<ReconcileProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
            var work = ProveAsync(desk, runtime, partitions, request, mask, progress.Writer, ends.Token);
            try
            {
                // At once: whoever asked knows that it has begun.
                yield return new SseItem<JsonObject>(new JsonObject { ["phase"] = "beginning", ["done"] = 0, ["total"] = 0 }, "progress");
                var last = time.GetTimestamp();
                await foreach (var step in progress.Reader.ReadAllAsync(CancellationToken.None))
                {
                    if (time.GetElapsedTime(last) < TimeSpan.FromMilliseconds(200)) continue;
                    last = time.GetTimestamp();
                    yield return new SseItem<JsonObject>(new JsonObject { ["phase"] = step.Phase, ["done"] = step.Done, ["total"] = step.Total }, "progress");
                }

                yield return await work;
            }
            finally
            {
                // The place is free when the work has ended, not when its reader has gone.
                await ends.CancelAsync();
                await work;
            }
        }
    }

    /// <summary>The event that ends it. Never throws.</summary>
    private static async Task<SseItem<JsonObject>> ProveAsync(
        ProofDesk desk, PipelineRuntime runtime, IReadOnlyList<string> partitions, ReconcileRequest request, PlanMask? mask, ChannelWriter<ReconcileProgress> progress,
        CancellationToken cancellation)
    {
        try
        {
            var report = await desk.RunAsync(runtime, partitions, request, p => progress.TryWrite(p), cancellation);
            if (mask is not null) Hide(report, mask);
            return new SseItem<JsonObject>(JsonSerializer.SerializeToNode(report, Json)!.AsObject(), "report");
        }
        catch (ProofRefusedException e)
        {
            return Refused(e.Message);
        }
        catch (OperationCanceledException)
        {
            return Refused("It was broken off. The next proof of the same goes on where it stood.");
        }
        catch (Exception e) when (e is KafkaException or StoreUnavailableException or SinkUnavailableException or SinkConfigurationException or PipelineChangedException or DbException
            or IOException or CorruptStateException)
        {
            return Refused(e is KafkaException k ? $"Kafka: {k.Error.Reason}. The next proof of the same goes on where it stood." : e.Message);
        }
        finally
        {
            progress.TryComplete();
        }
    }

    private static SseItem<JsonObject> Refused(string reason) => new(new JsonObject { ["reason"] = reason }, "refused");

    /// <summary>Hides values of examples in place.</summary>
    private static void Hide(ReconcileReport report, PlanMask mask)
    {
        foreach (var sink in report.Sinks)
        {
            foreach (var example in sink.Examples)
            {
                foreach (var row in (JsonObject?[])[example.Key, example.Expected, example.Found]) mask.ApplySink(sink.Sink, row);
            }
        }
    }
}
