using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>
/// One configured database: opens connections, runs transactions, classifies errors, and guards with a circuit breaker.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private IConnectionSource _source;
    private readonly ConnectionBreaker _breaker;
    private readonly SecretScrubber _scrubber;
    private readonly LoginGuard _logins;

    /// <summary>
    /// Makes the connection <paramref name="name"/>; opens nothing. Throws when the options are wrong.
    /// </summary>
    public Database(string name, ConnectionOptions options, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } faults)
            throw new ConnectionConfigurationException($"Connection '{name}': {string.Join("; ", faults)}.");
        Name = name;
        Options = options;
        Time = time ?? TimeProvider.System;
        var secrets = new PasswordSource(name, options);
        _scrubber = new SecretScrubber(() => secrets.Known);
        _breaker = new ConnectionBreaker(name, options.Breaker, Time);
        _logins = new LoginGuard(name, secrets, Time);
        Dialect = Dialect.For(options.Provider);
        _source = options.Provider switch
        {
            DatabaseProvider.PostgreSql => new PostgresConnections(name, options, secrets),
            DatabaseProvider.Sqlite => new SqliteConnections(name, options),
            _ => new OracleConnections(name, options, secrets),
        };
        StorageMetrics.Watch(this);
    }

    /// <summary>The connection's name in the configuration.</summary>
    public string Name { get; }

    /// <summary>Which database it is.</summary>
    public DatabaseProvider Provider => Options.Provider;

    /// <summary>The options.</summary>
    public ConnectionOptions Options { get; }

    /// <summary>The circuit breaker's state.</summary>
    public CircuitStatus Circuit => _breaker.Status;

    /// <summary>Where its tables are; equal for two names of one schema, as far as their settings tell.</summary>
    internal string Place => $"{Provider.ToText()}:{_source.Place}";

    internal Dialect Dialect { get; }

    internal TimeProvider Time { get; }

    /// <summary>Now in microseconds since the epoch.</summary>
    internal long NowMicroseconds => BindTime.FromUtc(Time.GetUtcNow().UtcDateTime);

    /// <summary>Puts something between this and its connections, before they are used: faults, for tests.</summary>
    internal void Intercept(Func<IConnectionSource, IConnectionSource> between) => _source = between(_source);

    /// <summary>Opens a connection and executes the smallest query. Throws <see cref="DatabaseException"/>.</summary>
    public Task PingAsync(CancellationToken cancellation) =>
        ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync(Dialect.Ping, static _ => { }, token).ConfigureAwait(false);
                return true;
            },
            cancellation);

    /// <summary>Runs queries outside a transaction.</summary>
    internal Task<T> ReadAsync<T>(Func<DbSession, CancellationToken, Task<T>> body, CancellationToken cancellation) =>
        GuardAsync("read", token => ReadCoreAsync(body, token), cancellation);

    /// <summary>Runs a transaction and commits it.</summary>
    internal Task<T> WriteAsync<T>(
        Func<DbSession, CancellationToken, Task<T>> body, CancellationToken cancellation,
            int? rowsPerStatement = null) =>
        GuardAsync("write", token => WriteCoreAsync(body, rowsPerStatement, token), cancellation);

    /// <summary>Runs a transaction, again when it lost a conflict.</summary>
    /// <param name="keyRace">A duplicate key is a lost race, too: of MERGE against somebody else's first row.</param>
    internal async Task<T> WriteWithRetryAsync<T>(
        Func<DbSession, CancellationToken, Task<T>> body, CancellationToken cancellation, int? rowsPerStatement = null,
        bool keyRace = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteAsync(body, cancellation, rowsPerStatement).ConfigureAwait(false);
            }
            catch (DatabaseException failure)
                when ((failure.Error.Class == ErrorClass.Conflict || (keyRace && failure.Error.Class == ErrorClass.Row))
                    && attempt < Options.Retry.ConflictAttempts)
            {
                StorageMetrics.Conflicts.Add(1, new KeyValuePair<string, object?>("connection", Name));
                var delay = TimeSpan.FromMilliseconds(5
                    + (Random.Shared.NextDouble() * Math.Min(500, 20 * (1 << attempt))));
                await Task.Delay(delay, Time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        StorageMetrics.Unwatch(this);
        try
        {
            await _source.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (Dialect.IsDriverFailure(failure))
        {
            CountFailedClose();
        }

        _logins.Dispose();
    }

    /// <summary>Target and provider without secrets.</summary>
    public override string ToString() => $"{Name} ({Options})";

    private Task<T> GuardAsync<T>(
        string operation, Func<CancellationToken, Task<T>> body, CancellationToken cancellation) =>
        _breaker.RunAsync(
            token => DatabaseTelemetry.RunAsync(
                this, operation, () => Dialect.IsSynchronous ? Task.Run(() => body(token), token) : body(token)),
            cancellation);

    private async Task<T> ReadCoreAsync<T>(Func<DbSession, CancellationToken, Task<T>> body,
        CancellationToken cancellation)
    {
        var phase = DatabasePhase.Open;
        DbConnection? connection = null;
        try
        {
            connection = await OpenAsync(cancellation).ConfigureAwait(false);
            phase = DatabasePhase.Execute;
            return await body(Session(connection, null, null), cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (Translate(failure, phase, cancellation) is { } translated)
        {
            throw translated;
        }
        finally
        {
            await CloseAsync(null, connection).ConfigureAwait(false);
        }
    }

    private async Task<T> WriteCoreAsync<T>(
        Func<DbSession, CancellationToken, Task<T>> body, int? rowsPerStatement, CancellationToken cancellation)
    {
        var phase = DatabasePhase.Open;
        using var turn = await _source.EnterWriteAsync(cancellation).ConfigureAwait(false);
        DbConnection? connection = null;
        DbTransaction? transaction = null;
        var left = false;
        try
        {
            connection = await OpenAsync(cancellation).ConfigureAwait(false);
            phase = DatabasePhase.Execute;
            transaction = await _source.BeginAsync(connection, cancellation).ConfigureAwait(false);
            var result = await body(Session(connection, transaction, rowsPerStatement), cancellation)
                .ConfigureAwait(false);
            phase = DatabasePhase.Commit;
            await CommitAsync(transaction, connection).ConfigureAwait(false);
            return result;
        }
        catch (Exception failure) when (Translate(failure, phase, cancellation) is { } translated)
        {
            // The driver is still in a COMMIT that was given up: connection and transaction are closed when it returns.
            left = failure is HungCallException && phase == DatabasePhase.Commit;
            throw translated;
        }
        finally
        {
            if (!left) await CloseAsync(transaction, connection).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(DbTransaction transaction, DbConnection connection)
    {
        // From here the outcome is the database's to say: a cancelled COMMIT would be an unknown one.
        if (!Dialect.CallsMayHang)
        {
            await _source.CommitAsync(transaction).ConfigureAwait(false);
            return;
        }

        await BlockingCalls.RunAsync(
            async () =>
            {
                await _source.CommitAsync(transaction).ConfigureAwait(false);
                return true;
            },
            Options.CommandTimeout,
            Time,
            string.Create(CultureInfo.InvariantCulture,
                $"no answer to COMMIT within {Options.CommandTimeout.TotalSeconds:0.#} s (commandTimeout); whether it happened is asked of the database"),
            _ => DisposeAsync(transaction, connection)).ConfigureAwait(false);
    }

    private Task<DbConnection> OpenInTimeAsync(CancellationToken cancellation)
    {
        // A wait for a connection of the pool, then one for the network.
        var limit = Options.ConnectTimeout * 2;
        return BlockingCalls.RunAsync(
            () => _source.OpenAsync(cancellation),
            limit,
            Time,
            string.Create(CultureInfo.InvariantCulture, $"no connection within {limit.TotalSeconds:0.#} s (twice connectTimeout)"),
            async opening =>
            {
                if (opening.IsCompletedSuccessfully) await DisposeAsync(null, await opening.ConfigureAwait(false)).ConfigureAwait(false);
            });
    }

    private Task<DbConnection> OpenAsync(CancellationToken cancellation) => _logins.OpenAsync(
        Dialect.CallsMayHang ? OpenInTimeAsync : _source.OpenAsync,
        failure => Dialect.IsDriverFailure(failure) && Dialect.Classify(failure) is { } error && Dialect.IsLoginRefused(error)
            ? error with { Message = _scrubber.Scrub(error.Message) }
            : null,
        cancellation);

    /// <summary>
    /// Gives transaction and connection back. A driver may fail at that when the session is dead: what happened before
    /// counts, a committed transaction above all, so that failure is only counted.
    /// </summary>
    private async ValueTask CloseAsync(DbTransaction? transaction, DbConnection? connection)
    {
        if (!Dialect.CallsMayHang)
        {
            await DisposeAsync(transaction, connection).ConfigureAwait(false);
            return;
        }

        try
        {
            await BlockingCalls.RunAsync(
                async () =>
                {
                    await DisposeAsync(transaction, connection).ConfigureAwait(false);
                    return true;
                },
                Options.CommandTimeout,
                Time,
                "closing",
                static _ => default).ConfigureAwait(false);
        }
        catch (HungCallException)
        {
            CountFailedClose();
        }
    }

    private async ValueTask DisposeAsync(DbTransaction? transaction, DbConnection? connection)
    {
        foreach (var used in (IAsyncDisposable?[])[transaction, connection])
        {
            try
            {
                if (used is not null) await used.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception failure) when (Dialect.IsDriverFailure(failure) || failure is InvalidOperationException)
            {
                CountFailedClose();
            }
        }
    }

    private void CountFailedClose() => StorageMetrics.FailedCloses.Add(1, new KeyValuePair<string, object?>("connection", Name));

    private DbSession Session(DbConnection connection, DbTransaction? transaction, int? rowsPerStatement) =>
        new(Dialect, connection, transaction, Options.CommandTimeout)
        {
            RowsPerStatement = rowsPerStatement ?? Options.RowsPerStatement,
        };

    /// <summary>
    /// The exception to throw instead, or null to let the caller's own cancellation or error through.
    /// </summary>
    private DatabaseException? Translate(Exception failure, DatabasePhase phase, CancellationToken cancellation)
    {
        if (failure is DatabaseException or ConnectionConfigurationException) return null;
        var asked = cancellation.IsCancellationRequested && phase != DatabasePhase.Commit;
        if (failure is OperationCanceledException && asked) return null;
        if (!Dialect.IsDriverFailure(failure)) return null;
        var error = Dialect.Classify(failure);
        if (error.Class == ErrorClass.SessionLost) _logins.Doubt();
        // After a cancelled statement nobody can be sure what state its session is in.
        if (error.Class == ErrorClass.SessionLost || (error.Class == ErrorClass.Timeout && Dialect.IsSynchronous)) Discard();
        var scrubbed = error with { Message = _scrubber.Scrub(error.Message) };
        return new DatabaseException(Name, scrubbed, phase, _scrubber.Scrub(failure));
    }

    private void Discard()
    {
        try
        {
            _source.Discard();
        }
        catch (Exception failure) when (failure is ConnectionConfigurationException || Dialect.IsDriverFailure(failure))
        {
            // The pool is left as it is: the error that brought us here is the one to report.
            CountFailedClose();
        }
    }
}
