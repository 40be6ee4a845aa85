using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Something whose rows a test can expect.</summary>
/// <param name="Name">As the test writes it.</param>
/// <param name="Schema">The fields of its rows.</param>
/// <param name="Input">Where a step's rows come from; null for a sink.</param>
internal sealed record TestOutput(string Name, Schema Schema, InputRef? Input)
{
    /// <summary>True for the main output of a window step, whose rows come from its shards.</summary>
    public bool IsWindow { get; init; }

    /// <summary>The place of a column in any case, or -1.</summary>
    public int ColumnOf(string name)
    {
        var exact = Schema.IndexOf(name);
        if (exact >= 0) return exact;
        for (var i = 0; i < Schema.Count; i++)
        {
            if (string.Equals(Schema[i].Name, name, StringComparison.OrdinalIgnoreCase)) return i;
        }

        return -1;
    }
}

/// <summary>The outputs of a pipeline: its sinks' tables, its steps' rows and their side outputs.</summary>
internal static class OutputCatalog
{
    /// <summary>The outputs by name, in the order of the pipeline.</summary>
    public static IReadOnlyDictionary<string, TestOutput> Of(PipelinePlan plan)
    {
        var outputs = new OrderedDictionary<string, TestOutput>(StringComparer.Ordinal);
        void Add(string name, Schema schema, InputRef? input, bool window = false) =>
            outputs.TryAdd(name, new TestOutput(name, schema, input) { IsWindow = window });

        foreach (var sink in plan.Sinks) Add(sink.Id, sink.Spec.Schema, null);
        foreach (var step in plan.Steps)
        {
            Add(step.Id, step.Schema, new InputRef(step.Id), step is WindowPlan);
            if (step is WindowPlan) Add(step.Id + ".late", SideOutputs.Late(step.InputSchema), new InputRef(step.Id, StepOutput.Late));
            if (step is DedupPlan) Add(step.Id + ".duplicates", step.InputSchema, new InputRef(step.Id, StepOutput.Duplicates));
            Add(step.Id + ".quarantined", SideOutputs.Quarantined, new InputRef(step.Id, StepOutput.Quarantined));
        }

        Add("quarantined", SideOutputs.Quarantined, new InputRef(InputRef.AnyStep, StepOutput.Quarantined));
        Add("source", plan.Source.Schema, new InputRef(""));
        Add("source.quarantined", SideOutputs.Quarantined, new InputRef("", StepOutput.Quarantined));
        return outputs;
    }

    /// <summary>The same pipeline with a sink that collects the rows of each output.</summary>
    public static PipelinePlan WithTaps(PipelinePlan plan, IEnumerable<TestOutput> outputs) => plan with
    {
        Sinks = [.. plan.Sinks, .. outputs.Select(o => Tap(plan, o))],
    };

    /// <summary>The id of the sink that collects an output; no pipeline can have it.</summary>
    public static string TapOf(TestOutput output) => "~" + output.Name;

    private static SinkPlan Tap(PipelinePlan plan, TestOutput output) => new()
    {
        Id = TapOf(output),
        From = output.Input!.Value,
        InputSchema = output.Schema,
        Source = [.. Enumerable.Range(0, output.Schema.Count)],
        FromWindow = false,
        Flush = new FlushPlan(int.MaxValue, long.MaxValue, long.MaxValue),
        Spec = new SinkSpec(plan.Name, TapOf(output), "", "", SinkMode.Append, output.Schema, [], null, false, false),
    };
}
