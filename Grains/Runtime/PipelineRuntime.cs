using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>A version of a pipeline, ready to run on this silo.</summary>
public sealed record PipelineRuntime(string Name, int Version, int Generation, PipelinePlan Plan)
{
    /// <summary>Windows that begin before this event time, ms, lack records since a reset and are not written; null: all are complete.</summary>
    public long? WindowsFrom { get; init; }

    private readonly Dictionary<string, StepPlan> _steps = Plan.Steps.ToDictionary(s => s.Id, StringComparer.Ordinal);

    /// <summary>A step of a known kind. Throws <see cref="PipelineChangedException"/> when this version has none of that id.</summary>
    public T Step<T>(string id)
        where T : StepPlan =>
        _steps.TryGetValue(id, out var step) && step is T typed
            ? typed
            : throw new PipelineChangedException($"Pipeline '{Name}' version {Version} has no step '{id}' of this kind.");

    /// <summary>A sink. Throws <see cref="PipelineChangedException"/> when this version has none of that id.</summary>
    public SinkPlan Sink(string id) =>
        Plan.Sinks.FirstOrDefault(s => s.Id == id)
        ?? throw new PipelineChangedException($"Pipeline '{Name}' version {Version} has no sink '{id}'.");

    /// <summary>The sinks that read an output of a step.</summary>
    public IReadOnlyList<SinkPlan> SinksOf(string step, StepOutput output) =>
        [.. Plan.Sinks.Where(s => s.From.Step == step && s.From.Output == output)];
}

/// <summary>The pipeline is not there, or not in the version a grain was made for; the grain gives up and the new version takes over.</summary>
[GenerateSerializer, Alias("kor.PipelineChanged")]
public sealed class PipelineChangedException : Exception
{
    /// <summary>Makes the exception.</summary>
    public PipelineChangedException(string message)
        : base(message)
    {
    }
}

/// <summary>Names of owners in the state store and of grains. No part may contain '/'.</summary>
internal static class Names
{
    public static string PartitionOwner(string pipeline, string topic, int partition) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pipeline}/partition/{topic}/{partition}");

    public static string ShardOwner(string pipeline, string step, int shard) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pipeline}/shard/{step}/{shard}");

    public static string DedupOwner(string pipeline, string step, int shard) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pipeline}/dedup/{step}/{shard}");

    public static string Shard(string pipeline, string step, int shard) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pipeline}/{step}/{shard}");

    public static string Source(string topic, int partition) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{topic}/{partition}");

    /// <summary>As <see cref="SourceNames.Replay"/>.</summary>
    public static string Replay(string source) => SourceNames.Replay(source);

    /// <summary>As <see cref="SourceNames.IsReplay"/>.</summary>
    public static bool IsReplay(string source) => SourceNames.IsReplay(source);

    /// <summary>As <see cref="SourceNames.Original"/>.</summary>
    public static string Original(string source) => SourceNames.Original(source);

    /// <summary>The sink lane of a partition; a reset begins a new one, so that rows below the old progress are written again.</summary>
    public static string PartitionLane(PipelineRuntime runtime, string source) => WithGeneration(runtime, source);

    /// <summary>The sink lane of a shard.</summary>
    public static string ShardLane(PipelineRuntime runtime, string step, int shard) =>
        WithGeneration(runtime, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{step}/{shard}"));

    private static string WithGeneration(PipelineRuntime runtime, string lane) => runtime.Generation == 0
        ? lane
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{lane}@{runtime.Generation}");

    /// <summary>Topic and partition of a source.</summary>
    public static (string Topic, int Partition) Partition(string source)
    {
        var slash = source.LastIndexOf('/');
        return (source[..slash], int.Parse(source[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Splits <c>a/b/rest</c> into three; the rest may contain '/'.</summary>
    public static (string First, string Second, string Third) Split(string key)
    {
        var one = key.IndexOf('/', StringComparison.Ordinal);
        var two = one < 0 ? -1 : key.IndexOf('/', one + 1);
        if (two < 0) throw new FormatException($"'{key}' is not a grain key of the form a/b/c.");
        return (key[..one], key[(one + 1)..two], key[(two + 1)..]);
    }
}
