using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan.Binding;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>What the compiler may know of the place where the pipeline will run. What is null is not checked.</summary>
public sealed record PipelineCompilerOptions
{
    /// <summary>What <c>${NAME}</c> stands for; null for a name that is not set. Default: nothing is set.</summary>
    public Func<string, string?> Variables { get; init; } = static _ => null;

    /// <summary>The names of the host's Kafka connections.</summary>
    public IReadOnlyCollection<string>? KafkaConnections { get; init; }

    /// <summary>The names of the host's database connections.</summary>
    public IReadOnlyCollection<string>? DatabaseConnections { get; init; }

    /// <summary>The names of the host's schema registries.</summary>
    public IReadOnlyCollection<string>? Registries { get; init; }

    /// <summary>The names of the C# transforms registered in the host.</summary>
    public IReadOnlyCollection<string>? Transforms { get; init; }

    /// <summary>Makes decoders; default: those of this assembly.</summary>
    public Func<SourceFormatSpec, IRecordDecoder>? CreateDecoder { get; init; }
}

/// <summary>The outcome of compiling a pipeline file.</summary>
/// <param name="Plan">The plan; null when there are errors.</param>
/// <param name="Diagnostics">Errors and warnings, by place.</param>
public sealed record PipelineCompilation(PipelinePlan? Plan, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>
    /// The pipeline as JSON with variables replaced, which compiles to an equal plan; null when the file could not be
    /// read.
    /// </summary>
    public string? CanonicalJson { get; init; }

    /// <summary>True when there is no error; there may be warnings.</summary>
    public bool Succeeded => Plan is not null;
}

/// <summary>Turns pipeline files into plans, with every fault of a file in one run.</summary>
public static class PipelineCompiler
{
    /// <summary>Compiles a text. Never throws for a text.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="fileName">The name diagnostics show; <c>.json</c> at its end makes it JSON.</param>
    /// <param name="options">What is known of the host.</param>
    public static PipelineCompilation Compile(string text, string fileName, PipelineCompilerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(fileName);
        options ??= new PipelineCompilerOptions();
        var diagnostics = new DiagnosticBag(fileName, text);
        var variables = new SubstitutedValues(options.Variables);
        var reading = PipelineReader.Read(diagnostics, variables.Get);
        PipelinePlan? plan = null;
        if (reading.Definition is not null)
            plan = new PipelineBinder(reading.Definition, reading.CanonicalJson, options, diagnostics).Bind();
        return new PipelineCompilation(diagnostics.HasErrors ? null : plan, variables.Hide(diagnostics.ToList()))
        {
            CanonicalJson = reading.CanonicalJson,
        };
    }
}
