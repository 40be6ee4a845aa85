using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.State;

/// <summary>
/// The tables and queries of Orleans' own ADO.NET providers, in a hardened form (deploy/sql/orleans).
/// </summary>
public static class OrleansSchema
{
    /// <summary>The provider name Orleans knows a database by.</summary>
    public static string Invariant(DatabaseProvider provider) => provider switch
    {
        DatabaseProvider.PostgreSql => "Npgsql",
        DatabaseProvider.Sqlite => "System.Data.SQLite", // Orleans loads Microsoft.Data.Sqlite by this name.
        DatabaseProvider.Oracle => "Oracle.DataAccess.Client",
        _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "There is no such provider."),
    };

    /// <summary>
    /// Makes the tables and queries; those that are there stay, queries are replaced by this build's. PostgreSQL:
    /// clustering, grain storage and reminders; SQLite: grain storage and reminders of a single silo. Throws <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    public static async Task CreateAsync(Database database, CancellationToken cancellation)
    {
        if (database.Provider == DatabaseProvider.Oracle)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{database.Name}': on Oracle run the scripts that come with Orleans; there is no hardened form of them here.");
        }

        try
        {
            await SchemaScripts.RunAsync(
                database, SchemaScripts.Read($"orleans/{database.Provider.ToText()}"),
                    cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The tables of Orleans cannot be made: {failure.Message}", failure);
        }
    }
}
