using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Silo.Api;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>A mask for what a pipeline makes of records: a field that was renamed, computed with, grouped by or aggregated stays hidden.</summary>
internal sealed class PlanMask
{
    private readonly FieldMask _mask;
    private readonly PipelinePlan _plan;
    private readonly FieldLineage _lineage;

    private PlanMask(FieldMask mask, PipelinePlan plan, FieldLineage lineage) => (_mask, _plan, _lineage) = (mask, plan, lineage);

    /// <summary>The mask of a pipeline; null for one who sees everything.</summary>
    /// <param name="mask">The mask of the user.</param>
    /// <param name="plan">The pipeline.</param>
    /// <param name="known">The pipelines of the cluster: what one of them calls by a hidden name is hidden under any name.</param>
    public static PlanMask? Of(FieldMask? mask, PipelinePlan plan, IReadOnlyList<PipelinePlan> known)
    {
        if (mask is null) return null;
        var places = known.Where(k => KnownSources.SharesTopics(k.Source, plan.Source)).SelectMany(k => k.Source.Format?.Fields ?? []).ToList();
        return new PlanMask(mask, plan, FieldLineage.Of(plan, mask.Hides, spec => IsHiddenPlace(spec, places, mask)));
    }

    /// <summary>Why a condition over an output may not be asked for; null: it may. What it lets through would tell what is hidden.</summary>
    public string? Refusal(InputRef output, Schema schema, string condition)
    {
        if (ExpressionCompiler.Compile(condition, schema).Expression is not { } where) return null;
        var fields = _lineage.Of(output, schema);
        if (_lineage.Of(where, fields) == FieldSecrecy.Open) return null;
        var names = where.Fields.Where(f => fields[f] != FieldSecrecy.Open).Select(f => schema[f].Name).Distinct();
        return $"The condition reads {string.Join(", ", names)}, whose values only admins see (Kor:Http:MaskFields); what it lets through would tell them.";
    }

    /// <summary>Hides values of an output's row in place.</summary>
    public void Apply(InputRef output, Schema schema, JsonNode? row) => Apply(row, schema, _lineage.Of(output, schema));

    /// <summary>Hides values of a sink's row in place.</summary>
    public void ApplySink(string sink, JsonNode? row)
    {
        if (_plan.Sinks.FirstOrDefault(s => s.Id == sink) is { } found) Apply(row, found.Spec.Schema, _lineage.OfSink(sink));
    }

    /// <summary>True when the reason of a refusal at a place may quote what is hidden.</summary>
    public bool HidesReason(string place) => _lineage.MayQuoteHidden(place);

    /// <summary>Names of a sink's columns that are hidden, whatever the mask's own names are.</summary>
    public IReadOnlyList<string> HiddenColumns(string sink) => _lineage.HiddenColumns(sink);

    /// <summary>A window's values and key as they may be shown.</summary>
    public WindowRow Window(string step, WindowRow row)
    {
        if (_plan.Steps.FirstOrDefault(s => s.Id == step) is not WindowPlan window) return row;
        return row with
        {
            Key = HidesKey(window) ? FieldMask.Hidden : row.Key,
            Values = [.. row.Values.Select(v => v.Value is not null && Hides(window, v.Key) ? KeyValuePair.Create(v.Key, (string?)FieldMask.Hidden) : v)],
        };
    }

    /// <summary>True when keys of a window step are hidden: which of them hold a text must not be told either.</summary>
    public bool HidesKey(WindowPlan window) => window.Window.Key.Fields.Any(f => Hides(window, f.Name));

    private bool Hides(WindowPlan window, string name) =>
        window.Schema.IndexOf(name) is >= 0 and var field ? _lineage.Of(new InputRef(window.Id), window.Schema)[field] != FieldSecrecy.Open : _mask.Hides(name);

    private void Apply(JsonNode? row, Schema schema, IReadOnlyList<FieldSecrecy> fields)
    {
        if (row is not JsonObject values) return;
        for (var i = 0; i < schema.Count; i++)
        {
            if (!values.TryGetPropertyValue(schema[i].Name, out var value) || value is null) continue;
            if (fields[i] == FieldSecrecy.Hidden) values[schema[i].Name] = FieldMask.Hidden;
            // A text that is no document is an ordinary one.
            else if (fields[i] == FieldSecrecy.Mixed && schema[i].Type.Kind != FieldKind.Json) values[schema[i].Name] = _mask.Key(value.ToString());
        }

        _mask.Apply(values);
    }

    /// <summary>
    /// A part of the record that a pipeline of the cluster calls by a hidden name. Values of CSV lines and of whole texts have no names of their own, so there
    /// only what a pipeline of the cluster calls by an open name is shown.
    /// </summary>
    private static bool IsHiddenPlace(SourceFieldSpec spec, List<SourceFieldSpec> known, FieldMask mask)
    {
        var same = known.Where(k => k.From == spec.From && k.Column == spec.Column && k.Header == spec.Header && k.Path.SequenceEqual(spec.Path, StringComparer.Ordinal)).ToList();
        if (same.Any(k => mask.Hides(k.Name)) || (spec.Header is { } header && mask.Hides(header))) return true;
        return spec.From == FieldOrigin.Value && spec.Path.Count == 0 && same.Count == 0;
    }
}
