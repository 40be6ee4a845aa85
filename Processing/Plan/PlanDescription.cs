using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>Tells a plan to people: what every step does, and the fields that go in and come out.</summary>
public static class PlanDescription
{
    /// <summary>The plan as text, one paragraph per source, step and sink.</summary>
    public static string Text(PipelinePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"pipeline {plan.Name}   {plan.DefinitionHash[..12]}\n");
        if (plan.Description.Length > 0) text.Append(plan.Description).Append('\n');
        text.Append("\nsource: ").Append(Source(plan.Source)).Append('\n');
        Fields(text, "out", plan.Source.Schema, null);
        foreach (var step in plan.Steps)
        {
            text.Append('\n').Append(step.Id).Append(": ").Append(Does(step)).Append('\n');
            text.Append("  reads ").Append(Name(step.Input)).Append('\n');
            Fields(text, "in ", step.InputSchema, null);
            if (ReferenceEquals(step.Schema, step.InputSchema)) text.Append("  out  the same\n");
            else Fields(text, "out", step.Schema, step.InputSchema);
        }

        foreach (var sink in plan.Sinks)
        {
            text.Append('\n').Append(sink.Id).Append(": ").Append(Does(sink)).Append('\n');
            text.Append("  reads ").Append(Name(sink.From)).Append('\n');
            Fields(text, "columns", sink.Spec.Schema, null);
        }

        return text.ToString();
    }

    /// <summary>The plan as a Mermaid flowchart.</summary>
    public static string Mermaid(PipelinePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var text = new StringBuilder("flowchart LR\n");
        var source = $"source: {string.Join(", ", plan.Source.Topics)}";
        text.Append(CultureInfo.InvariantCulture,
            $"  source([\"{Escape(source)}<br/>{Count(plan.Source.Schema)}\"])\n");
        foreach (var step in plan.Steps)
        {
            var label =
                $"{Escape(step.Id)}<br/>{Escape(Kind(step))}<br/>{Count(step.InputSchema)} to {Count(step.Schema)}";
            text.Append(CultureInfo.InvariantCulture, $"  {Node(step.Id)}[\"{label}\"]\n");
            text.Append(CultureInfo.InvariantCulture, $"  {Node(step.Input.Step)} --> {Node(step.Id)}\n");
        }

        foreach (var sink in plan.Sinks)
        {
            var label =
                $"{Escape(sink.Id)}<br/>{Escape(sink.Spec.Table)}<br/>{Mode(sink)}";
            text.Append(CultureInfo.InvariantCulture, $"  {Node(sink.Id)}[(\"{label}\")]\n");
            foreach (var from in sink.From.Step == InputRef.AnyStep ? plan.Steps.Select(s => s.Id).Prepend("")
                : [sink.From.Step])
            {
                var arrow = sink.From.Output == StepOutput.Main ? "-->" : $"-. {OutputName(sink.From.Output)} .->";
                text.Append(CultureInfo.InvariantCulture, $"  {Node(from)} {arrow} {Node(sink.Id)}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>What a source reads.</summary>
    public static string Source(SourcePlan source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var time = source.EventTimeField < 0 ? "the Kafka timestamp" : source.Schema[source.EventTimeField].Name;
        return $"{string.Join(", ", source.Topics)} of connection {source.Connection}, "
            + $"{(source.Format?.Format.ToString() ?? "custom").ToUpperInvariant()}, group {source.GroupId}; "
            + $"event time is {time}, at most {Durations.Format(source.MaxOutOfOrder)} out of order, "
            + $"idle after {Durations.Format(source.IdleAfter)}";
    }

    /// <summary>What a step does.</summary>
    public static string Does(StepPlan step) => step switch
    {
        MapPlan map => $"map, {map.Set.Count} expression{(map.Set.Count == 1 ? "" : "s")}: "
            + string.Join(", ", map.Set.Select(s => $"{map.ScratchSchema[s.Scratch].Name} = {s.Expression.Text}")),
        FilterPlan filter => $"filter, keeps rows where {filter.Where.Text}",
        QualityPlan quality => "quality: " + string.Join(", ", quality.Rules.Select(Rule)),
        DedupPlan dedup => $"dedup by {Names(dedup.InputSchema, dedup.Key)} within {Durations.Format(dedup.Within)}, "
            + (dedup.Global ? string.Create(CultureInfo.InvariantCulture, $"across partitions; {dedup.Shards} shards") : "per partition; " + Cells(dedup.Cells)),
        LookupPlan lookup =>
            $"lookup in {lookup.Lookup.Table} of {lookup.Lookup.Connection} by {Names(lookup.InputSchema, lookup.Key)}" + Rows(lookup),
        WindowPlan window => Window(window),
        ExplodePlan explode => $"explode, a row of each {(explode.IsMap ? "entry" : explode.Lines ? "line" : "item")} of {string.Join('.', [explode.InputSchema[explode.Field].Name, .. explode.Path])}, "
            + string.Create(CultureInfo.InvariantCulture, $"at most {explode.MaxItems}; records without are {(explode.KeepEmpty ? "kept" : "dropped")}"),
        CustomPlan custom => $"custom transform {custom.Name}",
        _ => Kind(step),
    };

    private static string Rows(LookupPlan lookup) => string.Concat(
        lookup.AsOf is null ? "" : ", as of the event time",
        lookup.OnMultiple switch
        {
            OnMultiple.First => ", the first row of each key",
            OnMultiple.All => ", all rows of each key",
            _ => "",
        });

    private static string Cells(DedupCells cells) => (cells.ByMessageKey, cells.Groups) switch
    {
        (false, var groups) => string.Create(CultureInfo.InvariantCulture, $"{groups} cells by id"),
        (true, 0) => "a cell per message key (an id must always come with its key)",
        (true, var groups) => string.Create(CultureInfo.InvariantCulture, $"{groups} cells by message key (an id must always come with its key)"),
    };

    private static string Rule(QualityRulePlan rule)
    {
        var action = rule.Action switch
        {
            QualityAction.Route => "route to " + rule.RouteTo,
            QualityAction.Count => "count only",
            _ => rule.Action.ToString().ToLowerInvariant(),
        };
        return $"{rule.Name} ({rule.Condition.Text}; else {action})";
    }

    private static string Window(WindowPlan plan)
    {
        var key = plan.Key.Count == 0 ? "all rows in one group" : "by " + Names(plan.InputSchema, plan.Key);
        var aggregates = string.Join(", ", plan.Window.Aggregates.Select(a => a.Name));
        var lateness = plan.Window.Window is RunningTotals ? ""
            : $", {Durations.Format(plan.Window.AllowedLateness)} lateness";
        return $"{Windows(plan.Window.Window)} {key}: {aggregates}; {plan.Shards} shards{lateness}";
    }

    private static string Windows(WindowSpec window) => window switch
    {
        TumblingWindow w => $"tumbling windows of {Durations.Format(w.Size)}",
        HoppingWindow w => $"windows of {Durations.Format(w.Size)} every {Durations.Format(w.Every)}",
        SessionWindow w => $"sessions with a gap of {Durations.Format(w.Gap)}, at most {Durations.Format(w.MaxLength)}",
        CalendarWindow w => $"windows of a {w.Unit.ToString().ToLowerInvariant()} in {w.Zone}",
        _ => "running totals",
    };

    /// <summary>What a sink does.</summary>
    public static string Does(SinkPlan sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        var spec = sink.Spec;
        var keys = spec.Keys.Count == 0 ? "" : $" by {string.Join(", ", spec.Keys)}";
        var guard = spec.RevisionColumn is null ? "" : $", guarded by {spec.RevisionColumn}";
        return $"{Mode(sink)}{keys} into {spec.Table} of {spec.Connection}{guard}; "
            + $"at {sink.Flush.Rows} rows or after {Durations.Format(sink.Flush.IntervalMs)}";
    }

    private static string Mode(SinkPlan sink) =>
        (sink.Spec.Mode == SinkMode.Append ? "append" : sink.Spec.UpdateOnly ? "update" : "upsert") + (sink.Spec.KeepMissing ? ", missing values kept" : "");

    /// <summary>A step's type, as pipelines call it.</summary>
    public static string Kind(StepPlan step) => step switch
    {
        WindowPlan { Window.Window: RunningTotals } => "aggregate",
        _ => (step ?? throw new ArgumentNullException(nameof(step))).GetType().Name.Replace("Plan", "", StringComparison.Ordinal).ToLowerInvariant(),
    };

    private static string Name(InputRef input)
    {
        if (input.Output == StepOutput.Main) return input.Step.Length == 0 ? "source" : input.Step;
        if (input.Step == InputRef.AnyStep) return OutputName(input.Output);
        return $"{(input.Step.Length == 0 ? "source" : input.Step)}.{OutputName(input.Output)}";
    }

    private static string OutputName(StepOutput output) => output.ToString().ToLowerInvariant();

    private static void Fields(StringBuilder text, string label, Schema schema, Schema? before)
    {
        text.Append("  ").Append(label).Append("  ");
        for (var i = 0; i < schema.Count; i++)
        {
            var field = schema[i];
            var isNew = before is not null && before.IndexOf(field.Name) < 0;
            text.Append(i == 0 ? "" : ", ").Append(isNew ? "+" : "").Append(field.Name).Append(' ').Append(field.Type);
            if (!field.Nullable) text.Append(" not null");
        }

        text.Append('\n');
    }

    private static string Names(Schema schema, IReadOnlyList<int> places) =>
        string.Join(", ", places.Select(p => schema[p].Name));

    private static string Count(Schema schema) => schema.Count == 1 ? "1 field" : $"{schema.Count} fields";

    // No two ids may become one node: '_' is doubled, so that "_d" can only be a hyphen.
    private static string Node(string id) => id.Length == 0 ? "source"
        : "n_" + id.Replace("_", "__", StringComparison.Ordinal).Replace("-", "_d", StringComparison.Ordinal);

    private static string Escape(string text) => text.Replace("\"", "#quot;", StringComparison.Ordinal);
}
