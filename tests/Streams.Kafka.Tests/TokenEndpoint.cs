using System.Net;
using System.Text;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>
/// Where clients exchange their secret for a token, as an OIDC provider has one. Its tokens are not signed: the broker
/// of the tests takes those.
/// </summary>
internal sealed class TokenEndpoint : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string _expected;
    private readonly string _token;
    private readonly Task _serving;

    public TokenEndpoint(string client, string secret, string scope)
    {
        var address = $"http://127.0.0.1:{FreePorts.Next()}/";
        Url = address + "token";
        _expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{client}:{secret}"));
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        _token = Part("""{"alg":"none"}""") + "." +
            Part($$"""{"sub":"{{client}}","scope":"{{scope}}","iat":{{now}},"exp":{{now + 3600}}}""") + ".";
        _listener.Prefixes.Add(address);
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private static string Part(string json) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                var isKnown = context.Request.Headers["Authorization"] == _expected;
                context.Response.StatusCode = isKnown ? 200 : 401;
                context.Response.ContentType = "application/json";
                var answer = isKnown
                    ? $$"""{"access_token":"{{_token}}","token_type":"Bearer","expires_in":3600}"""
                    : """{"error":"invalid_client","error_description":"unknown client"}""";
                context.Response.Close(Encoding.UTF8.GetBytes(answer), willBlock: false);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Closed: by the test, or by a client that went away.
            }
        }
    }
}
