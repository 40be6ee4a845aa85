using System.Globalization;
using System.Security.Claims;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>
/// Users of pages, which stay for hours: who signed in with a key has what the key ring gives that key now, and who came with a token is somebody until the token
/// ends.
/// </summary>
internal sealed class UserSessions(ApiKeyRing keys, KorOptions options, TimeProvider time)
{
    /// <summary>The claim that tells which key a user signed in with: a hash of its hash.</summary>
    public const string Key = "kor.key";

    /// <summary>The claim with the end of a token, seconds since the Unix epoch.</summary>
    public const string Expires = "kor.expires";

    /// <summary>The claim with the address a page is shown at.</summary>
    public const string Origin = "kor.origin";

    /// <summary>The user as of now; null: the session is over.</summary>
    public ClaimsPrincipal? Current(ClaimsPrincipal user)
    {
        if (user.Identity is not { IsAuthenticated: true, AuthenticationType: { } scheme }) return null;
        if (!Authentication.IsOn(options.Http)) return user;
        if (user.FindFirst(Key)?.Value is { } print)
        {
            if (keys.FindPrint(print) is not { } owner) return null;
            return owner.Role == Users.RoleOf(user) && owner.Name == user.Identity.Name ? user : Of(user, owner, print, scheme);
        }

        var isOver = !long.TryParse(user.FindFirst(Expires)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
            || expires <= time.GetUtcNow().ToUnixTimeSeconds();
        return isOver ? null : user;
    }

    private static ClaimsPrincipal Of(ClaimsPrincipal user, ApiKeyOwner owner, string print, string scheme)
    {
        var current = Users.Ticket(owner.Name, [owner.Role], scheme, new Claim(Key, print)).Principal;
        if (user.FindFirst(Origin) is { } origin) ((ClaimsIdentity)current.Identity!).AddClaim(new Claim(Origin, origin.Value));
        return current;
    }
}
