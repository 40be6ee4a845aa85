using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Oracle.ManagedDataAccess.Client;

/// <summary>Stand-in: the factory the product finds by name.</summary>
public sealed class OracleClientFactory : DbProviderFactory
{
    public static readonly OracleClientFactory Instance = new();

    public override DbConnection CreateConnection() => new OracleConnection();

    public override DbCommand CreateCommand() => new OracleCommand();

    public override DbParameter CreateParameter() => new OracleParameter();
}

/// <summary>
/// Stand-in: a connection to PostgreSQL that behaves like one to Oracle. Data Source is <c>//host:port/database</c>.
/// </summary>
public sealed class OracleConnection : DbConnection
{
    private string _text = "";
    private NpgsqlConnection? _inner;

    [AllowNull]
    public override string ConnectionString
    {
        get => _text;
        set => _text = value ?? "";
    }

    public override string Database => _inner?.Database ?? "";

    public override string DataSource =>
        new DbConnectionStringBuilder { ConnectionString = _text }["Data Source"].ToString()!;

    public override string ServerVersion => "stand-in over PostgreSQL";

    public override ConnectionState State => _inner?.State ?? ConnectionState.Closed;

    internal NpgsqlConnection Inner => _inner ?? throw new InvalidOperationException("The connection is closed.");

    internal NpgsqlTransaction? Current { get; set; }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> Pools = new(StringComparer.Ordinal);

    /// <summary>Whether connections of this text have been opened and not been cleared since.</summary>
    public static bool HasPool(string connectionString) => Pools.ContainsKey(connectionString);

    /// <summary>Throws where there is no pool, as the real driver does.</summary>
    public static void ClearPool(OracleConnection connection)
    {
        if (!Pools.TryRemove(connection._text, out _)) throw new InvalidOperationException("Connection pool does not exist.");
        using var inner = new NpgsqlConnection(connection.InnerText());
        NpgsqlConnection.ClearPool(inner);
    }

    /// <summary>Readies an empty database for the stand-in. Needs a superuser.</summary>
    public static async Task SetUpAsync(string npgsqlConnectionString)
    {
        using var stream = typeof(OracleConnection).Assembly.GetManifestResourceStream("setup.sql")!;
        using var reader = new StreamReader(stream);
        await using var source = NpgsqlDataSource.Create(npgsqlConnectionString);
        await using var command = source.CreateCommand(await reader.ReadToEndAsync());
        await command.ExecuteNonQueryAsync();
    }

    public override void Open()
    {
        try
        {
            _inner = new NpgsqlConnection(InnerText());
            _inner.Open();
            Pools[_text] = true;
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
        {
            throw OracleException.From(failure, connecting: true);
        }
    }

    public override void Close()
    {
        // Oracle rolls back what is left open; Npgsql's pool does it when the connection returns.
        _inner?.Dispose();
        _inner = null;
    }

    /// <summary>Whether probes are sent; off by default, as in the real driver.</summary>
    public bool KeepAlive { get; set; }

    /// <summary>Seconds before the first probe.</summary>
    public int KeepAliveTime { get; set; } = 60;

    public override void ChangeDatabase(string databaseName) => throw new NotSupportedException();

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
        new OracleTransaction(this, isolationLevel);

    protected override DbCommand CreateDbCommand() => new OracleCommand { Connection = this };

    protected override void Dispose(bool disposing)
    {
        if (disposing) Close();
        base.Dispose(disposing);
    }

    private string InnerText()
    {
        var text = new DbConnectionStringBuilder { ConnectionString = _text };
        var uri = new Uri("oracle:" + text["Data Source"]);
        return new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port,
            Database = uri.AbsolutePath.TrimStart('/'),
            Username = text["User Id"].ToString(),
            SearchPath = "public, oracle, pg_catalog, syn",
            KeepAlive = KeepAlive ? KeepAliveTime : 0,
            Timezone = "UTC",
            Timeout = 15,
            CommandTimeout = 0,
            MaxPoolSize = 40,
        }.ConnectionString;
    }
}

/// <summary>Stand-in: a transaction. Oracle's DDL commits what is open, and so does this.</summary>
public sealed class OracleTransaction : DbTransaction
{
    private readonly OracleConnection _connection;
    private bool _done;

    internal OracleTransaction(OracleConnection connection, IsolationLevel level)
    {
        _connection = connection;
        IsolationLevel = level;
        Guard(() => connection.Current = connection.Inner.BeginTransaction(level));
    }

    public override IsolationLevel IsolationLevel { get; }

    protected override DbConnection DbConnection => _connection;

    public override void Commit()
    {
        try
        {
            Guard(() => _connection.Current!.Commit());
        }
        catch (OracleException refused) when (refused.InnerException is PostgresException
            && _connection.State == ConnectionState.Open)
        {
            // What is refused at COMMIT is a rollback that says why in its second line.
            throw new OracleException(
                2091, $"transaction rolled back{Environment.NewLine}{refused.Errors[0].Message}", refused.InnerException);
        }

        _done = true;
        _connection.Current = null;
    }

    public override void Rollback()
    {
        Guard(() => _connection.Current!.Rollback());
        _done = true;
        _connection.Current = null;
    }

    internal static void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (failure is not OracleException)
        {
            throw OracleException.From(failure, connecting: false);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_done)
        {
            var isDead = _connection.State != ConnectionState.Open;
            _connection.Current?.Dispose();
            _connection.Current = null;
            // Rolling back on a dead session fails, as it may in the real driver: callers must bear it.
            if (isDead) throw new OracleException(3114, "not connected to ORACLE");
        }

        base.Dispose(disposing);
    }
}
