using KafkaOracleOrleans.Grains.Interfaces;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>What happened to a pipeline: its durable log, and what its grain has not handed to it yet.</summary>
internal sealed class PipelineEvents(IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Events at or after a time (null: all that are kept), newest first.</summary>
    public async Task<IReadOnlyList<PipelineEvent>> ReadAsync(string pipeline, DateTimeOffset? since, int limit)
    {
        var live = await grains.GetGrain<IPipelineGrain>(pipeline).GetEventsAsync();
        var kept = await KeptAsync(pipeline, since, limit);
        // An event is in both until the grain forgets it; no two of a pipeline have one time.
        return
        [
            .. live.Concat(kept).Where(e => since is null || e.At >= since).DistinctBy(e => (e.At, e.Kind)).OrderByDescending(e => e.At).Take(limit),
        ];
    }

    /// <summary>While the state database is away, what the grain has is what there is.</summary>
    private async Task<IReadOnlyList<PipelineEvent>> KeptAsync(string pipeline, DateTimeOffset? since, int limit)
    {
        try
        {
            return await grains.GetGrain<IPipelineLogGrain>(pipeline).GetEventsAsync(since, limit).WaitAsync(Patience, time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or Processing.Ports.StoreUnavailableException)
        {
            return [];
        }
    }
}
