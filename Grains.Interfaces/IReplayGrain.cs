using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>Plays quarantined records of a pipeline again. The key is the pipeline's name; answers on any silo.</summary>
[Alias("kor.IReplayGrain")]
[GrainInterfaceType("kor.replay")]
public interface IReplayGrain : IGrainWithStringKey
{
    /// <summary>
    /// Plays records of one partition again, as what the pipeline is now. Answers within 30 s; until it says that it is done, the same call is
    /// repeated. A call that comes after the end changes nothing: what is left in quarantine then was refused again.
    /// </summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="sink">The sink that refused the records, or null when a step did.</param>
    /// <param name="ids">Their ids.</param>
    [Alias("Replay")]
    Task<ReplayAnswer> ReplayAsync(string topic, int partition, string? sink, Immutable<string[]> ids);
}

/// <summary>How a replay stands.</summary>
/// <param name="Done">True when everything the records did is durable.</param>
/// <param name="Refusal">Why it cannot be done, or null.</param>
[GenerateSerializer, Immutable, Alias("kor.ReplayAnswer")]
public sealed record ReplayAnswer([property: Id(0)] bool Done, [property: Id(1)] string? Refusal);
