using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>What a field may show of values that are not to be seen.</summary>
public enum FieldSecrecy
{
    /// <summary>Nothing of them.</summary>
    Open,

    /// <summary>A whole document (JSON, or a text that may be one), in which some may lie under their names.</summary>
    Mixed,

    /// <summary>Made from one of them, or one of them itself.</summary>
    Hidden,
}

/// <summary>
/// Follows fields whose values are not to be seen through a pipeline: renamed, computed with, taken as group keys and aggregated, they stay hidden. Only counts
/// of them are open. In doubt a field is hidden.
/// </summary>
public sealed partial class FieldLineage
{
    private readonly Dictionary<string, FieldSecrecy[]> _outputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FieldSecrecy[]> _sinks = new(StringComparer.Ordinal);
    private readonly Func<string, bool> _hides;
    private readonly PipelinePlan _plan;

    private FieldLineage(PipelinePlan plan, Func<string, bool> hides) => (_plan, _hides) = (plan, hides);

    /// <summary>Follows the fields of a plan.</summary>
    /// <param name="plan">The pipeline.</param>
    /// <param name="hides">True for names (of fields, of properties in JSON, of columns) whose values are not to be seen.</param>
    /// <param name="place">True for a part of the record that is not to be seen whatever the pipeline calls it; null: names tell.</param>
    public static FieldLineage Of(PipelinePlan plan, Func<string, bool> hides, Func<SourceFieldSpec, bool>? place = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(hides);
        var lineage = new FieldLineage(plan, hides);
        lineage._outputs[""] = lineage.Source(plan.Source, place);
        foreach (var step in plan.Steps) lineage._outputs[step.Id] = lineage.Named(step.Schema, lineage.Step(step));
        foreach (var sink in plan.Sinks)
        {
            var input = lineage.Of(sink.From, sink.InputSchema);
            var columns = sink.Source.Select(s => s < 0 ? FieldSecrecy.Open : input[s]).ToArray();
            lineage._sinks[sink.Id] = lineage.Named(sink.Spec.Schema, columns);
        }

        return lineage;
    }

    /// <summary>The fields of an output, in the order of its schema.</summary>
    public IReadOnlyList<FieldSecrecy> Of(InputRef output, Schema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        if (output.Output == StepOutput.Quarantined) return Quarantined;
        var step = output.Step.Length == 0 ? null : _plan.Steps.FirstOrDefault(s => s.Id == output.Step);
        // Side outputs have the step's input, and after it what they add, which says nothing of values.
        var fields = output.Output == StepOutput.Main || step is null ? _outputs[step?.Id ?? ""] : [.. Input(step)];
        return Named(schema, [.. fields, .. Enumerable.Repeat(FieldSecrecy.Open, Math.Max(0, schema.Count - fields.Length))]);
    }

    /// <summary>The columns of a sink's table, in the order of its schema.</summary>
    public IReadOnlyList<FieldSecrecy> OfSink(string sink) => _sinks[sink];

    /// <summary>The columns of a sink's table whose values are not to be seen.</summary>
    public IReadOnlyList<string> HiddenColumns(string sink) => _plan.Sinks.FirstOrDefault(s => s.Id == sink) is { } found
        ? [.. found.Spec.Schema.Fields.Where((_, i) => _sinks[sink][i] == FieldSecrecy.Hidden).Select(f => f.Name)]
        : [];

    /// <summary>What an expression over such fields shows.</summary>
    public FieldSecrecy Of(CompiledExpression expression, IReadOnlyList<FieldSecrecy> fields)
    {
        ArgumentNullException.ThrowIfNull(expression);
        ArgumentNullException.ThrowIfNull(fields);
        var worst = expression.Fields.Count == 0 ? FieldSecrecy.Open : expression.Fields.Max(f => fields[f]);
        if (worst != FieldSecrecy.Mixed) return worst;
        if (FieldOnly().IsMatch(expression.Text)) return FieldSecrecy.Mixed;
        // A path that is written down tells what is taken out of a document; nothing else does.
        if (OnePath().Match(expression.Text) is not { Success: true } path) return FieldSecrecy.Hidden;
        if (Segments().Matches(path.Groups["path"].Value).Any(s => _hides(s.Value))) return FieldSecrecy.Hidden;
        return expression.Type.Kind == FieldKind.Json ? FieldSecrecy.Mixed : FieldSecrecy.Open;
    }

    /// <summary>True when the reason of a refusal at a place may quote a value that is not to be seen.</summary>
    /// <param name="place"><c>source</c>, <c>source.FIELD</c>, <c>STEP</c>, <c>STEP.WHAT</c> or <c>sink:SINK</c>.</param>
    public bool MayQuoteHidden(string place)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (place.StartsWith("sink:", StringComparison.Ordinal))
            return _sinks.TryGetValue(place["sink:".Length..], out var columns) ? columns.Any(c => c != FieldSecrecy.Open) : IsAnyHidden();
        var dot = place.IndexOf('.', StringComparison.Ordinal);
        var (step, what) = dot < 0 ? (place, "") : (place[..dot], place[(dot + 1)..]);
        if (_hides(place[(place.LastIndexOf('.') + 1)..])) return true;
        var found = _plan.Steps.FirstOrDefault(s => s.Id == step);
        // Of a record that could not be decoded the place names the field.
        if (found is null) return _plan.Source.Schema.IndexOf(what) is >= 0 and var field && _outputs[""][field] == FieldSecrecy.Hidden;
        return found is MapPlan map && map.Schema.IndexOf(what) is >= 0 and var set ? _outputs[step][set] == FieldSecrecy.Hidden : Input(found).Contains(FieldSecrecy.Hidden);
    }

    private bool IsAnyHidden() => _outputs.Values.Any(o => o.Contains(FieldSecrecy.Hidden));

    /// <summary>Place and code are open; the reason may quote, and key and value are the record as it came.</summary>
    private static readonly FieldSecrecy[] Quarantined =
        [FieldSecrecy.Open, FieldSecrecy.Open, FieldSecrecy.Hidden, FieldSecrecy.Hidden, FieldSecrecy.Hidden];

    private IReadOnlyList<FieldSecrecy> Input(StepPlan step) => Of(step.Input, step.InputSchema);

    private FieldSecrecy[] Source(SourcePlan source, Func<SourceFieldSpec, bool>? place)
    {
        var fields = source.Format?.Fields ?? [];
        return
        [
            .. source.Schema.Fields.Select((field, i) =>
            {
                if (_hides(field.Name)) return FieldSecrecy.Hidden;
                if (i >= fields.Count) return FieldSecrecy.Open;
                var spec = fields[i];
                if (spec.Path.Any(_hides) || place?.Invoke(spec) == true) return FieldSecrecy.Hidden;
                // A whole key or value may be a document of its own.
                var isWhole = spec.Path.Count == 0 && spec.Column < 0 && field.Type.Kind is FieldKind.String or FieldKind.Bytes;
                return field.Type.Kind == FieldKind.Json || isWhole ? FieldSecrecy.Mixed : FieldSecrecy.Open;
            }),
        ];
    }

    private FieldSecrecy[] Step(StepPlan step)
    {
        var input = Input(step);
        return step switch
        {
            MapPlan map => Map(map, input),
            WindowPlan window => Window(window, input),
            // A tag tells whether a row passed the rule, and so something of what the rule looks at.
            QualityPlan quality => [.. input, .. quality.Rules.Where(r => step.Schema.IndexOf("quality_" + r.Name) >= input.Count).Select(r => Of(r.Condition, input))],
            LookupPlan lookup => [.. input, .. lookup.Lookup.ValueColumns.Take(lookup.Added).Select(c => _hides(c) ? FieldSecrecy.Hidden : FieldSecrecy.Open)],
            ExplodePlan explode => [.. explode.Source.Select((s, i) => s >= 0 ? input[s] : Item(explode, i, input[explode.Field]))],
            // What a program makes of a row cannot be told.
            CustomPlan => [.. input, .. Enumerable.Repeat(input.Any(f => f != FieldSecrecy.Open) ? FieldSecrecy.Hidden : FieldSecrecy.Open, step.Schema.Count - input.Count)],
            _ => [.. input],
        };
    }

    private FieldSecrecy[] Map(MapPlan map, IReadOnlyList<FieldSecrecy> input)
    {
        var scratch = new FieldSecrecy[map.ScratchSchema.Count];
        for (var i = 0; i < input.Count; i++) scratch[i] = input[i];
        var output = map.Source.Select(s => s < 0 ? FieldSecrecy.Open : input[s]).ToArray();
        foreach (var (to, place, expression) in map.Set)
        {
            scratch[place] = Of(expression, scratch);
            // Set to what is hidden and then to something else under the same name: the name itself may hide it.
            if (_hides(map.ScratchSchema[place].Name)) scratch[place] = FieldSecrecy.Hidden;
            if (to >= 0) output[to] = scratch[place];
        }

        return output;
    }

    /// <summary>An item's field shows what is exploded; names on the way to it, and names that a path was given, hide it.</summary>
    private FieldSecrecy Item(ExplodePlan explode, int field, FieldSecrecy exploded)
    {
        if (field == explode.PositionField) return FieldSecrecy.Open;
        if (exploded == FieldSecrecy.Hidden || explode.Path.Any(_hides)) return FieldSecrecy.Hidden;
        // The names of a document's entries are what its mask goes by: as values they would pass it.
        if (explode.IsMap && exploded != FieldSecrecy.Open) return FieldSecrecy.Hidden;
        if (explode.ItemField[field] < 0) return exploded;
        var spec = explode.Items.Fields[explode.ItemField[field]];
        if (spec.Path.Any(_hides)) return FieldSecrecy.Hidden;
        if (spec.Type.Kind == FieldKind.Json) return FieldSecrecy.Mixed;
        return spec.Path.Count == 0 && exploded == FieldSecrecy.Mixed && spec.Type.Kind is FieldKind.String or FieldKind.Bytes ? FieldSecrecy.Mixed : FieldSecrecy.Open;
    }

    private FieldSecrecy[] Window(WindowPlan window, IReadOnlyList<FieldSecrecy> input)
    {
        var inputs = window.Inputs.Select(e => Of(e, input)).ToList();
        return
        [
            .. window.Schema.Fields.Select(field =>
            {
                var key = window.Window.Key.IndexOf(field.Name);
                if (key >= 0) return input[window.Key[key]];
                var aggregate = window.Window.Aggregates.FirstOrDefault(a => a.Name == field.Name);
                if (aggregate is null || aggregate.Input < 0) return FieldSecrecy.Open;
                if (aggregate.Kind is AggregateKind.Count or AggregateKind.CountValues or AggregateKind.CountDistinct) return FieldSecrecy.Open;
                // A document among documents keeps its names; in a list of texts it is a text.
                return inputs[aggregate.Input] == FieldSecrecy.Mixed && (aggregate.InputType.Kind != FieldKind.Json || field.Type.Kind != FieldKind.Json)
                    ? FieldSecrecy.Hidden
                    : inputs[aggregate.Input];
            }),
        ];
    }

    private FieldSecrecy[] Named(Schema schema, FieldSecrecy[] fields)
    {
        if (fields.Length != schema.Count) throw new InvalidOperationException($"The lineage has {fields.Length} fields, the schema {schema.Count}.");
        return [.. fields.Select((f, i) => _hides(schema[i].Name) ? FieldSecrecy.Hidden : f)];
    }

    [GeneratedRegex(@"^\s*""?[A-Za-z_]\w*""?\s*$")]
    private static partial Regex FieldOnly();

    [GeneratedRegex(@"^\s*(cast\s*\(\s*)?json_(value|query|exists|array_length)\s*\(\s*""?[A-Za-z_]\w*""?\s*,\s*'(?<path>[^']*)'\s*\)\s*(as\s+\w+(\s*\([\d\s,]*\))?\s*\))?\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex OnePath();

    [GeneratedRegex(@"[^.\[\]""'$\s]+")]
    private static partial Regex Segments();
}
