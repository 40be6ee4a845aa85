using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>
/// What of a pipeline's rows does not follow from its log: values that came from lookups, the wall clock or C# transforms, and rows that such a value let through.
/// Differences in them prove nothing.
/// </summary>
public sealed partial class ProofScope
{
    private readonly Dictionary<string, (bool[] Fields, string? Rows)> _outputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (bool[] Columns, string? Rows)> _sinks = new(StringComparer.Ordinal);

    private ProofScope()
    {
    }

    /// <summary>Follows the fields of a plan.</summary>
    public static ProofScope Of(PipelinePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var scope = new ProofScope();
        scope._outputs[""] = (new bool[plan.Source.Schema.Count], null);
        foreach (var step in plan.Steps) scope._outputs[step.Id] = Step(step, scope.Input(step.Input, step.InputSchema));
        foreach (var sink in plan.Sinks)
        {
            var (fields, rows) = scope.Input(sink.From, sink.InputSchema);
            scope._sinks[sink.Id] = ([.. sink.Source.Select(s => s >= 0 ? fields[s] : IsOfTheRun((MetadataColumn)(-1 - s)))], rows);
        }

        return scope;
    }

    /// <summary>True per column of a sink's table whose value does not follow from the log.</summary>
    public IReadOnlyList<bool> Columns(string sink) => _sinks[sink].Columns;

    /// <summary>Why it does not follow from the log which rows a sink has; null: it does.</summary>
    public string? Rows(string sink) => _sinks[sink].Rows;

    /// <summary>Why it does not follow from the log what the pipeline counts; null: it does.</summary>
    public string? Counts => _outputs.Values.Select(o => o.Rows).FirstOrDefault(r => r is not null);

    private static bool IsOfTheRun(MetadataColumn column) => column is MetadataColumn.ProcessedAt or MetadataColumn.PipelineVersion;

    private (bool[] Fields, string? Rows) Input(InputRef from, Schema schema)
    {
        var (fields, rows) = from.Step == InputRef.AnyStep ? ([], Counts) : _outputs.TryGetValue(from.Step, out var known) ? known : ([], null);
        if (fields.Length >= schema.Count) return (fields[..schema.Count], rows);
        return ([.. fields, .. new bool[schema.Count - fields.Length]], rows);
    }

    private static (bool[] Fields, string? Rows) Step(StepPlan step, (bool[] Fields, string? Rows) input)
    {
        var (fields, rows) = input;
        string? Asked(CompiledExpression e) => IsOpen(e, fields) ? $"step '{step.Id}' chooses rows by what a lookup, a transform or the clock gave" : null;
        switch (step)
        {
            case MapPlan map: return (Map(map, fields), rows);
            case FilterPlan filter: return (fields, rows ?? Asked(filter.Where));
            case QualityPlan quality:
                foreach (var rule in quality.Rules.Where(r => r.Action is not (QualityAction.Tag or QualityAction.Count))) rows ??= Asked(rule.Condition);
                var tags = quality.Rules.Where(r => step.Schema.IndexOf("quality_" + r.Name) >= fields.Length).Select(r => IsOpen(r.Condition, fields));
                return (Fit([.. fields, .. tags], step), rows);
            case DedupPlan dedup:
                return (fields, rows ?? (dedup.Key.Any(k => fields[k]) ? $"step '{step.Id}' tells ids apart by what a lookup, a transform or the clock gave" : null));
            case LookupPlan lookup:
                var asks = lookup.Key.Any(k => fields[k]) || lookup.OnMissing != OnMissing.Keep;
                return (Fit([.. fields, .. Enumerable.Repeat(true, Math.Max(0, step.Schema.Count - fields.Length))], step),
                    rows ?? (asks ? $"step '{step.Id}' lets rows through by what a table holds, which is not in the log" : null));
            case ExplodePlan explode:
                return ([.. explode.Source.Select(s => s >= 0 ? fields[s] : fields[explode.Field])], rows);
            case WindowPlan window: return Window(window, fields, rows);
            case CustomPlan: return ([.. Enumerable.Repeat(true, step.Schema.Count)], rows ?? $"step '{step.Id}' is a C# transform, which may drop rows");
            default: return (Fit(fields, step), rows);
        }
    }

    private static (bool[], string?) Window(WindowPlan window, bool[] fields, string? rows)
    {
        var inputs = window.Inputs.Select(e => IsOpen(e, fields)).ToList();
        if (window.Key.Any(k => fields[k])) rows ??= $"step '{window.Id}' groups by what a lookup, a transform or the clock gave";
        var output = window.Schema.Fields.Select(f =>
            window.Window.Aggregates.FirstOrDefault(a => a.Name == f.Name) is { Input: >= 0 } aggregate && inputs[aggregate.Input]).ToArray();
        return (output, rows);
    }

    private static bool[] Map(MapPlan map, bool[] fields)
    {
        var scratch = new bool[map.ScratchSchema.Count];
        fields.CopyTo(scratch, 0);
        var output = map.Source.Select(s => s >= 0 && fields[s]).ToArray();
        foreach (var (to, place, expression) in map.Set)
        {
            scratch[place] = IsOpen(expression, scratch);
            if (to >= 0) output[to] = scratch[place];
        }

        return output;
    }

    private static bool IsOpen(CompiledExpression expression, bool[] fields) =>
        expression.Fields.Any(f => fields[f]) || Clock().IsMatch(expression.Text);

    private static bool[] Fit(bool[] fields, StepPlan step) =>
        fields.Length >= step.Schema.Count ? fields[..step.Schema.Count] : [.. fields, .. new bool[step.Schema.Count - fields.Length]];

    [GeneratedRegex(@"\b(processing_time|now|current_timestamp|sysdate|getdate)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Clock();
}
