using System.Net;
using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.AspNetCore.Mvc;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>
/// While everybody is admin, requests must come over the loopback interface and to its name, whatever else Kestrel was told to listen on: the
/// name check keeps pages out that had their own host name point here.
/// </summary>
internal sealed class LoopbackOnly(RequestDelegate next, KorOptions options)
{
    private readonly bool _open = !Authentication.IsOn(options.Http);

    public async Task InvokeAsync(HttpContext context, IProblemDetailsService problems)
    {
        if (!_open || (IsLoopback(context.Connection.LocalIpAddress) && IsLoopback(context.Request.Host.Host) && !IsForwarded(context.Request)))
        {
            await next(context);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        await problems.WriteAsync(new ProblemDetailsContext
        {
            HttpContext = context,
            ProblemDetails = new ProblemDetails
            {
                Status = StatusCodes.Status403Forbidden,
                Title = "Not allowed",
                Detail = "Without authentication this server answers on loopback only, to its name, and not through a proxy; Kor:Http:ApiKeys or Kor:Http:Oidc turn "
                    + "authentication on.",
            },
        });
    }

    /// <summary>Whoever is behind a proxy is not on loopback, though the proxy is.</summary>
    private static bool IsForwarded(HttpRequest request) =>
        ForwardedHeaders.Any(request.Headers.ContainsKey);

    private static readonly string[] ForwardedHeaders = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"];

    /// <summary>No address at all is a test server's or a socket file's.</summary>
    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address);

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
