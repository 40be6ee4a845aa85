using System.Data.Common;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Opens connections of one provider and says how its transactions begin.</summary>
internal interface IConnectionSource : IAsyncDisposable
{
    Task<DbConnection> OpenAsync(CancellationToken cancellation);

    ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>
    /// Waits for the writer's turn where a database has one writer at a time; disposing gives it back.
    /// </summary>
    ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation);

    /// <summary>Drops idle connections: one of them was found dead, the others are likely to be.</summary>
    void Discard();
}

/// <summary>
/// Where a connection's password comes from; remembers what was used last, so that texts can be scrubbed of it.
/// </summary>
internal sealed class PasswordSource(string connection, ConnectionOptions options)
{
    private volatile string? _last = options.Password;

    /// <summary>The last password read.</summary>
    public string? Last => _last;

    /// <summary>The password now; null when none is configured.</summary>
    public string? Read()
    {
        if (options.PasswordFile is null) return options.Password;
        try
        {
            return _last = File.ReadAllText(options.PasswordFile).TrimEnd('\r', '\n');
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{connection}': the password file '{options.PasswordFile}' cannot be read ({failure.Message}). "
                + "Mount it, or let the process's user read it.",
                failure);
        }
    }

    /// <summary>Notes a password found in a connection string.</summary>
    public void Note(string? password)
    {
        if (!string.IsNullOrEmpty(password)) _last = password;
    }
}
