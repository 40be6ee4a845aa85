using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.WebConsole.Data;

namespace KafkaOracleOrleans.WebConsole.Components.Shared;

/// <summary>What a node of the flow shows.</summary>
/// <param name="In">What comes in.</param>
/// <param name="Out">What goes on.</param>
/// <param name="Aside">What matters besides.</param>
/// <param name="Busy">The part of the time, 0 to 1, that goes into it.</param>
/// <param name="Blocked">The part of the time, 0 to 1, that is waited for it.</param>
/// <param name="LoadText">Both in words.</param>
/// <param name="Kind"><c>bad</c> (a part failed or waits), <c>slow</c> (the bottleneck), or empty.</param>
public sealed record NodeFacts(string In, string Out, string Aside, double Busy, double Blocked, string LoadText, string Kind)
{
    /// <summary>The source in addresses; a step's id has no asterisk.</summary>
    public const string Source = "*source";

    /// <summary>What a node is called.</summary>
    public static string Name(FlowNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Id.Length == 0 ? "kafka" : node.Id;
    }

    /// <summary>Which step's time a node's is: steps that work on rows share theirs with decoding.</summary>
    public static string TimeOf(FlowNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Kind is "dedup" or "lookup" or "window" or "aggregate" or "sink" or "custom" ? node.Id : "";
    }

    /// <summary>The facts of a node.</summary>
    public static NodeFacts Of(FlowNode node, FlowReport flow, PipelineStatus pipeline, PipelineRates rates)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(rates);
        var (received, sent, aside, isBad) = Text(node, flow, pipeline, rates);
        var load = pipeline.Steps.FirstOrDefault(s => s.Step == TimeOf(node));
        var text = load is null ? "" : load.Blocked > load.Busy ? $"waits {Format.Percent(load.Blocked)}" : $"busy {Format.Percent(load.Busy)}";
        return new NodeFacts(received, sent, aside, load?.Busy ?? 0, load?.Blocked ?? 0, text, isBad ? "bad" : load?.Load >= StepStatus.High ? "slow" : "");
    }

    private static (string In, string Out, string Aside, bool IsBad) Text(FlowNode node, FlowReport flow, PipelineStatus pipeline, PipelineRates rates)
    {
        var rate = rates.Of(node.Id);
        var received = $"in {Format.Rate(rate.In)}";
        switch (node.Kind)
        {
            case "source":
                return ($"in {Format.Rate(pipeline.RecordsPerSecond)}", $"lag {Format.Seconds(pipeline.LagSeconds)}", Format.Many(pipeline.Partitions.Count, "partition"),
                    pipeline.Partitions.Any(p => p.State is PartState.Failed or PartState.Blocked));
            case "sink":
                var lanes = pipeline.Sinks.Where(s => s.Sink == node.Id).ToList();
                if (lanes.Count == 0) return ("not open", "", "", false);
                return (
                    $"out {Format.Rate(rates.Written.TryGetValue(node.Id, out var rows) ? rows : null)}", $"{Format.Short(lanes.Sum(s => (long)s.Buffered))} wait",
                    lanes.Max(s => s.WriteP99Ms) is { } p99 ? $"p99 {Format.Millis(p99)}" : "", lanes.Any(s => s.State is PartState.Failed or PartState.Blocked));
            case "window" or "aggregate":
                var shards = pipeline.Shards.Where(s => s.Step == node.Id).ToList();
                return (received, $"closed {Format.Rate(rates.Closed.TryGetValue(node.Id, out var closed) ? closed : null)}", $"{Format.Short(shards.Sum(s => (long)s.Cells))} keys",
                    shards.Any(s => s.State is PartState.Failed or PartState.Blocked));
            default:
                return (received, $"out {Format.Rate(rate.Out)}", rate.Dropped is > 0 ? $"-{Format.Rate(rate.Dropped)}" : "", false);
        }
    }
}
