using System.Data.Common;
using System.Globalization;
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
    /// Makes the tables when they are missing and <paramref name="create"/> allows it. Throws
    /// <see cref="ConnectionConfigurationException"/> naming the script to run, or <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    public static async Task EnsureAsync(Database database, bool create, CancellationToken cancellation)
    {
        try
        {
            if (await ExistsAsync(database, cancellation).ConfigureAwait(false)) return;
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The tables of Orleans cannot be checked: {failure.Message}", failure);
        }

        if (!create)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{database.Name}': no tables of Orleans found: run deploy/sql/orleans/{database.Provider.ToText()}.sql.");
        }

        await CreateAsync(database, cancellation).ConfigureAwait(false);
    }

    private static async Task<bool> ExistsAsync(Database database, CancellationToken cancellation)
    {
        try
        {
            return await database.ReadAsync(
                async (session, token) =>
                {
                    var found = false;
                    await session.QueryAsync(
                        "SELECT QueryKey FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'", _ => found = true, token)
                        .ConfigureAwait(false);
                    return found;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (database.Dialect.IsMissingTable(failure.Error))
        {
            return false;
        }
    }

    /// <summary>
    /// Makes the tables and queries; those that are there stay, queries and functions are replaced by this build's.
    /// PostgreSQL and Oracle: clustering, grain storage and reminders; SQLite: grain storage and reminders of a single
    /// silo. Throws <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static async Task CreateAsync(Database database, CancellationToken cancellation)
    {
        try
        {
            await SchemaScripts.RunTextAsync(
                database, SchemaScripts.Read($"orleans/{database.Provider.ToText()}"),
                    cancellation).ConfigureAwait(false);
            if (database.Provider == DatabaseProvider.Oracle)
                await CheckFunctionsAsync(database, cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The tables of Orleans cannot be made: {failure.Message}", failure);
        }
    }

    /// <summary>
    /// Where Orleans' own providers get their connections: each opened one reads the password anew. Throws <see cref="ConnectionConfigurationException"/>.
    /// </summary>
    public static DbDataSource DataSource(string name, ConnectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var secrets = new PasswordSource(name, options);
        return options.Provider switch
        {
            DatabaseProvider.PostgreSql => PostgresConnections.Source(name, options, secrets),
            DatabaseProvider.Oracle => new OracleDataSource(new OracleConnections(name, options, secrets)),
            _ => throw new ConnectionConfigurationException(
                $"Connection '{name}' is {options.Provider.ToText()}: a cluster's database is postgresql or oracle."),
        };
    }

    /// <summary>
    /// What Orleans' provider for grain state holds of a service; empty when there is no such table. The key is the text of a text key, or else the number.
    /// Throws <see cref="DatabaseException"/>.
    /// </summary>
    public static async Task<IReadOnlyList<(string GrainType, string Key, byte[] Payload)>> ReadGrainStorageAsync(
        Database database, string serviceId, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(database);
        try
        {
            return await database.ReadAsync(
                async (session, token) =>
                {
                    var rows = new List<(string, string, byte[])>();
                    await session.QueryAsync(
                        "SELECT ServiceId, GrainTypeString, GrainIdExtensionString, GrainIdN1, PayloadBinary FROM OrleansStorage WHERE PayloadBinary IS NOT NULL",
                        r =>
                        {
                            if (r.GetString(0) != serviceId) return;
                            var key = r.IsDBNull(2) ? r.GetInt64(3).ToString(CultureInfo.InvariantCulture) : r.GetString(2);
                            rows.Add((r.GetString(1), key, (byte[])r.GetValue(4)));
                        },
                        token).ConfigureAwait(false);
                    return rows;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (database.Dialect.IsMissingTable(failure.Error))
        {
            return [];
        }
    }

    /// <summary>Oracle keeps a function that does not compile and says so only when it is asked.</summary>
    private static async Task CheckFunctionsAsync(Database database, CancellationToken cancellation)
    {
        var faults = await database.ReadAsync(
            async (session, token) =>
            {
                var found = new List<string>();
                await session.QueryAsync(
                    "SELECT NAME, LINE, TEXT FROM USER_ERRORS WHERE ATTRIBUTE = 'ERROR' AND NAME LIKE 'ORLEANS%' ORDER BY NAME, LINE",
                    r => found.Add(string.Create(
                        CultureInfo.InvariantCulture, $"{r.GetString(0)}, line {r.GetInt64(1)}: {r.GetString(2)}")), token)
                    .ConfigureAwait(false);
                return found;
            },
            cancellation).ConfigureAwait(false);
        if (faults.Count > 0)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{database.Name}': functions of deploy/sql/orleans/oracle.sql do not compile:"
                + string.Concat(faults.Select(f => Environment.NewLine + "  - " + f)));
        }
    }
}
