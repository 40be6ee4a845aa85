using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>
/// A step of pipelines written in C#: registered in the host, and named by steps of type <c>custom</c>. One instance serves all partitions at
/// the same time, so what it keeps between records must be safe for that. What it gives must follow from the record and the options alone: after a
/// crash records come again, and must come out the same.
/// </summary>
public interface IRecordTransform
{
    /// <summary>The name pipelines use.</summary>
    string Name { get; }

    /// <summary>
    /// Makes the transform ready for a step; called once per step and partition, before its first record. Throws
    /// <see cref="ArgumentException"/> when the step's options or fields are not what the transform needs; its message is shown as the reason
    /// why the partition does not run.
    /// </summary>
    RecordTransformer Prepare(TransformStep step);
}

/// <summary>
/// Works on one record. An exception refuses the record (KOR4045, with the exception's type and message) and nothing else.
/// </summary>
public delegate void RecordTransformer(TransformRow row);

/// <summary>What a transform is used for.</summary>
/// <param name="Id">The step's id.</param>
/// <param name="Options">The step's options as written, variables replaced.</param>
/// <param name="Input">The fields that come in.</param>
/// <param name="Output">The fields that go out: those that come in, then those the step adds.</param>
public sealed record TransformStep(string Id, IReadOnlyDictionary<string, string> Options, Schema Input, Schema Output)
{
    /// <summary>
    /// The place of a field among the output's (those that come in have the same place there). Throws <see cref="ArgumentException"/> when there is
    /// no such field, or when it is of another kind.
    /// </summary>
    public int Field(string name, FieldKind kind)
    {
        var place = Output.IndexOf(name);
        if (place < 0) throw new ArgumentException($"The step '{Id}' has no field '{name}'; it has: {string.Join(", ", Output.Fields.Select(f => f.Name))}.");
        if (Output[place].Type.Kind == kind) return place;
        throw new ArgumentException($"The field '{name}' of step '{Id}' is {Output[place].Type}; the transform needs {kind.ToString().ToLowerInvariant()}.");
    }
}
