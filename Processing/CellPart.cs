namespace KafkaOracleOrleans.Processing;

/// <summary>A changed part of a cell's state, ready to be stored.</summary>
/// <param name="Part">The part's number within the cell.</param>
/// <param name="Payload">The part's state, or null when nothing is left of it and its row can be deleted.</param>
/// <param name="DueAt">The event time (ms) at which the part next has something to do, if any.</param>
public readonly record struct CellPart(long Part, byte[]? Payload, long? DueAt);
