using KafkaOracleOrleans.Silo.Security;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// The HTTP API <c>/api/v1</c>. Every endpoint reads unless it says otherwise; one that changes something declares
/// <see cref="KorPolicies.Operator"/> or <see cref="KorPolicies.Admin"/> and is audited without further ado.
/// </summary>
public static class KorApi
{
    /// <summary>Where the API is.</summary>
    public const string Root = "/api/v1";

    /// <summary>Maps all endpoints.</summary>
    public static IEndpointRouteBuilder MapKorApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup(Root).RequireAuthorization(KorPolicies.Viewer).WithMetadata(new ApiEndpoint());
        api.AddEndpointFilter(static async (context, next) =>
            // Grain calls take no cancellation; the time limit ends the waiting.
            await next(context).AsTask().WaitAsync(context.HttpContext.RequestAborted));
        api.AddEndpointFilterFactory(CleanText.Filter);
        ((IEndpointConventionBuilder)api).Finally(OperationIds.Complete);
        api.MapPipelines();
        api.MapAudit();
        api.MapVerbs();
        api.MapQuarantine();
        api.MapOperations();
        api.MapStateStore();
        return endpoints;
    }

    /// <summary>For an endpoint that changes nothing and shows what records hold: who looked is on record.</summary>
    public static TBuilder Audited<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AuditedRead());

    /// <summary>For an endpoint that is asked with POST and changes nothing: neither refused when read-only nor audited.</summary>
    public static TBuilder ChangesNothing<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ChangesNothing());
}
