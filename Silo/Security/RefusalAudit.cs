using System.Globalization;
using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Set on a request whose key or token was looked at and not taken; a request without one is no sign-in.</summary>
internal sealed class RefusedSignIn;

/// <summary>
/// Puts refused sign-ins on record, and requests that a user's role does not allow: from where, by whom, for what. A flood of them does not fill the database: of
/// each address a few a minute have entries of their own, and the next one says how many there were besides.
/// </summary>
internal sealed partial class RefusalAudit(AuditStore audit, TimeProvider time, ILogger<RefusalAudit> log) : IAuthorizationMiddlewareResultHandler
{
    /// <summary>Entries of one address in a minute.</summary>
    public const int PerMinute = 10;

    private const int MaxAddresses = 1000;
    private static readonly TimeSpan Span = TimeSpan.FromMinutes(1);
    private readonly AuthorizationMiddlewareResultHandler _handler = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Began, int Written, long Left)> _addresses = new(StringComparer.Ordinal);

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        var isRefusedSignIn = authorizeResult.Challenged && context.Features.Get<RefusedSignIn>() is not null;
        if (isRefusedSignIn || authorizeResult.Forbidden) await NoteAsync(context, authorizeResult.Forbidden);
        await _handler.HandleAsync(next, context, policy, authorizeResult);
    }

    /// <summary>Puts a refused sign-in at the console on record.</summary>
    public Task SignInAsync(HttpContext context) => NoteAsync(context, false);

    /// <summary>Puts a sign-in at the console on record.</summary>
    public Task SignedInAsync(HttpContext context, System.Security.Claims.ClaimsPrincipal user)
    {
        var now = time.GetUtcNow();
        return WriteAsync(context, new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            Actor = LogText.Clean(user.Identity?.Name ?? "anonymous"),
            Role = Users.RoleOf(user),
            Origin = context.Connection.RemoteIpAddress?.ToString() ?? "unknown",
            Action = "sign-in",
            Target = $"{context.Request.Method} {context.Request.Path}",
            Status = StatusCodes.Status200OK,
        });
    }

    private async Task NoteAsync(HttpContext context, bool isForbidden)
    {
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        if (Take(address) is not { } left) return;
        var now = time.GetUtcNow();
        var entry = new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            Actor = LogText.Clean(isForbidden ? context.User.Identity?.Name ?? "anonymous" : "anonymous"),
            Role = Users.RoleOf(context.User),
            Origin = address,
            Action = isForbidden ? "refused: the role does not allow it" : "sign-in refused",
            Target = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}",
            Status = isForbidden ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized,
            After = left == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"and {left} more of this address before, without entries of their own"),
        };
        await WriteAsync(context, entry);
    }

    private async Task WriteAsync(HttpContext context, AuditEntry entry)
    {
        try
        {
            await audit.AddAsync(entry, context.RequestAborted);
        }
        catch (Exception e) when (e is DatabaseException or OperationCanceledException)
        {
            // It is refused, or let in, whether or not it can be written down.
            LogUnwritten(entry.Action, entry.Origin ?? "unknown", entry.Target, e);
        }
    }

    /// <summary>How many went without an entry since the last one; null: so does this one.</summary>
    private long? Take(string address)
    {
        lock (_lock)
        {
            if (_addresses.Count >= MaxAddresses && !_addresses.ContainsKey(address))
            {
                foreach (var old in _addresses.Where(a => time.GetElapsedTime(a.Value.Began) >= Span).Select(a => a.Key).ToList()) _addresses.Remove(old);
                // From more addresses than that at once: they share what one may write.
                if (_addresses.Count >= MaxAddresses) address = "others";
            }

            var known = _addresses.TryGetValue(address, out var state);
            if (!known || time.GetElapsedTime(state.Began) >= Span) state = (time.GetTimestamp(), 0, state.Left);
            if (state.Written >= PerMinute)
            {
                _addresses[address] = state with { Left = state.Left + 1 };
                return null;
            }

            _addresses[address] = (state.Began, state.Written + 1, 0);
            return state.Left;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit trail could not take: {Action}, from {Address}, {Target}.")]
    private partial void LogUnwritten(string action, string address, string target, Exception reason);
}
