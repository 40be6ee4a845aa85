using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>How much a client may ask for: sizes, times, rates.</summary>
internal static class HttpLimits
{
    public static void Add(IServiceCollection services, HttpOptions http)
    {
        services.Configure<KestrelServerOptions>(o =>
        {
            o.AddServerHeader = false;
            o.Limits.MaxRequestBodySize = http.MaxBodyBytes;
            o.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
        services.AddRequestTimeouts(o => o.DefaultPolicy = new RequestTimeoutPolicy
        {
            Timeout = http.RequestTimeout,
            TimeoutStatusCode = StatusCodes.Status504GatewayTimeout,
            WriteTimeoutResponse = context => WriteAsync(
                context,
                StatusCodes.Status504GatewayTimeout,
                "Took too long",
                $"A request may take {http.RequestTimeout} (Kor:Http:RequestTimeout)."),
        });
        services.AddRateLimiter(o =>
        {
            o.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            o.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => Partition(context, http));
            o.OnRejected = async (rejected, _) =>
            {
                rejected.HttpContext.Response.Headers.RetryAfter = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait)
                    ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture)
                    : "1";
                await WriteAsync(
                    rejected.HttpContext,
                    StatusCodes.Status429TooManyRequests,
                    "Too many requests",
                    $"A client may make {http.RequestsPerSecond} requests per second (Kor:Http:RequestsPerSecond); wait as long as Retry-After says.");
            };
        });
    }

    /// <summary>Probes and scrapes are never turned away: that would look like an outage.</summary>
    private static RateLimitPartition<string> Partition(HttpContext context, HttpOptions http)
    {
        if (context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal)) return RateLimitPartition.GetNoLimiter("");
        var client = context.User.Identity is { IsAuthenticated: true, Name: { } name }
            ? "user:" + name
            : "from:" + context.Connection.RemoteIpAddress;
        return RateLimitPartition.GetTokenBucketLimiter(client, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = http.RequestBurst,
            TokensPerPeriod = Math.Max(1, http.RequestsPerSecond / 10),
            ReplenishmentPeriod = http.RequestsPerSecond >= 10 ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(1.0 / http.RequestsPerSecond),
            QueueLimit = 0,
        });
    }

    private static async Task WriteAsync(HttpContext context, int status, string title, string detail)
    {
        context.Response.StatusCode = status;
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().WriteAsync(new ProblemDetailsContext
        {
            HttpContext = context,
            ProblemDetails = new ProblemDetails { Status = status, Title = title, Detail = detail },
        });
    }
}
