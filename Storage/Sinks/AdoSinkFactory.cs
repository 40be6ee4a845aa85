using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>Sinks in databases: makes or checks their tables and opens their lanes.</summary>
public sealed class AdoSinkFactory(DatabaseConnections connections) : ISinkFactory
{
    /// <summary>The version of the lane and quarantine tables this build works with.</summary>
    public const int SchemaVersion = 1;

    /// <inheritdoc/>
    public string? PlaceOf(string connection) => connections.Find(connection)?.Place;

    /// <inheritdoc/>
    public Task PrepareAsync(SinkSpec spec, CancellationToken cancellation)
    {
        var database = Connect(spec);
        var table = SinkTable.From(spec, database.Dialect);
        return RunAsync(spec, async () =>
        {
            await SinkSchema.EnsureAsync(database, spec.Create, cancellation).ConfigureAwait(false);
            var plan = SinkDdl.Plan(table, database.Dialect,
                await ReadAsync(database, table, cancellation).ConfigureAwait(false));
            if (plan.Differences.Count > 0) throw SinkTable.Faulty(spec, plan.Differences);
            if (plan.Statements.Count == 0) return true;

            await ExecuteAsync(database, table, cancellation).ConfigureAwait(false);
            plan = SinkDdl.Plan(table, database.Dialect,
                await ReadAsync(database, table, cancellation).ConfigureAwait(false));
            var faults = plan.Differences.Concat(plan.Statements.Select(s => $"It still needs: {s}")).ToArray();
            return faults.Length == 0 ? true : throw SinkTable.Faulty(spec, faults);
        });
    }

    /// <summary>What <see cref="PrepareAsync"/> would run and what is in its way; changes nothing.</summary>
    public Task<SinkTablePlan> PlanAsync(SinkSpec spec, CancellationToken cancellation)
    {
        var database = Connect(spec);
        var table = SinkTable.From(spec, database.Dialect);
        return RunAsync(spec, async () =>
        {
            var statements = new List<string>();
            try
            {
                await SinkSchema.EnsureAsync(database, false, cancellation).ConfigureAwait(false);
            }
            catch (ConnectionConfigurationException)
            {
                statements.Add(SchemaScripts.Read(database.Provider, SchemaScripts.Sink));
            }

            var found = await ReadAsync(database, table, cancellation).ConfigureAwait(false);
            var plan = SinkDdl.Plan(table, database.Dialect, found);
            return plan with { Statements = [.. statements, .. plan.Statements] };
        });
    }

    /// <inheritdoc/>
    public async Task<string?> MisfitAsync(SinkSpec spec, CancellationToken cancellation)
    {
        try
        {
            var plan = await PlanAsync(spec, cancellation).ConfigureAwait(false);
            // What is left to be run a silo runs itself, but for the tables around sinks where it may not create any.
            var around = spec.Create ? [] : plan.Statements.Where(s => s.Contains("kor_lane", StringComparison.OrdinalIgnoreCase)).ToList();
            IReadOnlyList<string> faults = [.. plan.Differences, .. around.Select(s => $"Tables beside it are missing:\n{s}")];
            return faults.Count == 0 ? null : SinkTable.Faulty(spec, faults).Message;
        }
        catch (SinkConfigurationException fault)
        {
            return fault.Message;
        }
        catch (SinkUnavailableException)
        {
            // Nobody can tell: the sink will, once its database is back.
            return null;
        }
    }

    /// <inheritdoc/>
    public Task<bool> HasRowsAsync(SinkSpec spec, CancellationToken cancellation)
    {
        var database = Connect(spec);
        var table = SinkTable.From(spec, database.Dialect);
        return RunAsync(spec, async () =>
        {
            if (await ReadAsync(database, table, cancellation).ConfigureAwait(false) is null) return false;
            return await database.ReadAsync(
                async (session, token) =>
                {
                    var any = false;
                    await session.QueryAsync($"SELECT 1 FROM {table.Quoted} {session.Dialect.Limit(1)}", _ => any = true, token).ConfigureAwait(false);
                    return any;
                },
                cancellation).ConfigureAwait(false);
        });
    }

    /// <summary>The DDL of a sink's table for a database, without a connection.</summary>
    public static string CreateTableText(SinkSpec spec, DatabaseProvider provider)
    {
        var dialect = Dialect.For(provider);
        var table = SinkTable.From(spec, dialect);
        return string.Join(";\n", [SinkDdl.CreateTable(table, dialect), .. SinkDdl.Indexes(table, dialect)]);
    }

    /// <inheritdoc/>
    public Task<ISinkLane> OpenAsync(SinkSpec spec, string lane, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(lane);
        var database = Connect(spec);
        var table = SinkTable.From(spec, database.Dialect);
        return RunAsync<ISinkLane>(spec, async () =>
        {
            var info = await ReadAsync(database, table, cancellation).ConfigureAwait(false)
                ?? throw SinkTable.Faulty(spec, [$"The table {table.Name} does not exist."]);
            return await AdoSinkLane.OpenAsync(database, table.Against(info), info, lane, cancellation).ConfigureAwait(false);
        });
    }

    /// <inheritdoc/>
    public Task<LaneCounts?> CountsAsync(SinkSpec spec, string lane, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(lane);
        var database = Connect(spec);
        return RunAsync(spec, () => AdoSinkLane.CountsAsync(database, spec, lane, cancellation));
    }

    private Database Connect(SinkSpec spec)
    {
        try
        {
            return connections.Get(spec.Connection);
        }
        catch (ConnectionConfigurationException fault)
        {
            throw new SinkConfigurationException($"Sink '{spec.Sink}' of pipeline '{spec.Pipeline}': {fault.Message}",
                fault);
        }
    }

    private static Task<TableInfo?> ReadAsync(Database database, SinkTable table, CancellationToken cancellation) =>
        database.ReadAsync(
            (session, token) => database.Dialect.ReadTableAsync(session, table.Name, token), cancellation);

    /// <summary>
    /// Runs the DDL the table needs now; another silo may have been faster, so it is looked at again under the lock.
    /// </summary>
    private static Task<bool> ExecuteAsync(Database database, SinkTable table, CancellationToken cancellation) =>
        database.WriteWithRetryAsync(
            async (session, token) =>
            {
                if (session.Dialect.SchemaLock is { } wait)
                    await session.QueryAsync(wait, static _ => { }, token).ConfigureAwait(false);
                var found = await session.Dialect.ReadTableAsync(session, table.Name, token).ConfigureAwait(false);
                await SchemaScripts.ExecuteAsync(session, SinkDdl.Plan(table, session.Dialect, found).Statements, token)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation);

    private async Task<T> RunAsync<T>(SinkSpec spec, Func<Task<T>> body)
    {
        var where = $"Sink '{spec.Sink}' of pipeline '{spec.Pipeline}'";
        try
        {
            return await body().ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            throw SinkFailures.Translate(where, Dialect.For(connections.Get(spec.Connection).Provider), failure);
        }
        catch (StoreUnavailableException failure)
        {
            throw new SinkUnavailableException($"{where}: {failure.Message}", failure);
        }
        catch (ConnectionConfigurationException fault)
        {
            throw new SinkConfigurationException($"{where}: {fault.Message}", fault);
        }
    }
}

/// <summary>Database errors in the words of the sink's port.</summary>
internal static class SinkFailures
{
    public static Exception Translate(string where, Dialect dialect, DatabaseException failure, TimeSpan? retryAfter = null) => failure.Error.Class switch
    {
        ErrorClass.Configuration => new SinkConfigurationException($"{where}: {failure.Message}. {Remedy(dialect, failure.Error)}", failure)
        {
            Code = failure.Error.Code,
        },
        _ => new SinkUnavailableException($"{where}: {failure.Message}", failure)
        {
            RetryAfter = retryAfter, Code = failure.Error.Code,
        },
    };

    private static string Remedy(Dialect dialect, DatabaseError error) =>
        dialect.IsLoginRefused(error) ? "Check the connection's user and password."
        : dialect.IsMissingTable(error) ? "Create the table ('kor plan' prints it), or set create: true."
        : "Compare the table and the user's privileges with what 'kor plan' prints.";
}
