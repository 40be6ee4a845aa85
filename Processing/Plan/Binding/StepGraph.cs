using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Which step reads which.</summary>
internal sealed class StepGraph
{
    /// <summary>What 'from' says for the source.</summary>
    public const string Source = "source";

    /// <summary>What a sink's 'from' says for all refused rows.</summary>
    public const string Quarantined = "quarantined";

    private readonly Dictionary<string, StepNode> _byId = new(StringComparer.Ordinal);
    private readonly List<StepNode> _nodes = [];

    /// <summary>The steps, each after its input.</summary>
    public IReadOnlyList<StepNode> Ordered { get; private set; } = [];

    /// <summary>True when a reference is broken, so that nothing can be said about what is read by whom.</summary>
    public bool Incomplete { get; set; }

    public StepNode? Find(string id) => _byId.GetValueOrDefault(id);

    public static StepGraph Build(PipelineDefinition definition, BindingContext context)
    {
        var graph = new StepGraph();
        var taken = new Dictionary<string, TextNode>(StringComparer.OrdinalIgnoreCase);
        foreach (var step in definition.Steps)
        {
            var node = new StepNode(step, graph._nodes.Count);
            graph._nodes.Add(node);
            if (Claim(step.Id, taken, context)) graph._byId.Add(node.Id, node);
            else graph.Incomplete = true;
        }

        foreach (var sink in definition.Sinks) Claim(sink.Id, taken, context);
        foreach (var node in graph._nodes) graph.Resolve(node, context);
        graph.Order(context);
        return graph;
    }

    /// <summary>Marks a step and all it reads as used.</summary>
    public static void Use(StepNode? node)
    {
        for (; node is { Used: false }; node = node.Input) node.Used = true;
    }

    /// <summary>Notes steps whose rows reach neither a sink nor a window.</summary>
    public void CheckUse(BindingContext context)
    {
        if (Incomplete) return;
        foreach (var node in _nodes.Where(n => n is { IsWindow: true, Used: false, InCircle: false }))
        {
            context.Diagnostics.Warning(
                "KOR2005", node.Definition.Id.Node,
                $"no sink reads the step '{node.Id}'; its state can be asked for, nothing is written");
            Use(node);
        }

        foreach (var node in _nodes.Where(n => !n.Used && !n.InCircle))
        {
            context.Diagnostics.Error(
                "KOR2005", node.Definition.Id.Node, $"the rows of the step '{node.Id}' reach no sink and no window");
        }
    }

    /// <summary>Notes an input that does not exist.</summary>
    public void NoteUnknown(Located<string> from, string id, BindingContext context)
    {
        var known = _byId.Keys.Append(Source).ToArray();
        var suggestion = SideOutputNamed(id) ?? Suggestions.Nearest(id, known);
        var list = suggestion is null ? $"; known: {string.Join(", ", known.Take(30))}" : "";
        Incomplete = true;
        context.Diagnostics.Error("KOR2002", from.Node, $"unknown step '{id}'{list}", suggestion);
    }

    /// <summary>A side output written without its step, when there is only one that has it.</summary>
    private string? SideOutputNamed(string name)
    {
        var steps = _nodes.Where(n => name == "late" ? n is { IsWindow: true, Definition: WindowStepDefinition { Window.IsRunning: false } }
            : name == "duplicates" && n.Definition is DedupStepDefinition).Take(2).ToList();
        return steps.Count == 1 ? $"{steps[0].Id}.{name}" : null;
    }

    private static bool Claim(Located<string> id, Dictionary<string, TextNode> taken, BindingContext context)
    {
        if (id.Faulty) return false;
        if (id.Value is Source or Quarantined)
        {
            context.Diagnostics.Error("KOR2009", id.Node, $"the id '{id.Value}' is reserved");
            return false;
        }

        if (taken.TryAdd(id.Value, id.Node)) return true;
        var line = taken[id.Value].Start.Line;
        context.Diagnostics.Error("KOR2001", id.Node,
            $"the id '{id.Value}' is used already in line {line} (case does not count)");
        return false;
    }

    private void Resolve(StepNode node, BindingContext context)
    {
        var from = node.Definition.Head.From;
        if (from is null || from.Faulty)
        {
            node.Input = node.Index == 0 ? null : _nodes[node.Index - 1];
            node.InputResolved = from is null && node.Definition is not BrokenStepDefinition;
            Incomplete |= !node.InputResolved;
            return;
        }

        if (from.Value == Source || _byId.TryGetValue(from.Value, out var input) && (node.Input = input) is not null)
        {
            node.InputResolved = true;
            return;
        }

        var dot = from.Value.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && _byId.ContainsKey(from.Value[..dot]))
        {
            Incomplete = true;
            context.Diagnostics.Error("KOR2006", from.Node, "side outputs can be read by sinks only");
        }
        else
        {
            NoteUnknown(from, from.Value, context);
        }
    }

    private void Order(BindingContext context)
    {
        var ordered = new List<StepNode>(_nodes.Count);
        var done = new HashSet<StepNode>();
        foreach (var node in _nodes)
        {
            var way = new List<StepNode>();
            for (var at = node; at is not null && !done.Contains(at); at = at.Input)
            {
                if (way.Contains(at))
                {
                    Incomplete = true;
                    NoteCircle(way[way.IndexOf(at)..], context);
                    break;
                }

                way.Add(at);
            }

            way.Reverse();
            foreach (var step in way)
            {
                if (done.Add(step)) ordered.Add(step);
            }
        }

        Ordered = ordered;
    }

    private static void NoteCircle(List<StepNode> circle, BindingContext context)
    {
        foreach (var node in circle) node.InCircle = true;
        var first = circle.MinBy(n => n.Index)!;
        var start = circle.IndexOf(first);
        var names = Enumerable.Range(0, circle.Count + 1).Select(i => circle[(start + i) % circle.Count].Id);
        context.Diagnostics.Error(
            "KOR2004", first.Definition.Head.From?.Node ?? first.Definition.Id.Node,
            $"steps in a circle: {string.Join(" reads ", names)}");
    }
}
