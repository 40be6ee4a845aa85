using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>
/// API keys as <c>X-Api-Key: KEY</c>, as <c>Authorization: Bearer KEY</c> for scrapers, or as the password of <c>Authorization: Basic</c>, which is what a browser
/// can send.
/// </summary>
internal sealed partial class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ApiKeyRing keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string HeaderName = "X-Api-Key";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Presented(Request) is not { } key) return Task.FromResult(AuthenticateResult.NoResult());
        if (keys.Find(key) is { } owner) return Task.FromResult(AuthenticateResult.Success(Users.Ticket(
            owner.Name, [owner.Role], Scheme.Name, new Claim(UserSessions.Key, ApiKeyRing.PrintOf(key)))));
        Context.Features.Set(new RefusedSignIn());
        LogRefused(Logger, Request.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "unknown", Request.Method, LogText.Clean(Request.Path));
        return Task.FromResult(AuthenticateResult.Fail("The API key is not known here."));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sign-in refused: an unknown API key from {Address}, {Method} {Path}.")]
    private static partial void LogRefused(ILogger logger, string address, string method, string path);

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        var browser = Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
        Response.Headers.WWWAuthenticate = browser ? "Basic realm=\"kor: any user, the API key as password\", charset=\"UTF-8\"" : "Bearer";
        return Task.CompletedTask;
    }

    private static string? Presented(HttpRequest request)
    {
        if (request.Headers.TryGetValue(HeaderName, out var header) && header.Count == 1) return header[0];
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return authorization["Bearer ".Length..].Trim();
        return authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) ? Password(authorization["Basic ".Length..].Trim()) : null;
    }

    private static string? Password(string credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials, bytes, out var length)) return null;
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : text[(colon + 1)..];
    }
}

/// <summary>Without authentication everybody who reaches the loopback interface is admin.</summary>
internal sealed class LoopbackHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
        Task.FromResult(AuthenticateResult.Success(Users.Ticket("local", [KorRoles.Admin], Scheme.Name)));
}

/// <summary>Users as the policies know them.</summary>
internal static class Users
{
    public static AuthenticationTicket Ticket(string name, IEnumerable<string> roles, string scheme, params IEnumerable<Claim> more)
    {
        var claims = roles.Select(r => new Claim(ClaimTypes.Role, r)).Prepend(new Claim(ClaimTypes.Name, name)).Concat(more);
        return new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, scheme)), scheme);
    }

    /// <summary>The strongest role of a user, or "none".</summary>
    public static string RoleOf(ClaimsPrincipal user) => KorRoles.All.LastOrDefault(user.IsInRole) ?? "none";
}
