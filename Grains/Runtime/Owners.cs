using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>What owners of the protocol are given here, and how they are shown.</summary>
internal static class Owners
{
    /// <summary>Clock, chance, waits and knowledge of exceptions.</summary>
    public static OwnerContext Context(EngineOptions options, TimeProvider time) =>
        new(time, options.RetryPace, Random.Shared.NextDouble, GrainFaults.Sorter);

    /// <summary>Waits that double up to the options' bound, or another.</summary>
    public static Backoff NewBackoff(this EngineOptions options, TimeProvider time, TimeSpan? longest = null) =>
        new(longest is { } bound ? options.RetryPace with { Longest = bound } : options.RetryPace, time, Random.Shared.NextDouble);

    /// <summary>As clients see it.</summary>
    public static PartState ToPart(this Condition condition) => condition switch
    {
        Condition.Starting => PartState.Starting,
        Condition.Running => PartState.Running,
        Condition.Blocked => PartState.Blocked,
        Condition.Failed => PartState.Failed,
        Condition.Stopped => PartState.Stopped,
        _ => throw new ArgumentOutOfRangeException(nameof(condition)),
    };
}
