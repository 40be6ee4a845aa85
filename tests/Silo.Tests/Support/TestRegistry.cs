using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>A schema registry in this process: what the clients ask of Confluent's REST API, schemas in memory.</summary>
public sealed class TestRegistry : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<(string Subject, JsonObject Body)> _schemas = [];
    private readonly WebApplication _app;

    private TestRegistry(X509Certificate2? certificate, bool wantsClient)
    {
        Url = $"{(certificate is null ? "http" : "https")}://127.0.0.1:{FreePorts.Next()}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, new Uri(Url).Port, listen =>
        {
            if (certificate is null) return;
            listen.UseHttps(https =>
            {
                https.ServerCertificate = certificate;
                https.ClientCertificateMode = wantsClient ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate;
                https.AllowAnyClientCertificate();
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Its address.</summary>
    public string Url { get; }

    /// <summary>What it answers instead of anything else; null: what was asked.</summary>
    public int? Status { get; set; }

    /// <summary>The header it lets in; null: everybody.</summary>
    public string? Authorization { get; set; }

    /// <summary>How often it was asked.</summary>
    public int Requests { get; private set; }

    public static async Task<TestRegistry> StartAsync(X509Certificate2? certificate = null, bool wantsClient = false)
    {
        var registry = new TestRegistry(certificate, wantsClient);
        await registry._app.StartAsync();
        return registry;
    }

    /// <summary>Registers a schema; returns its id, which counts on from 1.</summary>
    public int Register(string subject, string schema, string type = "AVRO", params (string Name, string Subject, int Version)[] references)
    {
        var body = new JsonObject { ["schema"] = schema };
        if (type != "AVRO") body["schemaType"] = type;
        if (references.Length != 0)
        {
            body["references"] = new JsonArray(
                [.. references.Select(r => (JsonNode)new JsonObject { ["name"] = r.Name, ["subject"] = r.Subject, ["version"] = r.Version })]);
        }

        return Register(subject, body);
    }

    /// <summary>The GUID of a schema, by its id.</summary>
    public static Guid GuidOf(int id) => new(id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private int Register(string subject, JsonObject body)
    {
        lock (_lock)
        {
            var known = _schemas.FindIndex(s => s.Subject == subject && (string?)s.Body["schema"] == (string?)body["schema"]);
            if (known >= 0) return known + 1;
            _schemas.Add((subject, body));
            return _schemas.Count;
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Requests++;
        var (status, body) = Status is { } fixedStatus ? (fixedStatus, null)
            : Authorization is { } wanted && context.Request.Headers.Authorization != wanted ? (401, new JsonObject { ["error_code"] = 401 })
            : await AnswerAsync(context.Request);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/vnd.schemaregistry.v1+json";
        await context.Response.WriteAsync(body?.ToJsonString() ?? "", context.RequestAborted);
    }

    private async Task<(int Status, JsonObject? Body)> AnswerAsync(HttpRequest request)
    {
        var parts = request.Path.Value!.Trim('/').Split('/').Select(Uri.UnescapeDataString).ToArray();
        switch (parts)
        {
            case ["schemas", "ids", var id]:
                return Found(int.Parse(id, CultureInfo.InvariantCulture), 40403);
            case ["schemas", "guids", var guid]:
                lock (_lock) return Found(Enumerable.Range(1, _schemas.Count).FirstOrDefault(i => GuidOf(i) == Guid.Parse(guid)), 40403);
            case ["subjects", var subject, "versions", var version]:
                lock (_lock)
                {
                    var ids = Enumerable.Range(1, _schemas.Count).Where(i => _schemas[i - 1].Subject == subject).ToList();
                    var place = version == "latest" ? ids.Count : int.Parse(version, CultureInfo.InvariantCulture);
                    return place >= 1 && place <= ids.Count ? Found(ids[place - 1], 40402) : Missing(40402);
                }

            case ["subjects", var subject, ..] when request.Method == "POST":
                using (var reader = new StreamReader(request.Body, Encoding.UTF8))
                {
                    var body = (JsonObject)JsonNode.Parse(await reader.ReadToEndAsync())!;
                    var id = Register(subject, new JsonObject { ["schema"] = (string)body["schema"]! });
                    return Found(id, 40403);
                }

            default:
                return Missing(404);
        }
    }

    private (int Status, JsonObject Body) Found(int id, int otherwise)
    {
        lock (_lock)
        {
            if (id < 1 || id > _schemas.Count) return Missing(otherwise);
            var (subject, body) = _schemas[id - 1];
            var answer = (JsonObject)body.DeepClone();
            answer["id"] = id;
            answer["guid"] = GuidOf(id).ToString();
            answer["subject"] = subject;
            answer["version"] = _schemas.Take(id).Count(s => s.Subject == subject);
            return (200, answer);
        }
    }

    private static (int Status, JsonObject Body) Missing(int code) => (404, new JsonObject { ["error_code"] = code, ["message"] = "not found" });

    /// <summary>A certificate that vouches for itself, for this machine.</summary>
    public static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
