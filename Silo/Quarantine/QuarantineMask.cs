using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Security;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>Quarantined records for those who do not see every field.</summary>
internal static class QuarantineMask
{
    /// <summary>The record with what the mask hides left out, raw bytes among it.</summary>
    public static QuarantineDetail Of(QuarantineDetail record, FieldMask? mask)
    {
        if (mask is null) return record;
        // The place names the field, and the reason may quote what was in it.
        var field = record.Place[(record.Place.LastIndexOf('.') + 1)..];
        return record with
        {
            Reason = mask.Hides(field) ? FieldMask.Hidden : record.Reason,
            Key = mask.Key(record.Key),
            Value = mask.Value(record.Value),
            KeyBytes = null,
            RawValue = null,
            Headers = [.. record.Headers.Select(h => mask.Hides(h.Key) ? KeyValuePair.Create(h.Key, (string?)FieldMask.Hidden) : h)],
        };
    }
}
