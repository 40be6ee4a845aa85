using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>The host's schema registries, by name. What was found once is remembered: schemas do not change.</summary>
public interface ISchemaRegistries
{
    /// <summary>
    /// The schema of an id, with those it refers to; null when the registry says that it has none. Throws <see cref="SchemaRegistryException"/> when it does
    /// not say.
    /// </summary>
    Task<RegisteredSchema?> FindAsync(string registry, SchemaId id, CancellationToken cancellation);
}

/// <summary>A registry is away, refuses us, or lacks a schema that is waited for. Says which and what to do; never a secret.</summary>
public sealed class SchemaRegistryException(string message, Exception? inner = null) : Exception(message, inner);
