using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Compiles pipelines with what this host knows: its environment and its connections.</summary>
internal sealed class HostPipelineCompiler(KorOptions options, IEnumerable<IRecordTransform> transforms) : IPipelineCompiler
{
    // What comes over HTTP is anybody's text: it sees nothing of the environment, and so nobody can have a secret quoted to him.
    private readonly PipelineCompilerOptions _api = new()
    {
        Variables = PipelineVariables.None,
        KafkaConnections = options.Kafka.Keys,
        DatabaseConnections = options.Connections.Keys,
        Registries = options.Registries.Keys,
        Transforms = [.. transforms.Select(t => t.Name)],
    };

    private readonly Func<string, string?> _variables = PipelineVariables.Visible(Environment.GetEnvironmentVariable, [.. options.PipelineVariables]);

    public CompiledPipeline Compile(string text, string fileName, DefinitionOrigin origin)
    {
        var compilation = Check(text, fileName, origin);
        var messages = compilation.Diagnostics.Select(d => d.ToString()).ToList();
        return compilation.Plan is { } plan && Refusal(plan) is { } refusal
            ? new CompiledPipeline(null, [.. messages, $"{fileName}: error: {refusal}"])
            : new CompiledPipeline(compilation.Plan, messages);
    }

    /// <summary>Compiles a text, with every finding and its place. Only a file of the folder sees variables, and only those for pipelines.</summary>
    public PipelineCompilation Check(string text, string fileName, DefinitionOrigin origin) => PipelineCompiler.Compile(
        text, fileName, origin == DefinitionOrigin.Folder ? _api with { Variables = _variables } : _api);

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
