using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaOracleOrleans.WebConsole.Data;

namespace KafkaOracleOrleans.WebConsole.Tests.Support;

/// <summary>An API that answers what a test puts into it, and notes what it was asked.</summary>
internal sealed class FakeApi : IConsoleApi
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public ConcurrentQueue<ApiCall> Calls { get; } = new();

    public Dictionary<string, object> Answers { get; } = [];

    public bool IsReadOnly { get; set; }

    public bool HasSignIn => true;

    public bool HasDashboard => false;

    /// <summary>The events of a stream, by the beginning of its path.</summary>
    public Dictionary<string, List<ApiEvent>> Streams { get; } = [];

    public async IAsyncEnumerable<ApiEvent> StreamAsync(ClaimsPrincipal user, string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Calls.Enqueue(new ApiCall("GET", path));
        foreach (var item in Streams.FirstOrDefault(s => path.StartsWith(s.Key, StringComparison.Ordinal)).Value ?? []) yield return item;
        // As a tap does: it goes on until it is left.
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public ClaimsPrincipal? Current(ClaimsPrincipal user) => user;

    /// <summary>The same path, with any query.</summary>
    private static bool IsFor(string call, string key) =>
        call.StartsWith(key, StringComparison.Ordinal) && (call.Length == key.Length || key[^1] == '?' || call[key.Length] == '?');

    public Task<ApiAnswer> SendAsync(ClaimsPrincipal? user, ApiCall call, CancellationToken cancellation)
    {
        Calls.Enqueue(call);
        return Task.FromResult(Answers.FirstOrDefault(a => IsFor($"{call.Method} {call.Path}", a.Key)).Value switch
        {
            ApiAnswer answer => answer,
            { } value => new ApiAnswer(200, JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Json)),
            null => new ApiAnswer(404, JsonSerializer.SerializeToUtf8Bytes(new { title = "Not found", detail = $"{call.Method} {call.Path}" }, Json)),
        });
    }
}
