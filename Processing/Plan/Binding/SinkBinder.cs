using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds sinks: what they read, their columns, and what makes their rows unique.</summary>
internal sealed class SinkBinder(BindingContext context, PipelineDefinition definition, StepGraph graph, Flow source)
{
    private readonly Dictionary<string, StepNode> _routes = new(StringComparer.Ordinal);

    /// <summary>The plans of the sinks without faults.</summary>
    public IReadOnlyList<SinkPlan> Bind()
    {
        CollectRoutes();
        graph.Incomplete |= definition.Sinks.Count == 0 || definition.Sinks.Any(s => s.From is { Faulty: true });
        var plans = new List<SinkPlan>();
        foreach (var sink in definition.Sinks)
        {
            context.CheckConnection(sink.Connection, context.Options.DatabaseConnections, "database");
            var (input, flow, step) = InputOf(sink);
            var columns = new SinkColumns(context, definition, sink, input, flow, step);
            if (columns.Bind() is { } plan) plans.Add(plan);
        }

        CheckSharedTables(plans);
        return plans;
    }

    /// <summary>
    /// Sinks of one table must say by what their rows are told apart: known by their records' place or by window, the rows of one would be
    /// taken for those of another and be lost.
    /// </summary>
    private void CheckSharedTables(List<SinkPlan> plans)
    {
        foreach (var group in plans.GroupBy(p => (p.Spec.Connection.ToUpperInvariant(), SharedTables.NameOf(p.Spec.Table))).Where(g => g.Count() > 1).ToList())
        {
            // A name without a schema may be that of any other sink's table of this name.
            var shared = group.Where(p => group.Any(o => o != p && SharedTables.MayBeOne(p.Spec.Table, o.Spec.Table))).ToList();
            foreach (var plan in shared) plans[plans.IndexOf(plan)] = plan with { Spec = plan.Spec with { IsTableShared = true } };
            var sinks = shared.ConvertAll(p => definition.Sinks.First(s => s.Id.Value == p.Id));
            if (sinks.TrueForAll(s => s.Keys is { Count: > 0 }))
            {
                CheckKeysOfShared(shared, sinks);
                continue;
            }

            var names = string.Join(" and ", sinks.Select(s => $"'{s.Id.Value}'"));
            var schemas = shared.TrueForAll(p => p.Spec.Table.Equals(shared[0].Spec.Table, StringComparison.OrdinalIgnoreCase))
                ? ""
                : " (if they are tables of two schemas, write the schema in each)";
            context.Diagnostics.Error(
                "KOR2041", sinks.FindLast(s => s.Keys is null or { Count: 0 })!.Table.Node,
                $"{names} write one table, {shared[0].Spec.Table}, without saying by which keys their rows differ: a row of one would be taken for a "
                + $"row of another and be lost; give each a table of its own, or declare in each of them 'keys' that tell its rows from those of the others, too{schemas}");
        }
    }

    /// <summary>
    /// Keys that are certain not to tell the rows of two sinks apart are refused here; whether others do shows when rows are written, and sinks are told to look.
    /// </summary>
    private void CheckKeysOfShared(List<SinkPlan> shared, List<SinkDefinition> sinks)
    {
        for (var i = 0; i < shared.Count; i++)
        {
            var sink = shared[i];
            if (shared.Take(i).FirstOrDefault(o => SharedTables.MayBeOne(o.Spec.Table, sink.Spec.Table) && SharedKeys.Meet(graph, o, sink)) is not { } other) continue;
            context.Diagnostics.Error(
                "KOR2041", sinks[i].Keys![0].Node,
                $"'{other.Id}' and '{sink.Id}' write one table, {sink.Spec.Table}, and get rows of the same records with the same {string.Join(", ", sink.Spec.Keys)}: "
                + "of two rows with equal keys only one stays; give each a table of its own, or add a key that says which sink a row is of "
                + $"(map: set {{ kind: \"'{sink.Id}'\" }}, another value before the other sink)");
        }
    }

    private void CollectRoutes()
    {
        var sinks = definition.Sinks.Select(s => s.Id.Value).ToArray();
        foreach (var node in graph.Ordered)
        {
            if (node.Definition is not QualityStepDefinition quality) continue;
            var actions = quality.Rules.Select(r => r.Value.OnFail).Append(quality.OnFail);
            foreach (var route in actions.Select(a => a?.RouteTo).OfType<Located<string>>().Where(r => !r.Faulty))
            {
                if (!sinks.Contains(route.Value))
                {
                    context.Diagnostics.Error(
                        "KOR2002", route.Node, $"the route names no sink: '{route.Value}'",
                        Suggestions.Nearest(route.Value, sinks));
                }
                else if (!_routes.TryAdd(route.Value, node) && _routes[route.Value] != node)
                {
                    context.Diagnostics.Error(
                        "KOR2025", route.Node,
                        $"the sink '{route.Value}' gets rows from '{_routes[route.Value].Id}' already");
                }
            }
        }
    }

    private (InputRef Input, Flow Flow, StepNode? Step) InputOf(SinkDefinition sink)
    {
        _routes.TryGetValue(sink.Id.Value, out var router);
        if (sink.From is null)
        {
            if (router is not null) return Routed(router);
            graph.Incomplete = true;
            context.Diagnostics.Error("KOR2026", sink.Node,
                $"the sink '{sink.Id.Value}' says no 'from', and no rule routes rows to it");
            return (new InputRef(""), Flow.Opaque, null);
        }

        if (sink.From.Faulty) return (new InputRef(""), Flow.Opaque, null);
        var from = sink.From.Value;
        if (router is not null)
        {
            if (from == router.Id + ".routed") return Routed(router);
            StepGraph.Use(router);
            context.Diagnostics.Error(
                "KOR2025", sink.From.Node,
                $"rows of '{router.Id}' are routed to this sink, so it cannot read '{from}' as well");
        }

        if (from == StepGraph.Quarantined) return QuarantinedAll();
        var dot = from.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? Main(sink.From, from) : Side(sink.From, from[..dot], from[(dot + 1)..]);
    }

    private static (InputRef, Flow, StepNode?) Routed(StepNode router)
    {
        StepGraph.Use(router);
        return (new InputRef(router.Id, StepOutput.Routed), RoutedOf(router), router);
    }

    private static (InputRef, Flow, StepNode?) QuarantinedAll() =>
        (new InputRef(InputRef.AnyStep, StepOutput.Quarantined), QuarantinedFlow, null);

    private static Flow QuarantinedFlow => new() { Schema = SideOutputs.Quarantined };

    private (InputRef, Flow, StepNode?) Main(Located<string> from, string id)
    {
        if (id == StepGraph.Source) return (new InputRef(""), source, null);
        if (graph.Find(id) is { } step)
        {
            StepGraph.Use(step);
            return (new InputRef(id), step.Output, step);
        }

        graph.NoteUnknown(from, id, context);
        return (new InputRef(""), Flow.Opaque, null);
    }

    private (InputRef, Flow, StepNode?) Side(Located<string> from, string id, string output)
    {
        if (id == StepGraph.Source && output == StepGraph.Quarantined)
            return (new InputRef("", StepOutput.Quarantined), QuarantinedFlow, null);
        if (graph.Find(id) is not { } step)
        {
            if (id == StepGraph.Source) NoteSide(from, id, output, ["quarantined"]);
            else graph.NoteUnknown(from, id, context);
            return (new InputRef(""), Flow.Opaque, null);
        }

        StepGraph.Use(step);
        var known = OutputsOf(step);
        if (!known.Contains(output))
        {
            NoteSide(from, id, output, known);
            return (new InputRef(""), Flow.Opaque, null);
        }

        return output switch
        {
            "late" => (new InputRef(id, StepOutput.Late), LateOf(step), step),
            "duplicates" => (new InputRef(id, StepOutput.Duplicates), step.InputFlow, step),
            "routed" => (new InputRef(id, StepOutput.Routed), RoutedOf(step), step),
            _ => (new InputRef(id, StepOutput.Quarantined), QuarantinedFlow, step),
        };
    }

    private static Flow RoutedOf(StepNode step) => step.InputFlow.IsOpaque
        ? Flow.Opaque
        : step.InputFlow with { Schema = SideOutputs.Routed(step.InputFlow.Schema) };

    private static Flow LateOf(StepNode step) => step.InputFlow.IsOpaque
        ? Flow.Opaque
        : step.InputFlow with { Schema = SideOutputs.Late(step.InputFlow.Schema) };

    private static string[] OutputsOf(StepNode step) => step.Definition switch
    {
        WindowStepDefinition { Window.IsRunning: false } => ["late", "quarantined"],
        DedupStepDefinition => ["duplicates", "quarantined"],
        _ => ["quarantined"],
    };

    private void NoteSide(Located<string> from, string id, string output, string[] known)
    {
        graph.Incomplete = true;
        context.Diagnostics.Error(
            "KOR2006", from.Node,
            $"'{id}' has no output '{output}'; it has: {string.Join(", ", known.Select(k => $"{id}.{k}"))}",
            Suggestions.Nearest(output, known) is { } near ? $"{id}.{near}" : null);
    }
}
