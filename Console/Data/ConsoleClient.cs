using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Http;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>The API as the user of a page sees it.</summary>
public sealed class ConsoleClient(IConsoleApi api, AuthenticationStateProvider authentication)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A path below <c>/api/v1/</c> of names that are escaped here.</summary>
    public static string Path(params string[] parts) => string.Join('/', parts.Select(Uri.EscapeDataString));

    /// <summary>The user as of now; null when the session is over.</summary>
    public async Task<ClaimsPrincipal?> UserAsync() => api.Current((await authentication.GetAuthenticationStateAsync()).User);

    /// <summary>Reads.</summary>
    public Task<Answer<T>> GetAsync<T>(string path)
        where T : class => SendAsync<T>("GET", path);

    /// <summary>Asks for something to be done.</summary>
    /// <param name="body">The body: an object, which goes as JSON; null: none.</param>
    public async Task<Answer<T>> SendAsync<T>(string method, string path, object? body = null)
        where T : class
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        using var limit = new CancellationTokenSource(Patience);
        var text = body is null ? null : JsonSerializer.Serialize(body, body.GetType(), Json);
        return Read<T>(await api.SendAsync(user, new ApiCall(method, path, text), limit.Token));
    }

    /// <summary>Sends a pipeline's text.</summary>
    public async Task<Answer<T>> SendTextAsync<T>(string method, string path, string yaml)
        where T : class
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        using var limit = new CancellationTokenSource(Patience);
        return Read<T>(await api.SendAsync(user, new ApiCall(method, path, yaml, "application/yaml"), limit.Token));
    }

    /// <summary>Changes the pipeline's text that has a version.</summary>
    public async Task<Answer<T>> ReplaceAsync<T>(string path, string yaml, int version)
        where T : class
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        using var limit = new CancellationTokenSource(Patience);
        return Read<T>(await api.SendAsync(user, new ApiCall("PUT", path, yaml, "application/yaml", version), limit.Token));
    }

    /// <summary>Events as they come, until <paramref name="cancellation"/>.</summary>
    public async IAsyncEnumerable<ApiEvent> StreamAsync(string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var user = (await authentication.GetAuthenticationStateAsync()).User;
        await foreach (var item in api.StreamAsync(user, path, cancellation)) yield return item;
    }

    /// <summary>Why events were refused.</summary>
    public static ApiFault FaultOf(ApiEvent refused)
    {
        ArgumentNullException.ThrowIfNull(refused);
        return FaultOf(new ApiAnswer(StatusCodes.Status400BadRequest, Encoding.UTF8.GetBytes(refused.Data)));
    }

    /// <summary>An answer as a value or a fault.</summary>
    internal static Answer<T> Read<T>(ApiAnswer answer)
        where T : class
    {
        if (answer.Status is < 200 or > 299) return new Answer<T>(null, FaultOf(answer));
        if (typeof(T) == typeof(Done)) return new Answer<T>((T)(object)Done.It, null);
        return JsonSerializer.Deserialize<T>(answer.Body.Span, Json) is { } value
            ? new Answer<T>(value, null)
            : new Answer<T>(null, new ApiFault(answer.Status, "No answer", "The API answered without what was asked for.", []));
    }

    private static ApiFault FaultOf(ApiAnswer answer)
    {
        try
        {
            var problem = JsonSerializer.Deserialize<Problem>(answer.Body.Span, Json);
            if (problem is not null)
                return new ApiFault(answer.Status, problem.Title ?? "Not done", problem.Detail ?? $"The API answered {answer.Status}.", problem.Diagnostics ?? []);
        }
        catch (JsonException)
        {
            // An answer without a problem's body: its status is all there is to tell.
        }

        return new ApiFault(answer.Status, "Not done", $"The API answered {answer.Status}.", []);
    }

    private sealed record Problem(string? Title, string? Detail, IReadOnlyList<ApiFinding>? Diagnostics);
}
