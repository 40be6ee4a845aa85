using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What goes on while it goes on: records and events, as server-sent events.</summary>
public static class StreamEndpoints
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/pipelines/{name}/tap", TapAsync)
            .RequireAuthorization(KorPolicies.Operator)
            .Audited()
            .DisableRequestTimeout()
            .WithSummary("Live records of a step")
            .WithDescription(
                "Server-sent events: 'record' (partition, offset, timestamp, truncated, value), once a second 'progress' (seen, shown, failed), and "
                + "at last 'end' (reason). At most 100 records a second, 64 KiB a record, 15 minutes.");
        api.MapGet("/pipelines/{name}/events/stream", EventsAsync)
            .DisableRequestTimeout()
            .WithSummary("What happens to a pipeline, as it happens")
            .WithDescription("Server-sent events 'event' (pipeline, at, kind, text); first those since 'since', oldest first.");
        api.MapGet("/events", AllEventsAsync)
            .DisableRequestTimeout()
            .WithSummary("What happens to all pipelines, as it happens")
            .WithDescription("As /pipelines/{name}/events/stream, of every pipeline.");
    }

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> TapAsync(
        string name, IGrainFactory grains, IHostApplicationLifetime lifetime, TimeProvider time, FieldMask masks, HttpContext http, PlanProvider plans,
        CancellationToken cancellation, string step = "", string side = "out", string? where = null, int? limit = null, double sample = 1)
    {
        if (await FindAsync(grains, name) is not { } pipeline) return NoPipeline(name);
        if (!Enum.TryParse<TapSide>(side, true, out var which) || !Enum.IsDefined(which))
            return Bad("Bad side", $"'{side}' is not one of out, late, duplicates and quarantined.");
        if (limit is < 1) return Bad("Bad limit", "limit must be at least 1.");
        if (sample is not (> 0 and <= 1)) return Bad("Bad sample", "sample is a part of the records: above 0 and at most 1.");
        var request = new TapRequest
        {
            Id = Guid.NewGuid(),
            Step = step.Length == 0 && which == TapSide.Quarantined ? "*" : step is "source" ? "" : step,
            Side = which,
            Where = string.IsNullOrWhiteSpace(where) ? null : where,
            Sample = sample,
        };
        TapMask? mask = null;
        if (masks.For(http.User) is { } mine)
        {
            var plan = (await plans.GetAsync(name)).Plan;
            mask = new TapMask(PlanMask.Of(mine, plan, [plan])!, plan, request);
            if (mask.Refusal() is { } hidden) return Problem(StatusCodes.Status403Forbidden, "Not allowed", hidden);
        }

        var tap = new TapSession(grains, pipeline, request);
        if (await tap.RenewAsync() is { } fault)
        {
            tap.Dispose();
            return Bad("Nothing to tap", fault);
        }

        // A tap must not keep a silo that stops from draining.
        return TypedResults.ServerSentEvents(RecordsAsync(tap, limit ?? int.MaxValue, mask, http.Features.Get<AuditTrail>(), time, lifetime.ApplicationStopping, cancellation));
    }

    private static async IAsyncEnumerable<SseItem<JsonObject>> RecordsAsync(
        TapSession tap, int limit, TapMask? mask, AuditTrail? trail, TimeProvider time, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation);
        using (tap)
        {
            var began = time.GetTimestamp();
            var renewed = began;
            var second = began;
            var (shown, thisSecond) = (0L, 0);
            string? reason = null;
            Task<string?>? renewal = null;
            while (reason is null && !ends.IsCancellationRequested)
            {
                foreach (var record in await tap.TakeAsync(Second, ends.Token))
                {
                    if (time.GetElapsedTime(second) < Second && thisSecond >= TapRequest.MaxPerSecond) continue;
                    shown++;
                    trail?.Showed(shown);
                    thisSecond++;
                    yield return new SseItem<JsonObject>(Json(record, mask), "record");
                    if (shown < limit) continue;
                    reason = "The limit is reached.";
                    break;
                }

                if (time.GetElapsedTime(second) >= Second)
                {
                    (second, thisSecond) = (time.GetTimestamp(), 0);
                    yield return new SseItem<JsonObject>(new JsonObject { ["seen"] = tap.Seen, ["shown"] = shown, ["failed"] = tap.Failed }, "progress");
                }

                if (time.GetElapsedTime(began) >= Longest) reason ??= "A tap ends after 15 minutes.";
                if (renewal is { IsCompleted: true })
                {
                    reason ??= await renewal;
                    renewal = null;
                }

                if (renewal is not null || time.GetElapsedTime(renewed) < TapRequest.Lease / 3) continue;
                renewed = time.GetTimestamp();
                // Not waited for: a partition that is slow to answer must not hold back what the others show.
                renewal = TryRenewAsync(tap);
            }

            if (!cancellation.IsCancellationRequested)
                yield return new SseItem<JsonObject>(new JsonObject { ["reason"] = reason ?? "The server stops." }, "end");
        }
    }

    /// <summary>A renewal that fails because the cluster is busy is made good by the next one; the lease outlasts two.</summary>
    private static async Task<string?> TryRenewAsync(TapSession tap)
    {
        try
        {
            return await tap.RenewAsync();
        }
        catch (Exception e) when (e is TimeoutException or Orleans.Runtime.OrleansException)
        {
            return null;
        }
    }

    private static JsonObject Json(TapRecord record, TapMask? mask) => new()
    {
        ["partition"] = record.Partition,
        ["offset"] = record.Offset,
        ["timestamp"] = record.TimestampMs < 0 ? null : Times.Of(record.TimestampMs),
        ["truncated"] = record.Truncated,
        ["value"] = ValueOf(record, mask),
    };

    private static JsonNode? ValueOf(TapRecord record, TapMask? mask)
    {
        // What is cut cannot be read, so nothing in it can be hidden.
        if (record.Truncated) return JsonValue.Create(mask is null ? record.Json : FieldMask.Hidden);
        var value = ForeignJson.Parse(record.Json);
        mask?.Apply(value);
        return value;
    }

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> EventsAsync(
        string name, HttpResponse response, IGrainFactory grains, IHostApplicationLifetime lifetime, TimeProvider time,
        PipelineEvents log, CancellationToken cancellation, DateTimeOffset? since = null)
    {
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        return TypedResults.ServerSentEvents(
            FollowAsync(response, grains, log, name, since ?? time.GetUtcNow(), time, lifetime.ApplicationStopping, cancellation));
    }

    private static ServerSentEventsResult<JsonObject> AllEventsAsync(
        HttpResponse response, IGrainFactory grains, IHostApplicationLifetime lifetime, TimeProvider time, PipelineEvents log, CancellationToken cancellation,
        DateTimeOffset? since = null) =>
        TypedResults.ServerSentEvents(FollowAsync(response, grains, log, null, since ?? time.GetUtcNow(), time, lifetime.ApplicationStopping, cancellation));

    private static async IAsyncEnumerable<SseItem<JsonObject>> FollowAsync(
        HttpResponse response, IGrainFactory grains, PipelineEvents log, string? name, DateTimeOffset since, TimeProvider time, CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation);
        // The headers go out now: whoever listens should know that he does before anything happens.
        await response.Body.FlushAsync(ends.Token);
        var seen = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        while (!ends.IsCancellationRequested)
        {
            var names = name is not null ? [name] : (await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync()).Select(e => e.Name).ToList();
            var found = new List<(string Pipeline, PipelineEvent Event)>();
            foreach (var pipeline in names)
            {
                var after = seen.GetValueOrDefault(pipeline, since);
                // The past is in the log; what comes is the grain's first.
                var events = seen.ContainsKey(pipeline)
                    ? await grains.GetGrain<IPipelineGrain>(pipeline).GetEventsAsync()
                    : await log.ReadAsync(pipeline, since, PipelineLogLimits.Events);
                found.AddRange(events.Where(e => e.At > after).Select(e => (pipeline, e)));
                seen[pipeline] = events.Count != 0 && events[0].At > after ? events[0].At : after;
            }

            foreach (var (pipeline, e) in found.OrderBy(f => f.Event.At))
            {
                var item = new JsonObject { ["pipeline"] = pipeline, ["at"] = e.At, ["kind"] = e.Kind, ["text"] = e.Text };
                yield return new SseItem<JsonObject>(item, "event");
            }

            await Task.Delay(Second, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
