using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>Starting parts over, and letting operators look in.</summary>
internal sealed partial class PipelineGrain
{
    public async Task<RestartOutcome> RestartAsync(bool onlyFailed, string? partition)
    {
        if (state.State.Hash is null) return new RestartOutcome($"There is no pipeline '{Name}'.", []) { Unknown = true };
        if (state.State.Desired != DesiredState.Running)
        {
            return new RestartOutcome(
                $"Pipeline '{Name}' is {state.State.Desired.ToString().ToLowerInvariant()}; 'kor start {Name}' runs it.", []);
        }

        if (partition is not null && !state.State.Sources.Contains(partition))
        {
            return new RestartOutcome($"Pipeline '{Name}' reads no partition '{partition}'; it reads {string.Join(", ", state.State.Sources)}.", [])
            {
                Unknown = true,
            };
        }

        var partitions = new List<(string Name, IPartitionGrain Grain)>();
        foreach (var source in partition is null ? state.State.Sources.ToList() : [partition])
        {
            var grain = PartitionOf(source);
            if (!onlyFailed || Fails((await grain.GetStatusAsync()).State)) partitions.Add((source, grain));
        }

        // Windows and ids are one partition's as little as another's: shards start over only with the whole pipeline, or when they failed.
        var shards = partition is null ? await ShardsToRestartAsync(onlyFailed) : [];
        // Partitions first, so that what they sent is durable when the shards go; and they come back last.
        await Task.WhenAll(partitions.Select(p => p.Grain.StopAsync()));
        await Task.WhenAll(shards.Select(s => s.StopAsync()));
        await Task.WhenAll(shards.Select(s => s.WakeAsync()));
        await Task.WhenAll(partitions.Select(p => p.Grain.WakeAsync()));
        List<string> restarted =
        [
            .. partitions.Select(p => p.Name),
            .. shards.Select(s => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{s.Step}/{s.Number}")),
        ];
        if (restarted.Count != 0) Note("restart", $"Started over from the checkpoint: {string.Join(", ", restarted)}.");
        return new RestartOutcome(null, restarted);
    }

    public async Task<string?> TapAsync(TapRequest request, ITapObserver observer)
    {
        if (state.State.Hash is null) return $"There is no pipeline '{Name}'.";
        var runtime = await plans.GetAsync(Name, state.State.Version);
        if (TapPlan.Compile(runtime.Plan, request, out var fault) is null) return fault;
        // Repeated by the caller: partitions that were found or moved since are tapped from then on.
        if (state.State.Desired != DesiredState.Running) return null;
        var open = await Task.WhenAll(PartitionGrains().Select(p => p.TapAsync(request, observer)));
        return Array.TrueForAll(open, o => o)
            ? null
            : $"{TapRequest.MaxTaps} taps look at a partition of '{Name}' already, and there may be no more: close one of them, or try again in {TapRequest.Lease.TotalSeconds:0} s if their readers are gone.";
    }

    private async Task<List<ShardPart>> ShardsToRestartAsync(bool onlyFailed)
    {
        var found = new List<ShardPart>();
        if (plans.Find(Name) is not { } runtime) return found;
        foreach (var shard in ShardsOf(runtime))
        {
            if (!onlyFailed || Fails((await shard.GetStatusAsync()).State)) found.Add(shard);
        }

        return found;
    }

    private static bool Fails(PartState part) => part is PartState.Failed or PartState.Blocked;
}
