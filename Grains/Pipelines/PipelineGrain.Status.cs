using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The roll-up of a pipeline's parts, and resets.</summary>
internal sealed partial class PipelineGrain
{
    public async Task<PipelineStatus> GetStatusAsync()
    {
        var runtime = state.State.Hash is null ? null : plans.Find(Name);
        var running = state.State.Desired != DesiredState.Stopped;
        var partitions = running ? await Task.WhenAll(PartitionGrains().Select(p => p.GetStatusAsync())) : [];
        var shards = running && runtime is not null
            ? await Task.WhenAll(ShardsOf(runtime).Select(s => s.Grain.GetStatusAsync()))
            : [];
        var (worst, reason) = Worst(partitions, shards);
        return new PipelineStatus
        {
            Name = Name,
            Version = state.State.Version,
            Desired = state.State.Desired,
            State = worst,
            Reason = reason,
            Counts = partitions.Aggregate(RecordCounts.Zero, (sum, p) => sum + p.Counts),
            RecordsPerSecond = partitions.Sum(p => p.RecordsPerSecond),
            Lag = partitions.Length == 0 || partitions.Any(p => p.End is null || p.Position is null)
                ? null
                : partitions.Sum(p => Math.Max(0, p.End!.Value - p.Position!.Value)),
            Watermark = shards.Length == 0 ? null : shards.Min(s => s.Watermark),
            Partitions = partitions,
            Shards = shards,
            Sinks = await SinksAsync(runtime, running),
            Rules = partitions.SelectMany(p => p.Rules)
                .GroupBy(r => r.Key, StringComparer.Ordinal)
                .ToDictionary(g => g.Key, g => g.Sum(r => r.Value), StringComparer.Ordinal),
        };
    }

    public async Task<ResetOutcome> ResetAsync(ResetRequest request)
    {
        if (state.State.Hash is null) return new ResetOutcome(false, $"There is no pipeline '{Name}'.", []);
        if (request.Execute && state.State.Desired != DesiredState.Stopped)
        {
            return new ResetOutcome(
                false, $"Pipeline '{Name}' is {state.State.Desired}: run 'kor stop {Name}' first, then reset, then 'kor start {Name}'.", []);
        }

        var runtime = await plans.GetAsync(Name, state.State.Version);
        var partitions = await logs.ListPartitionsAsync(runtime.Plan.Source, CancellationToken.None);
        var targets = request.Target == ResetTarget.Offsets
            ? request.Offsets ?? new Dictionary<string, long>()
            : await logs.ResolveAsync(runtime.Plan.Source, partitions, request.Target, request.TimestampMs, CancellationToken.None);
        var lines = new List<ResetLine>();
        foreach (var partition in partitions.Order(StringComparer.Ordinal))
        {
            var lease = await store.PeekAsync(OwnerOf(partition), CancellationToken.None);
            var current = lease?.Header is null ? (long?)null : PartitionHeader.Decode(lease.Header).Position;
            lines.Add(new ResetLine(partition, current, targets.TryGetValue(partition, out var target) ? target : current));
        }

        if (request.Execute) await ExecuteAsync(lines);
        return new ResetOutcome(request.Execute, null, lines);
    }

    private async Task ExecuteAsync(List<ResetLine> lines)
    {
        await HaltAsync();
        await store.ResetAsync($"{Name}/", CancellationToken.None);
        foreach (var line in lines.Where(l => l.Target is not null))
        {
            var owner = OwnerOf(line.Partition);
            var lease = await store.AcquireAsync(owner, CancellationToken.None);
            var header = new PartitionHeader { Position = line.Target!.Value };
            await store.CommitAsync(
                new CheckpointWrite { Owner = owner, Epoch = lease.Epoch, Header = header.Encode() }, CancellationToken.None);
        }

        // A new generation: sink lanes and revisions start a new count above the old one.
        state.State.Generation++;
        state.State.Version++;
        await SaveAsync();
        await PublishAsync();
        Note("reset", $"Set back: {string.Join(", ", lines.Select(l => $"{l.Partition} to {l.Target}"))}.");
    }

    private string OwnerOf(string partition)
    {
        var slash = partition.LastIndexOf('/');
        return Names.PartitionOwner(
            Name, partition[..slash], int.Parse(partition[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private (PartState State, string? Reason) Worst(PartitionStatus[] partitions, ShardStatus[] shards)
    {
        if (state.State.Desired == DesiredState.Stopped) return (PartState.Stopped, null);
        if (_problem is not null) return (PartState.Blocked, _problem);
        if (state.State.Desired == DesiredState.Paused) return (PartState.Paused, null);
        if (partitions.Length == 0) return (PartState.Starting, "The source's partitions are being looked up.");
        var worst = PartState.Running;
        string? reason = null;
        foreach (var (part, why, where) in partitions.Select(p => (p.State, p.Reason, $"partition {p.Partition}"))
                     .Concat(shards.Select(s => (s.State, s.Reason, $"shard {s.Step}/{s.Shard}"))))
        {
            if (part <= worst) continue;
            worst = part;
            reason = $"{where}: {why}";
        }

        return (worst, reason);
    }

    private async Task<IReadOnlyList<SinkStatus>> SinksAsync(PipelineRuntime? runtime, bool running)
    {
        if (runtime is null || !running) return [];
        var lanes = new List<ISinkGrain>();
        foreach (var sink in runtime.Plan.Sinks)
        {
            var names = sink.FromWindow
                ? ShardsOf(runtime).Where(s => s.Step == sink.From.Step).Select(s => Names.ShardLane(runtime, s.Step, s.Shard))
                : state.State.Sources.Select(s => Names.PartitionLane(runtime, s));
            lanes.AddRange(names.Select(n => GrainFactory.GetGrain<ISinkGrain>($"{Name}/{sink.Id}/{n}")));
        }

        return await Task.WhenAll(lanes.Select(l => l.GetStatusAsync()));
    }
}
