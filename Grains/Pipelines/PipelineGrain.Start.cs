using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// Where reading begins. <c>start: latest</c> or a time is judged once, durably, for the partitions that are there when the pipeline starts. What is
/// discovered later, be it a partition added to a topic or a topic that a pattern matches, came after the start: it is read from its beginning, however
/// long discovery takes and whatever dies in between.
/// </summary>
internal sealed partial class PipelineGrain
{
    public Task<long?> GetStartAsync(string source) => state.State.Start is { } start
        ? Task.FromResult(start.Offsets.TryGetValue(source, out var offset) ? offset : (long?)null)
        : throw new PipelineChangedException($"Where pipeline '{Name}' starts is not known yet: its brokers have not said where their logs end.");

    private async Task BeginAsync(PipelineRuntime runtime, CancellationToken cancellation)
    {
        var source = runtime.Plan.Source;
        var before = state.State.Start;
        var added = source.Topics.Except(before?.Topics ?? [], StringComparer.Ordinal).ToList();
        if (before is not null && added.Count == 0) return;
        var offsets = new Dictionary<string, long>(before?.Offsets ?? [], StringComparer.Ordinal);
        if (source.Start.Kind != StartKind.Earliest)
        {
            var target = source.Start.Kind == StartKind.Latest ? ResetTarget.Latest : ResetTarget.Timestamp;
            var found = await logs.ResolveAsync(source, await NewPartitionsAsync(source, added, cancellation), target, source.Start.TimestampMs, cancellation);
            foreach (var (partition, offset) in found) offsets[partition] = offset;
            Note("start", $"Begins at {Describe(source.Start)} of the {found.Count} partitions that are there; what appears from now on is read from its beginning.");
        }

        state.State.Start = new SourceStart([.. before?.Topics ?? [], .. added], offsets);
        await SaveAsync();
    }

    /// <summary>The partitions that are there now and of which it is not yet judged where they begin.</summary>
    private async Task<IReadOnlyList<string>> NewPartitionsAsync(SourcePlan source, List<string> topics, CancellationToken cancellation)
    {
        var found = await logs.FindPartitionsAsync(source, topics, cancellation);
        if (state.State.Start is { Topics.Count: > 0 } before)
            return [.. found.Except(await logs.FindPartitionsAsync(source, before.Topics, cancellation), StringComparer.Ordinal)];
        // Begun by a build that did not write the start down: what it had found was there, and nothing else can be told.
        return state.State.Sources.Count == 0 ? found : [.. found.Intersect(state.State.Sources, StringComparer.Ordinal)];
    }

    private static string Describe(StartPlan start) => start.Kind == StartKind.Latest
        ? "the end"
        : $"{DateTimeOffset.FromUnixTimeMilliseconds(start.TimestampMs):yyyy-MM-dd'T'HH:mm:ss.FFF'Z'}";
}
