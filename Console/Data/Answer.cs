using System.Diagnostics.CodeAnalysis;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>An answer of the API: a value, or what went wrong.</summary>
public sealed record Answer<T>(T? Value, ApiFault? Fault)
    where T : class
{
    /// <summary>True when there is a value.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Fault))]
    public bool IsOk => Fault is null && Value is not null;
}

/// <summary>An answer without a body that matters.</summary>
public sealed record Done
{
    /// <summary>The only one.</summary>
    public static Done It { get; } = new();
}

/// <summary>Why the API did not do what was asked, in its words.</summary>
/// <param name="Status">The HTTP status.</param>
public sealed record ApiFault(int Status, string Title, string Detail, IReadOnlyList<ApiFinding> Findings)
{
    /// <summary>The session is over.</summary>
    public bool IsSignedOut => Status == 401;

    /// <summary>The user's role does not allow it, or the server is read-only.</summary>
    public bool IsForbidden => Status == 403;
}

/// <summary>A finding about a text, with its place.</summary>
public sealed record ApiFinding(string Code, string Severity, int? Line, int? Column, string Message, string? Suggestion);
