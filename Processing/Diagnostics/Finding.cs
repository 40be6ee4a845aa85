namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>How a check came out.</summary>
public enum FindingStatus
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, and somebody should look at it.</summary>
    Warning,

    /// <summary>It does not work.</summary>
    Failed,
}

/// <summary>One line of <c>doctor</c>.</summary>
/// <param name="Status">How it came out.</param>
/// <param name="Subject">What was checked: a connection, a file, the server.</param>
/// <param name="Check">Which property of it.</param>
/// <param name="Text">What was seen, without secrets.</param>
/// <param name="Remedy">What to do; null when there is nothing to do.</param>
public sealed record Finding(FindingStatus Status, string Subject, string Check, string Text, string? Remedy = null)
{
    /// <summary>As it should be.</summary>
    public static Finding Ok(string subject, string check, string text) => new(FindingStatus.Ok, subject, check, text);

    /// <summary>Works, but.</summary>
    public static Finding Warning(string subject, string check, string text, string remedy) =>
        new(FindingStatus.Warning, subject, check, text, remedy);

    /// <summary>Does not work.</summary>
    public static Finding Failed(string subject, string check, string text, string remedy) =>
        new(FindingStatus.Failed, subject, check, text, remedy);
}

/// <summary>A table that a pipeline writes, against what is there.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Sink">The sink, or what else the table is for.</param>
/// <param name="Connection">The connection.</param>
/// <param name="Table">The table.</param>
/// <param name="Statements">DDL that makes it fit, in order.</param>
/// <param name="Differences">What no statement of ours may repair, each with its remedy.</param>
/// <param name="ByItself">True when a silo runs the statements at start (<c>create</c>, <c>evolve</c>); false when a DBA has to.</param>
public sealed record TablePlan(
    string Pipeline, string Sink, string Connection, string Table, IReadOnlyList<string> Statements, IReadOnlyList<string> Differences,
    bool ByItself)
{
    /// <summary>The database could not be asked; why is in <see cref="Differences"/>.</summary>
    public bool Unknown { get; init; }
}

/// <summary>What a new version does to the state of a step.</summary>
/// <param name="Step">The step, or <c>source</c>.</param>
/// <param name="Effect">kept, new, dropped or refused.</param>
/// <param name="Text">What that means.</param>
public sealed record StateEffect(string Step, string Effect, string Text);

/// <summary>What a pipeline file needs and does.</summary>
public sealed record PipelinePlanReport
{
    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>The pipeline; null when the file is invalid.</summary>
    public string? Pipeline { get; init; }

    /// <summary>What is wrong with the file, or worth a warning.</summary>
    public IReadOnlyList<string> Diagnostics { get; init; } = [];

    /// <summary>The tables.</summary>
    public IReadOnlyList<TablePlan> Tables { get; init; } = [];

    /// <summary>The version in force; null when there is none or nobody was asked.</summary>
    public int? RunningVersion { get; init; }

    /// <summary>What happens to the state of the version in force; empty when there is none or nobody was asked.</summary>
    public IReadOnlyList<StateEffect> State { get; init; } = [];

    /// <summary>True when the file is invalid, a table is in the way, or the state would refuse it.</summary>
    public bool Blocked => Pipeline is null || Tables.Any(t => t.Differences.Count > 0) || State.Any(s => s.Effect == "refused");
}

/// <summary>A database driver.</summary>
/// <param name="Provider"><c>oracle</c>, <c>postgresql</c> or <c>sqlite</c>.</param>
/// <param name="Driver">The package.</param>
/// <param name="Version">Its version; null when it is not there.</param>
/// <param name="Note">What to know or do; null: nothing.</param>
/// <param name="StandIn">True when it only stands in for the real driver.</param>
public sealed record DriverInfo(string Provider, string Driver, string? Version, string? Note, bool StandIn);
