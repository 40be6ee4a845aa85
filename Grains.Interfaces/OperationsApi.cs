namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A connection of the host's configuration, without secrets.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>oracle</c>, <c>postgresql</c>, <c>sqlite</c> or <c>kafka</c>.</param>
/// <param name="Target">Where it leads.</param>
/// <param name="Circuit">A database's circuit breaker: <c>closed</c>, <c>open</c> or <c>half-open</c>.</param>
/// <param name="LastError">The last error that counted; null when the last attempt worked.</param>
public sealed record ConnectionSummary(string Name, string Kind, string Target, string? Circuit, string? LastError);

/// <summary>One assumption about Oracle and what the database said to it.</summary>
/// <param name="Number">Its number in docs/oracle.md.</param>
/// <param name="Assumption">The assumption.</param>
/// <param name="Passed">True when it holds.</param>
/// <param name="Evidence">What was seen.</param>
public sealed record OracleAssumption(int Number, string Assumption, bool Passed, string Evidence);

/// <summary>The outcome of <c>verify-oracle</c>.</summary>
/// <param name="Connection">The connection.</param>
/// <param name="Driver">The driver and its version.</param>
/// <param name="StandIn">What the driver is when it is none of Oracle's; null for Oracle's own.</param>
/// <param name="Results">The assumptions in order.</param>
public sealed record OracleReport(string Connection, string Driver, string? StandIn, IReadOnlyList<OracleAssumption> Results);

/// <summary>A pipeline's text, to be planned.</summary>
/// <param name="File">The file's name, for messages.</param>
/// <param name="Text">The text.</param>
public sealed record PlanRequest(string File, string Text);
