using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>
/// A SQLite file in WAL mode: readers never wait, writers take turns. The turn is taken in this process first, fairly
/// and without polling; other processes are waited for by SQLite's busy timeout.
/// </summary>
internal sealed class SqliteConnections : IConnectionSource
{
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Turns = new(StringComparer.Ordinal);

    private readonly string _connectionString;
    private readonly string _pragmas;
    private readonly SemaphoreSlim _turn;

    public SqliteConnections(string name, ConnectionOptions options)
    {
        SqliteConnectionStringBuilder text;
        try
        {
            text = new SqliteConnectionStringBuilder(options.ConnectionString ?? "");
        }
        catch (ArgumentException fault)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{name}': the connection string is not one of SQLite's ({fault.Message}); "
                + "its form is Data Source=/data/orders.db.", fault);
        }

        if (options.Database is not null) text.DataSource = options.Database;
        if (text.DataSource.Length == 0 || text.DataSource.Contains(":memory:", StringComparison.OrdinalIgnoreCase)
            || text.Mode == SqliteOpenMode.Memory)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{name}': SQLite needs a file; a database in memory would not outlive its connection. "
                + "Set database to a path.");
        }

        text.DataSource = Path.GetFullPath(text.DataSource);
        Place = text.DataSource;
        text.Pooling = true;
        text.DefaultTimeout = (int)Math.Ceiling(options.CommandTimeout.TotalSeconds);
        _connectionString = text.ToString();
        // FULL: a checkpoint confirmed to others must survive a power failure, not only a killed process.
        _pragmas = $"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            + $"PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=8000; PRAGMA busy_timeout={(int)options.ConnectTimeout.TotalMilliseconds};";
        _turn = Turns.GetOrAdd(text.DataSource, static _ => new SemaphoreSlim(1, 1));
    }

    public string Place { get; }

    public async Task<DbConnection> OpenAsync(CancellationToken cancellation)
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellation).ConfigureAwait(false);
            using var command = connection.CreateCommand();
            command.CommandText = _pragmas;
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation) =>
        ValueTask.FromResult<DbTransaction>(
            ((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false));

    public async ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        return new Turn(_turn);
    }

    public void Discard()
    {
    }

    public ValueTask DisposeAsync()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return default;
    }

    private sealed class Turn(SemaphoreSlim semaphore) : IDisposable
    {
        private SemaphoreSlim? _semaphore = semaphore;

        public void Dispose() => Interlocked.Exchange(ref _semaphore, null)?.Release();
    }
}
