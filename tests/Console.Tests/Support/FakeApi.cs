using System.Collections.Concurrent;
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

    public ClaimsPrincipal? Current(ClaimsPrincipal user) => user;

    public Task<ApiAnswer> SendAsync(ClaimsPrincipal? user, ApiCall call, CancellationToken cancellation)
    {
        Calls.Enqueue(call);
        return Task.FromResult(Answers.FirstOrDefault(a => $"{call.Method} {call.Path}".StartsWith(a.Key, StringComparison.Ordinal)).Value switch
        {
            ApiAnswer answer => answer,
            { } value => new ApiAnswer(200, JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Json)),
            null => new ApiAnswer(404, JsonSerializer.SerializeToUtf8Bytes(new { title = "Not found", detail = $"{call.Method} {call.Path}" }, Json)),
        });
    }
}
