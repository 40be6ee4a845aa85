using System.Collections.Concurrent;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>The outcome of compiling a definition.</summary>
public sealed record CompiledPipeline(PipelinePlan? Plan, IReadOnlyList<string> Diagnostics);

/// <summary>Compiles pipeline texts; the host implements it with its own environment and decoders.</summary>
public interface IPipelineCompiler
{
    /// <summary>Compiles a text. Never throws for what the text says.</summary>
    /// <param name="text">The definition.</param>
    /// <param name="fileName">The name findings show.</param>
    /// <param name="origin">How it came: only files of the folder may use variables of the host.</param>
    CompiledPipeline Compile(string text, string fileName, DefinitionOrigin origin);
}

/// <summary>The versions of pipelines this silo has compiled. One per silo; safe for concurrent use.</summary>
public sealed class PlanProvider(IPipelineCompiler compiler, IGrainFactory grains)
{
    private readonly ConcurrentDictionary<string, PipelineRuntime> _current = new(StringComparer.Ordinal);

    /// <summary>The version this silo knows, if any.</summary>
    public PipelineRuntime? Find(string pipeline) => _current.GetValueOrDefault(pipeline);

    /// <summary>The version in force. Asks the pipeline's grain when this silo has none, or an older one than wanted.</summary>
    public async ValueTask<PipelineRuntime> GetAsync(string pipeline, int atLeast = 0)
    {
        if (_current.TryGetValue(pipeline, out var known) && known.Version >= atLeast) return known;
        return Compile(await DefinitionAsync(pipeline));
    }

    /// <summary>
    /// The version in force, as the pipeline's grain has it. Owners begin a term with it: what this silo has compiled may be older. Throws
    /// <see cref="PipelineChangedException"/> while the pipeline is halted: batches on their way and questions of the reader reach an owner for
    /// a second after it was stopped, and must not make it run again, least of all by a definition that is being replaced.
    /// </summary>
    public async ValueTask<PipelineRuntime> GetCurrentAsync(string pipeline)
    {
        var text = await DefinitionAsync(pipeline);
        if (text.Halted) throw new PipelineChangedException($"Pipeline '{pipeline}' is stopped.");
        return Compile(text);
    }

    /// <summary>Forgets a pipeline that was removed.</summary>
    public void Forget(string pipeline) => _current.TryRemove(pipeline, out _);

    private async Task<PipelineText> DefinitionAsync(string pipeline) =>
        await grains.GetGrain<IPipelineGrain>(pipeline).GetDefinitionAsync()
        ?? throw new PipelineChangedException($"There is no pipeline '{pipeline}'.");

    private PipelineRuntime Compile(PipelineText text)
    {
        // Which windows are withheld is found out when the pipeline begins, under a version that is compiled already.
        if (_current.TryGetValue(text.Name, out var known) && known.Version == text.Version && known.WindowsFrom == text.WindowsFrom) return known;
        var compiled = compiler.Compile(text.Text, text.FileName, text.Origin);
        if (compiled.Plan is null)
        {
            throw new PipelineChangedException(
                $"Pipeline '{text.Name}' version {text.Version} does not compile on this silo: {string.Join("; ", compiled.Diagnostics)}");
        }

        var runtime = new PipelineRuntime(text.Name, text.Version, text.Generation, compiled.Plan) { WindowsFrom = text.WindowsFrom };
        return _current.AddOrUpdate(text.Name, runtime, (_, old) => old.Version > runtime.Version ? old : runtime);
    }
}
