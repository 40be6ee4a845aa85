using System.Security.Claims;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Who a request comes from: an API key, a token, or - on loopback without either configured - anybody.</summary>
internal static class Authentication
{
    private const string Selector = "kor";
    private const string Keys = "api-key";
    private const string Tokens = "token";
    private const string Loopback = "loopback";

    /// <summary>True when requests must carry a key or a token.</summary>
    public static bool IsOn(HttpOptions http) => http.ApiKeys.Count != 0 || http.Oidc.Authority.Length != 0;

    public static void Add(IServiceCollection services, HttpOptions http)
    {
        services.AddSingleton<ApiKeyRing>();
        services.AddSingleton<UserSessions>();
        services.AddSingleton<RefusalAudit>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler>(sp => sp.GetRequiredService<RefusalAudit>());
        var builder = services.AddAuthentication(Selector)
            .AddPolicyScheme(Selector, null, o => o.ForwardDefaultSelector = context => Choose(http, context))
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(Keys, null)
            .AddScheme<AuthenticationSchemeOptions, LoopbackHandler>(Loopback, null);
        if (http.Oidc.Authority.Length != 0) builder.AddJwtBearer(Tokens, o => Configure(o, http.Oidc));
        SessionCookie.Add(builder);
        KorPolicies.Add(services);
    }

    private static string Choose(HttpOptions http, HttpContext context)
    {
        if (!IsOn(http)) return Loopback;
        return SessionCookie.IsAll(context.Request) ? SessionCookie.Scheme : SchemeOf(http, context);
    }

    /// <summary>The scheme that reads a request's key or token.</summary>
    public static string SchemeOf(HttpOptions http, HttpContext context)
    {
        if (http.Oidc.Authority.Length == 0) return Keys;
        // A web token is three parts with dots between; no key of ours has a dot.
        var authorization = context.Request.Headers.Authorization.ToString();
        var isToken = authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && authorization.Count(c => c == '.') == 2;
        return isToken || http.ApiKeys.Count == 0 ? Tokens : Keys;
    }

    private static void Configure(JwtBearerOptions options, OidcOptions oidc)
    {
        options.Authority = oidc.Authority;
        if (oidc.MetadataAddress is not null) options.MetadataAddress = oidc.MetadataAddress;
        options.Audience = oidc.Audience;
        options.RequireHttpsMetadata = !oidc.AllowHttp;
        options.MapInboundClaims = false;
        options.IncludeErrorDetails = false;
        options.TokenValidationParameters.NameClaimType = ClaimTypes.Name;
        options.TokenValidationParameters.RoleClaimType = ClaimTypes.Role;
        options.Events = new JwtBearerEvents
        {
            OnTokenValidated = context =>
            {
                var token = context.Principal!;
                var name = token.FindFirst(oidc.NameClaim)?.Value ?? token.FindFirst("sub")?.Value ?? "unnamed";
                context.Principal = Users.Ticket(name, Roles(token, oidc), Tokens, Expiry(context.SecurityToken)).Principal;
                return Task.CompletedTask;
            },
            OnAuthenticationFailed = context =>
            {
                context.HttpContext.Features.Set(new RefusedSignIn());
                return Task.CompletedTask;
            },
        };
    }

    private static Claim Expiry(Microsoft.IdentityModel.Tokens.SecurityToken token) => new(
        UserSessions.Expires, new DateTimeOffset(token.ValidTo, TimeSpan.Zero).ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static IEnumerable<string> Roles(ClaimsPrincipal token, OidcOptions oidc)
    {
        var values = Values(token, oidc.RoleClaim).ToHashSet(StringComparer.Ordinal);
        if (values.Overlaps(oidc.ViewerRoles)) yield return KorRoles.Viewer;
        if (values.Overlaps(oidc.OperatorRoles)) yield return KorRoles.Operator;
        if (values.Overlaps(oidc.AdminRoles)) yield return KorRoles.Admin;
    }

    private static IEnumerable<string> Values(ClaimsPrincipal token, string path)
    {
        foreach (var claim in token.FindAll(path)) yield return claim.Value;
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) yield break;
        foreach (var claim in token.FindAll(path[..dot]))
        {
            foreach (var value in Inside(claim.Value, path[(dot + 1)..].Split('.'))) yield return value;
        }
    }

    private static List<string> Inside(string json, string[] path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var element = document.RootElement;
            foreach (var name in path)
            {
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return [];
            }

            return element.ValueKind == JsonValueKind.Array
                ? [.. element.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)]
                : element.ValueKind == JsonValueKind.String ? [element.GetString()!] : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
