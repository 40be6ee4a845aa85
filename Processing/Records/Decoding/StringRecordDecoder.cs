namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Values that are one text each. An empty text is an empty string, and missing for fields of other types.
/// </summary>
internal sealed class StringRecordDecoder(SourceFormatSpec spec) : RecordDecoder(spec)
{
    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row)
    {
        foreach (var slot in ValueSlots)
        {
            if (value.IsEmpty && slot.Kind is not (FieldKind.String or FieldKind.Bytes)) continue;
            SetText(slot, value, row);
        }

        return true;
    }
}
