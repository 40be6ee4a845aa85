using System.Security.Claims;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Mvc;

namespace KafkaOracleOrleans.Silo.ConsoleHost;

/// <summary>Metadata of the console's pages and of their live connection.</summary>
internal sealed class ConsoleEndpoint;

/// <summary>
/// Stands before the console: other sites' pages cannot open its connection, pages carry a strict content security policy, and who has not signed in is led there.
/// </summary>
internal sealed class ConsoleGuard(RequestDelegate next, KorOptions options)
{
    // Styles: MudBlazor sets its theme and places pop-ups with style elements and attributes.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public async Task InvokeAsync(HttpContext http, IProblemDetailsService problems)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<ConsoleEndpoint>() is null)
        {
            await next(http);
            return;
        }

        http.Response.Headers.ContentSecurityPolicy = Policy;
        // Without one at all browsers call the origin of the sign-in's form "null".
        http.Response.Headers["Referrer-Policy"] = "same-origin";
        // A browser opens a connection to anywhere for any page, and says which page that is.
        if (IsConnection(http) && RequestOrigin.Refusal(http.Request, options.Http) is { } refusal)
        {
            http.Response.StatusCode = StatusCodes.Status403Forbidden;
            await problems.WriteAsync(new ProblemDetailsContext
            {
                HttpContext = http,
                ProblemDetails = new ProblemDetails { Status = StatusCodes.Status403Forbidden, Title = "Not allowed", Detail = refusal },
            });
            return;
        }

        if (http.User.Identity is not { IsAuthenticated: true } && IsPage(http))
        {
            http.Response.Redirect($"{SignIn.Path}?return={Uri.EscapeDataString(http.Request.Path + http.Request.QueryString)}");
            return;
        }

        // The live connection keeps the user; the audit trail wants to know from where.
        if (http.User.Identity is ClaimsIdentity { IsAuthenticated: true } identity && http.Connection.RemoteIpAddress is { } address)
        {
            if (identity.FindFirst(UserSessions.Origin) is { } before) identity.RemoveClaim(before);
            identity.AddClaim(new Claim(UserSessions.Origin, address.ToString()));
        }

        await next(http);
    }

    private static bool IsConnection(HttpContext http) => !HttpMethods.IsGet(http.Request.Method) || http.Request.Path.StartsWithSegments("/_blazor", StringComparison.Ordinal);

    private static bool IsPage(HttpContext http) =>
        HttpMethods.IsGet(http.Request.Method) && !http.Request.Path.StartsWithSegments("/_blazor", StringComparison.Ordinal)
        && http.GetEndpoint()?.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAllowAnonymous>() is null;
}
