namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>What a pipeline has of a kind in the state database.</summary>
/// <param name="Pipeline">The pipeline; empty for what belongs to none.</param>
/// <param name="Defined">It has a definition. What others left can be freed by <c>kor state purge</c>.</param>
/// <param name="Kind">owner, cell, outbox, quarantine, control or audit.</param>
/// <param name="Step">The step, of cells.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Bytes">What is in them, without the database's own share; null where the database does not say.</param>
public sealed record StateUsage(string Pipeline, bool Defined, string Kind, string? Step, long Rows, long? Bytes);

/// <summary>What occupies the state database.</summary>
/// <param name="Connection">Its connection.</param>
/// <param name="Usage">By pipeline, kind and step.</param>
public sealed record StateReport(string Connection, IReadOnlyList<StateUsage> Usage);

/// <summary>What was freed, or would be.</summary>
/// <param name="Executed">False: a dry run.</param>
/// <param name="Pipeline">The pipeline, which has no definition.</param>
/// <param name="Freed">What there was of it. Rows of kind owner stay, without what is in them: their numbers keep those off who still act.</param>
public sealed record StatePurge(bool Executed, string Pipeline, IReadOnlyList<StateUsage> Freed);
