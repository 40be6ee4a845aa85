using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The roll-up of a pipeline's parts.</summary>
internal sealed partial class PipelineGrain
{
    private const string NoAnswer = "It does not answer; its silo may be gone. The cluster moves it when it has made sure.";

    public Task<PipelineStatus> GetStatusAsync() => RollUpAsync(look: true);

    /// <summary>The roll-up; with <paramref name="look"/>, of a stopped pipeline also what is not known here and has to be asked for.</summary>
    private async Task<PipelineStatus> RollUpAsync(bool look)
    {
        if (look) await TryAskRefusalsAsync();
        var runtime = state.State.Hash is null ? null : await TryGetRuntimeAsync();
        _quarantineTopic = runtime?.Plan.Quarantine is { HasTable: false, Topic: { } refused } ? refused.Topic : null;
        var running = state.State.Desired != DesiredState.Stopped;
        var partitions = running ? await Task.WhenAll(state.State.Sources.Select(s => StatusOfAsync(s))) : await StoppedPartitionsAsync(runtime, look);
        var shards = running && runtime is not null ? await Task.WhenAll(ShardsOf(runtime).Select(StatusOfAsync)) : [];
        partitions = [.. partitions.Select(p => _watermarks.Of(Judged(p)))];
        var steps = Steps(runtime, partitions, shards);
        partitions = [.. partitions.Select(p => p with { Steps = [] })];
        var sinks = await SinksAsync(runtime, running, partitions, shards);
        var (worst, reason) = Worst(partitions, shards, sinks);
        var health = HealthOf(partitions, shards, sinks, remember: false);
        var condition = Conditions.Derive(state.State.Desired, _halting, Whole().State, partitions, shards, sinks, health.Count != 0);
        return new PipelineStatus
        {
            Name = Name,
            Version = state.State.Version,
            Desired = state.State.Desired,
            State = worst,
            Reason = reason ?? (health.Count == 0 ? null : health[0].Text),
            Counts = partitions.Aggregate(RecordCounts.Zero, (sum, p) => sum + p.Counts),
            RecordsPerSecond = partitions.Sum(p => p.RecordsPerSecond),
            Lag = partitions.Length == 0 || partitions.Any(p => p.End is null || p.Position is null)
                ? null
                : partitions.Sum(p => Math.Max(0, p.End!.Value - p.Position!.Value)),
            // Of windows: what dedup shards forget by stands still when there is no traffic.
            Watermark = shards.Where(s => runtime!.Plan.Steps.Any(p => p is WindowPlan && p.Id == s.Step)).Min(s => s.Watermark),
            Partitions = partitions,
            Shards = shards,
            Sinks = sinks,
            Condition = condition,
            Steps = steps,
            WindowSteps = runtime is null ? [] : [.. runtime.Plan.Steps.OfType<WindowPlan>().Where(w => w.Window.Window is not RunningTotals).Select(w => w.Id)],
            ConditionSince = condition == _condition ? _conditionSince : null,
            Health = health,
            InputPerSecond = partitions.All(p => p.InputPerSecond is null) ? null : partitions.Sum(p => p.InputPerSecond),
            BatchMs = partitions.Max(p => p.BatchMs),
            Verdict = state.State.Desired == DesiredState.Running ? _lag.Verdict : LagVerdict.Unknown,
            LagSeconds = partitions.Length == 0 || partitions.All(p => p.LagSeconds is null) ? null : partitions.Max(p => p.LagSeconds),
            Restarts = Restarts,
            Rules = partitions.SelectMany(p => p.Rules)
                .GroupBy(r => r.Key, StringComparer.Ordinal)
                .ToDictionary(g => g.Key, g => g.Sum(r => r.Value), StringComparer.Ordinal),
        };
    }

    /// <summary>What steps do over all partitions, in the order of the definition; what no partition has met yet is left out.</summary>
    private static List<StepStatus> Steps(PipelineRuntime? runtime, PartitionStatus[] partitions, ShardStatus[] shards)
    {
        var order = runtime is null ? [] : runtime.Plan.Steps.Select(s => s.Id).Prepend(StepLoads.Rows).Concat(runtime.Plan.Sinks.Select(s => s.Id)).ToList();
        var steps = new List<StepStatus>();
        foreach (var same in partitions.SelectMany(p => p.Steps).GroupBy(s => s.Step, StringComparer.Ordinal).OrderBy(g => order.IndexOf(g.Key) is var i and >= 0 ? i : int.MaxValue))
        {
            var durations = new float[DurationSketch.Buckets];
            foreach (var part in same)
            {
                for (var i = 0; i < Math.Min(durations.Length, part.Durations.Count); i++) durations[i] += part.Durations[i];
            }

            steps.Add(new StepStatus
            {
                Step = same.Key,
                In = same.Sum(s => s.In),
                // A window leaves its shard, not the partitions.
                Out = same.Sum(s => s.Out) + shards.Where(s => s.Step == same.Key).Sum(s => s.ClosedWindows),
                Dropped = same.Sum(s => s.Dropped),
                Busy = same.Max(s => s.Busy),
                Blocked = same.Max(s => s.Blocked),
                P50Ms = DurationSketch.Quantile(durations, 0.5) * 1000,
                P95Ms = DurationSketch.Quantile(durations, 0.95) * 1000,
                P99Ms = DurationSketch.Quantile(durations, 0.99) * 1000,
            });
        }

        return steps;
    }

    /// <summary>What this silo runs; null when the definition does not compile here, which then is the pipeline's problem.</summary>
    private async Task<PipelineRuntime?> TryGetRuntimeAsync()
    {
        try
        {
            return await plans.GetAsync(Name, state.State.Version);
        }
        catch (PipelineChangedException e)
        {
            _problem = e.Message;
            _problemNeedsOperator = true;
            return null;
        }
    }

    /// <summary>A part that does not answer (its silo may be gone and not yet be declared dead) is shown as such; the others are not held up.</summary>
    private async Task<PartitionStatus> StatusOfAsync(string source)
    {
        try
        {
            return await PartitionOf(source).GetStatusAsync().WaitAsync(Deadlines.Status, time);
        }
        catch (Exception e) when (e.IsLost())
        {
            return new PartitionStatus
            {
                Partition = source,
                State = PartState.Blocked,
                Reason = NoAnswer,
                Position = null,
                Checkpoint = null,
                Counts = RecordCounts.Zero,
                Epoch = 0,
                RecordsPerSecond = 0,
                Rules = new Dictionary<string, long>(),
            };
        }
    }

    private async Task<ShardStatus> StatusOfAsync(ShardPart shard)
    {
        try
        {
            return await shard.GetStatusAsync().WaitAsync(Deadlines.Status, time);
        }
        catch (Exception e) when (e.IsLost())
        {
            return new ShardStatus
            {
                Step = shard.Step,
                Shard = shard.Number,
                State = PartState.Blocked,
                Reason = NoAnswer,
                Epoch = 0,
                Cells = 0,
                OutboxEntries = 0,
                Late = 0,
                ClosedWindows = 0,
                LastCheckpointMs = 0,
            };
        }
    }

    private async Task<SinkStatus> StatusOfAsync(string sink, string lane)
    {
        try
        {
            return await _parts.Get<ISinkGrain>($"{Name}/{sink}/{lane}").GetStatusAsync().WaitAsync(Deadlines.Status, time);
        }
        catch (Exception e) when (e.IsLost())
        {
            return new SinkStatus
            {
                Sink = sink, Lane = lane, State = PartState.Blocked, Reason = NoAnswer, Written = 0, Quarantined = 0, Buffered = 0,
            };
        }
    }

    private (PartState State, string? Reason) Worst(PartitionStatus[] partitions, ShardStatus[] shards, IReadOnlyList<SinkStatus> sinks)
    {
        if (state.State.Desired == DesiredState.Stopped) return (PartState.Stopped, null);
        var paused = state.State.Desired == DesiredState.Paused;
        var (worst, reason) = Whole();
        if (partitions.Length == 0 && reason is null && !paused)
            return (PartState.Starting, "The source's partitions are being looked up.");
        if (paused && worst < PartState.Blocked) worst = PartState.Paused;
        foreach (var (part, why, where) in partitions.Select(p => (p.State, p.Reason, $"partition {p.Partition}"))
                     .Concat(shards.Select(s => (s.State, s.Reason, $"shard {s.Step}/{s.Shard}")))
                     // Whoever feeds a sink that has failed says so a moment later; a lane that is about to open is no news.
                     .Concat(sinks.Where(s => s.State >= PartState.Blocked).Select(s => (s.State, s.Reason, $"sink {s.Sink}"))))
        {
            // Of a pipeline that is paused only what is broken is news.
            if (part <= worst || (paused && part < PartState.Blocked)) continue;
            worst = part;
            reason = $"{where}: {why}";
        }

        return (worst, reason);
    }

    private async Task<IReadOnlyList<SinkStatus>> SinksAsync(
        PipelineRuntime? runtime, bool running, PartitionStatus[] partitions, ShardStatus[] shards)
    {
        if (runtime is null || !running) return [];
        var lanes = new List<Task<SinkStatus>>();
        foreach (var sink in runtime.Plan.Sinks)
        {
            lanes.AddRange(sink.FromWindow
                ? shards.Where(s => s.Step == sink.From.Step).Select(s => LaneAsync(sink.Id, Names.ShardLane(runtime, s.Step, s.Shard), s.Buffered, TotalsFreshness.Of(IsTotals(runtime, s.Step), s, partitions)))
                : partitions.Select(p => LaneAsync(sink.Id, Names.PartitionLane(runtime, p.Partition), p.Buffered, p.Fresh)));
        }

        return await Task.WhenAll(lanes);
    }

    private static bool IsTotals(PipelineRuntime runtime, string step) =>
        runtime.Plan.Steps.FirstOrDefault(s => s.Id == step) is WindowPlan { Window.Window: RunningTotals };

    /// <summary>A lane's writer, with the rows that its owner holds for it.</summary>
    private async Task<SinkStatus> LaneAsync(
        string sink, string lane, IReadOnlyDictionary<string, int> buffered, IReadOnlyDictionary<string, SinkFreshness> fresh)
    {
        var status = await StatusOfAsync(sink, lane) with { Buffered = buffered.GetValueOrDefault(sink) };
        // A lane opens with its first row: one that has none to write does not wait for anything.
        if (status is { State: PartState.Starting, Buffered: 0 })
        {
            var idle = status is { Written: 0, Already: 0, Quarantined: 0 };
            status = status with { State = PartState.Running, Reason = idle ? "It has had nothing to write yet." : null };
        }

        if (!fresh.TryGetValue(sink, out var behind)) return status;
        return status with
        {
            NewestRecord = behind.NewestAt,
            FreshnessSeconds = behind.Seconds,
        };
    }
}
