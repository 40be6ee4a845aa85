using System.Globalization;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// The event time of every decoded record: a field, or the Kafka timestamp. A record without one is refused when a step
/// depends on it; one too far ahead is always refused, and does not move the watermark.
/// </summary>
internal sealed class EventTimes(SourcePlan source, bool needed)
{
    private readonly string _place = source.EventTimeField < 0
        ? "timestamp" : source.Schema[source.EventTimeField].Name;

    /// <summary>Fills in the event times of the alive rows, and for each the partition's watermark before it, which they then move.</summary>
    public void Assign(BatchScope scope, PartitionWatermark watermark)
    {
        var batch = scope.Batch;
        var alive = batch.Alive;
        var column = source.EventTimeField < 0 ? null : (LongColumn)batch.Rows.Columns[source.EventTimeField];
        var limit = source.MaxAhead <= 0
            || scope.Now > long.MaxValue - source.MaxAhead ? long.MaxValue : scope.Now + source.MaxAhead;
        var kept = 0;
        var rows = alive.Rows;
        for (var i = 0; i < alive.Count; i++)
        {
            var row = rows[i];
            var known = TryTime(scope, column, row, out var time);
            if (!known && needed)
            {
                scope.Errors.Add(row, "KOR4040", _place, "The record has no event time.");
                continue;
            }

            if (known && time > limit)
            {
                scope.Errors.Add(row, "KOR4041", _place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"The event time lies {time - scope.Now} ms ahead of the clock; at most {source.MaxAhead} ms are allowed."));
                continue;
            }

            batch.EventTimes[row] = time;
            batch.Watermarks[row] = watermark.Current;
            if (known) watermark.Observe(time);
            rows[kept++] = row;
        }

        alive.SetCount(kept);
    }

    private static bool TryTime(BatchScope scope, LongColumn? column, int row, out long time)
    {
        time = 0;
        if (column is null)
        {
            if (scope.Raw.Timestamps[row] < 0) return false;
            time = scope.Raw.Timestamps[row];
            return true;
        }

        if (column.IsNull[row]) return false;
        var value = column.Values[row];
        if (column.Type.Kind == FieldKind.Date) time = value * 86_400_000;
        else time = value >= 0 ? value / 1000 : (value - 999) / 1000;
        return true;
    }
}
