using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The end of a run that stops at the end of its topics: windows that are due, those that are to be closed, and rows on their way to sinks.</summary>
internal sealed partial class PipelineGrain
{
    /// <summary>As many open windows are looked at in one call; those that end first are in front.</summary>
    private const int WindowsAtOnce = 1000;

    // The first call says that a source rests, the second offers a permit, the third takes it.
    private const int Confirmations = 3;

    public async Task<SettleOutcome> SettleAsync(bool closeWindows)
    {
        if (state.State.Desired == DesiredState.Stopped || await TryGetRuntimeAsync() is not { } runtime)
            return new SettleOutcome(false, 0, $"Pipeline '{Name}' does not run.");
        var open = 0;
        foreach (var step in runtime.Plan.Steps.OfType<WindowPlan>())
        {
            for (var number = 0; number < step.Shards; number++)
            {
                var shard = _parts.Get<IAggregatorGrain>(Names.Shard(Name, step.Id, number));
                var (waits, windows) = await SettleAsync(shard, step, closeWindows);
                if (waits is not null) return new SettleOutcome(false, open, $"Step '{step.Id}': {waits}");
                open += windows;
            }
        }

        return new SettleOutcome(true, open, null);
    }

    private async Task<(string? Waits, int Open)> SettleAsync(IAggregatorGrain shard, WindowPlan step, bool closeWindows)
    {
        // Asked for first: what the checkpoint below makes durable has been closed before.
        var open = step.Window.Window is RunningTotals ? [] : await shard.GetOpenAsync(WindowsAtOnce);
        var before = await shard.GetStatusAsync();
        if (open.Any(w => w.Revision == 0 && w.End <= before.Watermark)) return ("windows that are due are being closed.", 0);
        if (closeWindows && open.Count != 0)
        {
            await EndSourcesAsync(shard, open.Max(w => w.Final ?? (w.End!.Value + step.Window.AllowedLateness)));
            return ("the open windows are being closed.", 0);
        }

        await shard.CheckpointAsync();
        var status = await shard.GetStatusAsync();
        if (status.State != PartState.Running) return (status.Reason ?? "its state is not durable yet.", 0);
        return status.Buffered.FirstOrDefault(b => b.Value != 0) is { Key: { } sink, Value: var rows }
            ? (string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{rows} rows are on their way to sink '{sink}'."), 0)
            : (null, open.Count);
    }

    /// <summary>
    /// Every source rests, and claims that its time has come so far: a shard believes what all of them claim. It is the way of idle partitions, so a record
    /// that comes later for a window closed so is late with the reason <c>idle</c>.
    /// </summary>
    private async Task EndSourcesAsync(IAggregatorGrain shard, long until)
    {
        var sources = await Task.WhenAll(state.State.Sources.Select(StatusOfAsync));
        if (sources.Length == 0) return;
        // A shard all of whose sources rest already would take no new claim: one is awake for a moment.
        await ConfirmAsync(shard, sources[^1], false, 0, until);
        var tickets = new long[sources.Length];
        for (var round = 0; round < Confirmations; round++)
        {
            for (var i = 0; i < sources.Length; i++) tickets[i] = Math.Abs(await ConfirmAsync(shard, sources[i], true, tickets[i], until));
        }
    }

    private static Task<long> ConfirmAsync(IAggregatorGrain shard, PartitionStatus source, bool idle, long ticket, long until) =>
        shard.ConfirmIdleAsync(source.Partition, source.Position ?? 0, source.Checkpoint ?? 0, idle, ticket, until);
}
