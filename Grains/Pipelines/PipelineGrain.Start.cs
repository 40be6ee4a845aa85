using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Windows;

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
        await FixStartAsync(runtime.Plan.Source, cancellation);
        // Durable by now: however long a table cannot be looked at, the start does not move.
        if (state.State.Start is { TablesSeen: false, Offsets.Count: > 0 } start) await SeeTablesAsync(runtime.Plan, start);
    }

    private async Task FixStartAsync(SourcePlan source, CancellationToken cancellation)
    {
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

    /// <summary>
    /// A pipeline that begins in the middle of its log sees some windows and all running totals without the records before. Over rows of a table that holds
    /// some already it writes none of those: as after a reset, windows wait until they are complete, and running totals are refused.
    /// </summary>
    private async Task SeeTablesAsync(PipelinePlan plan, SourceStart start)
    {
        if (await IsFreshAsync(start.Offsets.Keys))
        {
            // Refused before, and corrected.
            if (plan.Source.Start.Kind == StartKind.Earliest) start = start with { Offsets = [] };
            var filled = new List<SinkPlan>();
            foreach (var sink in plan.Sinks.Where(s => s.FromWindow && s.Spec.Mode == SinkMode.Upsert))
            {
                if (await tables.HasRowsAsync(sink.Spec, CancellationToken.None)) filled.Add(sink);
            }

            if (filled.Count != 0) await WithholdAsync(plan, start.Offsets, filled);
        }

        state.State.Start = start with { TablesSeen = true };
        await SaveAsync();
    }

    private async Task WithholdAsync(PipelinePlan plan, Dictionary<string, long> offsets, List<SinkPlan> filled)
    {
        var middle = await InTheMiddleAsync(plan, [.. offsets.Keys], offsets);
        if (middle.Count == 0) return;
        var windows = plan.Steps.OfType<WindowPlan>().Where(w => filled.Exists(f => f.From.Step == w.Id)).ToList();
        var totals = windows.Where(w => w.Window.Window is RunningTotals).Select(w => w.Id).ToList();
        if (totals.Count != 0)
        {
            var sinks = filled.Where(f => totals.Contains(f.From.Step)).Select(f => $"'{f.Id}' ({f.Spec.Table})");
            throw new StartRefusedException(
                $"Running totals of {string.Join(", ", totals.Select(t => $"'{t}'"))} would begin in the middle of the log, and be written over the rows that the "
                + $"table of sink {string.Join(", ", sinks)} holds already. Set start: earliest, or give the sink another table.");
        }

        var complete = await CompleteFromAsync(plan, middle);
        state.State.WindowsFrom = complete?.From;
        if (complete is not { } found) return;
        foreach (var window in windows) Note("start", Withheld(window, found.From, found.Ahead));
    }

    /// <summary>Nothing was read yet: there is no checkpoint.</summary>
    private async Task<bool> IsFreshAsync(IEnumerable<string> sources)
    {
        var leases = await Task.WhenAll(sources.Select(s => store.PeekAsync(OwnerOf(s), CancellationToken.None)));
        return leases.All(l => l?.Header is null);
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

/// <summary>A pipeline cannot begin where its definition says without spoiling what its tables hold; the message says what to change.</summary>
internal sealed class StartRefusedException(string message) : Exception(message);
