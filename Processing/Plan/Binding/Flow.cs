using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>What is known of the rows at a point of a pipeline.</summary>
internal sealed record Flow
{
    /// <summary>Nothing is known, because of a fault that was noted: nothing after it is worth a message.</summary>
    public static Flow Opaque { get; } = new() { Schema = Schema.Empty, IsOpaque = true };

    public required Schema Schema { get; init; }

    /// <summary>Fields that exist but whose type is not known because of a fault that was noted.</summary>
    public IReadOnlySet<string> Unknown { get; init; } = new HashSet<string>();

    /// <summary>Fields that hold what came from the Kafka key, unchanged.</summary>
    public IReadOnlySet<string> FromKey { get; init; } = new HashSet<string>();

    /// <summary>Fields that hold the whole Kafka key, unchanged.</summary>
    public IReadOnlySet<string> WholeKey { get; init; } = new HashSet<string>();

    public bool IsOpaque { get; init; }

    /// <summary>A record may have several rows here: an explode step is before.</summary>
    public bool IsExploded { get; init; }

    /// <summary>The same rows with fields added at the end.</summary>
    public Flow With(IEnumerable<Field> added) => this with { Schema = new Schema([.. Schema.Fields, .. added]) };

    /// <summary>The same rows with fields known to be never NULL.</summary>
    public Flow NotNull(IReadOnlySet<string> fields) => fields.Count == 0 ? this : this with
    {
        Schema = new Schema([.. Schema.Fields.Select(f => fields.Contains(f.Name) ? f with { Nullable = false } : f)]),
    };
}

/// <summary>A step of the graph: what was written, what it reads, and what became of it.</summary>
internal sealed class StepNode(Definition.StepDefinition definition, int index)
{
    public Definition.StepDefinition Definition => definition;

    public int Index => index;

    public string Id => definition.Id.Value;

    /// <summary>The step it reads; null with <see cref="InputResolved"/>: the source.</summary>
    public StepNode? Input { get; set; }

    /// <summary>False when 'from' names nothing.</summary>
    public bool InputResolved { get; set; }

    public bool InCircle { get; set; }

    /// <summary>True once something reads its rows.</summary>
    public bool Used { get; set; }

    public bool IsWindow => definition is Definition.WindowStepDefinition;

    /// <summary>Set by binding.</summary>
    public Flow InputFlow { get; set; } = Flow.Opaque;

    public Flow Output { get; set; } = Flow.Opaque;

    public StepPlan? Plan { get; set; }
}
