using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Compiles pipelines with what this host knows: its environment and its connections.</summary>
internal sealed class HostPipelineCompiler(KorOptions options, IEnumerable<IRecordTransform> transforms) : IPipelineCompiler
{
    private readonly PipelineCompilerOptions _options = new()
    {
        Variables = Environment.GetEnvironmentVariable,
        KafkaConnections = options.Kafka.Keys,
        DatabaseConnections = options.Connections.Keys,
        Transforms = [.. transforms.Select(t => t.Name)],
    };

    public CompiledPipeline Compile(string text, string fileName)
    {
        var compilation = Check(text, fileName);
        var messages = compilation.Diagnostics.Select(d => d.ToString()).ToList();
        return compilation.Plan is { } plan && Refusal(plan) is { } refusal
            ? new CompiledPipeline(null, [.. messages, $"{fileName}: error: {refusal}"])
            : new CompiledPipeline(compilation.Plan, messages);
    }

    /// <summary>Compiles a text, with every finding and its place.</summary>
    public PipelineCompilation Check(string text, string fileName) => PipelineCompiler.Compile(text, fileName, _options);

    /// <summary>Why this host cannot run a plan (what a transform lacks in its step), or null: refused at the door.</summary>
    internal string? Refusal(PipelinePlan plan)
    {
        try
        {
            new TransformRunner(transforms).Prepare(plan);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }
}
