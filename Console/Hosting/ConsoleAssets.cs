using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace KafkaOracleOrleans.WebConsole.Hosting;

/// <summary>The console's scripts and styles, out of this assembly. Their addresses change with their content, so browsers keep them for good.</summary>
public static class ConsoleAssets
{
    /// <summary>Where they are.</summary>
    public const string Root = "/_console";

    private const string Prefix = "assets/";

    private static readonly FrozenDictionary<string, Asset> All = typeof(ConsoleAssets).Assembly.GetManifestResourceNames()
        .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
        .ToFrozenDictionary(n => n[Prefix.Length..], n => new Asset(n), StringComparer.Ordinal);

    /// <summary>The address of an asset.</summary>
    public static string Url(string name) => $"{Root}/{name}?v={All[name].Version}";

    /// <summary>Answers with an asset, or 404.</summary>
    public static async Task ServeAsync(HttpContext http, string name)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (!All.TryGetValue(name, out var asset))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        http.Response.ContentType = TypeOf(name);
        http.Response.Headers.ETag = $"\"{asset.Version}\"";
        http.Response.Headers.Vary = "Accept-Encoding";
        http.Response.Headers.CacheControl = http.Request.Query.ContainsKey("v") ? "public, max-age=31536000, immutable" : "no-cache";
        if (http.Request.Headers.IfNoneMatch == http.Response.Headers.ETag)
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var body = asset.Bytes;
        if (http.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers.ContentEncoding = "br";
            body = asset.Compressed;
        }

        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };

    private sealed class Asset(string resource)
    {
        private readonly Lazy<byte[]> _bytes = new(() => Read(resource));
        private readonly Lazy<byte[]> _compressed = new(() => Compress(Read(resource)));
        private readonly Lazy<string> _version = new(() => Convert.ToHexStringLower(SHA256.HashData(Read(resource)).AsSpan(0, 8)));

        public byte[] Bytes => _bytes.Value;

        public byte[] Compressed => _compressed.Value;

        public string Version => _version.Value;

        private static byte[] Read(string resource)
        {
            using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream(resource)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }

        private static byte[] Compress(byte[] bytes)
        {
            using var target = new MemoryStream();
            using (var brotli = new BrotliStream(target, CompressionLevel.Optimal)) brotli.Write(bytes);
            return target.ToArray();
        }
    }
}
