using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>A transform with every outcome: it throws, refuses, drops, and adds a field.</summary>
internal sealed class Screening : IRecordTransform
{
    public string Name => "screening";

    public RecordTransformer Prepare(TransformStep step)
    {
        var customer = step.Field("customer", FieldKind.String);
        var band = step.Field("band", FieldKind.String);
        return row =>
        {
            switch (row.GetString(customer))
            {
                case "thrown":
                    throw new InvalidOperationException("No such customer.");
                case "refused":
                    row.Refuse("The customer is on a list.");
                    break;
                case "dropped":
                    row.Drop();
                    break;
                default:
                    row.Set(band, "low");
                    break;
            }
        };
    }
}
