using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Compiles pipelines with what this host knows: its environment and its connections.</summary>
internal sealed class HostPipelineCompiler(KorOptions options) : IPipelineCompiler
{
    private readonly PipelineCompilerOptions _options = new()
    {
        Variables = Environment.GetEnvironmentVariable,
        KafkaConnections = options.Kafka.Keys,
        DatabaseConnections = options.Connections.Keys,
    };

    public CompiledPipeline Compile(string text, string fileName)
    {
        var compilation = PipelineCompiler.Compile(text, fileName, _options);
        var messages = compilation.Diagnostics.Select(d => d.ToString()).ToList();
        var refusals = compilation.Plan is { } plan ? NotCarriedOut(plan).Select(r => $"{fileName}: error: {r}").ToList() : [];
        return new CompiledPipeline(refusals.Count == 0 ? compilation.Plan : null, [.. messages, .. refusals]);
    }

    /// <summary>What the format knows and this version's engine does not do: refused at the door instead of done wrong.</summary>
    private static IEnumerable<string> NotCarriedOut(PipelinePlan plan)
    {
        foreach (var step in plan.Steps)
        {
            if (step is DedupPlan { Global: true })
            {
                yield return $"step '{step.Id}': dedup with scope: global is not carried out by this version; use scope: partition and key the topic "
                    + "by the id's owner, so that a re-sent record comes to the same partition.";
            }

            if (step is CustomPlan)
                yield return $"step '{step.Id}': custom steps are not carried out by this version; use map, filter or quality steps.";
        }
    }
}
