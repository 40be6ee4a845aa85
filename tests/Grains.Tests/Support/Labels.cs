using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>A transform of the host: says of every sale who bought for how much.</summary>
internal sealed class Labels : IRecordTransform
{
    public string Name => "Labels";

    public RecordTransformer Prepare(TransformStep step)
    {
        var customer = step.Field("customer", FieldKind.String);
        var amount = step.Field("amount", FieldKind.Integer);
        var label = step.Field("label", FieldKind.String);
        return row => row.Set(label, string.Create(CultureInfo.InvariantCulture, $"{row.GetString(customer)}:{row.GetInteger(amount)}"));
    }
}
