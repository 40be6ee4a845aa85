using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The list of pipelines.</summary>
[GrainType("kor.catalog")]
internal sealed class PipelineCatalogGrain(
    [PersistentState("catalog", PipelineGrain.Storage)] IPersistentState<CatalogState> state, TimeProvider time) : Grain, IPipelineCatalogGrain
{
    private static readonly TimeSpan ClaimsHold = TimeSpan.FromSeconds(15);
    private readonly Dictionary<string, (FolderClaim Claim, long At)> _claims = new(StringComparer.Ordinal);

    private static readonly TimeSpan RefusalsLast = TimeSpan.FromSeconds(30);

    // Not stored: silos say it again.
    private readonly Dictionary<string, (IReadOnlyList<DefinitionRefusal> Files, long At)> _refused = new(StringComparer.Ordinal);

    public Task<IReadOnlyList<DefinitionRefusal>> ListRefusalsAsync()
    {
        foreach (var silo in _refused.Where(r => time.GetElapsedTime(r.Value.At) > RefusalsLast).Select(r => r.Key).ToList()) _refused.Remove(silo);
        return Task.FromResult<IReadOnlyList<DefinitionRefusal>>(
            [.. _refused.Values.SelectMany(r => r.Files).GroupBy(f => f.File, StringComparer.Ordinal).Select(g => g.MinBy(f => f.Since)!).OrderBy(f => f.File, StringComparer.Ordinal)]);
    }

    public Task ReportRefusalsAsync(string silo, IReadOnlyList<DefinitionRefusal> refusals)
    {
        if (refusals.Count == 0) _refused.Remove(silo);
        else _refused[silo] = (refusals, time.GetTimestamp());
        return Task.CompletedTask;
    }

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

    public Task<IReadOnlyList<FolderClaim>> ClaimAsync(FolderClaim? claim)
    {
        if (claim is not null) _claims[claim.Silo] = (claim, time.GetTimestamp());
        foreach (var (silo, (_, at)) in _claims.ToList())
        {
            if (time.GetElapsedTime(at) > ClaimsHold) _claims.Remove(silo);
        }

        return Task.FromResult<IReadOnlyList<FolderClaim>>([.. _claims.Values.Select(c => c.Claim)]);
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
