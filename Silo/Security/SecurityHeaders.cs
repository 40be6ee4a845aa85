namespace KafkaOracleOrleans.Silo.Security;

/// <summary>
/// What browsers are told of every answer: it is what it says it is, no other page may frame it, nothing is kept on disk, and pages load nothing from
/// elsewhere.
/// </summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    private const string Data = "default-src 'none'; frame-ancestors 'none'";

    // The viewers of the API and of Orleans carry scripts and styles in their pages; they are this server's own files.
    private const string Pages =
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        + "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(static state =>
        {
            var (http, headers) = ((HttpContext)state, ((HttpContext)state).Response.Headers);
            var page = http.Response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true;
            headers.XContentTypeOptions = "nosniff";
            headers.XFrameOptions = "DENY";
            headers.TryAdd("Referrer-Policy", "no-referrer");
            if (headers.ContentSecurityPolicy.Count == 0) headers.ContentSecurityPolicy = page ? Pages : Data;
            if (headers.CacheControl.Count == 0) headers.CacheControl = "no-store";
            return Task.CompletedTask;
        }, context);
        return next(context);
    }
}
