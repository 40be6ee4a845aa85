using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>Starting over after an error, as long as that can help; and what is shown of it.</summary>
internal sealed partial class PartitionGrain
{
    private PartitionGauges? _gauges;
    private int _faults;
    private bool _gaveUp;

    /// <summary>
    /// Counts the error and says whether it ends the partition until an operator starts it again: a stop rule does, and a fault of the program that keeps
    /// coming back. What something outside or a change of owners caused is repeated without limit, for it mends itself.
    /// </summary>
    private bool GivesUp(Exception e)
    {
        var kind = e.Kind();
        if (kind == FaultKind.StopRule) return true;
        EngineMetrics.Restarted(_id.Source, kind.Label());
        if (kind.MendsItself()) return false;
        return ++_faults > _options.MaxRestarts;
    }

    private void Tell(string kind, string text, bool restart) =>
        GrainFactory.GetGrain<IPipelineGrain>(_id.Source).TellAsync(kind, $"Partition {_source}: {text}", restart).Ignore();

    private void ShowGauges()
    {
        if (_gauges is not { } gauges) return;
        gauges.State = WorstState(out _);
        gauges.Group = _runtime?.Plan.Source.GroupId ?? "";
        gauges.Lag = _stopped && !_gaveUp ? -1 : Lag() ?? -1;
        gauges.LagSeconds = _stopped && !_gaveUp ? -1 : LagSeconds() ?? -1;
        gauges.RecordsPerSecond = _rate;
        gauges.QueuedRecords = _queue.Sum(b => b.Count);
        // Where nothing is to be made durable, what is durable is of now: a quiet topic is no checkpoint that is overdue.
        gauges.CheckpointAt = _owned && !_changed && _commit.IsCompleted ? time.GetUtcNow().ToUnixTimeMilliseconds() : _checkpointedAt;
        gauges.Lanes = _lanes.ConvertAll(l => l.Gauge(l.Fresh(IsComplete(l))));
        gauges.States = [.. _cells.Values.Select(c => new StateGauge(c.Step.Id, c.ByName.Count, 0, c.Bytes))];
    }

    private double? LagSeconds() => LagTimes.Behind(Lag(), _header.LastAt, time.GetUtcNow());
}
