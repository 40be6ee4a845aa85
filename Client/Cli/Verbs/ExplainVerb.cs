using System.CommandLine;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor explain</c>: what a pipeline does, step by step, with the types that go in and come out.</summary>
internal static class ExplainVerb
{
    public static void AddTo(KorCommand kor)
    {
        var file = new Argument<string>("file") { Description = "A pipeline file." };
        var mermaid = new Option<bool>("--mermaid") { Description = "A Mermaid flowchart, for Markdown pages." };
        var env = PipelineFiles.EnvOption();
        kor.Add(
            new Command("explain", "Shows what a pipeline does: its steps with their types in and out, as text or as a flowchart.")
            {
                file, mermaid, env,
            },
            (context, _) =>
            {
                var plan = PipelineFiles.Load(context, context.Args.GetValue(file)!, PipelineFiles.Variables(context, env));
                if (context.Args.GetValue(mermaid)) context.Host.Out.Write(PlanDescription.Mermaid(plan));
                else if (context.Output.ForPeople) context.Host.Out.Write(PlanDescription.Text(plan));
                else context.Output.Data(ToJson(plan));
                return Task.FromResult(ExitCodes.Ok);
            });
    }

    private static JsonObject ToJson(PipelinePlan plan) => new()
    {
        ["name"] = plan.Name,
        ["description"] = plan.Description,
        ["definitionHash"] = plan.DefinitionHash,
        ["source"] = new JsonObject
        {
            ["connection"] = plan.Source.Connection,
            ["topics"] = new JsonArray([.. plan.Source.Topics.Select(t => (JsonNode)t)]),
            ["group"] = plan.Source.GroupId,
            ["fields"] = Fields(plan.Source.Schema),
        },
        ["steps"] = new JsonArray([.. plan.Steps.Select(s => (JsonNode)new JsonObject
        {
            ["id"] = s.Id,
            ["type"] = TypeOf(s),
            ["from"] = From(s.Input),
            ["in"] = Fields(s.InputSchema),
            ["out"] = Fields(s.Schema),
        })]),
        ["sinks"] = new JsonArray([.. plan.Sinks.Select(s => (JsonNode)new JsonObject
        {
            ["id"] = s.Id,
            ["from"] = From(s.From),
            ["connection"] = s.Spec.Connection,
            ["table"] = s.Spec.Table,
            ["mode"] = s.Spec.Mode.ToString().ToLowerInvariant(),
            ["keys"] = new JsonArray([.. s.Spec.Keys.Select(k => (JsonNode)k)]),
            ["columns"] = Fields(s.Spec.Schema),
        })]),
    };

    private static JsonArray Fields(Schema schema) => new([.. schema.Fields.Select(f => (JsonNode)new JsonObject
    {
        ["name"] = f.Name,
        ["type"] = f.Type.ToString(),
        ["nullable"] = f.Nullable,
    })]);

    private static string From(InputRef input)
    {
        var name = input.Step.Length == 0 ? "source" : input.Step;
        if (input is { Step: InputRef.AnyStep, Output: StepOutput.Quarantined }) return "quarantined";
        return input.Output == StepOutput.Main ? name : $"{name}.{input.Output.ToString().ToLowerInvariant()}";
    }

    private static string TypeOf(StepPlan step) => step switch
    {
        MapPlan => "map",
        FilterPlan => "filter",
        QualityPlan => "quality",
        DedupPlan => "dedup",
        LookupPlan => "lookup",
        ExplodePlan => "explode",
        WindowPlan { Window.Window: Processing.Windows.RunningTotals } => "aggregate",
        WindowPlan => "window",
        _ => "custom",
    };
}
