using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
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
    private DateTimeOffset? _date;

    /// <param name="context">What the verb runs with.</param>
    /// <param name="patience">How long a request may take unless the command line says it; null: as all do.</param>
    public KorApi(VerbContext context, TimeSpan? patience = null)
    {
        _url = context.Url;
        var root = _url.AbsoluteUri.EndsWith('/') ? _url : new Uri(_url.AbsoluteUri + "/");
        _http = new HttpClient { BaseAddress = new Uri(root, "api/v1/"), Timeout = context.TimeoutOr(patience) };
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("kor");
        // A server takes keys and tokens alike here.
        if (context.ApiKey is { } key) _http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + key);
    }

    /// <summary>A path below the API's root, each part escaped.</summary>
    public static string Path(params string[] parts) => string.Join('/', parts.Select(Uri.EscapeDataString));

    /// <summary>Reads a value.</summary>
    public Task<ApiAnswer<T>> GetAsync<T>(string path, CancellationToken cancellation) =>
        SendAsync<T>(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    /// <summary>Reads a value, and when the server says it did so.</summary>
    public async Task<(ApiAnswer<T> Answer, DateTimeOffset? Date)> GetDatedAsync<T>(string path, CancellationToken cancellation)
    {
        _date = null;
        var answer = await GetAsync<T>(path, cancellation);
        return (answer, _date);
    }

    /// <summary>Asks for something to be done that gives an answer.</summary>
    public Task<ApiAnswer<T>> PostAsync<T>(string path, object body, CancellationToken cancellation) =>
        SendAsync<T>(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, body.GetType(), null, JsonText.Api) },
            cancellation);

    /// <summary>Asks for something to be done that gives an answer and needs no body.</summary>
    public Task<ApiAnswer<T>> PostAsync<T>(string path, CancellationToken cancellation) =>
        // The server takes no POST without a type: one without could be another site's form.
        SendAsync<T>(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("", System.Text.Encoding.UTF8, "application/json") }, cancellation);

    /// <summary>Sends a text.</summary>
    public Task<ApiAnswer<T>> PostTextAsync<T>(string path, string text, string mediaType, CancellationToken cancellation) =>
        SendAsync<T>(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(text, System.Text.Encoding.UTF8, mediaType) }, cancellation);

    /// <summary>Replaces a text of which a version is known: another one in force is refused.</summary>
    public Task<ApiAnswer<T>> PutTextAsync<T>(string path, string text, string mediaType, int version, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new StringContent(text, System.Text.Encoding.UTF8, mediaType) };
        request.Headers.IfMatch.Add(new EntityTagHeaderValue($"\"{version.ToString(System.Globalization.CultureInfo.InvariantCulture)}\""));
        return SendAsync<T>(request, cancellation);
    }

    /// <summary>Asks for a state to be reached.</summary>
    public async Task PutAsync(string path, CancellationToken cancellation) =>
        await SendAsync(new HttpRequestMessage(HttpMethod.Put, path), cancellation);

    /// <summary>Follows server-sent events until they end or the caller has enough.</summary>
    public async IAsyncEnumerable<SseItem<string>> FollowAsync(string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Clear();
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/problem+json"));
        using var response = await GuardAsync(() => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation), cancellation);
        if (!response.IsSuccessStatusCode) throw Refusal(response, await response.Content.ReadAsStringAsync(cancellation));
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        await using var events = SseParser.Create(body).EnumerateAsync(cancellation).GetAsyncEnumerator(cancellation);
        while (await GuardAsync(async () => await events.MoveNextAsync(), cancellation)) yield return events.Current;
    }

    /// <summary>Asks for something to be removed, without an answer but that it is.</summary>
    public async Task DeleteAsync(string path, CancellationToken cancellation) =>
        await SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), cancellation);

    /// <summary>Asks for something to be removed, and for what became of it.</summary>
    public Task<ApiAnswer<T>> DeleteAsync<T>(string path, CancellationToken cancellation) =>
        SendAsync<T>(new HttpRequestMessage(HttpMethod.Delete, path), cancellation);

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
        using (request)
        {
            return await GuardAsync(
                async () =>
                {
                    using var response = await _http.SendAsync(request, cancellation);
                    _date = response.Headers.Date;
                    var text = await response.Content.ReadAsStringAsync(cancellation);
                    return response.IsSuccessStatusCode ? text : throw Refusal(response, text);
                },
                cancellation);
        }
    }

    /// <summary>What can happen on the way, in words.</summary>
    private async Task<T> GuardAsync<T>(Func<Task<T>> action, CancellationToken cancellation)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
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
            HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed => ExitCodes.Conflict,
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
