using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>
/// How pipelines are doing, also while the database of the control state is down: a grain that is not active then cannot be had, and an operator
/// needs to read why rather than an error.
/// </summary>
internal sealed class PipelineStatuses(
    IGrainFactory grains, PipelineSupervisor supervisor, LoopWatch loops, DatabaseConnections connections, KorOptions options, TimeProvider time)
{
    // Longer than a grain waits for the parts of a pipeline that do not answer: what it then knows is more than what is known here.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan PingWithin = TimeSpan.FromSeconds(3);

    private string Store => options.State.Connection;

    /// <summary>All pipelines.</summary>
    public async Task<IReadOnlyList<PipelineStatus>> ListAsync(CancellationToken cancellation)
    {
        var (entries, _) = await AskAsync(() => grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync(), _ => supervisor.Seen, cancellation);
        var statuses = await Task.WhenAll(entries.Select(e => StatusAsync(e, cancellation)));
        var refused = supervisor.Refused.Where(r => entries.All(e => e.Name != r.Name)).GroupBy(r => r.Name, StringComparer.Ordinal);
        return [.. statuses, .. refused.Select(g => Refused([.. g]))];
    }

    /// <summary>Whether a file that was refused is all there is of a pipeline.</summary>
    public bool IsRefused(string name) => supervisor.Refused.Any(r => r.Name == name);

    /// <summary>One pipeline; null when there is none of that name.</summary>
    public async Task<PipelineStatus?> FindAsync(string name, CancellationToken cancellation)
    {
        var (entries, why) = await AskAsync(() => grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync(), _ => supervisor.Seen, cancellation);
        if (entries.FirstOrDefault(e => e.Name == name) is not { } entry)
            return supervisor.Refused.Where(r => r.Name == name).ToList() is { Count: > 0 } refusals ? Refused(refusals) : null;
        return why is null ? await StatusAsync(entry, cancellation) : Unknown(entry, why);
    }

    private async Task<PipelineStatus> StatusAsync(CatalogEntry entry, CancellationToken cancellation) =>
        (await AskAsync(() => grains.GetGrain<IPipelineGrain>(entry.Name).GetStatusAsync(), why => Unknown(entry, why), cancellation)).Answer
            with { Warnings = loops.Of(entry.Name) };

    /// <summary>What a grain answers; or, when it cannot be had because the store does not answer, what is known without it and why.</summary>
    private async Task<(T Answer, string? Why)> AskAsync<T>(Func<Task<T>> ask, Func<string, T> otherwise, CancellationToken cancellation)
    {
        var asked = ask();
        try
        {
            return (await asked.WaitAsync(Patience, time, cancellation), null);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            if (await FaultAsync(cancellation) is not { } fault)
            {
                // The store is there: what went wrong is something else, and is told as that.
                return (await asked.WaitAsync(cancellation), null);
            }

            return asked.IsCompletedSuccessfully ? (await asked, null) : (otherwise(fault), fault);
        }
    }

    /// <summary>Why the store cannot be had, or null when it answers.</summary>
    private async Task<string?> FaultAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(PingWithin);
        try
        {
            await connections.Get(Store).PingAsync(limit.Token);
            return null;
        }
        catch (DatabaseException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"Connection '{Store}' did not answer within {PingWithin.TotalSeconds:0} s.";
        }
    }

    /// <summary>A pipeline of which there is nothing but a file that was refused: nothing runs, and that is not well.</summary>
    private static PipelineStatus Refused(List<DefinitionRefusal> refusals)
    {
        var issues = refusals.Select(r => new HealthIssue(
            "definition", PartState.Failed, $"{r.File} was refused: {string.Join("; ", r.Diagnostics)}", r.Since)).ToList();
        return WithoutParts(new CatalogEntry(refusals[0].Name, 0, DesiredState.Running), PartState.Failed, PipelineCondition.Failed, issues[0].Text) with
        {
            Health = issues,
        };
    }

    private static PipelineStatus Unknown(CatalogEntry entry, string fault) => WithoutParts(
        entry, PartState.Blocked, PipelineCondition.Degraded,
        $"The control store is not reachable, and how the parts are doing cannot be told without it. {fault}");

    /// <summary>A pipeline of whose parts nothing is known.</summary>
    private static PipelineStatus WithoutParts(CatalogEntry entry, PartState state, PipelineCondition condition, string reason) => new()
    {
        Name = entry.Name,
        Version = entry.Version,
        Desired = entry.Desired,
        State = state,
        Reason = reason,
        Counts = RecordCounts.Zero,
        RecordsPerSecond = 0,
        Partitions = [],
        Shards = [],
        Sinks = [],
        Rules = new Dictionary<string, long>(),
        Condition = condition,
        Verdict = LagVerdict.Unknown,
    };
}
