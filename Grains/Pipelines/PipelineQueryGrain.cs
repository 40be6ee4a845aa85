using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Shards;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Windows;
using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>Finds the shard of a key and asks it. Stateless: every silo answers.</summary>
[GrainType("kor.query")]
[StatelessWorker]
internal sealed class PipelineQueryGrain(PlanProvider plans) : Grain, IPipelineQueryGrain
{
    public async Task<KeyState?> GetKeyAsync(string step, string key)
    {
        if (await FindAsync(step) is not { } plan) return null;
        if (!GroupKeyCodec.TryParse(key, plan.Window.Key, out var bytes))
        {
            var fields = string.Join(',', plan.Window.Key.Fields.Select(f => $"{f.Name}:{f.Type}"));
            throw new ArgumentException($"'{key}' is not a key of step '{step}': write the values of {fields}, separated by commas.");
        }

        var shard = GroupKeyCodec.Shard(GroupKeyCodec.Hash(bytes), plan.Shards);
        var state = await Shard(step, shard).QueryAsync(bytes, GroupKeyCodec.ToText(bytes, plan.Window.Key));
        return state is null ? null : state with { Windows = Shown(plan, state.Windows), Closed = Shown(plan, state.Closed) };
    }

    public async Task<IReadOnlyList<WindowRow>> GetClosedAsync(string step, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 1000);
        if (await FindAsync(step) is not { } plan) return [];
        var shards = await Task.WhenAll(Enumerable.Range(0, plan.Shards).Select(s => Shard(step, s).GetClosedAsync(limit)));
        return Shown(plan, [.. shards.SelectMany(s => s).OrderByDescending(r => r.End).ThenBy(r => r.Key, StringComparer.Ordinal).Take(limit)]);
    }

    public async Task<IReadOnlyList<WindowRow>> GetOpenAsync(string step, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 1000);
        if (await FindAsync(step) is not { } plan) return [];
        var shards = await Task.WhenAll(Enumerable.Range(0, plan.Shards).Select(s => Shard(step, s).GetOpenAsync(limit)));
        return Shown(plan, [.. shards.SelectMany(s => s).OrderBy(r => r.End).ThenBy(r => r.Key, StringComparer.Ordinal).Take(limit)]);
    }

    public async Task<WindowPage> FindAsync(WindowQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, WindowQuery.MaxLimit);
        if (await FindAsync(query.Step) is not { } plan) return WindowPage.Empty;
        const int Most = WindowQuery.MaxLimit;
        var shards = await Task.WhenAll(Enumerable.Range(0, plan.Shards).Select(
            s => query.Closed ? Shard(query.Step, s).GetClosedAsync(Most) : Shard(query.Step, s).GetOpenAsync(Most)));
        return WindowSearch.Page(query, Shown(plan, [.. shards.SelectMany(s => s)]), complete: shards.All(s => s.Count < Most));
    }

    /// <summary>Revisions as people count them, and until when records count.</summary>
    private static IReadOnlyList<WindowRow> Shown(WindowPlan plan, IReadOnlyList<WindowRow> rows) =>
    [
        .. rows.Select(r => r with
        {
            Revision = r.Revision % AggregatorGrain.RevisionsPerGeneration,
            Generation = (int)(r.Revision / AggregatorGrain.RevisionsPerGeneration),
            Final = r.End + plan.Window.AllowedLateness,
        }),
    ];

    private IAggregatorGrain Shard(string step, int shard) =>
        GrainFactory.GetGrain<IAggregatorGrain>(Names.Shard(this.GetPrimaryKeyString(), step, shard));

    private async Task<WindowPlan?> FindAsync(string step)
    {
        var text = await GrainFactory.GetGrain<IPipelineGrain>(this.GetPrimaryKeyString()).GetDefinitionAsync();
        if (text is null) return null;
        var runtime = await plans.GetAsync(text.Name, text.Version);
        return runtime.Plan.Steps.OfType<WindowPlan>().FirstOrDefault(s => s.Id == step);
    }
}
