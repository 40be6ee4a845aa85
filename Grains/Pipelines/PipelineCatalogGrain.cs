using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The list of pipelines.</summary>
[GrainType("kor.catalog")]
internal sealed class PipelineCatalogGrain(
    [PersistentState("catalog", PipelineGrain.Storage)] IPersistentState<CatalogState> state,
    ISinkFactory sinks, TimeProvider time) : Grain, IPipelineCatalogGrain
{
    private static readonly TimeSpan ClaimsHold = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MakingLasts = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, (FolderClaim Claim, long At)> _claims = new(StringComparer.Ordinal);

    private static readonly TimeSpan RefusalsLast = TimeSpan.FromSeconds(30);

    // When pipelines last claimed their tables: of two that are made at once, only one gets a table.
    private readonly Dictionary<string, long> _claimedAt = new(StringComparer.Ordinal);

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
        _claimedAt.Remove(name);
        if (state.State.Entries.Remove(name) | state.State.Tables.Remove(name)) await SaveAsync();
    }

    public async Task<IReadOnlyList<TableRefusal>> ClaimTablesAsync(string name, IReadOnlyList<TableClaim> tables, bool inForce, string? replaces)
    {
        var refusals = Check(name, tables, replaces);
        if (refusals.Count > 0 && !inForce) return refusals;
        _claimedAt[name] = time.GetTimestamp();
        if (state.State.Tables.TryGetValue(name, out var known) && AreSame(known, tables)) return refusals;
        state.State.Tables[name] = [.. tables];
        await SaveAsync();
        return refusals;
    }

    public Task<IReadOnlyList<TableRefusal>> CheckTablesAsync(string name, IReadOnlyList<TableClaim> tables) => Task.FromResult(Check(name, tables, null));

    private IReadOnlyList<TableRefusal> Check(string name, IReadOnlyList<TableClaim> tables, string? replaces)
    {
        // What was claimed for a pipeline that then did not come into being holds nobody up for long.
        var others = state.State.Tables.Where(t => t.Key != name && t.Key != replaces && (state.State.Entries.ContainsKey(t.Key) || IsBeingMade(t.Key)))
            .OrderBy(t => t.Key, StringComparer.Ordinal).SelectMany(t => Uses(t.Key, t.Value));
        return [.. SharedTables.Refusals(Uses(name, tables), others).Select(r => new TableRefusal(r.Sink, $"{SharedTables.Code}: {r.Message}"))];
    }

    private bool IsBeingMade(string name) => _claimedAt.TryGetValue(name, out var at) && time.GetElapsedTime(at) < MakingLasts;

    private static bool AreSame(List<TableClaim> known, IReadOnlyList<TableClaim> tables) => known.Count == tables.Count
        && known.Zip(tables).All(p => p.First with { Topics = [] } == p.Second with { Topics = [] } && p.First.Topics.SequenceEqual(p.Second.Topics));

    private IEnumerable<TableUse> Uses(string name, IEnumerable<TableClaim> tables) =>
        tables.Select(t => new TableUse(name, t.Sink, t.Connection, t.Table, t.KeysDeclared, t.ByPlace, t.Topics) { Database = sinks.PlaceOf(t.Connection) });

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
