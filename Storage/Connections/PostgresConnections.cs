using System.Data;
using System.Data.Common;
using System.Globalization;
using Npgsql;

namespace KafkaOracleOrleans.Storage.Connections;

internal sealed class PostgresConnections : IConnectionSource
{
    private readonly NpgsqlDataSource _source;

    public PostgresConnections(string name, ConnectionOptions options, PasswordSource secrets)
    {
        var text = Text(name, options, secrets);
        Place = string.Create(CultureInfo.InvariantCulture, $"{text.Host?.ToLowerInvariant()}:{text.Port}/{text.Database}?{text.Username}&{text.SearchPath}");
        _source = Source(name, options, secrets);
    }

    /// <summary>A pool of connections, each of which reads the password when it is opened.</summary>
    public static NpgsqlDataSource Source(string name, ConnectionOptions options, PasswordSource secrets)
    {
        var builder = new NpgsqlDataSourceBuilder(Text(name, options, secrets).ConnectionString);
        if (options.Password is not null || options.PasswordFile is not null)
        {
            builder.UsePasswordProvider(
                _ => secrets.Read()!, (_, _) => ValueTask.FromResult(secrets.Read()!));
        }

        return builder.Build();
    }

    public string Place { get; }

    /// <summary>The connection string without the password that is given apart from it.</summary>
    public static NpgsqlConnectionStringBuilder Text(string name, ConnectionOptions options, PasswordSource secrets)
    {
        NpgsqlConnectionStringBuilder text;
        try
        {
            text = new NpgsqlConnectionStringBuilder(options.ConnectionString ?? "");
        }
        catch (ArgumentException fault)
        {
            // The text of the exception may quote the connection string, password included: it is not repeated.
            throw new ConnectionConfigurationException(
                $"Connection '{name}': the connection string is not one of Npgsql's ({fault.GetType().Name}); "
                + "its form is Host=db;Port=5432;Database=orders;Username=kor.");
        }

        if (options.Host is not null) text.Host = options.Host;
        if (options.Port is { } port) text.Port = port;
        if (options.Database is not null) text.Database = options.Database;
        if (options.User is not null) text.Username = options.User;
        if (options.Tls && text.SslMode is SslMode.Prefer or SslMode.Allow or SslMode.Disable) text.SslMode = SslMode.VerifyFull;
        secrets.Note(text);
        if (options.Password is not null || options.PasswordFile is not null) text.Password = null;
        text.ApplicationName ??= "KafkaOracleOrleans";
        text.Timezone = "UTC";
        text.Timeout = (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds);
        text.CommandTimeout = (int)Math.Ceiling(options.CommandTimeout.TotalSeconds);
        text.MaxPoolSize = options.MaxPoolSize;
        text.MaxAutoPrepare = Math.Max(text.MaxAutoPrepare, 40);
        text.PersistSecurityInfo = false;
        text.IncludeErrorDetail = false; // Details quote rows, and errors are logged.
        if (text.KeepAlive == 0) text.KeepAlive = 30;
        return text;
    }

    public async Task<DbConnection> OpenAsync(CancellationToken cancellation) =>
        await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);

    public ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation) =>
        connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);

    public ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation) => default;

    public void Discard() => _source.Clear();

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
