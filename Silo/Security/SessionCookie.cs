using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>The cookie of who signed in at the console: strict, for this server only, not for scripts, and worth what the key ring says at each request.</summary>
internal static class SessionCookie
{
    /// <summary>The authentication scheme.</summary>
    public const string Scheme = "session";

    /// <summary>The cookie's name.</summary>
    public const string Name = "kor-session";

    private static readonly TimeSpan Life = TimeSpan.FromHours(12);

    public static void Add(AuthenticationBuilder authentication) => authentication.AddCookie(Scheme, o =>
    {
        o.Cookie.Name = Name;
        o.Cookie.HttpOnly = true;
        o.Cookie.SameSite = SameSiteMode.Strict;
        o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        o.ExpireTimeSpan = Life;
        o.SlidingExpiration = true;
        o.Events = new CookieAuthenticationEvents
        {
            OnValidatePrincipal = context =>
            {
                var user = context.HttpContext.RequestServices.GetRequiredService<UserSessions>().Current(context.Principal!);
                if (user is null) context.RejectPrincipal();
                else context.ReplacePrincipal(user);
                return Task.CompletedTask;
            },
            // Pages lead to the sign-in themselves (ConsoleGuard); everything else is told in plain words.
            OnRedirectToLogin = context => Answer(context, StatusCodes.Status401Unauthorized),
            OnRedirectToAccessDenied = context => Answer(context, StatusCodes.Status403Forbidden),
        };
    });

    /// <summary>True when the cookie is all a request says of its user.</summary>
    public static bool IsAll(HttpRequest request) =>
        request.Cookies.ContainsKey(Name) && request.Headers.Authorization.Count == 0 && !request.Headers.ContainsKey(ApiKeyHandler.HeaderName);

    private static Task Answer(RedirectContext<CookieAuthenticationOptions> context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }
}
