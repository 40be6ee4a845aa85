using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Registries;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>Checks a schema registry: whether it answers and lets us in.</summary>
internal static class RegistryDoctor
{
    public static async Task<IReadOnlyList<Finding>> CheckAsync(string name, RegistryOptions options, CancellationToken cancellation)
    {
        using var client = new RegistryClient(name, options);
        try
        {
            await client.PingAsync(cancellation);
            return [Finding.Ok(name, "registry", $"{options} answers")];
        }
        catch (SchemaRegistryException e)
        {
            return [Finding.Failed(name, "registry", e.Message, $"Correct Kor:Registries:{name}.")];
        }
    }
}
