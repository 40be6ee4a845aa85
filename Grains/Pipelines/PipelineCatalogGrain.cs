using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The list of pipelines.</summary>
[GrainType("kor.catalog")]
internal sealed class PipelineCatalogGrain(
    [PersistentState("catalog", PipelineGrain.Storage)] IPersistentState<CatalogState> state) : Grain, IPipelineCatalogGrain
{
    public Task<IReadOnlyList<CatalogEntry>> ListAsync() =>
        Task.FromResult<IReadOnlyList<CatalogEntry>>([.. state.State.Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal)]);

    public async Task PutAsync(CatalogEntry entry)
    {
        if (state.State.Entries.TryGetValue(entry.Name, out var known) && known == entry) return;
        state.State.Entries[entry.Name] = entry;
        await SaveAsync();
    }

    public async Task DropAsync(string name)
    {
        if (state.State.Entries.Remove(name)) await SaveAsync();
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
