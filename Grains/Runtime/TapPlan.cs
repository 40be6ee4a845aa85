using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>A tap, checked against a pipeline.</summary>
public sealed record TapPlan(InputRef Output, CompiledExpression? Where)
{
    /// <summary>The plan of a tap, or null and why there is none.</summary>
    public static TapPlan? Compile(PipelinePlan plan, TapRequest request, out string? fault)
    {
        if (SchemaOf(plan, request, out fault) is not { } schema) return null;
        var place = PlaceOf(request);
        if (request.Where is null) return new TapPlan(place, null);
        var compiled = ExpressionCompiler.Compile(request.Where, schema);
        if (compiled.Expression is not { } where || compiled.Errors.Count != 0)
        {
            fault = string.Join(" ", compiled.Errors.Select(e =>
                $"where({e.Position + 1}): {e.Code}: {e.Message}.{(e.Suggestion is null ? "" : $" Did you mean '{e.Suggestion}'?")}"));
            return null;
        }

        if (where.Type.Kind == FieldKind.Boolean) return new TapPlan(place, where);
        fault = $"where is of type {where.Type}; it must be a condition, such as amount > 100.";
        return null;
    }

    /// <summary>What a tap shows, and its fields; null when there is no such output.</summary>
    public static (InputRef Output, Schema Schema)? Of(PipelinePlan plan, TapRequest request) =>
        SchemaOf(plan, request, out _) is { } schema ? (PlaceOf(request), schema) : null;

    private static InputRef PlaceOf(TapRequest request) => new(
        request.Step,
        request.Side switch
        {
            TapSide.Late => StepOutput.Late,
            TapSide.Duplicates => StepOutput.Duplicates,
            TapSide.Quarantined => StepOutput.Quarantined,
            _ => StepOutput.Main,
        });

    private static Schema? SchemaOf(PipelinePlan plan, TapRequest request, out string? fault)
    {
        fault = null;
        if (request.Side == TapSide.Quarantined && request.Step is "" or InputRef.AnyStep) return SideOutputs.Quarantined;
        if (request.Step.Length == 0) return request.Side == TapSide.Out ? plan.Source.Schema : Refuse(out fault, "the source", request.Side);
        var step = plan.Steps.FirstOrDefault(s => s.Id == request.Step);
        switch (step, request.Side)
        {
            case (null, _):
                fault = $"Pipeline '{plan.Name}' has no step '{request.Step}'; it has {string.Join(", ", plan.Steps.Select(s => s.Id))}.";
                return null;
            case (WindowPlan, TapSide.Out):
                fault = $"The rows of window step '{request.Step}' are its closed windows: 'kor windows {plan.Name} {request.Step}' lists them.";
                return null;
            case (WindowPlan, TapSide.Late):
                return SideOutputs.Late(step.InputSchema);
            case (DedupPlan, TapSide.Duplicates):
                return step.InputSchema;
            case (_, TapSide.Quarantined):
                return SideOutputs.Quarantined;
            case (_, TapSide.Out):
                return step.Schema;
            default:
                return Refuse(out fault, $"step '{request.Step}'", request.Side);
        }
    }

    private static Schema? Refuse(out string? fault, string what, TapSide side)
    {
        fault = $"There are no {side.ToString().ToLowerInvariant()} records of {what}: late ones come from window steps, duplicates from dedup steps.";
        return null;
    }
}
