using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.Net.Http.Headers;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// Keeps other sites' pages from using what a browser here holds (credentials, or its place on loopback). A browser names the page's site in <c>Origin</c> with
/// every request that is not a plain read, and in <c>Sec-Fetch-Site</c> over https and on loopback; and a page can send JSON or YAML to another site only after
/// asking, which this server never grants.
/// </summary>
internal static class RequestOrigin
{
    private const string Null = "null";

    /// <summary>Why a request that is not a plain read is refused; null when it is not.</summary>
    public static string? Refusal(HttpRequest request, HttpOptions options)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
            return "Another site's page asked for this.";
        var origins = request.Headers.Origin;
        return origins.All(o => string.IsNullOrEmpty(o) || IsOwn(o, request) || options.AllowedOrigins.Contains(o, StringComparer.OrdinalIgnoreCase))
            ? null
            : "A page of another origin asked for this. A page that is this server's own under another name is listed in Kor:Http:AllowedOrigins.";
    }

    /// <summary>True for a type a form of another site's page cannot send.</summary>
    public static bool HasType(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)) return false;
        var subtype = type.SubTypeWithoutSuffix.ToString();
        var suffix = type.Suffix.ToString();
        return IsTextFormat(subtype) || IsTextFormat(suffix);
    }

    private static bool IsTextFormat(string name) =>
        name.Equals("json", StringComparison.OrdinalIgnoreCase) || name.Equals("yaml", StringComparison.OrdinalIgnoreCase)
        || name.Equals("x-yaml", StringComparison.OrdinalIgnoreCase);

    private static bool IsOwn(string origin, HttpRequest request) =>
        origin != Null && Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && uri.Host.Equals(request.Host.Host, StringComparison.OrdinalIgnoreCase)
        // A proxy may have ended TLS: without a port the origin's scheme tells, not ours.
        && (request.Host.Port ?? uri.Port) == uri.Port;
}
