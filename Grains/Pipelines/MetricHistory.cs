using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// The last 15 minutes of a pipeline's numbers, a sample every <see cref="PipelineMetrics.Period"/> s: 720 bytes a series, at most 8 series and
/// <see cref="PipelineMetrics.MaxRules"/> of quality rules, so 42 KB a pipeline at most and 6 KB without rules.
/// </summary>
internal sealed class MetricHistory
{
    private const string RulePrefix = "rule:";

    // A pipeline at rest is looked at less often than samples are taken: it is as it was.
    private const int Bridged = 3;

    private static readonly (string Name, string Unit)[] Fixed =
    [
        ("recordsPerSecond", "1/s"), ("rowsPerSecond", "1/s"), ("lag", "records"), ("lagSeconds", "s"), ("quarantinedPerSecond", "1/s"), ("latePerSecond", "1/s"),
        ("watermarkDelaySeconds", "s"), ("batchMs", "ms"),
    ];

    private readonly Dictionary<string, float[]> _series = Fixed.ToDictionary(f => f.Name, _ => Empty(), StringComparer.Ordinal);
    private long _last = -1;
    private (DateTimeOffset At, PipelineStatus Status)? _before;

    /// <summary>Takes what a look at the pipeline showed; more often than every <see cref="PipelineMetrics.Period"/> s changes nothing.</summary>
    public void Observe(DateTimeOffset at, PipelineStatus status)
    {
        var slot = SlotOf(at);
        if (slot <= _last) return;
        var before = _before;
        _before = (at, status);
        // Rates need two looks.
        var from = _last < 0 || slot - _last > Bridged ? slot : _last + 1;
        for (var gap = Math.Max(_last + 1, slot - PipelineMetrics.Capacity + 1); gap < from; gap++) Clear(gap);
        for (var s = from; s <= slot; s++)
        {
            Clear(s);
            Fill(s, at, status, before);
        }

        _last = slot;
    }

    /// <summary>The series between two times, in stretches of so many samples; times that are not kept any more are left out.</summary>
    public PipelineMetrics Read(string pipeline, DateTimeOffset from, DateTimeOffset to, int samples)
    {
        // Stretches begin at fixed times, so that a later call has the same ones.
        var first = Math.Max(SlotOf(from), SlotOf(to) - PipelineMetrics.Capacity + 1) / samples;
        var count = (int)Math.Max(0, (SlotOf(to) / samples) - first + 1);
        var series = _series.OrderBy(s => Array.FindIndex(Fixed, f => f.Name == s.Key) is var i and >= 0 ? i : int.MaxValue).ThenBy(s => s.Key, StringComparer.Ordinal)
            .Select(s => new MetricSeries(s.Key, UnitOf(s.Key), [.. Enumerable.Range(0, count).Select(i => Average(s.Value, (first + i) * samples, samples))]));
        return new PipelineMetrics(
            pipeline, DateTimeOffset.FromUnixTimeSeconds(first * samples * PipelineMetrics.Period), samples * PipelineMetrics.Period, [.. series]);
    }

    private static float[] Empty()
    {
        var values = new float[PipelineMetrics.Capacity];
        Array.Fill(values, float.NaN);
        return values;
    }

    private static long SlotOf(DateTimeOffset at) => Math.Max(0, at.ToUnixTimeSeconds()) / PipelineMetrics.Period;

    private static string UnitOf(string name) => Array.Find(Fixed, f => f.Name == name).Unit ?? "1/s";

    private double? Average(float[] values, long from, int samples)
    {
        var (sum, known) = (0.0, 0);
        for (var slot = from; slot < from + samples; slot++)
        {
            if (slot > _last || slot <= _last - PipelineMetrics.Capacity || float.IsNaN(values[slot % PipelineMetrics.Capacity])) continue;
            sum += values[slot % PipelineMetrics.Capacity];
            known++;
        }

        return known == 0 ? null : sum / known;
    }

    private void Clear(long slot)
    {
        foreach (var values in _series.Values) values[slot % PipelineMetrics.Capacity] = float.NaN;
    }

    private void Fill(long slot, DateTimeOffset at, PipelineStatus status, (DateTimeOffset At, PipelineStatus Status)? before)
    {
        Set("recordsPerSecond", slot, status.RecordsPerSecond);
        Set("lag", slot, status.Lag);
        Set("lagSeconds", slot, status.LagSeconds);
        Set("watermarkDelaySeconds", slot, status.WatermarkAt is { } watermark ? (at - watermark).TotalSeconds : null);
        Set("batchMs", slot, status.BatchMs);
        if (before is not var (since, old) || at <= since) return;
        var span = (at - since).TotalSeconds;
        Set("rowsPerSecond", slot, status.Sinks.Count == 0 || old.Sinks.Count == 0 ? null : Rate(old.Sinks.Sum(s => s.Written), status.Sinks.Sum(s => s.Written), span));
        Set("quarantinedPerSecond", slot, Rate(old.Counts.Quarantined, status.Counts.Quarantined, span));
        Set("latePerSecond", slot, Rate(old.Counts.Late, status.Counts.Late, span));
        foreach (var (rule, failed) in status.Rules)
        {
            if (!_series.ContainsKey(RulePrefix + rule))
            {
                if (_series.Count >= Fixed.Length + PipelineMetrics.MaxRules) continue;
                _series[RulePrefix + rule] = Empty();
            }

            Set(RulePrefix + rule, slot, Rate(old.Rules.GetValueOrDefault(rule), failed, span));
        }
    }

    /// <summary>A count that went back belongs to an owner that began anew.</summary>
    private static double? Rate(long before, long after, double seconds) => after < before ? null : (after - before) / seconds;

    private void Set(string name, long slot, double? value)
    {
        if (value is { } number) _series[name][slot % PipelineMetrics.Capacity] = (float)number;
    }
}
