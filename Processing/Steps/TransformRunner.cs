using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Answers the custom steps of one partition with the host's transforms. Not thread-safe. A record that makes a transform throw is refused; the
/// others go on.
/// </summary>
public sealed class TransformRunner
{
    private readonly Dictionary<string, IRecordTransform> _transforms;
    private readonly Dictionary<string, Prepared> _steps = new(StringComparer.Ordinal);

    private sealed record Prepared(RecordTransformer Transform, RowBlock Block, TransformRow Row)
    {
        public int[] Rows { get; set; } = [];
    }

    /// <summary>Takes the host's transforms. Throws <see cref="ArgumentException"/> when two have the same name.</summary>
    public TransformRunner(IEnumerable<IRecordTransform> transforms)
    {
        ArgumentNullException.ThrowIfNull(transforms);
        var byName = new Dictionary<string, IRecordTransform>(StringComparer.Ordinal);
        foreach (var transform in transforms)
        {
            if (!byName.TryAdd(transform.Name, transform))
                throw new ArgumentException($"Two transforms have the name '{transform.Name}'.", nameof(transforms));
        }

        _transforms = byName;
    }

    /// <summary>
    /// Prepares the custom steps of a plan, so that what they lack is known before the first record. Throws <see cref="ArgumentException"/>.
    /// </summary>
    public void Prepare(PipelinePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        foreach (var step in plan.Steps.OfType<CustomPlan>()) Find(step);
    }

    /// <summary>Answers a request. The rows given are valid until the next one of the same step.</summary>
    public void Answer(CustomRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var step = Find(request.Step);
        var selected = request.Selected.Span;
        step.Block.Reset(selected.Length);
        if (step.Rows.Length < selected.Length) step.Rows = new int[selected.Length];
        var count = 0;
        foreach (var row in selected)
        {
            for (var i = 0; i < step.Block.Columns.Length; i++)
            {
                if (i < request.Rows.Columns.Length) step.Block.Columns[i].CopyFrom(request.Rows.Columns[i], row, count);
                else step.Block.Columns[i].SetNull(count);
            }

            if (Run(step, count, row, request)) step.Rows[count++] = row;
        }

        step.Block.Count = count;
        request.Result = step.Block;
        request.ResultRows = step.Rows;
    }

    private static bool Run(Prepared step, int place, int row, CustomRequest request)
    {
        step.Row.Begin(place);
        try
        {
            step.Transform(step.Row);
        }
#pragma warning disable CA1031 // The transform is the user's: whatever it throws is about this record and must not stop the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            request.Errors.Add(row, "KOR4045", request.Step.Id, $"The transform '{request.Step.Name}' threw {e.GetType().Name}: {e.Message}");
            return false;
        }

        if (step.Row.Refusal is { } reason)
        {
            request.Errors.Add(row, "KOR4044", request.Step.Id, reason);
            return false;
        }

        return !step.Row.Dropped;
    }

    private Prepared Find(CustomPlan plan)
    {
        if (_steps.TryGetValue(plan.Id, out var known)) return known;
        if (!_transforms.TryGetValue(plan.Name, out var transform))
            throw new ArgumentException($"The transform '{plan.Name}' of step '{plan.Id}' is not registered in the host.");
        var prepared = transform.Prepare(new TransformStep(plan.Id, plan.Options, plan.InputSchema, plan.Schema));
        var block = new RowBlock(plan.Schema);
        known = new Prepared(prepared, block, new TransformRow(block.Columns));
        _steps.Add(plan.Id, known);
        return known;
    }
}
