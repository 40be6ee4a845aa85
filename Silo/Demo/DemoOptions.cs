namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>What the demo does.</summary>
internal sealed record DemoOptions
{
    /// <summary>A real broker to use; null: the embedded one.</summary>
    public string? Kafka { get; init; }

    /// <summary>The state database, as <c>postgresql://user:password@host:port/database</c> or a SQLite file; null: SQLite in a folder of the demo's.</summary>
    public string? State { get; init; }

    /// <summary>The sink database, likewise.</summary>
    public string? Sink { get; init; }

    /// <summary>Records per second.</summary>
    public int Rate { get; init; } = 1000;

    /// <summary>The generator's seed.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where the API listens.</summary>
    public string Url { get; init; } = "http://127.0.0.1:8080";

    /// <summary>The port of <see cref="GatewayPort"/> unless another is named.</summary>
    public const int DefaultGatewayPort = 30000;

    /// <summary>The port for clients of the library, with a secret in a file of this user's; 0: none. None either when something else listens there.</summary>
    public int GatewayPort { get; init; } = DefaultGatewayPort;

    /// <summary>Stop after so long; null: at Ctrl-C.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The topic.</summary>
    public string Topic { get; init; } = "orders";

    /// <summary>Partitions of the embedded broker's topic.</summary>
    public int Partitions { get; init; } = 4;

    /// <summary>The pipeline file; null: the sample that is built in.</summary>
    public string? PipelineFile { get; init; }
}
