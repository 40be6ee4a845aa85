using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>What a definition would need and change, as <c>/plan</c> tells it.</summary>
public sealed record PlanView(IReadOnlyList<string> Diagnostics, IReadOnlyList<PlanTable> Tables, IReadOnlyList<PlanEffect> State, bool Blocked);

/// <summary>A table against what is there.</summary>
public sealed record PlanTable(string Sink, string Connection, string Table, IReadOnlyList<string> Statements, IReadOnlyList<string> Differences, bool ByItself);

/// <summary>What becomes of a step's state.</summary>
public sealed record PlanEffect(string Step, string Effect, string Text);

/// <summary>What would become of records, as <c>/try</c> tells it.</summary>
public sealed record TryView(RecordCounts Counts, string? Stopped, IReadOnlyList<TryTable> Sinks, IReadOnlyList<TryRefusal> Quarantined);

/// <summary>A sink's rows.</summary>
public sealed record TryTable(string Sink, string Table, int Total, IReadOnlyList<JsonObject> Rows);

/// <summary>A refused record.</summary>
public sealed record TryRefusal(string Place, string Code, string Reason, long Offset);
