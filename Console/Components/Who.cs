using System.Security.Claims;

namespace KafkaOracleOrleans.WebConsole.Components;

/// <summary>The user of a page, and what is open to them.</summary>
/// <param name="Name">The name the audit trail shows.</param>
/// <param name="Role">viewer, operator or admin.</param>
/// <param name="IsReadOnly">The server takes no changes from anybody.</param>
public sealed record Who(string Name, string Role, bool IsReadOnly)
{
    /// <summary>Starts, stops, replays.</summary>
    public bool CanOperate => !IsReadOnly && Role is ("operator" or "admin");

    /// <summary>Changes definitions, drops records.</summary>
    public bool CanAdmin => !IsReadOnly && Role is "admin";

    /// <summary>Looks at what records hold in quarantine: reading, yet not for viewers.</summary>
    public bool CanSeeQuarantine => Role is "operator" or "admin";

    /// <summary>Why something that needs a role is not open; null: it is.</summary>
    public string? Lacks(string role)
    {
        if (role == "admin" ? CanAdmin : CanOperate) return null;
        return IsReadOnly ? "This server is read-only (Kor:Http:ReadOnly)." : $"Needs the role {role}; you are {Role}.";
    }

    /// <summary>A user as pages know them.</summary>
    public static Who Of(ClaimsPrincipal user, bool isReadOnly)
    {
        ArgumentNullException.ThrowIfNull(user);
        var role = user.IsInRole("admin") ? "admin" : user.IsInRole("operator") ? "operator" : "viewer";
        return new Who(user.Identity?.Name ?? "anonymous", role, isReadOnly);
    }
}
