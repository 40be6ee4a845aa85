using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The one word about the pipeline, kept up to date by the clockwork and shown in the catalog, in metrics and in events.</summary>
internal sealed partial class PipelineGrain
{
    private readonly LagWatch _lag = new();
    private readonly WatermarkWatch _watermarks = new();
    private readonly MetricHistory _history = new();
    private DateTimeOffset? _conditionSince;
    private PipelineCondition _condition;
    private string? _conditionReason;

    public Task<PipelineMetrics> GetMetricsAsync(DateTimeOffset? from, DateTimeOffset? to, int stepSeconds)
    {
        var now = time.GetUtcNow();
        return Task.FromResult(_history.Read(Name, from ?? DateTimeOffset.UnixEpoch, to is { } until && until < now ? until : now, Math.Max(1, stepSeconds / PipelineMetrics.Period)));
    }

    /// <summary>Takes a look at all parts. What cannot be seen now is seen at the next tick.</summary>
    private async Task JudgeAsync()
    {
        try
        {
            var status = await RollUpAsync(look: false);
            _history.Observe(time.GetUtcNow(), status);
            _lag.Observe(time.GetUtcNow().ToUnixTimeMilliseconds(), status.Partitions);
            _watermarks.Observe(time.GetUtcNow(), status.Desired == DesiredState.Running ? status.Partitions : []);
            ObserveQuarantine(status);
            HealthOf(status.Partitions, status.Shards, status.Sinks, remember: true);
            await ShowAsync(status.Condition, status.Reason);
            Pace(status.Desired == DesiredState.Stopped ? !_halting : IsAtRest(status));
            if (plans.Find(Name) is { } runtime && status.Partitions.Count != 0) await TellEndsAsync(runtime, status.Partitions);
        }
        catch (Exception e) when (e.IsLost())
        {
            LogProblem(Name, e);
        }
    }

    /// <summary>All is well and nothing comes.</summary>
    private static bool IsAtRest(PipelineStatus status) =>
        status is { Condition: PipelineCondition.Running, Lag: 0, RecordsPerSecond: 0, Health.Count: 0 } && status.Sinks.All(s => s.Buffered == 0);

    private async Task ShowAsync(PipelineCondition condition, string? reason)
    {
        PartMetrics.Set(Name, condition);
        _conditionSince ??= time.GetUtcNow();
        if (condition == _condition) return;
        _conditionSince = time.GetUtcNow();
        // Logs are read for what needs somebody; the rest is in the events.
        var level = condition is PipelineCondition.Failed or PipelineCondition.Degraded ? LogLevel.Warning : LogLevel.Information;
        Note("condition", reason is null ? $"{_condition} -> {condition}." : $"{_condition} -> {condition}: {reason}", level);
        _conditionReason = reason;
        _condition = condition;
        await PublishAsync();
    }
}
