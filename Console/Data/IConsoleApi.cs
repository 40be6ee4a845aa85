using System.Security.Claims;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>
/// The HTTP API <c>/api/v1</c>, asked from inside the process: the same endpoints with the same roles, masks, read-only switch and audit trail as over the wire. The
/// console has no other way to data.
/// </summary>
public interface IConsoleApi
{
    /// <summary>Asks as a user; null: as the console itself, which may read what every viewer may. 401 when the user's session is over.</summary>
    Task<ApiAnswer> SendAsync(ClaimsPrincipal? user, ApiCall call, CancellationToken cancellation);

    /// <summary>
    /// Asks for server-sent events as a user, until they end or are not read any more. What is refused comes as one event named <see cref="ApiEvent.Refused"/> with the
    /// problem as its data; when the user's session ends or gets another role, the events end.
    /// </summary>
    IAsyncEnumerable<ApiEvent> StreamAsync(ClaimsPrincipal user, string path, CancellationToken cancellation);

    /// <summary>The user as of now: the role may have changed since the sign-in. Null: the session is over.</summary>
    ClaimsPrincipal? Current(ClaimsPrincipal user);

    /// <summary>True when changes are refused for everybody.</summary>
    bool IsReadOnly { get; }

    /// <summary>True when users sign in; false on loopback without keys.</summary>
    bool HasSignIn { get; }

    /// <summary>Whether the Orleans Dashboard is served at <c>/orleans</c>.</summary>
    bool HasDashboard { get; }
}

/// <summary>A request of the console.</summary>
/// <param name="Method">GET, POST, PUT, PATCH or DELETE.</param>
/// <param name="Path">Below <c>/api/v1/</c>, escaped, with its query.</param>
/// <param name="Body">The body, or null.</param>
/// <param name="ContentType">The body's type.</param>
/// <param name="IfMatch">The version that is to be changed, or null.</param>
public sealed record ApiCall(string Method, string Path, string? Body = null, string ContentType = "application/json", int? IfMatch = null);

/// <summary>A server-sent event of the API.</summary>
/// <param name="Kind">Its name.</param>
/// <param name="Data">JSON.</param>
public sealed record ApiEvent(string Kind, string Data)
{
    /// <summary>The API does not give these events; the data is its problem.</summary>
    public const string Refused = "refused";
}

/// <summary>What the API answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body.</param>
public sealed record ApiAnswer(int Status, ReadOnlyMemory<byte> Body);
