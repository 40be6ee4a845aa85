using System.Collections.Frozen;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>A connection that cannot be used as it is configured. Says what to change.</summary>
public sealed class ConnectionConfigurationException(string message, Exception? inner = null)
    : Exception(message, inner);

/// <summary>The configured connections by name.</summary>
public sealed class DatabaseConnections : IAsyncDisposable
{
    private readonly FrozenDictionary<string, Database> _byName;

    /// <summary>
    /// Makes all connections; opens none. Throws <see cref="ConnectionConfigurationException"/> with every fault of
    /// every connection at once.
    /// </summary>
    public DatabaseConnections(IReadOnlyDictionary<string, ConnectionOptions> options, TimeProvider? time = null)
    {
        var made = new Dictionary<string, Database>(StringComparer.OrdinalIgnoreCase);
        var faults = new List<string>();
        foreach (var (name, option) in options)
        {
            try
            {
                if (!made.TryAdd(name, new Database(name, option, time)))
                    faults.Add($"Connection '{name}' is configured twice.");
            }
            catch (ConnectionConfigurationException fault)
            {
                faults.Add(fault.Message);
            }
        }

        if (faults.Count > 0) throw new ConnectionConfigurationException(string.Join(Environment.NewLine, faults));
        _byName = made.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>All connections.</summary>
    public IReadOnlyCollection<Database> All => _byName.Values;

    /// <summary>
    /// The connection of a name. Throws <see cref="ConnectionConfigurationException"/> when there is none.
    /// </summary>
    public Database Get(string name) =>
        _byName.TryGetValue(name, out var database)
            ? database
            : throw new ConnectionConfigurationException(
                $"There is no connection '{name}'; configured are: {Names()}. Add it to the host's configuration.");

    /// <summary>The connection of a name, or null.</summary>
    public Database? Find(string name) => _byName.GetValueOrDefault(name);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var database in _byName.Values) await database.DisposeAsync().ConfigureAwait(false);
    }

    private string Names() =>
        _byName.Count == 0 ? "none" : string.Join(", ", _byName.Keys.Order(StringComparer.OrdinalIgnoreCase));
}
