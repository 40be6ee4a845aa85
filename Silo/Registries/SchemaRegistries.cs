using System.Collections.Concurrent;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Registries;

/// <summary>
/// The registries of the host's configuration. What was found is kept for all partitions of the silo; what was not is asked for again, by everybody who waits
/// for it at once with one request.
/// </summary>
internal sealed class SchemaRegistries(KorOptions options) : ISchemaRegistries, IDisposable
{
    // A registry has hundreds or thousands; beyond that the oldest knowledge is worth less than the memory.
    private const int MaxKept = 10_000;
    private readonly ConcurrentDictionary<string, RegistryClient> _clients = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Registry, SchemaId Id), Lazy<Task<RegisteredSchema?>>> _known = new();

    public async Task<RegisteredSchema?> FindAsync(string registry, SchemaId id, CancellationToken cancellation)
    {
        if (!options.Registries.TryGetValue(registry, out var settings))
            throw new SchemaRegistryException($"There is no schema registry '{registry}' in this host's configuration; set Kor:Registries:{registry}:Url.");
        if (_known.Count > MaxKept) _known.Clear();
        var client = _clients.GetOrAdd(registry, name => new RegistryClient(name, settings));
        // Whoever asks first must not take the answer from the others by giving up.
        var asked = _known.GetOrAdd((registry, id), _ => new Lazy<Task<RegisteredSchema?>>(() => client.FindAsync(id, CancellationToken.None)));
        RegisteredSchema? found = null;
        try
        {
            return found = await asked.Value.WaitAsync(cancellation);
        }
        finally
        {
            if (found is null && asked.Value.IsCompleted) _known.TryRemove(new KeyValuePair<(string, SchemaId), Lazy<Task<RegisteredSchema?>>>((registry, id), asked));
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Dispose();
    }
}
