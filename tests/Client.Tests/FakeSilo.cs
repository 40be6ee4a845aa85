using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Answers HTTP requests with what a test says, written as the server writes it.</summary>
internal sealed class FakeSilo : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, (int Status, string Body)> _answers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _silence = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loop;

    public FakeSilo()
    {
        var port = FreePort();
        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _loop = AnswerAsync();
    }

    public string Url { get; }

    /// <summary>The requests that came: method, path with query, body.</summary>
    public ConcurrentQueue<(string Method, string Path, string Body)> Requests { get; } = [];

    /// <summary>What the requests said about who asks.</summary>
    public ConcurrentQueue<string> Keys { get; } = [];

    /// <summary>Answers a request, e.g. <c>GET /api/v1/pipelines</c>, with a value as JSON.</summary>
    public string Answer(string request, object value, int status = 200)
    {
        var body = value as string ?? JsonSerializer.Serialize(value, Json);
        _answers[request] = (status, body);
        return body;
    }

    public void Refuse(string request, int status, string title, string detail) =>
        Answer(request, new { type = "about:blank", title, status, detail }, status);

    public static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        _silence.TrySetResult();
        _listener.Close();
        await _loop;
    }

    private async Task AnswerAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var reader = new StreamReader(context.Request.InputStream);
            var path = context.Request.RawUrl!;
            if (context.Request.Headers["Authorization"] is { } key) Keys.Enqueue(key);
            Requests.Enqueue((context.Request.HttpMethod, path, await reader.ReadToEndAsync()));
            var (status, body) = _answers.GetValueOrDefault($"{context.Request.HttpMethod} {path}", (404, ""));
            if (status == 0) await _silence.Task;
            try
            {
                context.Response.StatusCode = status == 0 ? 500 : status;
                context.Response.ContentType = status >= 400 ? "application/problem+json" : "application/json";
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The client has gone, as one that timed out does.
            }
        }
    }
}
