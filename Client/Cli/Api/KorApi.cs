using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using KafkaOracleOrleans.Client.Cli.Output;

namespace KafkaOracleOrleans.Client.Cli.Api;

/// <summary>An answer of the server: its text, and what it says.</summary>
internal sealed record ApiAnswer<T>(string Json, T Value);

/// <summary>The HTTP API of a silo. Whatever goes wrong ends the command with the code and the words that fit.</summary>
internal sealed class KorApi : IDisposable
{
    private readonly Uri _url;
    private readonly HttpClient _http;

    public KorApi(VerbContext context)
    {
        _url = context.Url;
        var root = _url.AbsoluteUri.EndsWith('/') ? _url : new Uri(_url.AbsoluteUri + "/");
        _http = new HttpClient { BaseAddress = new Uri(root, "api/v1/"), Timeout = context.Timeout };
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("kor");
    }

    /// <summary>A path below the API's root, each part escaped.</summary>
    public static string Path(params string[] parts) => string.Join('/', parts.Select(Uri.EscapeDataString));

    /// <summary>Reads a value.</summary>
    public Task<ApiAnswer<T>> GetAsync<T>(string path, CancellationToken cancellation) =>
        SendAsync<T>(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    /// <summary>Asks for something to be done that gives an answer.</summary>
    public Task<ApiAnswer<T>> PostAsync<T>(string path, object body, CancellationToken cancellation) =>
        SendAsync<T>(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, body.GetType(), null, JsonText.Api) },
            cancellation);

    /// <summary>Asks for something to be done.</summary>
    public async Task PostAsync(string path, CancellationToken cancellation) =>
        await SendAsync(new HttpRequestMessage(HttpMethod.Post, path), cancellation);

    public void Dispose() => _http.Dispose();

    private async Task<ApiAnswer<T>> SendAsync<T>(HttpRequestMessage request, CancellationToken cancellation)
    {
        var text = await SendAsync(request, cancellation);
        try
        {
            var value = JsonSerializer.Deserialize<T>(text, JsonText.Api);
            if (value is not null) return new ApiAnswer<T>(text, value);
        }
        catch (JsonException)
        {
            // Said below: whatever answers there does not speak this API.
        }

        throw new CliException(
            ExitCodes.Unavailable, $"What answers at {_url} is no KafkaOracleOrleans server of this version ({request.RequestUri}).");
    }

    private async Task<string> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using (request)
            using (var response = await _http.SendAsync(request, cancellation))
            {
                var text = await response.Content.ReadAsStringAsync(cancellation);
                return response.IsSuccessStatusCode ? text : throw Refusal(response, text);
            }
        }
        catch (HttpRequestException e)
        {
            throw new CliException(
                ExitCodes.Unavailable,
                $"The server at {_url} cannot be reached: {Innermost(e)}\n"
                + "Is it running? 'dotnet run --project Silo -- demo' starts one; --url or KOR_URL names another.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CliException(
                ExitCodes.Unavailable, $"The server at {_url} did not answer within {_http.Timeout.TotalSeconds:0.###} s; --timeout gives it longer.");
        }
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }

    private CliException Refusal(HttpResponseMessage response, string text)
    {
        var status = (int)response.StatusCode;
        var code = response.StatusCode switch
        {
            HttpStatusCode.BadRequest => ExitCodes.Usage,
            HttpStatusCode.NotFound => ExitCodes.NotFound,
            HttpStatusCode.Conflict => ExitCodes.Conflict,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ExitCodes.Denied,
            HttpStatusCode.UnprocessableEntity => ExitCodes.Config,
            HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => ExitCodes.Unavailable,
            _ => ExitCodes.Failed,
        };
        return new CliException(code, Problem(text) ?? $"The server at {_url} answered {status} {response.ReasonPhrase}.");
    }

    /// <summary>What problem+json says, or null when it is none.</summary>
    private static string? Problem(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return null;
            var title = root.TryGetProperty("title", out var t) && t.ValueKind == JsonValueKind.String ? t.GetString() : null;
            var detail = root.TryGetProperty("detail", out var d) && d.ValueKind == JsonValueKind.String ? d.GetString() : null;
            return (title, detail) switch
            {
                (null, null) => null,
                (_, null) => title,
                (null, _) => detail,
                _ => $"{title}: {detail}",
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
