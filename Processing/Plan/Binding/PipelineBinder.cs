using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// Gives a definition its meaning: references, types and expressions. One instance binds one definition.
/// </summary>
internal sealed class PipelineBinder(
    PipelineDefinition definition, string? canonicalJson, PipelineCompilerOptions options, DiagnosticBag diagnostics)
{
    private readonly BindingContext _context = new(options, diagnostics);

    /// <summary>The plan, or null when there are errors.</summary>
    public PipelinePlan? Bind()
    {
        var (source, sourceFlow) = new SourceBinder(_context, definition).Bind();
        var graph = StepGraph.Build(definition, _context);
        var steps = new StepBinder(_context, definition.Source);
        foreach (var node in graph.Ordered)
        {
            node.InputFlow = InputOf(node, sourceFlow);
            if (!node.InCircle) (node.Plan, node.Output) = steps.Bind(node);
        }

        var sinks = new SinkBinder(_context, definition, graph, sourceFlow).Bind();
        graph.CheckUse(_context);
        CheckQuarantine(definition.Quarantine);
        if (diagnostics.HasErrors || source is null || canonicalJson is null) return null;
        var plans = graph.Ordered.Select(n => n.Plan!).ToArray();
        return new PipelinePlan
        {
            Name = definition.Name.Value,
            Description = definition.Description?.Value ?? "",
            Source = source,
            Steps = plans,
            Sinks = sinks,
            Quarantine = QuarantineOf(definition.Quarantine),
            StateFingerprints = StateFingerprint.Of(source, plans),
            DefinitionHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalJson))),
        };
    }

    private Flow InputOf(StepNode node, Flow source)
    {
        if (!node.InputResolved || node.InCircle) return Flow.Opaque;
        if (node.Input is null) return source;
        if (!node.Input.IsWindow) return node.Input.Output;
        var at = node.Definition.Head.From?.Node ?? node.Definition.Id.Node;
        diagnostics.Error(
            "KOR2007", at,
            $"the step '{node.Id}' reads the rows of '{node.Input.Id}', which go to sinks only; "
            + "give it a 'from' that is before it");
        return Flow.Opaque;
    }

    private void CheckQuarantine(QuarantineDefinition? target)
    {
        if (target is null) return;
        if (target.Connection is { } database)
            _context.CheckConnection(database, options.DatabaseConnections, "database");
        if (target.Kafka is not { } kafka) return;
        _context.CheckConnection(kafka.Connection, options.KafkaConnections, "Kafka");
        if (!kafka.Topic.Faulty && kafka.Topic.Value.StartsWith('^'))
            diagnostics.Error("KOR2035", kafka.Topic.Node, "a quarantine topic is a name, not a pattern");
        if (definition.Source.Kafka is { } source && !kafka.Topic.Faulty && source.Connection.Value == kafka.Connection.Value
            && source.Topics.FirstOrDefault(t => !t.Faulty && TopicNames.Matches(t.Value, kafka.Topic.Value)) is { } own)
        {
            diagnostics.Error(
                "KOR2035", kafka.Topic.Node,
                own.Value == kafka.Topic.Value
                    ? $"the quarantine topic '{kafka.Topic.Value}' is a topic of the source: refused records would come round for ever"
                    : $"the quarantine topic '{kafka.Topic.Value}' is read by the source's pattern '{own.Value}': refused records would come round for ever; "
                        + "name a topic that the pattern does not match");
        }

        if (target.Connection is null && (target.Table is not null || target.KeepFor is not null))
        {
            diagnostics.Error(
                "KOR2035", target.Node,
                "'table' and 'keepFor' are about a table, and with 'kafka' alone there is none; "
                + "add 'connection' to keep the records in a database as well, or leave them out");
        }
    }

    private static QuarantinePlan? QuarantineOf(QuarantineDefinition? target) => target is null
        ? null
        : new QuarantinePlan(target.Connection?.Value, target.Table?.Value, target.KeepFor?.Value ?? 0)
        {
            Topic = target.Kafka is { } kafka ? new QuarantineTopicPlan(kafka.Connection.Value, kafka.Topic.Value) : null,
        };
}
