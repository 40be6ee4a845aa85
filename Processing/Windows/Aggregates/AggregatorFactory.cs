using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>Makes the aggregates of a step; those of the same input share its loaded values.</summary>
internal sealed class AggregatorFactory(WindowStepSpec step)
{
    private readonly Dictionary<(int, Type), ChunkInput> _inputs = [];

    public Aggregator[] Create()
    {
        var made = new Aggregator[step.Aggregates.Count];
        var offset = 0;
        var slot = 0;
        for (var i = 0; i < made.Length; i++)
        {
            var aggregator = Create(step.Aggregates[i]);
            aggregator.Offset = offset;
            aggregator.Slot = slot;
            offset += (aggregator.StateBytes + 7) & ~7;
            slot += aggregator.ObjectSlots;
            made[i] = aggregator;
        }

        return made;
    }

    private Aggregator Create(AggregateSpec spec)
    {
        if (spec.Kind == AggregateKind.Count) return new CountRows(spec);
        if ((uint)spec.Input >= (uint)step.InputTypes.Count)
            throw new ArgumentException($"Aggregate '{spec.Name}' reads input {spec.Input} of {step.InputTypes.Count}.");
        return spec.Kind switch
        {
            AggregateKind.CountValues => new CountValues(spec, Plain(spec)),
            AggregateKind.Sum or AggregateKind.Avg when spec.InputType.Kind == FieldKind.Double =>
                new DoubleSumAggregator(spec, Doubles(spec)),
            AggregateKind.Sum or AggregateKind.Avg => new ExactSumAggregator(spec, Form(spec)),
            AggregateKind.Variance or AggregateKind.StdDev => new VarianceAggregator(spec, Doubles(spec)),
            AggregateKind.Min or AggregateKind.Max => Extreme(spec),
            AggregateKind.First or AggregateKind.Last => Positional(spec),
            AggregateKind.CountDistinct => new DistinctAggregator(spec, Form(spec)),
            AggregateKind.Percentile => new PercentileAggregator(spec, Doubles(spec)),
            AggregateKind.TopK => new TopAggregator(Bounded(spec), Plain(spec)),
            AggregateKind.Collect => new CollectAggregator(Bounded(spec), Plain(spec)),
            _ => throw new ArgumentException($"Aggregate '{spec.Name}' has the unknown kind {spec.Kind}."),
        };
    }

    private static AggregateSpec Bounded(AggregateSpec spec) => spec.Parameter is >= 1 and <= 10_000
        ? spec
        : throw new ArgumentException($"Aggregate '{spec.Name}' needs a bound from 1 to 10000, not {spec.Parameter}.");

    private Aggregator Extreme(AggregateSpec spec) => Form(spec) switch
    {
        LongInput input => new ExtremeAggregator<long, LongValue>(spec, input),
        WideInput input => new ExtremeAggregator<Int128, WideValue>(spec, input),
        DoubleInput input => new ExtremeAggregator<double, DoubleValue>(spec, input),
        var input => new BytesExtremeAggregator(spec, (ColumnInput)input),
    };

    private Aggregator Positional(AggregateSpec spec) => Form(spec) switch
    {
        LongInput input => new PositionalAggregator<long, LongValue>(spec, input),
        WideInput input => new PositionalAggregator<Int128, WideValue>(spec, input),
        DoubleInput input => new PositionalAggregator<double, DoubleValue>(spec, input),
        var input => new BytesPositionalAggregator(spec, (ColumnInput)input),
    };

    private ChunkInput Form(AggregateSpec spec) => spec.InputType.Kind switch
    {
        FieldKind.Decimal when spec.InputType.Precision > 18 => Input(spec, c => new WideInput(c)),
        FieldKind.Boolean or FieldKind.Integer or FieldKind.Timestamp or FieldKind.Date or FieldKind.Decimal =>
            Input(spec, c => new LongInput(c)),
        FieldKind.Double => Doubles(spec),
        _ => Plain(spec),
    };

    private DoubleInput Doubles(AggregateSpec spec) => Input(spec, c => new DoubleInput(c));

    private ColumnInput Plain(AggregateSpec spec) => Input(spec, c => new ColumnInput(c));

    private T Input<T>(AggregateSpec spec, Func<int, T> make) where T : ChunkInput
    {
        if (_inputs.TryGetValue((spec.Input, typeof(T)), out var known)) return (T)known;
        var made = make(spec.Input);
        _inputs.Add((spec.Input, typeof(T)), made);
        return made;
    }
}
