using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.State;

/// <summary>The tables of the state store: made or checked at start.</summary>
public static class StateSchema
{
    /// <summary>The version this build works with.</summary>
    public const int Version = 1;

    /// <summary>
    /// Makes the tables when they are missing and <paramref name="create"/> allows it, and checks their version. Throws
    /// <see cref="ConnectionConfigurationException"/> naming the script to run, or <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    public static Task EnsureAsync(Database database, bool create, CancellationToken cancellation) =>
        SchemaScripts.EnsureAsync(database, SchemaScripts.State, Version, create, cancellation);

    internal static string ScriptPath(Database database) => SchemaScripts.Path(database, SchemaScripts.State);
}

/// <summary>Runs and checks the scripts of deploy/sql, which are part of this assembly.</summary>
internal static class SchemaScripts
{
    public const string State = "state";
    public const string Sink = "sink";

    public static string Path(Database database, string component) =>
        $"deploy/sql/{database.Provider.ToText()}/{component}.sql";

    public static string Read(DatabaseProvider provider, string component) => Read($"{provider.ToText()}/{component}");

    public static string Read(string script)
    {
        var name = $"sql/{script}.sql";
        using var stream = typeof(SchemaScripts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The script {name} is not part of the build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    public static async Task EnsureAsync(
        Database database, string component, int version, bool create, CancellationToken cancellation)
    {
        try
        {
            var found = await VersionAsync(database, component, cancellation).ConfigureAwait(false);
            if (found is null && create)
            {
                await RunAsync(database, Read(database.Provider, component), cancellation).ConfigureAwait(false);
                found = await VersionAsync(database, component, cancellation).ConfigureAwait(false);
            }

            if (found == version) return;
            var path = Path(database, component);
            throw new ConnectionConfigurationException(
                found is null
                    ? $"Connection '{database.Name}': no {component} tables found, schema version {version} needed: run {path}."
                    : found < version
                        ? $"Connection '{database.Name}': {component} schema version {found} found, {version} needed: run {path}."
                        : $"Connection '{database.Name}': {component} schema version {found} found, this build works with {version}: "
                            + "install the newer build.");
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException(
                $"The {component} tables cannot be checked: {failure.Message}", failure);
        }
    }

    private static async Task<int?> VersionAsync(Database database, string component, CancellationToken cancellation)
    {
        try
        {
            return await database.ReadAsync(
                async (session, token) =>
                {
                    int? version = null;
                    await session.QueryAsync(
                        session.Dialect.State.ReadVersion, r => version = checked((int)r.GetInt64(0)), token, component)
                        .ConfigureAwait(false);
                    return version;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (database.Dialect.IsMissingTable(failure.Error))
        {
            return null;
        }
    }

    public static Task<bool> RunAsync(Database database, string script, CancellationToken cancellation) =>
        database.WriteWithRetryAsync(
            async (session, token) =>
            {
                if (session.Dialect.SchemaLock is { } wait)
                    await session.QueryAsync(wait, static _ => { }, token).ConfigureAwait(false);
                foreach (var statement in session.Dialect.SplitScript(script))
                    await session.Dialect.ExecuteDdlAsync(session, statement, token).ConfigureAwait(false);
                return true;
            },
            cancellation,
            keyRace: true);
}
