using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>
/// Pipelines of the catalog that read each other's refused records: what 'kor validate' warns of among files, wherever they come from. Looked for when the
/// catalog has changed. Safe for concurrent reading.
/// </summary>
internal sealed partial class LoopWatch(PlanProvider plans, IGrainFactory grains, ILogger<LoopWatch> log)
{
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private List<(string Name, int Version)> _seen = [];
    private volatile IReadOnlyList<(IReadOnlyList<string> Pipelines, string Message)> _found = [];

    /// <summary>The warnings about a pipeline, each with its code.</summary>
    public IReadOnlyList<string> Of(string pipeline) => [.. _found.Where(f => f.Pipelines.Contains(pipeline)).Select(f => Text(f.Message))];

    /// <summary>The warnings about a pipeline as it is about to be, or has just been put in force.</summary>
    public async Task<IReadOnlyList<string>> OfAsync(PipelinePlan plan)
    {
        var all = await PlansAsync(await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync());
        var found = QuarantineLoops.Find([.. all.Where(p => p.Name != plan.Name), plan]);
        return [.. found.Where(f => f.Pipelines.Contains(plan.Name)).Select(f => Text(f.Message))];
    }

    /// <summary>Takes a look at the catalog; one at a time.</summary>
    public async Task LookAsync(IReadOnlyList<CatalogEntry> entries)
    {
        var now = entries.Select(e => (e.Name, e.Version)).ToList();
        if (now.SequenceEqual(_seen)) return;
        _found = QuarantineLoops.Find(await PlansAsync(entries));
        _seen = now;
        foreach (var (_, message) in _found)
        {
            if (_told.Add(message)) LogLoop(Text(message));
        }

        _told.IntersectWith(_found.Select(f => f.Message));
    }

    private async Task<IReadOnlyList<PipelinePlan>> PlansAsync(IReadOnlyList<CatalogEntry> entries)
    {
        var found = new List<PipelinePlan>();
        foreach (var entry in entries)
        {
            try
            {
                found.Add((await plans.GetAsync(entry.Name, entry.Version)).Plan);
            }
            catch (PipelineChangedException)
            {
                // It has gone, or cannot run on this silo, which its own status says.
                continue;
            }
        }

        return found;
    }

    private static string Text(string message) => $"{QuarantineLoops.Code}: {message}.";

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Warning}")]
    private partial void LogLoop(string warning);
}
