using System.Globalization;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// The event time of every decoded record: a field, or the Kafka timestamp. A record without one is refused when a step
/// depends on it. One far beyond the record's own Kafka timestamp is refused: that is a wrong unit or a wrong field, and the timestamp is in the log, so
/// a replay refuses the same ones.
/// </summary>
internal sealed class EventTimes(SourcePlan source, bool needed)
{
    /// <summary>2000-01-01: Kafka timestamps before it are counters or zeros, not times.</summary>
    private const long FirstTimestamp = 946_684_800_000;

    private readonly long _ahead = source.MaxAhead <= 0 || source.EventTimeField < 0 ? long.MaxValue : Math.Max(source.MaxAhead, WindowLimits.LeastAhead);
    private readonly string _place = source.EventTimeField < 0
        ? "timestamp" : source.Schema[source.EventTimeField].Name;

    /// <summary>Fills in the event times of the alive rows, and for each the partition's watermark before it, which they then move.</summary>
    public void Assign(BatchScope scope, PartitionWatermark watermark)
    {
        var batch = scope.Batch;
        var alive = batch.Alive;
        var column = source.EventTimeField < 0 ? null : (LongColumn)batch.Rows.Columns[source.EventTimeField];
        var timestamps = scope.Raw.Timestamps;
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

            if (known && timestamps[row] >= FirstTimestamp && time > WindowTime.Add(timestamps[row], _ahead))
            {
                scope.Errors.Add(row, "KOR4041", _place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"The event time lies {time - timestamps[row]} ms beyond the record's Kafka timestamp; at most {_ahead} ms are allowed."));
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
