using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>What is wrong with the pipeline as a whole, what silos say of its source, and where the logs end that nobody reads for now.</summary>
internal sealed partial class PipelineGrain
{
    // A silo that takes a source over needs a few seconds for it.
    private static readonly TimeSpan Unread = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SourceReports = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Ends = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, (string Problem, long At)> _sourceProblems = new(StringComparer.Ordinal);
    private readonly HealthWatch _health = new();
    private readonly QuarantineWatch _quarantined = new();
    private string? _quarantineTopic;
    private readonly Dictionary<string, (QuarantineWatch Watch, long Written, long Refused)> _refusedBySinks = new(StringComparer.Ordinal);
    private IReadOnlyList<DefinitionRefusal> _refusals = [];
    private long _runsSince;
    private long _lastEnds;

    public Task TellSourceAsync(string silo, string? problem)
    {
        if (problem is null) _sourceProblems.Remove(silo);
        else _sourceProblems[silo] = (problem, time.GetTimestamp());
        return Task.CompletedTask;
    }

    /// <summary>Learns which files of silos' folders are refused that should be this pipeline.</summary>
    private async Task AskRefusalsAsync()
    {
        var all = await GrainFactory.GetGrain<IPipelineCatalogGrain>(0).ListRefusalsAsync().WaitAsync(LookWithin, time);
        _refusals = [.. all.Where(r => r.Name == Name)];
    }

    private async Task TryAskRefusalsAsync()
    {
        try
        {
            await AskRefusalsAsync();
        }
        catch (Exception e) when (e.IsLost())
        {
            // A catalog that cannot be had shows in the condition and in the log, by the clockwork; a status then has what was known last.
            LogNoRefusals(Name, e.Message);
        }
    }

    /// <summary>A partition that nobody reads does not run, whatever it says of itself.</summary>
    private PartitionStatus Judged(PartitionStatus partition)
    {
        if (state.State.Desired != DesiredState.Running || partition.State >= PartState.Blocked || partition.UnreadSeconds is not { } unread) return partition;
        if (unread < Unread.TotalSeconds || time.GetElapsedTime(_runsSince) < Unread) return partition;
        return partition with { State = PartState.Blocked, Reason = $"No silo has read it for {unread:0} s. {SourceProblem() ?? "The silos' logs may say why."}" };
    }

    /// <summary>Why a silo cannot open the source; null when none says so.</summary>
    private string? SourceProblem()
    {
        foreach (var old in _sourceProblems.Where(p => time.GetElapsedTime(p.Value.At) > SourceReports).Select(p => p.Key).ToList())
            _sourceProblems.Remove(old);
        foreach (var (silo, (problem, _)) in _sourceProblems) return $"Silo {silo} cannot open the source: {problem}";
        return null;
    }

    /// <summary>What keeps the pipeline as a whole from running, and whether it mends itself.</summary>
    private (PartState State, string? Reason) Whole()
    {
        if (state.State.Desired == DesiredState.Stopped) return (PartState.Running, null);
        if (SourceProblem() is { } source) return (PartState.Failed, source);
        return _problem is null ? (PartState.Running, null) : (_problemNeedsOperator ? PartState.Failed : PartState.Blocked, _problem);
    }

    private IReadOnlyList<HealthIssue> HealthOf(
        IReadOnlyList<PartitionStatus> partitions, IReadOnlyList<ShardStatus> shards, IReadOnlyList<SinkStatus> sinks, bool remember) =>
        _health.Collect(time.GetUtcNow(), Found(partitions, shards, sinks), remember);

    private IEnumerable<HealthWatch.Found> Found(
        IReadOnlyList<PartitionStatus> partitions, IReadOnlyList<ShardStatus> shards, IReadOnlyList<SinkStatus> sinks)
    {
        // A file that waits for a table is refused by its folder too; it is told once, with what the table lacks.
        var held = state.State.Held;
        if (held is not null) yield return new("definition", held.FileName, PartState.Blocked, held.Reason);
        foreach (var refusal in _refusals.Where(r => held is null || r.File != Path.GetFileName(held.FileName)))
        {
            yield return new("definition", refusal.File, PartState.Blocked,
                $"{refusal.File} was refused, and {(state.State.Text is null ? "nothing runs by it" : "what ran before goes on")}: {string.Join("; ", refusal.Diagnostics)}");
        }

        if (state.State.Desired == DesiredState.Stopped) yield break;
        if (Whole() is { Reason: { } reason } whole) yield return new("source", "", whole.State, reason);
        foreach (var found in HealthWatch.OfParts("sink", sinks.Select(s => (s.Sink, s.State, s.Reason)))) yield return found;
        // A partition or shard that waits for a sink says so too; once is enough.
        foreach (var found in HealthWatch.OfParts("partition", partitions.Where(p => !IsSinks(p.Reason)).Select(p => (p.Partition, p.State, p.Reason)))) yield return found;
        foreach (var found in HealthWatch.OfParts("shard", shards.Where(s => !IsSinks(s.Reason)).Select(s => ($"{s.Step}/{s.Shard}", s.State, s.Reason)))) yield return found;
        if (_quarantined.Problem(Name, _quarantineTopic) is { } refused) yield return new("quarantine", "", PartState.Blocked, refused);
        foreach (var (sink, (watch, _, _)) in _refusedBySinks)
        {
            if (watch.Problem(Name) is { } rows) yield return new("quarantine", sink, PartState.Blocked, $"sink {sink}: {rows}");
        }

        if (state.State.Desired == DesiredState.Running && _lag.Verdict is LagVerdict.Stall or LagVerdict.Stop)
            yield return new("lag", "", PartState.Blocked, _lag.StalledText(partitions));
    }

    private static bool IsSinks(string? reason) => reason?.StartsWith("Sink '", StringComparison.Ordinal) == true;

    /// <summary>Records refused by steps, and rows refused by sinks: those are counted from when this grain was activated.</summary>
    private void ObserveQuarantine(PipelineStatus status)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        // Partitions that do not answer would look as if their counts had begun anew.
        if (status.Partitions.All(p => p.Reason != NoAnswer)) _quarantined.Observe(now, status.Counts.Consumed, status.Counts.Quarantined);
        foreach (var sink in status.Sinks.GroupBy(s => s.Sink))
        {
            var (written, refused) = (sink.Sum(s => s.Written), sink.Sum(s => s.Quarantined));
            if (!_refusedBySinks.TryGetValue(sink.Key, out var known) || written < known.Written || refused < known.Refused)
                _refusedBySinks[sink.Key] = known = (new QuarantineWatch(), written, refused);
            known.Watch.Observe(now, written - known.Written + refused - known.Refused, refused - known.Refused);
        }
    }

    /// <summary>Where the logs end, of partitions nobody reads for now: their lag grows all the same.</summary>
    private async Task TellEndsAsync(PipelineRuntime runtime, IReadOnlyList<PartitionStatus> partitions)
    {
        if (partitions.All(p => p.UnreadSeconds is null) || time.GetElapsedTime(_lastEnds) < Ends) return;
        _lastEnds = time.GetTimestamp();
        try
        {
            var ends = await logs.ResolveAsync(
                runtime.Plan.Source, [.. partitions.Select(p => p.Partition)], ResetTarget.Latest, 0, CancellationToken.None);
            await Task.WhenAll(ends.Select(e => PartitionOf(e.Key).TellEndAsync(e.Value)));
        }
        catch (KafkaSourceException e)
        {
            LogProblem(Name, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Pipeline {Pipeline}: which files are refused is not known for now. {Reason}")]
    private partial void LogNoRefusals(string pipeline, string reason);
}
