using System.Globalization;
using System.Security.Claims;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.WebConsole.Components;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace KafkaOracleOrleans.Silo.ConsoleHost;

/// <summary>Signing in at the console with an API key or a token, and out again.</summary>
internal static class SignIn
{
    public const string Path = "/login";
    private const string Out = "/logout";

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").ExcludeFromDescription().AllowAnonymous().DisableAntiforgery();
        group.MapGet(Path, (HttpContext http, KorOptions options, [FromQuery(Name = "return")] string? back) =>
            Authentication.IsOn(options.Http) ? Page(options, back, null) : Results.Redirect("/"));
        group.MapPost(Path, InAsync);
        group.MapPost(Out, async (HttpContext http) =>
        {
            await http.SignOutAsync(SessionCookie.Scheme);
            return Results.Redirect(Path);
        });
        return group;
    }

    private static async Task<IResult> InAsync(
        HttpContext http, KorOptions options, RefusalAudit refusals, [FromForm] string? key, [FromForm(Name = "return")] string? back)
    {
        if (await UserAsync(http, options, key?.Trim()) is not { } user)
        {
            await refusals.SignInAsync(http);
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Page(options, back, "This key is not known here.");
        }

        await refusals.SignedInAsync(http, user);
        await http.SignInAsync(SessionCookie.Scheme, user, new AuthenticationProperties
        {
            // With the browser: it is not written down.
            IsPersistent = false,
            ExpiresUtc = user.FindFirst(UserSessions.Expires) is { } end
                ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(end.Value, CultureInfo.InvariantCulture)) : null,
        });
        return Results.Redirect(Local(back));
    }

    /// <summary>Who a key or a token belongs to, by the same handlers that requests go through.</summary>
    private static async Task<ClaimsPrincipal?> UserAsync(HttpContext http, KorOptions options, string? key)
    {
        if (string.IsNullOrEmpty(key) || key.Any(char.IsControl) || !Authentication.IsOn(options.Http)) return null;
        // The handlers of this request have looked at it already, and do so once.
        await using var scope = http.RequestServices.CreateAsyncScope();
        var asked = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = http.RequestAborted };
        asked.Connection.RemoteIpAddress = http.Connection.RemoteIpAddress;
        (asked.Request.Method, asked.Request.Path) = (http.Request.Method, http.Request.Path);
        asked.Request.Headers.Authorization = "Bearer " + key;
        var result = await asked.AuthenticateAsync(Authentication.SchemeOf(options.Http, asked));
        if (!result.Succeeded) return null;
        var claims = result.Principal.Claims.Where(c => c.Type != UserSessions.Origin);
        return new ClaimsPrincipal(new ClaimsIdentity(claims, SessionCookie.Scheme, ClaimTypes.Name, ClaimTypes.Role));
    }

    private static RazorComponentResult<LoginPage> Page(KorOptions options, string? back, string? fault) => new(new Dictionary<string, object?>
    {
        [nameof(LoginPage.Return)] = Local(back),
        [nameof(LoginPage.Fault)] = fault,
        [nameof(LoginPage.TakesTokens)] = options.Http.Oidc.Authority.Length != 0,
    });

    /// <summary>A page of this server; whatever leads elsewhere leads to the first page.</summary>
    internal static string Local(string? back) =>
        back is ['/', ..] && !back.StartsWith("//", StringComparison.Ordinal) && !back.Contains('\\', StringComparison.Ordinal) && !back.Any(char.IsControl) ? back : "/";
}
