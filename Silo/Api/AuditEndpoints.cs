using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The audit trail.</summary>
internal static class AuditEndpoints
{
    public static void MapAudit(this RouteGroupBuilder api) => api.MapGet("/audit", ListAsync)
        .RequireAuthorization(KorPolicies.Admin)
        .WithName("ListAudit")
        .WithSummary("Who changed, looked at or was refused what, newest first.")
        .WithDescription("limit: 1 to 1000 entries. before: the id of the last entry of the page before.");

    private static async Task<Results<Ok<IReadOnlyList<AuditEntry>>, ProblemHttpResult>> ListAsync(
        AuditStore audit, CancellationToken cancellation, int limit = 100, string? before = null) =>
        limit is < 1 or > AuditStore.MaxPage
            ? Problems.BadRequest("Bad limit", $"limit must be from 1 to {AuditStore.MaxPage}.")
            : TypedResults.Ok(await audit.ListAsync(limit, before, cancellation));
}
