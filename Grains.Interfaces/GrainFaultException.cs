namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>
/// What a grain of another process met. Exceptions of databases and of Kafka's client mean nothing to whoever lacks their libraries, so they cross as
/// this: in words, with the kind.
/// </summary>
[GenerateSerializer, Alias("kor.GrainFault")]
public sealed class GrainFaultException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="kind">What failed.</param>
    /// <param name="type">The name of the original exception's type.</param>
    /// <param name="message">What it said, without secrets.</param>
    public GrainFaultException(GrainFaultKind kind, string type, string message)
        : base(message)
    {
        Kind = kind;
        Type = type;
    }

    /// <summary>What failed.</summary>
    [Id(0)]
    public GrainFaultKind Kind { get; private set; }

    /// <summary>The name of the original exception's type.</summary>
    [Id(1)]
    public string Type { get; private set; }
}

/// <summary>What failed behind a grain.</summary>
public enum GrainFaultKind
{
    /// <summary>Something else.</summary>
    Other,

    /// <summary>A database.</summary>
    Database,

    /// <summary>Kafka.</summary>
    Kafka,
}
