using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client;

/// <summary>
/// Asks a cluster about its pipelines and the live state of their keys, and steers them. Safe for concurrent use. Calls throw
/// <see cref="TimeoutException"/> or an <c>OrleansException</c> when the cluster does not answer; asking again is always safe.
/// </summary>
public sealed class KorClient
{
    private readonly IClusterClient _cluster;

    /// <summary>Makes a client on a connection to the cluster.</summary>
    public KorClient(IClusterClient cluster)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        _cluster = cluster;
    }

    /// <summary>The pipelines, by name.</summary>
    public Task<IReadOnlyList<CatalogEntry>> ListPipelinesAsync() => _cluster.GetGrain<IPipelineCatalogGrain>(0).ListAsync();

    /// <summary>How a pipeline is doing, with all its parts; null when there is none of that name. <see cref="Verdict.Of"/> sums it up.</summary>
    public async Task<PipelineStatus?> GetStatusAsync(string pipeline) =>
        await FindAsync(pipeline) is { } grain ? await grain.GetStatusAsync() : null;

    /// <summary>What happened to a pipeline lately, newest first, since its grain was activated; see <see cref="GetLoggedEventsAsync"/>.</summary>
    public Task<IReadOnlyList<PipelineEvent>> GetEventsAsync(string pipeline) => Pipeline(pipeline).GetEventsAsync();

    /// <summary>What happened to a pipeline at or after a time (null: all that is kept), newest first, across restarts; a few seconds old.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="since">From when on.</param>
    /// <param name="limit">At most so many, 1 to 1000.</param>
    public Task<IReadOnlyList<PipelineEvent>> GetLoggedEventsAsync(string pipeline, DateTimeOffset? since = null, int limit = 200) =>
        _cluster.GetGrain<IPipelineLogGrain>(pipeline).GetEventsAsync(since, limit);

    /// <summary>
    /// The open windows (or running totals) of a key, the ones closed last, and the positions the answer reflects; null when the pipeline or the
    /// step does not exist. A key that was never seen has no windows.
    /// </summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="step">A window or aggregate step.</param>
    /// <param name="key">The values of the step's <c>groupBy</c> in order; see <see cref="KorKey.Text"/>.</param>
    public Task<KeyState?> GetKeyAsync(string pipeline, string step, params IReadOnlyList<object?> key) =>
        Query(pipeline).GetKeyAsync(step, KorKey.Text(key));

    /// <summary>Open windows (or running totals) of a step over all keys, the ones that end first in front.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="step">A window or aggregate step; one that does not exist has no windows.</param>
    /// <param name="limit">At most so many, 1 to 1000.</param>
    public Task<IReadOnlyList<WindowRow>> GetOpenWindowsAsync(string pipeline, string step, int limit = 100) =>
        Query(pipeline).GetOpenAsync(step, limit);

    /// <summary>The windows of a step that closed last, newest first.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="step">A window or aggregate step; one that does not exist has no windows.</param>
    /// <param name="limit">At most so many, 1 to 1000.</param>
    public Task<IReadOnlyList<WindowRow>> GetClosedWindowsAsync(string pipeline, string step, int limit = 100) =>
        Query(pipeline).GetClosedAsync(step, limit);

    /// <summary>Runs a pipeline from its checkpoint; one that runs goes on.</summary>
    public Task StartAsync(string pipeline) => Pipeline(pipeline).StartAsync();

    /// <summary>Stops reading and keeps everything in memory.</summary>
    public Task PauseAsync(string pipeline) => Pipeline(pipeline).PauseAsync();

    /// <summary>Checkpoints a pipeline and stops it.</summary>
    public Task StopAsync(string pipeline) => Pipeline(pipeline).StopAsync();

    private IPipelineGrain Pipeline(string name) => _cluster.GetGrain<IPipelineGrain>(name);

    private IPipelineQueryGrain Query(string name) => _cluster.GetGrain<IPipelineQueryGrain>(name);

    private async Task<IPipelineGrain?> FindAsync(string name) =>
        (await ListPipelinesAsync()).Any(e => e.Name == name) ? Pipeline(name) : null;
}
