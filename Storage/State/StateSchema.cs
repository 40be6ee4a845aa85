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
    public const string Audit = "audit";

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

    /// <summary>The statements of a script, without comments and semicolons.</summary>
    public static IReadOnlyList<string> Statements(string script)
    {
        var lines = script.Split('\n').Where(l => !l.TrimStart().StartsWith("--", StringComparison.Ordinal));
        return [.. string.Join('\n', lines).Split(";\n").Select(s => s.Trim().TrimEnd(';')).Where(s => s.Length > 0)];
    }

    public static async Task EnsureAsync(
        Database database, string component, int version, bool create, CancellationToken cancellation)
    {
        try
        {
            var found = await VersionAsync(database, component, cancellation).ConfigureAwait(false);
            if (found is null && create)
            {
                await RunAsync(database, component, cancellation).ConfigureAwait(false);
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

    /// <summary>The version of a component's tables; null when they are missing.</summary>
    public static async Task<int?> VersionAsync(Database database, string component, CancellationToken cancellation)
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

    /// <summary>Executes DDL in order; on Oracle it waits for locks instead of failing at once.</summary>
    public static async Task ExecuteAsync(DbSession session, IReadOnlyList<string> statements, CancellationToken cancellation)
    {
        if (session.Dialect.AroundDdl is { } before)
            await session.ExecuteAsync(before.Before, cancellation).ConfigureAwait(false);
        foreach (var statement in statements)
            await session.Dialect.ExecuteDdlAsync(session, statement, cancellation).ConfigureAwait(false);
        // The connection goes back to the pool as it came. After an error it does not matter: the setting is harmless.
        if (session.Dialect.AroundDdl is { } after)
            await session.ExecuteAsync(after.After, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs a component's script, unless another silo was faster: not every database's DDL finds out by itself.
    /// </summary>
    /// <param name="version">The component whose version says that it was run; null: the script's own.</param>
    public static Task<bool> RunAsync(Database database, string component, CancellationToken cancellation, string? version = null) => RunTextAsync(
        database, Read(database.Provider, component), cancellation, session => IsThereAsync(session, version ?? component, cancellation));

    private static async Task<bool> IsThereAsync(DbSession session, string component, CancellationToken cancellation)
    {
        var dialect = session.Dialect;
        var name = Sinks.Identifiers.Table("kor_schema", dialect.Fold, dialect.MaxIdentifierBytes);
        if (await dialect.ReadTableAsync(session, name, cancellation).ConfigureAwait(false) is null) return false;
        var found = false;
        await session.QueryAsync(dialect.State.ReadVersion, _ => found = true, cancellation, component).ConfigureAwait(false);
        return found;
    }

    /// <summary>Runs statements, unless <paramref name="done"/>, which is asked under the lock, says that they were run.</summary>
    public static Task<bool> RunTextAsync(
        Database database, string script, CancellationToken cancellation, Func<DbSession, Task<bool>>? done = null) =>
        database.WriteWithRetryAsync(
            async (session, token) =>
            {
                if (session.Dialect.SchemaLock is { } wait)
                    await session.QueryAsync(wait, static _ => { }, token).ConfigureAwait(false);
                if (done is not null && await done(session).ConfigureAwait(false)) return true;
                await ExecuteAsync(session, session.Dialect.SplitScript(script), token).ConfigureAwait(false);
                return true;
            },
            cancellation,
            keyRace: true);
}
