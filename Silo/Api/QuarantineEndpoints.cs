using System.Security.Claims;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Quarantine;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Quarantined records of a pipeline.</summary>
internal static class QuarantineEndpoints
{
    private const int MaxReplay = 500;

    /// <summary>Maps the endpoints.</summary>
    public static void MapQuarantine(this RouteGroupBuilder api)
    {
        api.MapGet("/pipelines/{name}/quarantine", ListAsync).RequireAuthorization(KorPolicies.Operator).Audited().WithSummary("Refused records, newest first.");
        api.MapGet("/pipelines/{name}/quarantine/{id}", GetAsync).RequireAuthorization(KorPolicies.Operator).Audited().WithSummary("A refused record with its raw bytes.");
        api.MapDelete("/pipelines/{name}/quarantine/{id}", DropOneAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Throws a refused record away.");
        api.MapDelete("/pipelines/{name}/quarantine", DropAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Throws away the refused records a filter finds.");
        api.MapPost("/pipelines/{name}/quarantine/replay", ReplayAsync).RequireAuthorization(KorPolicies.Operator).WithSummary("Plays refused records through the definition in force, or shows what would become of them.");
    }

    /// <summary>Which records are meant.</summary>
    /// <param name="Step">Refused by this step or one of its rules; <c>source</c>: by decoding.</param>
    /// <param name="Rule">Refused by this rule of a quality step.</param>
    /// <param name="Sink">Refused by the database of this sink.</param>
    /// <param name="Code">With this code, e.g. KOR4042 or ORA-12899.</param>
    /// <param name="Id">Whose id begins like this.</param>
    /// <param name="Topic">Of this topic.</param>
    /// <param name="Partition">Of this partition.</param>
    /// <param name="Offset">At this offset.</param>
    /// <param name="Since">Added at this time or later.</param>
    /// <param name="Until">Added before this time.</param>
    /// <param name="After">After the page before.</param>
    internal sealed record Query(
        string? Step, string? Rule, string? Sink, string? Code, string? Id, string? Topic, int? Partition, long? Offset, DateTimeOffset? Since,
        DateTimeOffset? Until, string? After)
    {
        /// <summary>False when nothing restricts.</summary>
        public bool Restricts => (this with { After = null }) != new Query(null, null, null, null, null, null, null, null, null, null, null);

        public QuarantineFilter Of(string pipeline) => new()
        {
            Pipeline = pipeline,
            Step = Step,
            Rule = Rule,
            Place = Sink is null ? null : "sink:" + Sink,
            Code = Code,
            IdPrefix = Id?.ToLowerInvariant(),
            Topic = Topic,
            Partition = Partition,
            Offset = Offset,
            Since = Since,
            Until = Until,
        };
    }

    private static Task<IResult> ListAsync(
        string name, [AsParameters] Query query, QuarantineDesk desk, IGrainFactory grains, FieldMask masks, ClaimsPrincipal user,
        CancellationToken cancellation, int limit = 50) =>
        GuardAsync(name, grains, async () => limit is < 1 or > QuarantineStore.MaxPage
            ? Problem(StatusCodes.Status400BadRequest, "Bad limit", $"limit must be from 1 to {QuarantineStore.MaxPage}.")
            : TypedResults.Ok(await desk.ListAsync(name, query.Of(name), limit, query.After, masks.For(user), cancellation)));

    private static Task<IResult> GetAsync(
        string name, string id, QuarantineDesk desk, IGrainFactory grains, FieldMask masks, ClaimsPrincipal user, CancellationToken cancellation) =>
        GuardAsync(name, grains, () => OneAsync(
            name, id, desk, masks.For(user), record => Task.FromResult<IResult>(TypedResults.Ok(record)), cancellation));

    private static Task<IResult> DropOneAsync(
        string name, string id, QuarantineDesk desk, IGrainFactory grains, CancellationToken cancellation, bool dryRun = false) =>
        GuardAsync(name, grains, () => OneAsync(name, id, desk, null, async record =>
        {
            var filter = new QuarantineFilter { Pipeline = name, Id = record.Id };
            return TypedResults.Ok(new QuarantineDrop(!dryRun, await desk.DropAsync(name, filter, !dryRun, cancellation)));
        }, cancellation));

    private static Task<IResult> DropAsync(
        string name, [AsParameters] Query query, QuarantineDesk desk, IGrainFactory grains, CancellationToken cancellation, bool dryRun = false,
        bool all = false) =>
        GuardAsync(name, grains, async () => !query.Restricts && !all && !dryRun
            ? Problem(
                StatusCodes.Status400BadRequest, "Which records?",
                "Nothing restricts which records are meant; give step, rule, sink, code, topic, partition, since or until, or all=true for every record.")
            : TypedResults.Ok(new QuarantineDrop(!dryRun, await desk.DropAsync(name, query.Of(name), !dryRun, cancellation))));

    private static Task<IResult> ReplayAsync(
        string name, [AsParameters] Query query, QuarantineDesk desk, IGrainFactory grains, FieldMask masks, HttpContext http, CancellationToken cancellation,
        bool dryRun = true, int limit = 200) =>
        GuardAsync(name, grains, async () =>
        {
            if (limit is < 1 or > MaxReplay)
                return Problem(StatusCodes.Status400BadRequest, "Bad limit", $"limit must be from 1 to {MaxReplay}; 'next' leads on to the next ones.");
            var report = await desk.ReplayAsync(name, query.Of(name), limit, query.After, !dryRun, masks.For(http.User), cancellation);
            http.Features.Get<AuditTrail>()?.Did(
                $"{(report.Executed ? "replayed" : "tried")} {report.Records} records: passed {report.Passed}, refused {report.Refused.Sum(g => g.Records)}, "
                + $"skipped {report.Skipped.Sum(g => g.Records)}, unfinished {report.Unfinished}");
            return TypedResults.Ok(report);
        });

    private static async Task<IResult> OneAsync(
        string name, string id, QuarantineDesk desk, FieldMask? mask, Func<QuarantineDetail, Task<IResult>> action, CancellationToken cancellation)
    {
        var found = await desk.FindAsync(name, id.ToLowerInvariant(), mask, cancellation);
        return found.Count switch
        {
            1 => await action(found[0]),
            0 => Problem(
                StatusCodes.Status404NotFound, "No such record",
                $"No record in quarantine of pipeline '{name}' has an id that begins with '{id}'; 'kor quarantine list {name}' lists them."),
            _ => Problem(StatusCodes.Status400BadRequest, "Which record?", $"More than one id begins with '{id}'; give more of its digits."),
        };
    }

    private static async Task<IResult> GuardAsync(string name, IGrainFactory grains, Func<Task<IResult>> action)
    {
        if (await StateOfAsync(name, grains) is null)
        {
            return Problem(
                StatusCodes.Status404NotFound, "No such pipeline", $"There is no pipeline '{name}'; GET /api/v1/pipelines lists them.");
        }

        try
        {
            return await action();
        }
        catch (FormatException e)
        {
            return Problem(StatusCodes.Status400BadRequest, "Bad request", e.Message);
        }
        catch (Exception e) when (e is DatabaseException or StoreUnavailableException or ConnectionConfigurationException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "The quarantine cannot be read", e.Message);
        }
    }

    private static async Task<DesiredState?> StateOfAsync(string name, IGrainFactory grains) =>
        (await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync()).FirstOrDefault(e => e.Name == name)?.Desired;

    private static ProblemHttpResult Problem(int status, string title, string detail) => TypedResults.Problem(detail, null, status, title);
}
