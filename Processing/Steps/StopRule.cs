using System.Globalization;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Counts rows and failed rows over the latest span of event time, in slices of a sixteenth of it. Nothing of it is
/// stored: when an operator has started the pipeline again, counting begins anew.
/// </summary>
internal sealed class StopRule(string step, StopIfPlan plan)
{
    private const int Slices = 16;

    private readonly long _width = Math.Max(1, plan.Over / Slices);
    private readonly long[] _rows = new long[Slices];
    private readonly long[] _failed = new long[Slices];
    private long _latest = long.MinValue;

    /// <summary>
    /// Counts a batch. Throws <see cref="PipelineStopException"/> when too many rows of the span failed.
    /// </summary>
    public void Observe(Selection rows, short[] firstFailed, BatchScope scope)
    {
        foreach (var row in rows.Span)
        {
            var slice = Math.DivRem(scope.Batch.EventTimes[row], _width, out var rest);
            if (rest < 0) slice--;
            if (_latest == long.MinValue || slice > _latest) MoveTo(slice);
            if (slice <= _latest - Slices) continue;
            var at = (int)(((slice % Slices) + Slices) % Slices);
            _rows[at]++;
            if (firstFailed[row] >= 0 || scope.Errors.Contains(row)) _failed[at]++;
        }

        var total = _rows.Sum();
        var failed = _failed.Sum();
        if (total < plan.MinRecords || failed <= plan.FailedRatio * total) return;
        throw new PipelineStopException(string.Create(
            CultureInfo.InvariantCulture,
            $"The step '{step}' stops the pipeline: {failed} of {total} records of the last {plan.Over} ms of event time failed "
            + $"(limit {plan.FailedRatio:P1}, up to offset {scope.Raw.To - 1} of {scope.Raw.Topic}/{scope.Raw.Partition}). "
            + $"Nothing of this batch was passed on. Mend the source or the rules, then start the pipeline again."));
    }

    private void MoveTo(long slice)
    {
        var steps = _latest == long.MinValue ? Slices : Math.Min(Slices, slice - _latest);
        for (var i = 0; i < steps; i++)
        {
            var at = (int)((((slice - i) % Slices) + Slices) % Slices);
            _rows[at] = 0;
            _failed[at] = 0;
        }

        _latest = slice;
    }
}
