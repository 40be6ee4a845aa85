using Microsoft.AspNetCore.Authorization;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>The roles of users, each with the rights of those before it.</summary>
public static class KorRoles
{
    /// <summary>Reads.</summary>
    public const string Viewer = "viewer";

    /// <summary>Starts, stops, replays.</summary>
    public const string Operator = "operator";

    /// <summary>Changes definitions, positions and the cluster.</summary>
    public const string Admin = "admin";

    /// <summary>All roles, the weakest first.</summary>
    public static IReadOnlyList<string> All { get; } = [Viewer, Operator, Admin];
}

/// <summary>The policies endpoints declare, e.g. <c>RequireAuthorization(KorPolicies.Operator)</c>.</summary>
public static class KorPolicies
{
    /// <summary>For endpoints that only read.</summary>
    public const string Viewer = "kor.viewer";

    /// <summary>For endpoints that make pipelines run, stop or replay.</summary>
    public const string Operator = "kor.operator";

    /// <summary>For endpoints that change definitions, positions or the cluster, and for the audit trail.</summary>
    public const string Admin = "kor.admin";

    internal static void Add(IServiceCollection services) => services.AddAuthorizationBuilder()
        .AddPolicy(Viewer, p => p.RequireRole(KorRoles.Viewer, KorRoles.Operator, KorRoles.Admin))
        .AddPolicy(Operator, p => p.RequireRole(KorRoles.Operator, KorRoles.Admin))
        .AddPolicy(Admin, p => p.RequireRole(KorRoles.Admin))
        // What declares nothing is not open by accident.
        .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireRole(KorRoles.Viewer, KorRoles.Operator, KorRoles.Admin).Build());

    /// <summary>The role an endpoint asks for; null when it is open to all.</summary>
    internal static string? RoleOf(IEnumerable<object> metadata)
    {
        var items = metadata.ToList();
        if (items.OfType<IAllowAnonymous>().Any()) return null;
        var policies = items.OfType<IAuthorizeData>().Select(a => a.Policy).ToHashSet();
        if (policies.Contains(Admin)) return KorRoles.Admin;
        return policies.Contains(Operator) ? KorRoles.Operator : KorRoles.Viewer;
    }
}
