using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>
/// What happened to a pipeline and which definitions it had, kept in the state database across restarts. The key is the pipeline's name. Bounded: the last
/// <see cref="PipelineLogLimits.Events"/> events and <see cref="PipelineLogLimits.Versions"/> versions.
/// </summary>
[Alias("kor.IPipelineLogGrain")]
[GrainInterfaceType("kor.log")]
public interface IPipelineLogGrain : IGrainWithStringKey
{
    /// <summary>Adds what the pipeline's grain has noted, and returns how many restarts there were in all. What is added twice is kept once.</summary>
    [Alias("Append")]
    Task<long> AppendAsync(PipelineLogEntries entries);

    /// <summary>Events at or after a time (null: all), newest first, at most so many (1 to 1000).</summary>
    [Alias("Events")]
    [AlwaysInterleave]
    Task<IReadOnlyList<PipelineEvent>> GetEventsAsync(DateTimeOffset? since, int limit);

    /// <summary>The versions, newest first; their texts only where one is asked for.</summary>
    [Alias("Versions")]
    [AlwaysInterleave]
    Task<IReadOnlyList<DefinitionVersion>> GetVersionsAsync();

    /// <summary>A version with its text; null when it is not kept any more, or never was.</summary>
    [Alias("Version")]
    [AlwaysInterleave]
    Task<DefinitionVersion?> GetVersionAsync(int version);

    /// <summary>Forgets all of it: the removed pipeline's state is freed.</summary>
    [Alias("Clear")]
    Task ClearAsync();
}

/// <summary>How much a pipeline's log keeps.</summary>
public static class PipelineLogLimits
{
    /// <summary>Events, the newest; older ones are dropped.</summary>
    public const int Events = 1000;

    /// <summary>Characters of an event's text; longer ones are cut.</summary>
    public const int EventText = 4000;

    /// <summary>Versions of the definition, the newest.</summary>
    public const int Versions = 50;

    /// <summary>Characters of all versions' texts together; the newest is kept whatever its length.</summary>
    public const int Texts = 2 * 1024 * 1024;
}

/// <summary>What a pipeline's grain noted since it last said so.</summary>
/// <param name="Events">What happened, oldest first.</param>
/// <param name="Versions">Definitions that came into force, oldest first.</param>
/// <param name="Restarts">Parts that started over by themselves since.</param>
[GenerateSerializer, Immutable, Alias("kor.PipelineLogEntries")]
public sealed record PipelineLogEntries(
    [property: Id(0)] IReadOnlyList<PipelineEvent> Events, [property: Id(1)] IReadOnlyList<DefinitionVersion> Versions, [property: Id(2)] long Restarts);

/// <summary>A definition that was in force.</summary>
/// <param name="Version">Its number.</param>
/// <param name="At">When it came into force.</param>
/// <param name="Origin">How it came.</param>
/// <param name="File">The file's name, without its folder.</param>
/// <param name="Sha256">The SHA-256 of its text, in lower-case hexadecimal.</param>
/// <param name="Text">Its text; null in lists.</param>
[GenerateSerializer, Immutable, Alias("kor.DefinitionVersion")]
public sealed record DefinitionVersion(
    [property: Id(0)] int Version, [property: Id(1)] DateTimeOffset At, [property: Id(2)] DefinitionOrigin Origin, [property: Id(3)] string File,
    [property: Id(4)] string Sha256, [property: Id(5)] string? Text);
