using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Diagnosis;

/// <summary>What a connection is used for, and so has to be able to do.</summary>
public sealed record DatabaseUse
{
    /// <summary>It holds the engine's state.</summary>
    public bool State { get; init; }

    /// <summary>Silos make the state's tables when they are missing.</summary>
    public bool CreateState { get; init; }

    /// <summary>The tables pipelines write.</summary>
    public IReadOnlyList<SinkSpec> Sinks { get; init; } = [];

    /// <summary>The tables pipelines read, with the step that does.</summary>
    public IReadOnlyList<(string Step, LookupSpec Spec)> Lookups { get; init; } = [];

    /// <summary>Quarantine tables of names of their own.</summary>
    public IReadOnlyList<string> QuarantineTables { get; init; } = [];
}

/// <summary>
/// Checks a database connection from reachability to columns. Nothing is changed: write privileges are tried with statements that concern no row,
/// in a transaction that is rolled back. Never throws for what it finds.
/// </summary>
public sealed class DatabaseDoctor(DatabaseConnections connections, string name)
{
    private static readonly TimeSpan SkewWarning = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SkewFailure = TimeSpan.FromSeconds(60);

    private readonly List<Finding> _findings = [];

    /// <summary>Runs the checks.</summary>
    public async Task<IReadOnlyList<Finding>> CheckAsync(DatabaseUse use, CancellationToken cancellation)
    {
        if (connections.Find(name) is not { } database)
        {
            Fail("configured", "There is no connection of this name.", $"Add Kor:Connections:{name} to the host's configuration.");
            return _findings;
        }

        if (!CheckDriver(database) || !await ReachAsync(database, cancellation).ConfigureAwait(false)) return _findings;
        await GuardAsync("clock", () => ClockAsync(database, cancellation)).ConfigureAwait(false);
        if (use.State) await GuardAsync("state tables", () => StateAsync(database, use.CreateState, cancellation)).ConfigureAwait(false);
        foreach (var table in use.QuarantineTables.Distinct(StringComparer.OrdinalIgnoreCase))
            await GuardAsync($"table {table}", () => QuarantineAsync(database, table, use.CreateState, cancellation)).ConfigureAwait(false);
        if (use.Sinks.Count > 0) await GuardAsync("sink tables", () => LanesAsync(database, use.Sinks, cancellation)).ConfigureAwait(false);
        foreach (var sink in use.Sinks)
            await GuardAsync($"table {sink.Table}", () => SinkAsync(database, sink, cancellation)).ConfigureAwait(false);
        foreach (var (step, lookup) in use.Lookups)
            await GuardAsync($"table {lookup.Table}", () => LookupAsync(database, step, lookup, cancellation)).ConfigureAwait(false);
        return _findings;
    }

    private bool CheckDriver(Database database)
    {
        if (database.Provider != DatabaseProvider.Oracle) return true;
        var driver = DatabaseDrivers.Oracle();
        if (driver.Version is null)
        {
            Fail("driver", "Oracle's driver is not part of this build.", "Build with it: dotnet publish Silo -c Release -p:WithOracleDriver=true");
            return false;
        }

        if (driver.StandIn)
            _findings.Add(Finding.Warning(name, "driver", $"{driver.Driver} {driver.Version} is {DatabaseDrivers.StandInNote}.", "For real work, publish with -p:WithOracleDriver=true."));
        else Ok("driver", $"{driver.Driver} {driver.Version}");
        if (DatabaseDrivers.WithoutCultures() is { } cultures) _findings.Add(Finding.Warning(name, "cultures", cultures.Text, cultures.Remedy));
        return true;
    }

    private async Task<bool> ReachAsync(Database database, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            var version = await database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync(session.Dialect.Ping, static _ => { }, token).ConfigureAwait(false);
                    return session.Connection.ServerVersion;
                },
                cancellation).ConfigureAwait(false);
            Ok("reachable", string.Create(
                CultureInfo.InvariantCulture, $"{database.Options}, server version {version}, {clock.Elapsed.TotalMilliseconds:0} ms to log in and ask"));
            return true;
        }
        catch (DatabaseException failure)
        {
            Fail("reachable", failure.Error.ToString(), Remedy(database, failure.Error));
        }
        catch (ConnectionConfigurationException fault)
        {
            Fail("reachable", fault.Message, $"Correct Kor:Connections:{name}.");
        }

        return false;
    }

    private static string Remedy(Database database, DatabaseError error) => error.Class switch
    {
        ErrorClass.Configuration => $"Check user, password and database of Kor:Connections:{database.Name}, and that the user may log in.",
        ErrorClass.Resource => "The server has no room for another session: free some, or lower maxPoolSize.",
        ErrorClass.Timeout => "It answers slowly: look at the network and the server's load, or raise connectTimeout and commandTimeout.",
        _ when database.Provider == DatabaseProvider.Sqlite => "See that the folder exists and this process may write to it.",
        _ => $"See that {database.Options} is up, and that its host, port and TLS settings are right and no firewall is between.",
    };

    private async Task ClockAsync(Database database, CancellationToken cancellation)
    {
        // SQLite has this machine's clock.
        if (database.Provider == DatabaseProvider.Sqlite) return;
        var (before, now, after) = await database.ReadAsync(
            async (session, token) =>
            {
                long? at = null;
                var start = database.Time.GetUtcNow();
                await session.QueryAsync(
                    session.Dialect.NowText, r => at = session.Dialect.ReadTimestamp(r, 0), token).ConfigureAwait(false);
                return (start, new DateTimeOffset(BindTime.ToUtc(at!.Value), TimeSpan.Zero), database.Time.GetUtcNow());
            },
            cancellation).ConfigureAwait(false);
        var skew = now < before ? now - before : now > after ? now - after : TimeSpan.Zero;
        var text = skew == TimeSpan.Zero
            ? "in step with this machine"
            : string.Create(CultureInfo.InvariantCulture, $"the database is {skew.Duration().TotalSeconds:0.0} s {(skew > TimeSpan.Zero ? "ahead of" : "behind")} this machine");
        const string Remedy = "Synchronise both machines by NTP: ages, keepFor and 'added at' are told by these clocks.";
        if (skew.Duration() >= SkewFailure) Fail("clock", text, Remedy);
        else if (skew.Duration() >= SkewWarning) _findings.Add(Finding.Warning(name, "clock", text, Remedy));
        else Ok("clock", text);
    }

    private async Task StateAsync(Database database, bool create, CancellationToken cancellation)
    {
        await ComponentAsync(database, SchemaScripts.State, StateSchema.Version, create, "Kor:State:Create", cancellation).ConfigureAwait(false);
        await ComponentAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, "Kor:State:Create", cancellation)
            .ConfigureAwait(false);
        await PrivilegesAsync(database, "kor_owner", "owner", cancellation).ConfigureAwait(false);
        await PrivilegesAsync(database, "kor_cell", "owner", cancellation).ConfigureAwait(false);
        await PrivilegesAsync(database, "kor_outbox", "owner", cancellation).ConfigureAwait(false);
        await PrivilegesAsync(database, "kor_quarantine", "id", cancellation).ConfigureAwait(false);
    }

    private async Task LanesAsync(Database database, IReadOnlyList<SinkSpec> sinks, CancellationToken cancellation)
    {
        var create = sinks.Any(s => s.Create);
        await ComponentAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, "create: true at a sink", cancellation).ConfigureAwait(false);
        if (await SchemaScripts.VersionAsync(database, SchemaScripts.Sink, cancellation).ConfigureAwait(false) is null
            || await SinkSchema.HasCountsAsync(database, cancellation).ConfigureAwait(false)) return;
        const string Check = "kor_lane";
        const string Old = "of version 0.1, without the columns that count rows";
        if (create) Ok(Check, $"{Old}; a silo adds them at start");
        else Fail(Check, $"It is {Old}.", $"Run {SchemaScripts.Path(database, SchemaScripts.Sink)} again, which keeps what is there, or let silos do it (create: true at a sink).");
    }

    private async Task ComponentAsync(
        Database database, string component, int version, bool create, string setting, CancellationToken cancellation)
    {
        var check = $"{component} tables";
        if (_findings.Any(f => f.Check == check)) return;
        var found = await SchemaScripts.VersionAsync(database, component, cancellation).ConfigureAwait(false);
        var path = SchemaScripts.Path(database, component);
        if (found == version) Ok(check, string.Create(CultureInfo.InvariantCulture, $"schema version {found}"));
        else if (found is null && create) await CanCreateAsync(database, check, isMany: true, path, cancellation).ConfigureAwait(false);
        else if (found is null) Fail(check, "They are not there.", $"Run {path} as the user of the connection, or let silos do it ({setting}).");
        else if (found < version) Fail(check, $"Schema version {found}; this build works with {version}.", $"Run {path}.");
        else Fail(check, $"Schema version {found}; this build works with {version}.", "Install the newer build.");
    }

    /// <summary>Whether the user may make tables, tried by making one that goes with the transaction or, on Oracle, is dropped at once.</summary>
    private async Task CanCreateAsync(
        Database database, string check, bool isMany, string path, CancellationToken cancellation)
    {
        var (subject, them) = isMany ? ("They are", "them") : ("It is", "it");
        if (database.Provider == DatabaseProvider.Oracle)
        {
            // DDL commits by itself there, so nothing is tried.
            _findings.Add(Finding.Warning(name, check, $"{subject} not there; a silo makes {them} at start.", $"The user needs CREATE TABLE and a quota; or a DBA runs {path}."));
            return;
        }

        try
        {
            await RolledBackAsync(database, ["CREATE TABLE kor_doctor (id INTEGER)"], cancellation).ConfigureAwait(false);
            Ok(check, $"not there yet; a silo makes {them} at start, and the user may");
        }
        catch (DatabaseException failure)
        {
            Fail(check, $"{subject} not there, and the user may not make {them}: {failure.Error}", $"Grant CREATE on the schema, or let a DBA run {path}.");
        }
    }

    private async Task SinkAsync(Database database, SinkSpec spec, CancellationToken cancellation)
    {
        var check = $"table {spec.Table}";
        var who = $"sink '{spec.Sink}' of pipeline '{spec.Pipeline}'";
        var table = SinkTable.From(spec, database.Dialect);
        var info = await database.ReadAsync(
            (session, token) => session.Dialect.ReadTableAsync(session, table.Name, token), cancellation).ConfigureAwait(false);
        var plan = SinkDdl.Plan(table, database.Dialect, info);
        foreach (var (text, remedy) in plan.Differences.Select(Parts)) Fail(check, $"{who}: {text}", remedy);
        if (plan.Differences.Count > 0) return;
        if (info is null)
        {
            await CanCreateAsync(database, check, isMany: false, "what 'kor plan' prints", cancellation).ConfigureAwait(false);
            return;
        }

        if (plan.Statements.Count > 0) Ok(check, $"{who}: gets {plan.Statements.Count} new columns at start (evolve: add-columns)");
        else Ok(check, $"{who}: fits, {table.Columns.Length} columns");
        await PrivilegesAsync(database, table.Quoted, table.Columns[0].Quoted, cancellation).ConfigureAwait(false);
    }

    private async Task QuarantineAsync(Database database, string tableName, bool create, CancellationToken cancellation)
    {
        var table = QuarantineTable.Of(database.Dialect, tableName);
        if (table.Name is null)
        {
            await ComponentAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, "Kor:State:Create", cancellation).ConfigureAwait(false);
            return;
        }

        var check = $"table {tableName}";
        if (await new AdoQuarantine(database, tableName).ExistsAsync(cancellation).ConfigureAwait(false)) Ok(check, "the quarantine is there");
        else if (create) await CanCreateAsync(database, check, isMany: false, "what 'kor plan' prints", cancellation).ConfigureAwait(false);
        else Fail(check, "The quarantine table is not there.", "Run what 'kor plan' prints for it, or set Kor:State:Create.");
    }

    private async Task LookupAsync(Database database, string step, LookupSpec spec, CancellationToken cancellation)
    {
        var check = $"table {spec.Table}";
        var dialect = database.Dialect;
        var quoted = Identifiers.Quote(Identifiers.Table(spec.Table, dialect.Fold, dialect.MaxIdentifierBytes));
        var columns = spec.KeyColumns.Concat(spec.ValueColumns)
            .Select(c => Identifiers.Quote(Identifiers.Column(c, dialect.Fold, dialect.MaxIdentifierBytes))).ToArray();
        try
        {
            await database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync(
                        $"SELECT {string.Join(", ", columns)} FROM {quoted} WHERE 1 = 0", static _ => { }, token).ConfigureAwait(false);
                    return true;
                },
                cancellation).ConfigureAwait(false);
            Ok(check, $"lookup step '{step}' may read {columns.Length} columns");
        }
        catch (DatabaseException failure) when (failure.Error.Class is ErrorClass.Configuration or ErrorClass.Unknown or ErrorClass.Row)
        {
            Fail(check, $"lookup step '{step}': {failure.Error}", $"Make the table with the columns {string.Join(", ", columns)}, or grant SELECT on it.");
        }
    }

    private async Task PrivilegesAsync(Database database, string table, string column, CancellationToken cancellation)
    {
        // Databases check privileges before they look for rows, and there is no row for which 1 is 0.
        (string Word, string Text)[] tries =
        [
            ("SELECT", $"SELECT {column} FROM {table} WHERE 1 = 0"),
            ("INSERT", $"INSERT INTO {table} ({column}) SELECT {column} FROM {table} WHERE 1 = 0"),
            ("UPDATE", $"UPDATE {table} SET {column} = {column} WHERE 1 = 0"),
            ("DELETE", $"DELETE FROM {table} WHERE 1 = 0"),
        ];
        var denied = new List<string>();
        DatabaseError? error = null;
        foreach (var (word, text) in tries)
        {
            try
            {
                await RolledBackAsync(database, [text], cancellation).ConfigureAwait(false);
            }
            catch (DatabaseException failure) when (!database.Dialect.IsMissingTable(failure.Error))
            {
                denied.Add(word);
                error = failure.Error;
            }
            catch (DatabaseException)
            {
                // That it is missing was said before.
                return;
            }
        }

        if (denied.Count == 0) Ok("privileges", $"{table}: SELECT, INSERT, UPDATE, DELETE");
        else Fail("privileges", $"{table}: no {string.Join(", ", denied)}: {error}", $"GRANT {string.Join(", ", denied)} ON {table} TO the user of the connection.");
    }

    private static async Task RolledBackAsync(Database database, IReadOnlyList<string> statements, CancellationToken cancellation)
    {
        try
        {
            await database.WriteAsync<bool>(
                async (session, token) =>
                {
                    foreach (var statement in statements) await session.ExecuteAsync(statement, token).ConfigureAwait(false);
                    throw new RollBack();
                },
                cancellation).ConfigureAwait(false);
        }
        catch (RollBack)
        {
            // As meant: the transaction is gone.
        }
    }

    private async Task GuardAsync(string check, Func<Task> body)
    {
        try
        {
            await body().ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            Fail(check, failure.Error.ToString(), "See the message; the check could not be made.");
        }
        catch (Exception fault) when (fault is SinkConfigurationException or ConnectionConfigurationException or StoreUnavailableException)
        {
            Fail(check, fault.Message, "Correct the pipeline or the connection as the message says.");
        }
    }

    /// <summary>A difference says what is wrong, and after a colon what to do.</summary>
    private static (string Text, string Remedy) Parts(string difference)
    {
        var colon = difference.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0) return (difference, "'kor plan' prints the DDL.");
        var remedy = difference[(colon + 2)..];
        return (difference[..colon] + ".", char.ToUpperInvariant(remedy[0]) + remedy[1..]);
    }

    private void Ok(string check, string text) => _findings.Add(Finding.Ok(name, check, text));

    private void Fail(string check, string text, string remedy) => _findings.Add(Finding.Failed(name, check, text, remedy));

    private sealed class RollBack : Exception;
}
