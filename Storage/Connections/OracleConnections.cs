using System.Data;
using System.Data.Common;
using System.Globalization;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Connections through Oracle's driver, which blocks its thread: callers run on the pool.</summary>
internal sealed class OracleConnections : IConnectionSource
{
    private readonly OracleDriver _driver;
    private readonly DbConnectionStringBuilder _text;
    private readonly PasswordSource _secrets;
    private readonly bool _ownPassword;
    private readonly ReservedThreads _threads;
    private string? _pool;

    public OracleConnections(string name, ConnectionOptions options, PasswordSource secrets)
    {
        try
        {
            _driver = OracleDriver.Instance;
        }
        catch (ConnectionConfigurationException missing)
        {
            throw new ConnectionConfigurationException($"Connection '{name}': {missing.Message}", missing);
        }

        _secrets = secrets;
        _text = Text(name, options, secrets);
        Place = $"{Of("Data Source").ToLowerInvariant()}?{Of("User Id").ToLowerInvariant()}";
        _ownPassword = options.Password is not null || options.PasswordFile is not null;
        _threads = ReservedThreads.Reserve(options.MaxPoolSize);
    }

    public string Place { get; }

    private string Of(string keyword) => _text.TryGetValue(keyword, out var value) ? value as string ?? "" : "";

    /// <summary>The connection string without the password that is given apart from it.</summary>
    public static DbConnectionStringBuilder Text(string name, ConnectionOptions options, PasswordSource secrets)
    {
        var text = new DbConnectionStringBuilder();
        try
        {
            text.ConnectionString = options.ConnectionString ?? "";
        }
        catch (ArgumentException fault)
        {
            // The text of the exception may quote the connection string, password included: it is not repeated.
            throw new ConnectionConfigurationException(
                $"Connection '{name}': the connection string cannot be read ({fault.GetType().Name}); "
                + "its form is User Id=kor;Data Source=//db:1521/orders.");
        }

        if (options.Host is not null)
        {
            var host = options.Host.Contains(':', StringComparison.Ordinal) ? $"[{options.Host}]" : options.Host;
            // The certificate's name is compared with the host's only when asked for: else any certificate would do
            // that the same authority has signed. Connection Timeout is a wait for the pool, not for the network.
            text["Data Source"] = string.Create(CultureInfo.InvariantCulture,
                $"{(options.Tls ? "tcps:" : "")}//{host}:{options.Port ?? options.DefaultPort}/{options.Database}"
                + $"?transport_connect_timeout={(int)Math.Ceiling(options.ConnectTimeout.TotalSeconds)}{(options.Tls ? "&ssl_server_dn_match=yes" : "")}");
        }
        else if (options.Database is not null)
        {
            text["Data Source"] = options.Database;
        }

        if (options.User is not null) text["User Id"] = options.User;
        secrets.Note(text);
        Default("Connection Timeout",
            ((int)options.ConnectTimeout.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        Default("Max Pool Size", options.MaxPoolSize.ToString(CultureInfo.InvariantCulture));
        Default("Min Pool Size", "1");
        Default("Incr Pool Size", "1");
        Default("Connection Lifetime", "1800");
        Default("Self Tuning", "false");
        Default("Statement Cache Size", "50");
        Default("Persist Security Info", "false");
        if (options.WalletLocation is not null) text["Wallet_Location"] = options.WalletLocation;
        if (options.TnsAdmin is not null) text["Tns_Admin"] = options.TnsAdmin;
        return text;

        void Default(string keyword, string value)
        {
            if (!text.ContainsKey(keyword)) text[keyword] = value;
        }
    }

    public Task<DbConnection> OpenAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var connection = Create();
        try
        {
            connection.Open();
            return Task.FromResult(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation) =>
        ValueTask.FromResult(connection.BeginTransaction(IsolationLevel.ReadCommitted));

    public ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation) => default;

    public void Discard()
    {
        if (Volatile.Read(ref _pool) is { } pool) Clear(pool);
    }

    public ValueTask DisposeAsync()
    {
        _threads.Dispose();
        if (Interlocked.Exchange(ref _pool, null) is { } pool) Clear(pool);
        return default;
    }

    /// <summary>
    /// A connection that is not open yet, with the password as it is now. Pools belong to connection strings: with
    /// another password the old one's sessions would stay open and idle until their lifetime is over.
    /// </summary>
    public DbConnection Create()
    {
        var text = new DbConnectionStringBuilder { ConnectionString = _text.ConnectionString };
        if (_ownPassword) text["Password"] = _secrets.Read()!;
        var pool = text.ConnectionString;
        if (Volatile.Read(ref _pool) != pool && Interlocked.Exchange(ref _pool, pool) is { } old && old != pool) Clear(old);
        var connection = Make(pool);
        _driver.Prepare(connection);
        return connection;
    }

    private void Clear(string pool)
    {
        using var connection = Make(pool);
        try
        {
            _driver.ClearPool(connection);
        }
        catch (InvalidOperationException)
        {
            // The driver says so where there is no pool, because no login has worked yet: there is nothing to clear.
        }
    }

    private DbConnection Make(string text)
    {
        var connection = _driver.Factory.CreateConnection()
            ?? throw new InvalidOperationException("The Oracle driver made no connection.");
        connection.ConnectionString = text;
        return connection;
    }
}
