using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The durable log of a pipeline: apart from its grain, so that a pipeline runs whether its log can be written or not.</summary>
[GrainType("kor.log")]
internal sealed class PipelineLogGrain([PersistentState("log", PipelineGrain.Storage)] IPersistentState<PipelineLogState> state) : Grain, IPipelineLogGrain
{
    public async Task<long> AppendAsync(PipelineLogEntries entries)
    {
        var (events, versions) = (state.State.Events, state.State.Versions);
        // A call whose answer was lost is repeated with the same entries; restarts then count twice at most once.
        var known = events.TakeLast(PipelineLogLimits.Events).ToHashSet();
        var news = entries.Events.Select(Cut).Where(known.Add).ToList();
        var added = entries.Versions.Where(v => versions.TrueForAll(k => k.Version != v.Version)).ToList();
        if (news.Count == 0 && added.Count == 0 && entries.Restarts == 0) return state.State.Restarts;
        events.AddRange(news);
        versions.AddRange(added);
        state.State.Restarts += entries.Restarts;
        Bound(events, versions);
        await SaveAsync();
        return state.State.Restarts;
    }

    public Task<IReadOnlyList<PipelineEvent>> GetEventsAsync(DateTimeOffset? since, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, PipelineLogLimits.Events);
        return Task.FromResult<IReadOnlyList<PipelineEvent>>([.. Enumerable.Reverse(state.State.Events).Where(e => since is null || e.At >= since).Take(limit)]);
    }

    public Task<IReadOnlyList<DefinitionVersion>> GetVersionsAsync() =>
        Task.FromResult<IReadOnlyList<DefinitionVersion>>([.. Enumerable.Reverse(state.State.Versions).Select(v => v with { Text = null })]);

    public Task<DefinitionVersion?> GetVersionAsync(int version) => Task.FromResult(state.State.Versions.Find(v => v.Version == version));

    public async Task ClearAsync()
    {
        (state.State.Events, state.State.Versions, state.State.Restarts) = ([], [], 0);
        await SaveAsync();
    }

    private static PipelineEvent Cut(PipelineEvent e) => e.Text.Length <= PipelineLogLimits.EventText ? e : e with { Text = e.Text[..(PipelineLogLimits.EventText - 2)] + " …" };

    private static void Bound(List<PipelineEvent> events, List<DefinitionVersion> versions)
    {
        if (events.Count > PipelineLogLimits.Events) events.RemoveRange(0, events.Count - PipelineLogLimits.Events);
        while (versions.Count > PipelineLogLimits.Versions || (versions.Count > 1 && versions.Sum(v => (long)(v.Text?.Length ?? 0)) > PipelineLogLimits.Texts)) versions.RemoveAt(0);
    }

    private async Task SaveAsync()
    {
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // The outcome is unknown, so memory is worth nothing: the next activation reads what is stored.
            DeactivateOnIdle();
            throw;
        }
    }
}

/// <summary>What a pipeline's log keeps.</summary>
[GenerateSerializer, Alias("kor.PipelineLogState")]
internal sealed class PipelineLogState
{
    /// <summary>Oldest first.</summary>
    [Id(0)] public List<PipelineEvent> Events { get; set; } = [];

    /// <summary>Oldest first.</summary>
    [Id(1)] public List<DefinitionVersion> Versions { get; set; } = [];

    /// <summary>Parts that started over by themselves, ever.</summary>
    [Id(2)] public long Restarts { get; set; }
}
