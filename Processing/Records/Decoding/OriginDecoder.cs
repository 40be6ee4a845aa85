using System.Buffers.Text;
using System.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Fields that hold where a record came from: its headers, topic, partition, offset and Kafka timestamp. Of headers with one name the last one
/// counts, as with <c>lastHeader</c> of Kafka's clients.
/// </summary>
internal sealed class OriginDecoder(FieldSlot[] slots, RecordDecoder decoder)
{
    private readonly bool _headers = slots.Any(s => s.Spec.From == FieldOrigin.Header);
    private byte[] _topic = [];
    private string _topicName = "";

    public void Decode(RawBatch raw, int row)
    {
        var headers = _headers ? raw.HeadersOf(row) : [];
        foreach (var slot in slots)
        {
            switch (slot.Spec.From)
            {
                case FieldOrigin.Header:
                    Header(slot, headers, row);
                    break;
                case FieldOrigin.Topic:
                    if (!ReferenceEquals(_topicName, raw.Topic)) (_topicName, _topic) = (raw.Topic, Encoding.UTF8.GetBytes(raw.Topic));
                    decoder.SetText(slot, _topic, row);
                    break;
                case FieldOrigin.Partition:
                    Number(slot, raw.Partition, row);
                    break;
                case FieldOrigin.Offset:
                    Number(slot, raw.Offsets[row], row);
                    break;
                case FieldOrigin.KafkaTimestamp:
                    // A record without one: the field is missing.
                    if (raw.Timestamps[row] >= 0) Time(slot, raw.Timestamps[row], row);
                    break;
            }
        }
    }

    private void Header(FieldSlot slot, IReadOnlyList<KeyValuePair<string, byte[]?>> headers, int row)
    {
        for (var i = headers.Count - 1; i >= 0; i--)
        {
            if (!string.Equals(headers[i].Key, slot.Spec.Header, StringComparison.Ordinal)) continue;
            if (headers[i].Value is not { } value)
            {
                slot.Fault = ValueFault.None;
                slot.SetNull(row);
                decoder.Found(slot, slot.Fault);
            }
            else if (slot.Column is BinaryColumn { Type.Kind: FieldKind.Bytes } bytes)
            {
                bytes.Set(row, value);
                decoder.Found(slot, ValueFault.None);
            }
            else if (value.Length != 0 || slot.Kind == FieldKind.String)
            {
                decoder.SetText(slot, value, row);
            }

            return;
        }
    }

    private void Number(FieldSlot slot, long value, int row)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, text, out var length);
        decoder.SetText(slot, text[..length], row);
    }

    private void Time(FieldSlot slot, long ms, int row)
    {
        if (slot.Kind is FieldKind.Integer or FieldKind.String)
        {
            Number(slot, ms, row);
            return;
        }

        var inRange = ms <= TimeText.MaxMillis;
        if (inRange) ((LongColumn)slot.Column).Set(row, slot.Kind == FieldKind.Date ? TimeText.FloorDays(ms * 1000) : ms * 1000);
        decoder.Found(slot, inRange ? ValueFault.None : ValueFault.TimeRange);
    }
}
