using System.Net;
using System.Security.Cryptography;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Tokens of a provider made here: metadata, a key, and tokens good and bad.</summary>
public sealed class OidcTests
{
    private const string Audience = "kor";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_gives_the_roles_its_claims_are_mapped_to()
    {
        using var rsa = RSA.Create(2048);
        await using var provider = await Provider.StartAsync(rsa);
        await using var silo = await TestSilo.StartAsync(o =>
        {
            o.Http.Oidc.Authority = provider.Url;
            o.Http.Oidc.Audience = Audience;
            o.Http.Oidc.AllowHttp = true;
            o.Http.Oidc.RoleClaim = "realm_access.roles";
            o.Http.Oidc.NameClaim = "preferred_username";
        });

        Assert.Equal(HttpStatusCode.OK, await GetAsync(silo, provider.Token("kor-viewer"), "/api/v1/pipelines"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(silo, provider.Token("kor-viewer"), "/api/v1/audit"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(silo, provider.Token("kor-admin"), "/api/v1/audit"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(silo, provider.Token("something-else"), "/api/v1/pipelines"));

        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(silo, provider.Token("kor-admin", audience: "other"), "/api/v1/pipelines"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(silo, provider.Token("kor-admin", issuer: "http://other"), "/api/v1/pipelines"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(silo, provider.Token("kor-admin", age: TimeSpan.FromHours(2)), "/api/v1/pipelines"));
        using var stranger = RSA.Create(2048);
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(silo, provider.Token("kor-admin", key: stranger), "/api/v1/pipelines"));
        // Keys go on working beside tokens.
        using var byKey = silo.Client(TestSilo.Viewer);
        using var answer = await byKey.GetAsync("/api/v1/pipelines", Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        using var client = silo.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", provider.Token("kor-operator"));
        using var stop = await client.PutAsync("/api/v1/pipelines/none-such/stop", null, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, stop.StatusCode);
        Assert.Contains("olga (operator", silo.Log, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> GetAsync(TestSilo silo, string token, string path)
    {
        using var client = silo.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await client.GetAsync(path, Cancel);
        if ((int)answer.StatusCode >= 400) await ApiTests.AssertProblemAsync(answer);
        return answer.StatusCode;
    }

    private sealed class Provider : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly RSA _rsa;

        private Provider(WebApplication app, RSA rsa, string url) => (_app, _rsa, Url) = (app, rsa, url);

        public string Url { get; }

        public static async Task<Provider> StartAsync(RSA rsa)
        {
            var url = $"http://127.0.0.1:{FreePorts.Next()}";
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add(url);
            var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(rsa.ExportParameters(false)) { KeyId = "k1" });
            app.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, object>
            {
                ["issuer"] = url,
                ["jwks_uri"] = url + "/keys",
                ["authorization_endpoint"] = url + "/authorize",
                ["token_endpoint"] = url + "/token",
            }));
            app.MapGet("/keys", () => Results.Json(new { keys = new[] { new { kty = key.Kty, kid = key.Kid, n = key.N, e = key.E, use = "sig", alg = "RS256" } } }));
            await app.StartAsync();
            return new Provider(app, rsa, url);
        }

        public string Token(string role, string audience = Audience, string? issuer = null, TimeSpan age = default, RSA? key = null)
        {
            var issued = DateTime.UtcNow - age;
            return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
            {
                Issuer = issuer ?? Url,
                Audience = audience,
                IssuedAt = issued,
                NotBefore = issued,
                Expires = issued + TimeSpan.FromHours(1),
                Claims = new Dictionary<string, object>
                {
                    ["sub"] = "12345",
                    ["preferred_username"] = "olga",
                    ["realm_access"] = new Dictionary<string, object> { ["roles"] = new[] { role } },
                },
                SigningCredentials = new SigningCredentials(new RsaSecurityKey(key ?? _rsa) { KeyId = "k1" }, SecurityAlgorithms.RsaSha256),
            });
        }

        public async ValueTask DisposeAsync() => await _app.DisposeAsync();
    }
}
