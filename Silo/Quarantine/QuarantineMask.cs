using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Silo.Security;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>Quarantined records for those who do not see every field.</summary>
internal static class QuarantineMask
{
    /// <summary>The record with what the mask hides left out, raw bytes among it.</summary>
    public static QuarantineDetail Of(QuarantineDetail record, FieldMask? mask, PlanMask? lineage)
    {
        if (mask is null || lineage is null) return record;
        // A row that a sink refused has the columns of its table, whose names may be others than the fields' they came from.
        var columns = ReplayPlan.SinkOf(record.Place) is { } sink ? lineage.HiddenColumns(sink) : [];
        return record with
        {
            // The reason may quote what was in a field.
            Reason = lineage.HidesReason(record.Place) ? FieldMask.Hidden : record.Reason,
            Key = mask.Key(record.Key),
            Value = mask.Value(record.Value, columns),
            KeyBytes = null,
            RawValue = null,
            Headers = [.. record.Headers.Select(h => mask.Hides(h.Key) ? KeyValuePair.Create(h.Key, (string?)FieldMask.Hidden) : h)],
        };
    }
}
