using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace OwnHost;

public sealed class Scoring : IRecordTransform
{
    public string Name => "scoring";

    public RecordTransformer Prepare(TransformStep step)
    {
        if (!decimal.TryParse(step.Options.GetValueOrDefault("limit"), out var limit)) throw new ArgumentException("the option 'limit' must be a number");
        var (id, amount, score) = (step.Field("customer_id", FieldKind.String), step.Field("amount", FieldKind.Decimal), step.Field("score", FieldKind.Integer));
        return row =>
        {
            if (row.GetString(id).Length < 3) row.Refuse("customer_id is too short");
            else row.Set(score, row.GetDecimal(amount) > limit ? 1L : 0L);
        };
    }
}
