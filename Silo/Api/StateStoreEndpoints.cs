using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What occupies the state database, and freeing it.</summary>
internal static class StateStoreEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void MapStateStore(this RouteGroupBuilder api)
    {
        api.MapGet("/state", ListAsync).RequireAuthorization(KorPolicies.Operator).WithName("ListState")
            .WithSummary("What occupies the state database, by pipeline and kind. It reads whole tables.");
        api.MapDelete("/state/{name}", PurgeAsync).RequireAuthorization(KorPolicies.Admin).WithName("PurgeState")
            .WithSummary("Frees what a removed pipeline left in the state database; with dryRun=true it only says what.");
    }

    /// <summary>Silos look at the list of pipelines once a second.</summary>
    private static readonly TimeSpan ReadersEnd = TimeSpan.FromSeconds(10);

    private static Task<IResult> ListAsync(StateInventory inventory, IGrainFactory grains, CancellationToken cancellation) => GuardAsync(
        async () => TypedResults.Ok(new StateReport(inventory.Connection, await UsageAsync(inventory, grains, cancellation))));

    private static Task<IResult> PurgeAsync(
        string name, StateInventory inventory, PipelineQuarantine quarantine, IGrainFactory grains, IKafkaPartitionControl readers, TimeProvider time,
        HttpContext http, CancellationToken cancellation, bool dryRun = true) =>
        GuardAsync(async () =>
        {
            var usage = await UsageAsync(inventory, grains, cancellation);
            var left = usage.Where(u => u.Pipeline == name).ToList();
            if (name.Length == 0 || left.Count == 0)
            {
                return Problem(
                    StatusCodes.Status404NotFound, "Nothing is there", $"Nothing in the state database belongs to a pipeline '{name}'; GET /api/v1/state lists what there is.");
            }

            if (left[0].Defined)
            {
                return Problem(
                    StatusCodes.Status409Conflict, "The pipeline has a definition",
                    $"'{name}' is no removed pipeline. To begin anew with it, run 'kor stop {name}' and then 'kor reset {name} --to-earliest --execute'; "
                    + $"'kor quarantine drop {name} --all --execute' empties its quarantine.");
            }

            if (dryRun) return TypedResults.Ok(new StatePurge(false, name, left));
            if (!await IsUnreadAsync(name, readers, time, cancellation))
            {
                return Problem(
                    StatusCodes.Status409Conflict, "The pipeline is still being read", $"A silo still reads the topics of '{name}', as it does for a moment after a pipeline is removed. Try again.");
            }

            if (await grains.GetGrain<IPipelineGrain>(name).PurgeAsync() is { } refusal)
                return Problem(StatusCodes.Status409Conflict, "The pipeline has a definition", refusal);
            await quarantine.PurgeAsync(name, cancellation);
            if (http.Features.Get<AuditTrail>() is { } trail) trail.After = $"freed {left.Sum(l => l.Rows)} rows";
            return TypedResults.Ok(new StatePurge(true, name, left));
        });

    /// <summary>Whether no silo reads for a pipeline any more. A pipeline that comes back under the name would go on where such a reader is, not begin anew.</summary>
    private static async Task<bool> IsUnreadAsync(string name, IKafkaPartitionControl readers, TimeProvider time, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while ((await readers.GetStatusesAsync(name)).Count > 0)
        {
            if (time.GetElapsedTime(started) > ReadersEnd) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellation);
        }

        return true;
    }

    private static async Task<IReadOnlyList<StateUsage>> UsageAsync(StateInventory inventory, IGrainFactory grains, CancellationToken cancellation)
    {
        var defined = (await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync()).Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. (await inventory.ListAsync(cancellation)).Select(s => new StateUsage(
                s.Pipeline, defined.Contains(s.Pipeline), s.Kind.ToString().ToLowerInvariant(), s.Step, s.Rows, s.Bytes)),
        ];
    }

    private static async Task<IResult> GuardAsync(Func<Task<IResult>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is DatabaseException or StoreUnavailableException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "The state database cannot be used", e.Message);
        }
    }

    private static ProblemHttpResult Problem(int status, string title, string detail) => TypedResults.Problem(detail, null, status, title);
}
