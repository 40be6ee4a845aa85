using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds row steps: fields flow in, a plan and fields flow out.</summary>
internal sealed class StepBinder(BindingContext context, SourceDefinition source)
{
    private readonly WindowBinder _windows = new(context, source);

    /// <summary>The plan (null when the step has faults) and what is known of its main output.</summary>
    public (StepPlan? Plan, Flow Output) Bind(StepNode node) => node.Definition switch
    {
        MapStepDefinition map => new MapBinder(context, node, map).Bind(),
        FilterStepDefinition filter => Filter(node, filter),
        QualityStepDefinition quality => Quality(node, quality),
        DedupStepDefinition dedup => Dedup(node, dedup),
        LookupStepDefinition lookup => Lookup(node, lookup),
        WindowStepDefinition window => _windows.Bind(node, window),
        ExplodeStepDefinition explode => new ExplodeBinder(context, node, explode).Bind(),
        CustomStepDefinition custom => Custom(node, custom),
        _ => (null, Flow.Opaque),
    };

    /// <summary>What the step reads, in the plan's words.</summary>
    public static InputRef InputOf(StepNode node) => new(node.Input?.Id ?? "");

    private (StepPlan?, Flow) Filter(StepNode node, FilterStepDefinition filter)
    {
        var flow = node.InputFlow;
        var where = context.Expression(filter.Where, flow, FieldType.Boolean);
        if (where is null) return (null, flow);
        var output = flow.NotNull(NullRejection.Of(filter.Where.Value, flow.Schema));
        return (new FilterPlan
        {
            Id = node.Id, Input = InputOf(node), InputSchema = flow.Schema, Schema = output.Schema, Where = where,
        }, output);
    }

    private (StepPlan?, Flow) Quality(StepNode node, QualityStepDefinition quality)
    {
        var flow = node.InputFlow;
        var rules = new List<QualityRulePlan>();
        var tags = new List<Field>();
        var notNull = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, rule) in quality.Rules)
        {
            var (action, route) = ActionOf(rule, quality.OnFail);
            if (action == QualityAction.Tag) AddField(tags, flow, "quality_" + name.Value, FieldType.Boolean,
                name.Node, false);
            var check = context.Expression(rule.Check, flow, FieldType.Boolean);
            if (check is null) continue;
            var warn = rule.Warn?.Value ?? false;
            rules.Add(new QualityRulePlan(name.Value, check, warn, action, route));
            if (action is QualityAction.Quarantine or QualityAction.Drop or QualityAction.Route)
                notNull.UnionWith(NullRejection.Of(rule.Check.Value, flow.Schema));
        }

        var output = flow.With(tags).NotNull(notNull);
        if (rules.Count < quality.Rules.Count || flow.IsOpaque) return (null, output);
        return (new QualityPlan
        {
            Id = node.Id,
            Input = InputOf(node),
            InputSchema = flow.Schema,
            Schema = output.Schema,
            Rules = rules,
            StopIf = quality.StopIf is { } stop
                ? new StopIfPlan(stop.FailedRatio.Value, stop.Over.Value, stop.MinRecords?.Value ?? 1_000) : null,
        }, output);
    }

    private (QualityAction Action, string? Route) ActionOf(QualityRuleDefinition rule, QualityActionDefinition? ofStep)
    {
        var own = rule.OnFail;
        if (rule.Warn is { Faulty: false, Value: true })
        {
            if (own is { Faulty: false, Action: not QualityAction.Tag })
                context.Diagnostics.Error("KOR2024", own.Node,
                    "a rule of severity warn cannot remove rows; use tag, or severity error");
            var tags = (own ?? ofStep)?.Action == QualityAction.Tag;
            return (tags ? QualityAction.Tag : QualityAction.Count, null);
        }

        var action = own ?? ofStep;
        return action is null ? (QualityAction.Quarantine, null) : (action.Action, action.RouteTo?.Value);
    }

    private (StepPlan?, Flow) Dedup(StepNode node, DedupStepDefinition dedup)
    {
        var flow = node.InputFlow;
        var key = context.KeyFields(dedup.Key, flow, "a dedup key");
        var disorder = source.EventTime?.MaxOutOfOrder is { Faulty: false } given ? given.Value
            : SourceBinder.DefaultMaxOutOfOrder;
        if (!dedup.Within.Faulty && source.EventTime is not null && dedup.Within.Value < disorder)
        {
            context.Diagnostics.Warning(
                "KOR2014", dedup.Within.Node,
                $"ids are forgotten after {Durations.Format(dedup.Within.Value)}, but duplicates may come "
                + $"{Durations.Format(disorder)} late (maxOutOfOrder)");
        }

        new DedupScope(context, source).Check(dedup, key, flow);
        if (flow.IsOpaque || key.Count < dedup.Key.Count || key.Count == 0) return (null, flow);
        return (new DedupPlan
        {
            Id = node.Id,
            Input = InputOf(node),
            InputSchema = flow.Schema,
            Schema = flow.Schema,
            Key = key,
            Within = dedup.Within.Value,
            Global = dedup.Global,
            Shards = dedup.Global ? (int)(dedup.Shards?.Value ?? DedupStepDefinition.DefaultShards) : 0,
            Cells = DedupScope.CellsOf(dedup),
        }, flow);
    }

    private (StepPlan?, Flow) Lookup(StepNode node, LookupStepDefinition lookup)
    {
        var flow = node.InputFlow;
        context.CheckConnection(lookup.Connection, context.Options.DatabaseConnections, "database");
        var key = new List<int>();
        foreach (var (column, field) in lookup.On)
        {
            var place = context.Field(field, flow);
            if (place < 0) continue;
            var type = flow.Schema[place].Type;
            if (type.Kind is FieldKind.Json or FieldKind.Double)
                context.Diagnostics.Error("KOR2019", field.Node,
                    $"the field '{field.Value}' of type {type} cannot be a lookup key");
            key.Add(place);
            NoteRepeated(lookup.On.Select(o => o.Name), column);
        }

        var added = new List<Field>();
        foreach (var (name, column) in lookup.Add)
            AddField(added, flow, name.Value, column.Type?.Value ?? FieldType.String, name.Node, true);
        var rows = new LookupRowsBinder(context, lookup);
        var order = rows.Order();
        var output = rows.Output(flow, flow.With(added));
        if (flow.IsOpaque || key.Count < lookup.On.Count || added.Count < lookup.Add.Count || order is null) return (null, output);
        return (new LookupPlan
        {
            Id = node.Id,
            Input = InputOf(node),
            InputSchema = flow.Schema,
            Schema = output.Schema,
            Lookup = rows.Spec(added),
            Added = added.Count,
            OnMultiple = rows.OnMultiple,
            Order = order,
            AsOf = rows.AsOf(added.Count),
            Key = key,
            CacheFor = lookup.Cache.For,
            CacheMissFor = lookup.Cache.MissesFor,
            CacheRows = lookup.Cache.Rows,
            OnMissing = lookup.OnMissing,
            Preload = lookup.Preload,
        }, output);
    }

    private (StepPlan?, Flow) Custom(StepNode node, CustomStepDefinition custom)
    {
        var flow = node.InputFlow;
        var known = context.Options.Transforms;
        if (!custom.Name.Faulty && known is not null && !known.Contains(custom.Name.Value))
        {
            context.Diagnostics.Error(
                "KOR2030", custom.Name.Node, $"the transform '{custom.Name.Value}' is not registered in the host",
                Suggestions.Nearest(custom.Name.Value, known));
        }

        var added = new List<Field>();
        foreach (var (name, type) in custom.Add) AddField(added, flow, name.Value, type.Value, name.Node, true);
        var output = flow.With(added);
        if (flow.IsOpaque) return (null, Flow.Opaque);
        return (new CustomPlan
        {
            Id = node.Id,
            Input = InputOf(node),
            InputSchema = flow.Schema,
            Schema = output.Schema,
            Name = custom.Name.Value,
            Options = custom.Options.ToDictionary(o => o.Name.Value, o => o.Value.Value, StringComparer.Ordinal),
        }, output);
    }

    private void AddField(List<Field> added, Flow flow, string name, FieldType type, TextNode at, bool nullable)
    {
        if (SideOutputs.IsReserved(name))
            context.Diagnostics.Error("KOR2009", at, $"the field name '{name}' is reserved");
        if (flow.Schema.IndexOf(name) >= 0 || added.Exists(f => f.Name == name))
            context.Diagnostics.Error("KOR2008", at, $"the field '{name}' exists already");
        else if (name.Length > 0)
            added.Add(new Field(name, type, nullable));
    }

    private void NoteRepeated(IEnumerable<Located<string>> names, Located<string> name)
    {
        var first = names.First(n => string.Equals(n.Value, name.Value, StringComparison.OrdinalIgnoreCase));
        if (!ReferenceEquals(first, name))
            context.Diagnostics.Error("KOR2008", name.Node,
                $"the column '{name.Value}' is named twice (case does not count)");
    }
}
