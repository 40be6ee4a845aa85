using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>A host without schema registries.</summary>
internal sealed class NoRegistries : ISchemaRegistries
{
    public Task<RegisteredSchema?> FindAsync(string registry, SchemaId id, CancellationToken cancellation) =>
        throw new SchemaRegistryException($"There is no schema registry '{registry}'.");
}
